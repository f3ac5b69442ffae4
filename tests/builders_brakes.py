"""Takes each brake out of the lists in which the program asks it, to show that it is what holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from syncd.core.billing import guards, plan, standing
from syncd.core.service import bill_plan
from syncd.core.service.snapshots import Snapshot
from syncd.sdk.records import Objection

Removal = Callable[[pytest.MonkeyPatch], None]


def guard(one: guards.Guard) -> Removal:
    """Take a guard out of the list that `review` asks."""

    def remove(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(guards, "GUARDS", tuple(g for g in guards.GUARDS if g is not one))

    return remove


def brake(one: standing.Brake) -> Removal:
    """Take a brake out of the list that every write is asked about."""

    def remove(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(standing, "BRAKES", tuple(b for b in standing.BRAKES if b is not one))

    return remove


def silenced(owner: object, name: str) -> Removal:
    """Let a function of its own object to nothing."""

    def nothing(*_: object) -> Iterator[Objection]:
        return iter(())

    return lambda patch: patch.setattr(owner, name, nothing)


REMOVALS: dict[str, Removal] = {
    "FIRST_BILL": guard(guards.first_bill),
    "CHANGED_SINCE_LAST_BILL": guard(guards.changed_since),
    "FELL_TO_ZERO": guard(guards.fell_to_zero),
    "UNITS_CHANGED": guard(guards.units_changed),
    "MONEY_CHANGED": guard(guards.money_changed),
    "CLIENT_TOTAL_CHANGED": guard(guards.client_total),
    "RUN_TOTAL_CHANGED": guard(guards.run_total),
    "REMOVED_BY_CONFIGURATION": guard(guards.removed_by_configuration),
    "PRICE_UNSET": guard(guards.price_unset),
    "AGREEMENT_NOT_ACTIVE": guard(guards.agreement_not_active),
    "PSA_RECORD_GONE": brake(standing.record_gone),
    "POSSIBLE_TWIN": brake(standing.twins),
    "PSA_RECORD_INACTIVE": brake(standing.record_inactive),
    "FOREIGN_WRITER": brake(standing.second_writer),
    "PER_PERIOD_LINKED": brake(standing.month_linked),
    "RUNNING_MONTH_LINKED": brake(standing.running_linked),
    "LOCKED_BY_INVOICE": brake(standing.invoice_made),
    "PSA_DRIFT": brake(standing.drift),
    "RETYPED": brake(standing.asset_type_changed),
    "MODE_CHANGED": brake(standing.mode_changed),
    "GROUPS_CHANGED": silenced(plan, "_regrouped"),
    "SOURCE_STALE": silenced(Snapshot, "objections"),
    "CLIENT_INACTIVE": silenced(bill_plan, "client_inactive"),
}
"""By the rule that its objections carry."""
