"""Advance billing beside ways of counting that only a month that is over has, when a file is saved.

A month that begins has no peak and no average. What the files cannot tell apart, such as a rule of
one client and a configuration of one account, is checked again at each run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from syncd.core.billing.choices import BilledIn
from syncd.core.billing.model import POINT_IN_TIME, QuantityRule
from syncd.core.service.csv_text import Problem
from syncd.core.service.sheets.sheet import Current, Draft
from syncd.core.store.mappings import CONFIGURATIONS, RULES

REASON: Final = "a month that begins has no {what} yet, so that nothing can be billed in advance"


def lasting_rules(draft: Draft, account_id: int | None) -> dict[str, QuantityRule]:
    """By product key: a rule that holds from its day on and counts in another way than at once.

    Args:
        draft: a file of configurations.
        account_id: of the configuration; None for one of all accounts.
    """
    newest: dict[tuple[int, str], Mapping[str, Any]] = {}
    for found in draft.beside.get(RULES, {}).values():
        scope = found.values["product_id"], found.values["client_key"]
        if scope not in newest or newest[scope]["valid_from"] < found.values["valid_from"]:
            newest[scope] = found.values
    products = draft.context.directory.products
    return {
        products[product_id].key: QuantityRule(method=values["count_method"])
        for (product_id, client), values in newest.items()
        if values["count_method"] != POINT_IN_TIME
        and not values["valid_until"]
        and (not client or account_id is None)
    }


def rules_against_advance(draft: Draft) -> Iterator[Problem]:
    """Rules of a file that count what a configuration bills in advance."""
    advance = list(_in_advance(draft.beside.get(CONFIGURATIONS, {})))
    for entry in draft.entries:
        method = entry.values["count_method"]
        if method == POINT_IN_TIME:
            continue
        product = draft.context.directory.products[entry.values["product_id"]]
        for values in advance:
            if values["connection_id"] != product.connection_id:
                continue
            if entry.values["client_key"] and values["account_id"] is not None:
                continue
            if product.key in msgspec.json.decode(values["products"], type=list[str]):
                yield Problem(
                    entry.line,
                    "count_method",
                    f"configuration '{values['name']}' bills this product in advance; "
                    + REASON.format(what=method),
                    "write point_in_time, or let the configuration bill in arrears",
                )
                break


def _in_advance(configurations: Current) -> Iterator[Mapping[str, Any]]:
    for found in configurations.values():
        if found.values["billed_in"] == BilledIn.ADVANCE.value:
            yield found.values
