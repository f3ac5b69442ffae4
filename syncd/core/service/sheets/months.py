"""Policies of first and last months beside configurations that cannot follow them, in files.

A share of the money needs money that is ours, one owner of the shares, and days that have been.
What is in the way only in a certain month is told again by the bill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from syncd.core.billing.billed_days import Policy
from syncd.core.billing.choices import BilledIn, Mode, Owner
from syncd.core.billing.model import Configuration
from syncd.core.billing.proration import proration_faults
from syncd.core.service.csv_text import Problem
from syncd.core.service.sheets.sheet import Draft
from syncd.core.store.mappings import BILLING, CONFIGURATIONS

POLICIES: Final = tuple(policy.value for policy in Policy)

FAULTS: Final = {
    "PRORATION_NEEDS_MONEY": (
        "first_month",
        "by_days and free are shares of the price, and this line sends no price of ours",
        "write full, or choose the mode average or total with a price of ours",
    ),
    "PRORATION_OWNED_BY_PSA": (
        "proration_owner",
        "the PSA charges the days of a part of a month here; two would take off twice",
        "write syncd, or bill first and last months full here",
    ),
    "PRORATION_NEEDS_ARREARS": (
        "billed_in",
        "a month that begins has no days yet to bill by",
        "write arrears, or bill first and last months full",
    ),
}
"""Code -> column, reason and remedy in a file of configurations."""


def policy_of(values: Mapping[str, Any], name: str) -> Policy | None:
    return Policy(values[name]) if values[name] else None


def configuration_of(values: Mapping[str, Any]) -> Configuration:
    """The stored row as billing takes it."""
    return Configuration(
        id=values["uid"],
        name=values["name"],
        mode=Mode(values["mode"]),
        products=tuple(msgspec.json.decode(values["products"], type=list[str])),
        asset_type=values["asset_type_key"] or None,
        price_owner=Owner(values["price_owner"]),
        cost_owner=Owner(values["cost_owner"]),
        billed_in=BilledIn(values["billed_in"]),
        first_month=policy_of(values, "first_month"),
        last_month=policy_of(values, "last_month"),
        proration_owner=Owner(values["proration_owner"]),
    )


def choices_against_configurations(draft: Draft) -> Sequence[Problem]:
    """Choices of a file of accounts that one of the account's configurations cannot follow."""
    sets = _sets([found.values for found in draft.beside.get(CONFIGURATIONS, {}).values()])
    problems = []
    for entry in draft.entries:
        account = draft.context.directory.accounts[entry.values["account_id"]]
        held = sets.get((account.connection_id, account.id)) or sets.get(
            (account.connection_id, None), []
        )
        for column in ("first_month", "last_month"):
            for name, code in _against(held, entry.values[column]):
                reason = f"configuration '{name}' cannot follow: {FAULTS[code][1]}"
                remedy = (
                    "give the other configurations their own first_month and last_month instead"
                )
                problems.append(Problem(entry.line, column, reason, remedy))
    return problems


def configurations_against_choices(
    draft: Draft, after: Sequence[Mapping[str, Any]], touched: Mapping[str, int]
) -> Iterator[Problem]:
    """Configurations of a file that cannot follow what an account chose.

    Args:
        draft: of the file of configurations.
        after: every configuration that would hold.
        touched: line by uid of those in the file.
    """
    sets = _sets(after)
    accounts = draft.context.directory.accounts
    told: set[tuple[str, str]] = set()
    for found in draft.beside.get(BILLING, {}).values():
        account = accounts[found.values["account_id"]]
        held = sets.get((account.connection_id, account.id)) or sets.get(
            (account.connection_id, None), []
        )
        chosen = [found.values[name] for name in ("first_month", "last_month")]
        held = [one for one in held if one["uid"] in touched] if any(chosen) else []
        for one in held:
            for _, code in (pair for value in chosen for pair in _against([one], value)):
                if (one["uid"], code) in told:
                    continue
                told.add((one["uid"], code))
                column, reason, remedy = FAULTS[code]
                whom = f"account {account.key} ({account.name}) is billed by days or free; {reason}"
                yield Problem(touched[one["uid"]], column, whom, remedy)


def _sets(
    rows: Sequence[Mapping[str, Any]],
) -> dict[tuple[int, int | None], list[Mapping[str, Any]]]:
    found: dict[tuple[int, int | None], list[Mapping[str, Any]]] = {}
    for values in rows:
        found.setdefault((values["connection_id"], values["account_id"]), []).append(values)
    return found


def _against(held: Sequence[Mapping[str, Any]], policy: str) -> Iterator[tuple[str, str]]:
    """Names of configurations that cannot follow a policy, with the code."""
    if not policy:
        return
    for values in held:
        for fault in proration_faults(configuration_of(values), Policy(policy)):
            yield values["name"], fault.partition(":")[0]
