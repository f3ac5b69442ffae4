"""What a customer's subscriptions are kept without being counted for.

The first reason that applies decides; it stays with the unit as a code, and the configuration's own
words in its facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from syncd_csp.config import CspConfig, Exclusion
from syncd_csp.models import Subscription
from syncd_csp.products import Offer, is_metered
from syncd_csp.terms import BILLED, Doubt
from syncd_csp.values import enum

DO_NOT_IMPORT: Final = "do_not_import"
USAGE: Final = "usage"
TRIAL: Final = "trial"
SUSPENDED: Final = "suspended"
NOT_MONTHLY: Final = "not_monthly"

STATUSES: Final = {"none", "active", "suspended", "deleted", "expired", "pending", "disabled"}
BILLINGS: Final = {"none", "usage", "license"}
CYCLES: Final = {*BILLED, "unknown", "none"}
MONTHLY: Final = "monthly"


class Why(NamedTuple):
    """Why a unit is not counted; both are None for one that is.

    Attributes:
        code: for the census.
        words: the configuration's.
    """

    code: str | None = None
    words: str | None = None


COUNTED: Final = Why()


class Exclusions:
    """The rules that hold for one customer."""

    def __init__(self, customer: str, config: CspConfig, doubt: Doubt) -> None:
        """Choose the rules.

        Args:
            customer: whose subscriptions are judged.
            config: the connection's settings.
            doubt: told of values that are new to this version.
        """
        here = [rule for rule in config.do_not_import if rule.customer in (None, customer)]
        self._rules = [(rule, _named(rule)) for rule in here]
        self._config = config
        self._doubt = doubt

    def licence(self, guid: str) -> Why:
        """Why a licence of the directory is not counted."""
        return self._named({guid})

    def subscription(self, one: Subscription, offer: Offer | None) -> Why:
        """Why a subscription is not counted."""
        names = {one.id.strip().lower()}
        if offer is not None:
            names |= {offer.product.lower(), offer.key.lower()}
        found = self._named(names)
        if found.code:
            return found
        code = USAGE if is_metered(one, offer) else self._by_state(one)
        return Why(code) if code else COUNTED

    def _named(self, names: Iterable[str]) -> Why:
        known = set(names)
        for rule, name in self._rules:
            if name is None or name in known:
                return Why(DO_NOT_IMPORT, rule.reason)
        return COUNTED

    def _by_state(self, one: Subscription) -> str | None:
        status = self._known("status", enum(one.status), STATUSES)
        if status == SUSPENDED:
            if self._config.suspended == "exclude":
                return SUSPENDED
        elif status != "active":
            return f"status_{status or 'none'}"
        if one.trial and not self._config.count_trials:
            return TRIAL
        billing = self._known("billingType", enum(one.billing) or "license", BILLINGS)
        if billing != "license":
            return f"billing_{billing}"
        cycle = self._known("billingCycle", enum(one.cycle), CYCLES)
        if cycle not in BILLED:
            uncharged = one.trial and cycle in {"", "none", "unknown"}
            return None if uncharged else f"cycle_{cycle or 'none'}"
        if cycle != MONTHLY and self._config.not_monthly == "exclude":
            return NOT_MONTHLY
        return None

    def _known(self, field: str, value: str, known: Iterable[str]) -> str:
        """The value, told of where it is new: what it means cannot be known, so it never counts."""
        if value not in known:
            self._doubt(f"UNKNOWN_VALUE: {field} {value or '(none)'}")
        return value


def _named(rule: Exclusion) -> str | None:
    """What a rule names, in lower case; None for everything of a customer."""
    name = rule.subscription or rule.product
    return name.lower() if name else None
