"""Every brake through the whole flow: it holds, nothing is written, and without it the case passes.

Each case is run three times: with all brakes, without those that hold it as well, and without its
own; only the last one may write.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.codes import CODES
from syncd.core.service.plan_issues import LINES
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.sdk.records import Objection, Subscription
from tests.builders_agreements import name_agreement
from tests.builders_brakes import REMOVALS
from tests.builders_life import choose, send
from tests.builders_month import (
    DESKTOP,
    LOOSE,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
    recurring,
    rules_of,
)

Arrange = Callable[[Office], Awaitable[dict[str, Any] | None]]
MID_NOVEMBER = datetime(2026, 11, 15, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What holds a bill.

    Attributes:
        rule: that is shown.
        arrange: makes the case, gives what to plan with.
        beside: rules that hold the same case and are taken away first.
        limits: guards that are tight here.
    """

    rule: str
    arrange: Arrange
    beside: frozenset[str] = frozenset()
    limits: dict[str, Any] = field(default_factory=dict)


async def next_month(office: Office, desktops: int = 12, servers: int = 2) -> None:
    await office.month(NOVEMBER, {"5": {DESKTOP.key: desktops, SERVER.key: servers}})


async def first_bill(office: Office) -> None:
    """Nothing was ever sent."""


async def rate_changed(office: Office) -> None:
    await office.bill()
    await office.rate(DESKTOP.key, "2.00", "5.10")
    await next_month(office)


def counted(desktops: int = 10, servers: int = 2) -> Arrange:
    """October is billed with 10 desktops and 2 servers, November ends with these."""

    async def arrange(office: Office) -> None:
        await office.bill()
        await next_month(office, desktops, servers)

    return arrange


async def two_clients_bill(office: Office) -> None:
    """Client 1001 moves by more than a share; the run does not, since 1002 is large."""
    both = {"5": {DESKTOP.key: 60}, "6": {DESKTOP.key: 3000}}
    await office.pull(both, at=office.month_end(OCTOBER, hours=1))
    await office.link("6", "1002")
    await office.bill()
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 90}, "6": {DESKTOP.key: 3000}})


async def configuration_dropped(office: Office) -> None:
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.configure("c2", "Servers", "average", [SERVER.key])
    await office.bill()
    await office.drop_configuration("c2")
    await next_month(office)


async def price_missing(office: Office) -> None:
    await office.rate(SERVER.key, "6.00", None)


async def record_deleted(office: Office) -> None:
    await office.bill()
    del office.psa.records["9001"]
    await next_month(office)


def edited(**values: Any) -> Arrange:
    """Somebody edits our record in the PSA."""

    async def arrange(office: Office) -> None:
        await office.bill()
        office.psa.edit("9001", **values)
        await next_month(office)

    return arrange


async def look_alike(office: Office) -> None:
    office.psa.records["77"] = Subscription(
        key="77",
        client="1001",
        site=None,
        marker=None,
        name="managed  workstation",
        quantity=9,
        unit_price=Decimal(6),
        unit_cost=None,
    )


