"""The catalogues of an organisation, archived entries included: what mappings may point to.

Items, accounts and taxes are keyed by the codes that documents name; contacts by their id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.listing import Pages
from syncd_xero.models import WireAccount, WireCategory, WireContact, WireItem, WireTax
from syncd_xero.values import identifier


class References:
    """Reads the catalogues of one organisation."""

    def __init__(self, client: XeroClient, config: XeroConfig, connection: str) -> None:
        self._client = client
        self._config = config
        self._connection = connection

    async def read(self) -> AsyncIterator[Sequence[LedgerReference]]:
        """Everything, catalogue by catalogue.

        Raises:
            ProtocolError: a list is not whole.
        """
        pages = Pages(
            self._client,
            "/Contacts",
            {"includeArchived": "true"},
            page_size=self._config.page_size,
            connection=self._connection,
        )
        contacts = await pages.all(lambda answer: answer.contacts, lambda row: row.contact_id)
        yield [contact(row) for row in contacts]
        items = (await self._client.read("/Items", {"unitdp": 4})).items or []
        yield [item(row) for row in items if row.code]
        accounts = (await self._client.read("/Accounts")).accounts or []
        yield [account(row) for row in accounts if row.code]
        yield [tax(row) for row in (await self._client.read("/TaxRates")).tax_rates or []]
        categories = await self._client.read("/TrackingCategories", {"includeArchived": "true"})
        yield [one for row in categories.tracking_categories or [] for one in tracking(row)]
        currencies = (await self._client.read("/Currencies")).currencies or []
        yield [
            LedgerReference(
                kind=ReferenceKind.CURRENCY,
                key=row.code,
                code=row.code,
                name=row.description or row.code,
            )
            for row in currencies
        ]


def contact(row: WireContact) -> LedgerReference:
    roles = [
        role for role, has in (("customer", row.is_customer), ("supplier", row.is_supplier)) if has
    ]
    status = row.contact_status or "ACTIVE"
    detail = {"type": ", ".join(roles), "status": status, "currency": row.default_currency or ""}
    return LedgerReference(
        kind=ReferenceKind.CONTACT,
        key=identifier(row.contact_id),
        code=row.contact_number or row.account_number or "",
        name=row.name,
        active=status == "ACTIVE",
        foreign_key=row.contact_number or "",
        namespace="contacts",
        detail={name: value for name, value in detail.items() if value},
    )


def item(row: WireItem) -> LedgerReference:
    sales = row.sales_details
    detail = {
        "account": (sales.account_code or "") if sales else "",
        "tax": (sales.tax_type or "") if sales else "",
    }
    return LedgerReference(
        kind=ReferenceKind.ITEM,
        key=row.code,
        code=row.code,
        name=row.name or row.code,
        active=row.is_sold is not False,
        namespace="items",
        detail={name: value for name, value in detail.items() if value},
    )


def account(row: WireAccount) -> LedgerReference:
    """An account; one that sales cannot be written to, such as a bank's, says so."""
    detail = {"type": row.type, "system": row.system_account or "", "tax": row.tax_type or ""}
    return LedgerReference(
        kind=ReferenceKind.ACCOUNT,
        key=row.code or "",
        code=row.code or "",
        name=row.name,
        active=(row.status or "ACTIVE") == "ACTIVE",
        namespace="accounts",
        blocked=row.type == "BANK" or row.system_account in ("DEBTORS", "CREDITORS"),
        detail={name: value for name, value in detail.items() if value},
    )


def tax(row: WireTax) -> LedgerReference:
    """A tax type; its rate is the one that Xero computes with, compound parts taken together."""
    parts = row.tax_components or []
    rate = row.effective_rate
    if rate is None and not any(part.is_compound for part in parts) and parts:
        rate = sum((part.rate for part in parts), Decimal(0))
    components = ", ".join(f"{part.name} {part.rate:f} %" for part in parts)
    detail = {"components": components, "status": row.status or "ACTIVE"}
    return LedgerReference(
        kind=ReferenceKind.TAX,
        key=row.tax_type,
        code=row.tax_type,
        name=row.name,
        active=(row.status or "ACTIVE") == "ACTIVE",
        rates=() if rate is None else (rate,),
        blocked=row.can_apply_to_revenue is False,
        detail={name: value for name, value in detail.items() if value},
    )


def tracking(row: WireCategory) -> Iterator[LedgerReference]:
    """The options of a category; documents name an option by both ids."""
    open_category = (row.status or "ACTIVE") == "ACTIVE"
    for option in row.options:
        yield LedgerReference(
            kind=ReferenceKind.TRACKING,
            key=f"{identifier(row.tracking_category_id)}:{identifier(option.tracking_option_id)}",
            name=f"{row.name} / {option.name}",
            active=open_category and (option.status or "ACTIVE") == "ACTIVE",
            namespace="tracking",
        )
