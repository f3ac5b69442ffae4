"""What billing takes of a connection's products, rates and rules, made once for all its accounts.

Most clients have no rate and no rule of their own, so that thousands of bills share one set.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncd.core.billing.billed_days import Policy
from syncd.core.billing.checks import configuration_errors
from syncd.core.billing.model import (
    BilledIn,
    BilledProduct,
    BillInput,
    Configuration,
    Mode,
    Owner,
    QuantityRule,
    Rate,
)
from syncd.core.service.usage import rule_of
from syncd.core.store.billing_data import EVERY_CLIENT, BillingData, StoredConfiguration

Rates = Mapping[str, tuple[Rate, ...]]
Rules = Mapping[str, QuantityRule]


class Catalogue:
    """Products of one connection as billing takes them.

    Attributes:
        products: by key.
    """

    def __init__(self, data: BillingData, connection_id: int, psa_id: int) -> None:
        self._data = data
        self._ids = {
            item.key: item.id
            for item in data.products.values()
            if item.connection_id == connection_id
        }
        ids = set(self._ids.values())
        self.products: Mapping[str, BilledProduct] = {
            item.key: BilledProduct(
                key=item.key,
                name=item.name,
                kind=item.kind,
                default_asset_type=_asset_type(data, item.id, psa_id),
                monthly=item.monthly,
            )
            for item in data.products.values()
            if item.id in ids
        }
        self._own_rates = {client for product, client in data.rates if product in ids}
        self._own_rules = {client for product, client in data.rules if product in ids}
        self._default_rates = self._rates(EVERY_CLIENT)
        self._default_rules = self._rules(EVERY_CLIENT)
        self._configurations: dict[int, Configuration] = {}
        self._faults: dict[tuple[str, tuple[int, ...]], tuple[str, ...]] = {}

    def rates(self, client: str) -> Rates:
        """The rates of a client by product key; shared by clients without one of their own."""
        return self._rates(client) if client in self._own_rates else self._default_rates

    def rules(self, client: str) -> Rules:
        """The rules of a client by product key; shared likewise."""
        return self._rules(client) if client in self._own_rules else self._default_rules

    def configuration(self, stored: StoredConfiguration) -> Configuration:
        """A stored configuration, made once however many accounts share it."""
        made = self._configurations.get(stored.version)
        if made is None:
            made = self._configurations[stored.version] = configuration_of(stored)
        return made

    def faults(
        self, data: BillInput, client: str, stored: tuple[StoredConfiguration, ...]
    ) -> tuple[str, ...]:
        """What is wrong with configurations, rates and rules, found once for all that share them.

        Args:
            data: an input made of this catalogue alone, always with the same settings.
            client: whose rates and rules it has.
            stored: its configurations.
        """
        owner = client if client in self._own_rates or client in self._own_rules else EVERY_CLIENT
        shared = (owner, tuple([one.version for one in stored]))
        found = self._faults.get(shared)
        if found is None:
            found = self._faults[shared] = configuration_errors(data)
        return found

    def _rates(self, client: str) -> Rates:
        return {
            key: tuple(
                Rate(
                    cost=rate.cost,
                    price=rate.price,
                    restore_cost=rate.restore_cost,
                    restore_price=rate.restore_price,
                    currency=rate.currency,
                    version=str(rate.version),
                    cycle=rate.cycle,
                )
                for rate in self._data.rates_for(product_id, client)
            )
            for key, product_id in self._ids.items()
        }

    def _rules(self, client: str) -> Rules:
        return {
            key: rule_of(rule)
            for key, product_id in self._ids.items()
            if (rule := self._data.rule_for(product_id, client)) is not None
        }


def configuration_of(stored: StoredConfiguration) -> Configuration:
    """A stored configuration as billing takes it."""
    return Configuration(
        id=stored.uid,
        name=stored.name,
        mode=Mode(stored.mode),
        products=stored.products,
        asset_type=stored.asset_type_key or None,
        price_owner=Owner(stored.price_owner),
        cost_owner=Owner(stored.cost_owner),
        supplier=stored.supplier or None,
        billed_in=BilledIn(stored.billed_in),
        first_month=Policy(stored.first_month) if stored.first_month else None,
        last_month=Policy(stored.last_month) if stored.last_month else None,
        proration_owner=Owner(stored.proration_owner),
    )


def _asset_type(data: BillingData, product_id: int, psa_id: int) -> str | None:
    default = data.asset_types.get(product_id)
    if default is None or default.psa_connection_id != psa_id:
        return None
    return default.asset_type_key