async def month_linked(office: Office) -> None:
    office.policy(subscription_style="per_period")
    await office.bill()
    office.psa.recurring = [recurring("9001")]
    await office.pull(
        {"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=office.month_end(OCTOBER, minutes=30)
    )


async def invoice_made(office: Office) -> None:
    """October is sent and invoiced on 1 November; a later pull of October says 11, not 10."""
    await office.bill()
    made = datetime(2026, 11, 1, 6, tzinfo=UTC)
    office.psa.recurring = [msgspec.structs.replace(recurring("9001"), last_made=made)]
    await office.pull(
        {"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=office.month_end(OCTOBER, minutes=30)
    )


async def running_linked(office: Office) -> dict[str, Any]:
    await choose(office, automatic=False)
    office.clock.moment = MID_NOVEMBER
    hour = timedelta(hours=1)
    await office.pull({"5": {DESKTOP.key: 12, SERVER.key: 2}}, at=MID_NOVEMBER - hour)
    await send(office)
    (current,) = [
        r for r in office.psa.records.values() if r.quantity == 12 and "running" in r.name
    ]
    office.psa.recurring = [recurring(current.key)]
    office.clock.moment = MID_NOVEMBER + 4 * hour
    await office.pull({"5": {DESKTOP.key: 13, SERVER.key: 2}}, at=MID_NOVEMBER + 3 * hour)
    return {"period": NOVEMBER, "kind": PlanKind.RUNNING}


async def retyped(office: Office) -> None:
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    await office.bill()
    await office.asset_type(DESKTOP.key, "15")
    await next_month(office)


async def merged(office: Office) -> None:
    """Two groups become one: servers get the asset type of desktops."""
    await office.bill()
    await office.asset_type(SERVER.key, "10")
    await next_month(office)


async def mode_changed(office: Office) -> None:
    await office.bill()
    await office.configure("c1", "Managed", "quantity", [DESKTOP.key, SERVER.key])
    await next_month(office)


async def stale(office: Office) -> None:
    await office.bill()
    await office.pull(
        {"5": {DESKTOP.key: 11, SERVER.key: 2}}, at=office.month_end(NOVEMBER, days=5)
    )
    office.clock.advance(days=31)


async def client_closed(office: Office) -> None:
    await office.bill()
    await next_month(office)
    async with office.database.writer() as conn:
        closed = [ReferenceEntry(key="1001", name="Acme Ltd", active=False)]
        await store_references(
            conn, office.psa_connection.id, ReferenceKind.CLIENT, closed, now=office.clock()
        )


async def agreement_unread(office: Office) -> None:
    """C12: an agreement is named, and nobody can say that it covers the month."""
    await office.bill()
    await name_agreement(office, "601")
    await next_month(office)


CHANGED = frozenset({"CHANGED_SINCE_LAST_BILL"})
FIRST = frozenset({"FIRST_BILL"})
D = Decimal

CASES = {
    "first bill of a company": Case(rule="FIRST_BILL", arrange=first_bill),
    "first bill after a change": Case(rule="CHANGED_SINCE_LAST_BILL", arrange=rate_changed),
    "a line falls from 2 to 0": Case(rule="FELL_TO_ZERO", arrange=counted(servers=0)),
    "units 10 to 13": Case(
        rule="UNITS_CHANGED", arrange=counted(13), limits={"line_percent": D(25)}
    ),
    "money of a line by more than 250": Case(
        rule="MONEY_CHANGED", arrange=counted(61), limits={"line_money": D(250)}
    ),
    "total of a client by a share and an amount": Case(
        rule="CLIENT_TOTAL_CHANGED",
        arrange=two_clients_bill,
        limits={"client_percent": D(20), "client_money": D(100)},
    ),
    "total of the run by more than 5 %": Case(
        rule="RUN_TOTAL_CHANGED", arrange=counted(11), limits={"run_percent": D(5)}
    ),
    "a line without configuration": Case(
        rule="REMOVED_BY_CONFIGURATION",
        arrange=configuration_dropped,
        beside=CHANGED | {"FELL_TO_ZERO"},
    ),
    "a price that is not set": Case(rule="PRICE_UNSET", arrange=price_missing, beside=FIRST),
    "our record was deleted": Case(rule="PSA_RECORD_GONE", arrange=record_deleted),
    "a look-alike without our marker": Case(rule="POSSIBLE_TWIN", arrange=look_alike, beside=FIRST),
    "our record is inactive": Case(rule="PSA_RECORD_INACTIVE", arrange=edited(active=False)),
    "our record has ended": Case(rule="PSA_RECORD_INACTIVE", arrange=edited(end="2026-09-30")),
    "a second writer": Case(rule="FOREIGN_WRITER", arrange=edited(foreign_writer="Distributor")),
    "a lasting line counts one month": Case(rule="PER_PERIOD_LINKED", arrange=month_linked),
    "a lasting line counts the running month": Case(
        rule="RUNNING_MONTH_LINKED", arrange=running_linked
    ),
    "the invoice of the month was made": Case(rule="LOCKED_BY_INVOICE", arrange=invoice_made),
    "a quantity changed by hand": Case(rule="PSA_DRIFT", arrange=edited(quantity=99)),
    "a price changed by hand": Case(rule="PSA_DRIFT", arrange=edited(unit_price=D("9.99"))),
    "another asset type": Case(rule="RETYPED", arrange=retyped, beside=CHANGED),
    "groups merged": Case(
        rule="GROUPS_CHANGED",
        arrange=merged,
        beside=CHANGED | {"REMOVED_BY_CONFIGURATION", "FELL_TO_ZERO"},
    ),
    "another mode": Case(rule="MODE_CHANGED", arrange=mode_changed, beside=CHANGED),
    "C12 an agreement that is not proven active": Case(
        rule="AGREEMENT_NOT_ACTIVE", arrange=agreement_unread, beside=CHANGED
    ),
    "C14 counts too old": Case(rule="SOURCE_STALE", arrange=stale),
    "a client closed in the PSA": Case(rule="CLIENT_INACTIVE", arrange=client_closed),
}

ELSEWHERE = {
    "PLUGIN_REVIEW_FAILED": "the last test of this file",
    "FIRST_ASSET_EXPORT": "test_assets.py",
    "ASSETS_FALL": "test_assets.py",
}


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


async def held(office: Office, case: Case, given: dict[str, Any]) -> None:
    """Plan and apply; nothing may be written, and the issue says why and what to do."""
    stored = await office.plan(**given)
    assert case.rule in rules_of(stored.record.objections)
    told = [one for one in stored.record.objections if one.rule == case.rule]
    bills = {one.bill for one in told}
    waiting = {b.bill_key for b in stored.record.bills if b.state is PlanBillState.HELD}
    assert waiting
    assert bills <= {*waiting, None}
    keys = {c.key for bill in stored.plan.bills if bill.key in waiting for c in bill.changes}
    before = {key: office.psa.writes[key] for key in keys}
    assert (await office.apply(stored.id)).exit_code == 3
    assert {key: office.psa.writes[key] for key in keys} == before
    assert (case.rule in await office.codes()) is (case.rule in LINES)
    issues = [issue for key, issue in (await office.issues()).items() if "PLAN_HELD" in key]
    assert issues
    assert all(f"syncd plans release {stored.id}" in issue.remedy for issue in issues)
    if "kind" not in given:
        assert any(case.rule in issue.evidence["rules"] for issue in issues)
        assert any(told[0].message in issue.message for issue in issues)


@pytest.mark.parametrize("says", CASES)
async def test_a_brake_holds_its_case_and_without_it_the_case_is_written(
    office: Office, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[says]
    office.policy(guards=dataclasses.replace(LOOSE, **case.limits))
    given = await case.arrange(office) or {}
    await held(office, case, given)
    for other in case.beside:
        REMOVALS[other](monkeypatch)
    assert rules_of((await office.plan(**given)).record.objections) == {case.rule}
    await held(office, case, given)
    REMOVALS[case.rule](monkeypatch)
    stored = await office.plan(**given)
    assert rules_of(stored.record.objections) == set()
    before = sum(office.psa.writes.values())
    assert (await office.apply(stored.id)).exit_code == 0
    assert sum(office.psa.writes.values()) > before
    assert {"PLAN_HELD", case.rule} & await office.codes() == set()


def test_every_objection_of_the_catalogue_has_a_case_and_every_brake_a_removal() -> None:
    objections = {name for name, code in CODES.items() if code.where == "objection"}
    shown = {case.rule for case in CASES.values()}
    assert objections - ELSEWHERE.keys() - shown == set()
    assert shown == REMOVALS.keys()
    assert ELSEWHERE.keys() <= objections


async def test_a_plugin_that_objects_holds_as_well(office: Office) -> None:
    await office.bill()
    await next_month(office)
    objection = Objection("PLUGIN_REVIEW_FAILED", "a plugin could not review the plan")
    stored = await office.plan(review_plan=lambda _plan, _context: [objection])
    assert stored.record.bills[0].state is PlanBillState.HELD
    before = dict(office.psa.writes)
    assert (await office.apply()).exit_code == 3
    assert dict(office.psa.writes) == before
    assert (await office.plan()).record.bills[0].state is PlanBillState.READY
