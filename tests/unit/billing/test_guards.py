"""Each brake holds its case, lets its boundary pass, and is the only one that holds its case."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.billing import guards
from syncd.core.billing.agreement import NamedAgreement
from syncd.core.billing.guards import Guard, GuardInput, review
from syncd.core.billing.model import GuardLimits
from syncd.sdk.period import Period
from syncd.sdk.records import Agreement, Objection, Plan, PlannedChange, Severity
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import DESK_PERIODS, Desk, change, planned, state, whole

D = Decimal
LIMITS = GuardLimits()
BILL = "c0ffee01:17"


def moves(before: int, after: int, **more: object) -> Plan:
    """A line whose units move and whose money is not known."""
    return whole(planned(change(state(after), state(before)), **more))


def earns(before: str, after: str, *, total: tuple[str, str] | None = None) -> Plan:
    """A line whose money moves and whose units stay."""
    sums = total or (None, None)
    line = change(state(10, after), state(10, before))
    return whole(planned(line, before=sums[0], after=sums[1]))


def sums(*clients: tuple[str, str, str]) -> Plan:
    """Bills of clients with a total before and after and no line that says anything."""
    return whole(
        *(
            planned(change(state(1), state(1)), key=f"u:{n}", client=client, before=old, after=new)
            for n, (client, old, new) in enumerate(clients)
        )
    )


def fired(
    plan: Plan,
    context: GuardInput | None = None,
    limits: GuardLimits = LIMITS,
    asked: Sequence[Guard] = guards.GUARDS,
) -> set[str]:
    return {o.rule for o in review(plan, context or GuardInput(), limits, guards=asked)}


UNIT_CASES = [
    (8, 4, {"UNITS_CHANGED"}),
    (3, 0, {"FELL_TO_ZERO", "UNITS_CHANGED"}),
    (2, 0, {"FELL_TO_ZERO"}),
    (40, 21, {"UNITS_CHANGED"}),
    (1, 2, set()),
    (100, 120, set()),
    (100, 125, set()),
    (100, 126, {"UNITS_CHANGED"}),
    (100, 75, set()),
    (100, 74, {"UNITS_CHANGED"}),
    (4, 6, set()),
    (4, 7, {"UNITS_CHANGED"}),
    (12, 15, set()),
    (11, 14, {"UNITS_CHANGED"}),
    (0, 3, {"UNITS_CHANGED"}),
    (0, 2, set()),
    (0, 0, set()),
]


@pytest.mark.parametrize(
    ("before", "after", "rules"), UNIT_CASES, ids=[f"{a} to {b}" for a, b, _ in UNIT_CASES]
)
def test_units_are_held_by_more_than_a_quarter_and_at_least_three(
    before: int, after: int, rules: set[str]
):
    assert fired(moves(before, after)) == rules


MONEY_CASES = [
    ("100", "350.00", set()),
    ("100", "350.01", {"MONEY_CHANGED"}),
    ("350.00", "100", set()),
    ("350.01", "100", {"MONEY_CHANGED"}),
    ("100", "120", set()),
]


@pytest.mark.parametrize(("before", "after", "rules"), MONEY_CASES)
def test_money_of_a_line_is_held_above_250(before: str, after: str, rules: set[str]):
    assert fired(earns(before, after)) == rules


CLIENT_CASES = {
    "exactly a fifth": ((("1", "1000", "1200"), ("2", "9000", "9000")), set()),
    "more than a fifth": ((("1", "1000", "1200.01"), ("2", "9000", "9000")), {"1"}),
    "exactly 100": ((("1", "400", "500"), ("2", "9000", "9000")), set()),
    "more than 100": ((("1", "400", "500.01"), ("2", "9000", "9000")), {"1"}),
    "less by more than both": ((("1", "1000", "799.99"), ("2", "9000", "9000")), {"1"}),
    "two accounts that level out": ((("1", "500", "900"), ("1", "500", "100")), set()),
    "two accounts that add up": (
        (("1", "500", "620"), ("1", "500", "620"), ("2", "9000", "9000")),
        {"1"},
    ),
    "from nothing": ((("1", "0", "101"), ("2", "9000", "9000")), {"1"}),
}


@pytest.mark.parametrize("says", CLIENT_CASES)
def test_a_clients_total_is_held_by_share_and_amount_over_all_its_accounts(says: str):
    bills, expected = CLIENT_CASES[says]
    plan = sums(*bills)
    found = [o for o in review(plan, GuardInput(), LIMITS) if o.rule == "CLIENT_TOTAL_CHANGED"]
    clients = {bill.key: bill.client for bill in plan.bills}
    assert {clients[o.bill or ""] for o in found} == expected
    assert len(found) == sum(1 for bill in plan.bills if bill.client in expected)


RUN_CASES = {
    "exactly five percent": ((("1", "1000", "1050"),), set()),
    "more than five percent": ((("1", "1000", "1050.01"),), {"RUN_TOTAL_CHANGED"}),
    "less by more than five percent": ((("1", "1000", "949.99"),), {"RUN_TOTAL_CHANGED"}),
    "many small moves": (
        tuple((str(n), "100", "106") for n in range(20)),
        {"RUN_TOTAL_CHANGED"},
    ),
    "nothing before": ((("1", "0", "90"),), set()),
}


@pytest.mark.parametrize("says", RUN_CASES)
def test_the_total_of_a_run_is_held_by_more_than_five_percent(says: str):
    bills, expected = RUN_CASES[says]
    assert fired(sums(*bills)) == expected


def test_the_objection_to_a_run_holds_the_whole_plan():
    (objection,) = review(sums(("1", "1000", "1060")), GuardInput(), LIMITS)
    assert (objection.bill, objection.severity) == (None, Severity.HOLD)
    assert objection.message == "the total of this run goes from 1000.00 to 1060.00 GBP"


def test_a_first_bill_is_held_and_not_compared_with_nothing():
    plan = whole(planned(change(state(40, "400")), after="400", first=True))
    assert fired(plan) == {"FIRST_BILL"}


def test_a_first_bill_over_an_adopted_record_is_compared_with_it():
    plan = whole(planned(change(state(4, "20"), state(40, "400")), first=True))
    assert fired(plan) == {"FIRST_BILL", "UNITS_CHANGED", "MONEY_CHANGED"}


def test_a_first_bill_without_any_change_is_nothing_to_hold():
    assert fired(whole(planned(first=True))) == set()


def test_a_first_bill_of_a_second_account_holds_the_client_as_well():
    plan = whole(
        planned(key="u:1", before="100", after="100"),
        planned(change(state(40, "400")), key="u:2", after="400", first=True),
    )
    found = review(plan, GuardInput(), dataclasses.replace(LIMITS, run_percent=D(1000)))
    assert {(o.rule, o.bill) for o in found} == {
        ("FIRST_BILL", "u:2"),
        ("CLIENT_TOTAL_CHANGED", "u:1"),
        ("CLIENT_TOTAL_CHANGED", "u:2"),
    }


def test_a_new_line_of_a_billed_account_grew_from_nothing():
    assert fired(whole(planned(change(state(3))))) == {"UNITS_CHANGED"}
    assert fired(whole(planned(change(state(2, "300"))))) == {"MONEY_CHANGED"}


def test_units_behind_a_total_are_what_is_guarded():
    fell = change(state(1, "0", units=0), state(1, "30", units=3), mode="total")
    assert fired(whole(planned(fell))) == {"FELL_TO_ZERO", "UNITS_CHANGED"}
    halved = change(state(1, "20", units=4), state(1, "40", units=8), mode="total")
    assert fired(whole(planned(halved))) == {"UNITS_CHANGED"}


def test_units_of_a_rounding_line_say_nothing_and_its_money_does():
    gone = change(state(0, "0"), state(1, "0.01"), mode="adjustment")
    assert fired(whole(planned(gone))) == set()
    heavy = change(state(1, "300"), state(1, "0"), mode="adjustment")
    assert fired(whole(planned(heavy))) == {"MONEY_CHANGED"}


def test_a_bill_with_errors_is_not_guarded_and_counts_in_no_total():
    fell = change(state(0, "0"), state(99, "5000"))
    errors = ("SOURCE_INCOMPLETE",)
    broken = planned(fell, before="5000", after="0", errors=errors, key="u:2")
    plan = whole(planned(change(state(1), state(1)), before="100", after="100"), broken)
    assert fired(plan) == set()


def test_unknown_money_counts_in_no_total():
    plan = whole(
        planned(change(state(9), state(9)), key="u:1", before="5000", after=None),
        planned(change(state(1), state(1)), key="u:2", before="100", after="100"),
    )
    assert fired(plan) == set()


def test_a_price_times_ten_is_held():
    desk = Desk()
    plain = bill_input(configuration(), usage={"desktop": 10})
    dear = bill_input(
        configuration(),
        usage={"desktop": 10},
        rates={"desktop": {"cost": "2.00", "price": "50.00"}},
    )
    desk.bill(plain, DESK_PERIODS[0])
    plan = whole(desk.plan(dear, DESK_PERIODS[1]).bill)
    assert "MONEY_CHANGED" in fired(plan)


def test_twenty_more_of_a_hundred_at_one_pound_are_not_held():
    plan = whole(
        planned(change(state(120, "120"), state(100, "100")), before="100", after="120"),
        planned(key="u:2", client="9", before="9000", after="9000"),
    )
    assert fired(plan) == set()


def named(found: Agreement | None = None, *, unread: str = "") -> NamedAgreement:
    """Agreement 77, named for client 1001, as the PSA shows it; the bill is for November."""
    months = (Period(2026, 11),)
    return NamedAgreement(key="77", client="1001", months=months, found=found, unread=unread)


def contract(**values: Any) -> Agreement:
    return Agreement(**{"key": "77", "client": "1001", "name": "Care", **values})


AGREEMENTS = {
    "expired": (named(contract(ends="2026-10-31")), "ended on 2026-10-31, before 2026-11"),
    "expired at the month's end": (
        named(contract(ends="2026-11-29")),
        "ended on 2026-11-29, within 2026-11",
    ),
    "not started": (named(contract(starts="2026-12-01")), "starts on 2026-12-01, after 2026-11"),
    "not invoiced": (named(contract(invoiced=False)), "is marked not to be invoiced"),
    "closed": (named(contract(active=False)), "is closed in the PSA"),
    "of another client": (named(contract(client="9")), "belongs to client 9, not to 1001"),
    "unknown": (named(), "is not known to the PSA for this client"),
    "not read": (named(unread="the right is missing"), "could not be read: the right is missing"),
    "ends with the month": (named(contract(ends="2026-11-30")), None),
    "starts within the month": (named(contract(starts="2026-11-30")), None),
    "without dates": (named(contract()), None),
}


@pytest.mark.parametrize("says", AGREEMENTS)
def test_an_agreement_must_cover_the_month_to_its_end(says: str):
    agreement, problem = AGREEMENTS[says]
    plan = moves(1, 1)
    found = review(plan, GuardInput(agreements={BILL: agreement}), LIMITS)
    assert [o.rule for o in found] == (["AGREEMENT_NOT_ACTIVE"] if problem else [])
    assert all(problem is not None and o.message.endswith(problem) for o in found)


def test_an_agreement_objects_to_nothing_where_nothing_is_written():
    context = GuardInput(agreements={BILL: named(contract(invoiced=False))})
    assert fired(whole(planned()), context) == set()


@pytest.mark.parametrize("what", [("rate",), ("link", "configuration")])
def test_the_first_bill_after_a_decision_is_held(what: tuple[str, ...]):
    found = review(moves(1, 1), GuardInput(changed={BILL: what}), LIMITS)
    assert [(o.rule, o.bill) for o in found] == [("CHANGED_SINCE_LAST_BILL", BILL)]
    assert found[0].message.endswith(", ".join(what))


def test_a_decision_without_any_change_to_write_is_nothing_to_hold():
    assert fired(whole(planned()), GuardInput(changed={BILL: ("rate",)})) == set()


def test_an_unset_price_is_held_unless_the_operator_accepts_zero():
    plan = whole(planned(change(state(1), state(1), warnings=("PRICE_UNSET",))))
    assert fired(plan) == {"PRICE_UNSET"}
    assert fired(plan, GuardInput(missing_price="zero")) == set()


def test_objections_from_elsewhere_come_first_and_unchanged():
    stale = Objection(rule="SOURCE_STALE", message="the last pull is 60 hours old", bill=BILL)
    found = review(moves(8, 4), GuardInput(objections=(stale,)), LIMITS)
    assert [o.rule for o in found] == ["SOURCE_STALE", "UNITS_CHANGED"]


def test_every_limit_is_a_setting():
    wide = GuardLimits(
        line_percent=D(90),
        line_units=90,
        line_money=D(9000),
        client_percent=D(90),
        client_money=D(9000),
        run_percent=D(900),
    )
    plan = whole(planned(change(state(4, "9"), state(8, "900")), before="900", after="9"))
    assert fired(plan) == {
        "UNITS_CHANGED",
        "MONEY_CHANGED",
        "CLIENT_TOTAL_CHANGED",
        "RUN_TOTAL_CHANGED",
    }
    assert fired(plan, limits=wide) == set()


def _marked(code: str) -> Plan:
    return whole(planned(change(state(1), state(1), warnings=(code,))))


ALONE: dict[Guard, tuple[Plan, GuardInput]] = {
    guards.first_bill: (whole(planned(change(state(9)), first=True)), GuardInput()),
    guards.changed_since: (moves(1, 1), GuardInput(changed={BILL: ("rate",)})),
    guards.fell_to_zero: (moves(2, 0), GuardInput()),
    guards.units_changed: (moves(8, 4), GuardInput()),
    guards.money_changed: (earns("100", "1000"), GuardInput()),
    guards.client_total: (
        sums(("1", "400", "600"), ("2", "9000", "9000")),
        GuardInput(),
    ),
    guards.run_total: (sums(("1", "1000", "1060")), GuardInput()),
    guards.removed_by_configuration: (_marked("REMOVED_BY_CONFIGURATION"), GuardInput()),
    guards.price_unset: (_marked("PRICE_UNSET"), GuardInput()),
    guards.agreement_not_active: (
        moves(1, 1),
        GuardInput(agreements={BILL: named(contract(invoiced=False))}),
    ),
}


def test_every_guard_has_a_case_of_its_own():
    assert set(ALONE) == set(guards.GUARDS)


@pytest.mark.parametrize("guard", guards.GUARDS, ids=lambda guard: guard.__name__)
def test_without_its_guard_a_case_passes(guard: Guard):
    plan, context = ALONE[guard]
    assert len(fired(plan, context)) == 1
    others = [other for other in guards.GUARDS if other is not guard]
    assert fired(plan, context, asked=others) == set()


def test_every_objection_names_its_bill_and_line():
    plan = moves(8, 4)
    line: PlannedChange = plan.bills[0].changes[0]
    (objection,) = review(plan, GuardInput(), LIMITS)
    assert (objection.bill, objection.line, objection.severity) == (BILL, line.key, Severity.HOLD)
    assert objection.message == "'Plan c1' goes from 8 to 4 units"
