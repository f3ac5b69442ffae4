"""What one tenant's units are kept without being counted for, by the rules of the configuration.

A unit that must not be imported stays as evidence, with the code here and the rule's own words in
its facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from syncd_entra.models import User
from syncd_entra.rules import Exclusion

DO_NOT_IMPORT: Final = "do_not_import"
FREE_SKU: Final = "free_sku"
TRIAL_SKU: Final = "trial_sku"
TRIAL_SUBSCRIPTION: Final = "trial_subscription"

BY_HINT: Final = {"free": FREE_SKU, "trial": TRIAL_SKU}


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
    """The rules that hold in one tenant.

    Attributes:
        own_groups: groups that a rule names for this tenant alone, so that they must be there.
    """

    def __init__(self, tenant: str, rules: Iterable[Exclusion], *, count_free: bool) -> None:
        here = [rule for rule in rules if rule.is_of(tenant)]
        self._whole = next((_why(rule) for rule in here if rule.is_whole_tenant), COUNTED)
        self._users = {rule.user.casefold(): _why(rule) for rule in reversed(here) if rule.user}
        self._groups = {rule.group: _why(rule) for rule in reversed(here) if rule.group}
        self._skus = {rule.sku.casefold(): _why(rule) for rule in reversed(here) if rule.sku}
        self._count_free = count_free
        self.own_groups = {rule.group for rule in here if rule.group and rule.tenant}

    @property
    def groups(self) -> Collection[str]:
        """Groups whose members are not counted."""
        return self._groups.keys()

    def tenant(self) -> Why:
        """Why nothing of the tenant counts."""
        return self._whole

    def sku(self, guid: str, part: str, hint: str, *, on_trial: bool = False) -> Why:
        """Why nothing of a SKU counts.

        Args:
            guid: of the SKU.
            part: its part number.
            hint: `free` or `trial` by Microsoft's name.
            on_trial: all of its subscriptions are trials.
        """
        if self._whole.code:
            return self._whole
        found = self._skus.get(guid) or self._skus.get(part.casefold())
        if found is not None:
            return found
        if self._count_free:
            return COUNTED
        code = BY_HINT.get(hint) or (TRIAL_SUBSCRIPTION if on_trial else None)
        return Why(code) if code else COUNTED

    def trial(self, why: Why) -> Why:
        """Why seats on trial do not count, beside bought ones that do.

        Args:
            why: the SKU's own reason.
        """
        return why if why.code or self._count_free else Why(TRIAL_SUBSCRIPTION)

    def user(self, user: User, groups: Collection[str]) -> Why:
        """Why a user does not count, under any product.

        Args:
            user: as listed.
            groups: names of the rules' groups that the user is in.
        """
        if self._whole.code:
            return self._whole
        found = self._users.get(user.id.casefold()) or self._users.get(user.sign_in_name.casefold())
        if found is not None:
            return found
        return next((why for group, why in self._groups.items() if group in groups), COUNTED)


def _why(rule: Exclusion) -> Why:
    return Why(DO_NOT_IMPORT, rule.reason)
