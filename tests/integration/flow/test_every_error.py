"""Every code that stops a bill, through the whole flow: one bill only, and until it is mended.

The account in trouble keeps what stands in the PSA, the other account is billed, the run is
partial, and the issue closes with the first plan after the cause is gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.codes import CODES
from syncd.core.billing.bill import compute_bill
from syncd.core.service.applied import Fate
from syncd.core.service.plan_issues import ERRORS
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from syncd.core.store.tables import ClientLink, ProductMapping, RateRow
from syncd.sdk.records import Subscription
from tests.builders_month import (
    DESKTOP,
    DISK,
    LONDON,
    NOVEMBER,
    OCTOBER,
    SERVER,
    Office,
)

Step = Callable[[Office], Awaitable[None]]

TROUBLE, FINE = "5", "6"
COUNTS: dict[str, dict[str, int]] = {
    TROUBLE: {DESKTOP.key: 10, SERVER.key: 2},
    FINE: {DESKTOP.key: 4},
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A mistake, and what mends it.

    Attributes:
        error: how the bill's error begins.
        spoil: makes the mistake, after October was billed.
        mend: takes the cause away.
        old: the last proof of November is five days old.
        alone: the other account has nothing to do with it.
    """

    error: str
    spoil: Step
    mend: Step
    old: bool = False
    alone: bool = True


async def _own(office: Office, products: list[str], mode: str = "average", **more: Any) -> None:
    """The configuration of the account in trouble."""
    await office.configure("c5", "Own", mode, products, **{"account_id": 1, **more})


def configured(*products: str, mode: str = "average", **more: Any) -> Step:
    async def step(office: Office) -> None:
        await _own(office, list(products), mode, **more)

    return step


def rated(product: str, price: str, currency: str = "GBP") -> Step:
    async def step(office: Office) -> None:
        await _drop_rates(office, product)
        await office.rate(product, "1.00", price, currency=currency)

    return step


async def _drop_rates(office: Office, product: str) -> None:
    async with office.database.writer() as conn:
        product_id = await office._product(conn, product, None)
        await office._supersede(conn, RateRow, product_id=product_id)


def ruled(product: str, **values: Any) -> Step:
    async def step(office: Office) -> None:
        await office.rule(product, **values)

    return step


async def bounded_disk(office: Office) -> None:
    await _own(office, [DISK.key], "total", asset_type_key="20")
    await office.rule(DISK.key, block=Decimal(50))


async def no_name(office: Office) -> None:
    await office.configure("c5", "", "average", [DESKTOP.key], account_id=1)


async def two_with_one_product(office: Office) -> None:
    await _own(office, [DESKTOP.key, SERVER.key])
    await office.configure("c6", "More", "average", [SERVER.key], account_id=1)


async def drop_the_second(office: Office) -> None:
    await office.drop_configuration("c6")


async def type_taken(office: Office) -> None:
    async with office.database.writer() as conn:
        product_id = await office._product(conn, SERVER.key, None)
        await office._supersede(conn, ProductMapping, product_id=product_id)


async def type_given(office: Office) -> None:
    await office.asset_type(SERVER.key, "11")


async def link_taken(office: Office) -> None:
    async with office.database.writer() as conn:
        await office._supersede(conn, ClientLink, account_id=1)


async def link_given(office: Office) -> None:
    await office.link(TROUBLE, "1001")


async def other_client(office: Office) -> None:
    await office.link(TROUBLE, "1002")


async def unproven(office: Office) -> None:
    """The last proof of the account is five days old, and the source was asked since."""
    await office.pull(
        {TROUBLE: {}, FINE: COUNTS[FINE]},
        at=office.month_end(NOVEMBER, hours=1),
        unproven={TROUBLE},
    )


async def proven(office: Office) -> None:
    await office.pull(COUNTS, at=office.month_end(NOVEMBER, minutes=10))


async def pool_of_two(office: Office) -> None:
    await office.link(FINE, "1001")
    await office.rule(DESKTOP.key, included=Decimal(1))
    await office.pull(
        {TROUBLE: COUNTS[TROUBLE], FINE: {}},
        at=office.month_end(NOVEMBER, hours=1),
        unproven={FINE},
    )


async def pool_parted(office: Office) -> None:
    await office.link(FINE, "1002")
    await proven(office)


async def record_copied(office: Office) -> None:
    copy = msgspec.structs.replace(office.psa.records["9001"], key="7777")
    office.psa.records["7777"] = copy


async def copy_ended(office: Office) -> None:
    del office.psa.records["7777"]


async def record_moved(office: Office) -> None:
    office.psa.edit("9001", client="1002")


async def record_back(office: Office) -> None:
    office.psa.edit("9001", client="1001")


CASES = {
    "C1 both kinds, not total": Case(
        error="MODE_NOT_ALLOWED:c5",
        spoil=configured(DESKTOP.key, DISK.key, mode="average", asset_type_key="20"),
        mend=configured(DESKTOP.key, SERVER.key),
    ),
    "C2 a product in two configurations": Case(
        error=f"PRODUCT_IN_TWO_CONFIGURATIONS:{SERVER.key}",
        spoil=two_with_one_product,
        mend=drop_the_second,
    ),
    "C3 no client": Case(error="SITE_NOT_MAPPED", spoil=link_taken, mend=link_given),
    "C4 no asset type, used": Case(
        error=f"ASSET_TYPE_MISSING:{SERVER.key}", spoil=type_taken, mend=type_given
    ),
    "C6 a negative rate": Case(
        error=f"CONFIG_INVALID:{SERVER.key}.price",
        spoil=rated(SERVER.key, "-1.00"),
        mend=rated(SERVER.key, "15.00"),
    ),
    "C6 a block below 1": Case(
        error=f"CONFIG_INVALID:{SERVER.key}.block",
        spoil=ruled(SERVER.key, block=Decimal("0.5")),
        mend=ruled(SERVER.key, block=Decimal(1)),
    ),
    "C6 no name": Case(
        error="CONFIG_INVALID:c5.name",
        spoil=no_name,
        mend=configured(DESKTOP.key, SERVER.key),
    ),
    "C6 no products": Case(
        error="CONFIG_INVALID:c5.products",
        spoil=configured(),
        mend=configured(DESKTOP.key, SERVER.key),
    ),
    "C7 bounds of exact storage": Case(
        error=f"BLOCK_RULES_NEED_BILL_BLOCKS:{DISK.key}",
        spoil=bounded_disk,
        mend=ruled(DISK.key, block=Decimal(50), bill_blocks=True),
    ),
    "C8 another currency only": Case(
        error=f"CURRENCY_MISMATCH:{SERVER.key}",
        spoil=rated(SERVER.key, "15.00", "EUR"),
        mend=rated(SERVER.key, "15.00"),
    ),
    "C10 not read whole": Case(error="SOURCE_INCOMPLETE", spoil=unproven, mend=proven, old=True),
    "another account of the pool is unproven": Case(
        error=f"POOL_INCOMPLETE:{DESKTOP.key}",
        spoil=pool_of_two,
        mend=pool_parted,
        old=True,
        alone=False,
    ),
    "two records with one key": Case(
        error="DUPLICATE_IN_PSA:", spoil=record_copied, mend=copy_ended
    ),
    "the record of another client": Case(
        error="CLIENT_CHANGED:", spoil=record_moved, mend=record_back
    ),
    "an account that changed its client": Case(
        error="CLIENT_CHANGED:", spoil=other_client, mend=link_given
    ),
}

OTHERWISE = {
    "BILL_FAILED": "a defect, below",
    "DELIVERY_UNSETTLED": "below",
    "FOREIGN_WRITER": "below",
    "LINES_SHARE_RECORD": "the unit tests of plans: only a damaged ledger can say so",
    "NO_SNAPSHOT": "below",
    "PERIOD_SUPERSEDED": "P14 of the push cases",
    "PRORATION_NEEDS_ARREARS": "the tests of parts of a month",
    "PRORATION_NEEDS_MONEY": "the tests of parts of a month",
    "PRORATION_POOLED": "the unit tests of parts of a month",
    "PRORATION_OWNED_BY_PSA": "the tests of parts of a month",
    "SOURCE_INVALID": "below",
    "SOURCE_UNAVAILABLE": "P18 of the push cases",
}


@pytest.fixture
async def office(database: Database) -> Office:
    """Both accounts are billed for October."""
    made = await Office.open(database)
    await made.usual(accounts={TROUBLE: "1001", FINE: "1002"}, counts=COUNTS)
    await made.configure("c1", "Managed", "average", [DESKTOP.key])
    await _own(made, [DESKTOP.key, SERVER.key])
    assert (await made.bill()).exit_code == 0
    return made


def mine(office: Office) -> dict[str, object]:
    return {r.key: r for r in office.psa.records.values() if r.client == "1001"}


async def stops(office: Office, error: str, *, alone: bool = True) -> None:
    """The bill stops with this error alone; the other account is billed."""
    before = mine(office)
    stored = await office.plan(NOVEMBER)
    bills = {bill.account: bill for bill in stored.plan.bills}
    assert {one[: len(error)] for one in bills[TROUBLE].errors} == {error}
    assert bills[TROUBLE].changes == ()
    assert (bills[FINE].errors == ()) is alone
    if alone:
        await office.release(stored.id) if stored.count(PlanBillState.HELD) else None
        report = await office.apply(stored.id)
        assert report.exit_code == 6
        assert {bill.account: bill.fate for bill in report.bills} == {
            TROUBLE: Fate.ERROR,
            FINE: Fate.SENT,
        }
    assert mine(office) == before
    code = error.partition(":")[0]
    (issue,) = [
        one for key, one in (await office.issues()).items() if key == f"{code} source-eu/{TROUBLE}"
    ]
    assert (issue.remedy, issue.connection) == (ERRORS[code][1], "source-eu")
    assert "What was sent before stays as it is." in issue.message
    detail = error.partition(":")[2]
    assert any(one.startswith(detail) for one in issue.evidence["details"] or [""])


async def is_mended(office: Office, code: str) -> None:
    stored = await office.plan(NOVEMBER)
    assert {bill.errors for bill in stored.plan.bills} == {()}
    assert code not in await office.codes()


@pytest.mark.parametrize("says", CASES)
async def test_an_error_stops_one_bill_and_its_issue_closes_when_it_is_mended(
    office: Office, says: str
) -> None:
    case = CASES[says]
    last = {"days": 5} if case.old else {"hours": 2}
    await office.pull(COUNTS, at=office.month_end(NOVEMBER, **last))
    await case.spoil(office)
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    await stops(office, case.error, alone=case.alone)
    await case.mend(office)
    await is_mended(office, case.error.partition(":")[0])


def test_every_error_of_the_catalogue_has_a_case_and_a_remedy() -> None:
    errors = {name for name, code in CODES.items() if code.where == "bill error"}
    shown = {case.error.partition(":")[0] for case in CASES.values()}
    assert errors | {"CONFIG_INVALID"} == shown | OTHERWISE.keys()
    assert shown & OTHERWISE.keys() == set()
    assert errors <= ERRORS.keys()


async def test_a_month_without_any_count_stops_and_a_late_one_heals_it(office: Office) -> None:
    """C15."""
    await office.pull({FINE: COUNTS[FINE]}, at=office.month_end(NOVEMBER))
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    stored = await office.plan(OCTOBER.previous())
    assert {bill.errors for bill in stored.plan.bills} == {("NO_SNAPSHOT",)}
    assert "NO_SNAPSHOT" in await office.codes()
    assert office.psa.calls["apply"] == 1
    await office.pull(COUNTS, at=OCTOBER.start(LONDON) + timedelta(hours=30))
    healed = await office.plan(OCTOBER.previous())
    assert "NO_SNAPSHOT" not in {error for bill in healed.plan.bills for error in bill.errors}
    assert "NO_SNAPSHOT" not in await office.codes()


async def test_an_impossible_figure_stops_its_bill(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C11: the census refuses a negative count, so that only a source of months can report one."""
    await office.pull(COUNTS, at=office.month_end(NOVEMBER))
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)

    def spoilt(data: Any, faults: Any) -> Any:
        usage = dict(data.usage)
        if SERVER.key in usage:
            usage[SERVER.key] = msgspec.structs.replace(usage[SERVER.key], raw=Decimal(-1))
        return compute_bill(dataclasses.replace(data, usage=usage), faults)

    monkeypatch.setattr("syncd.core.service.draft.compute_bill", spoilt)
    await stops(office, f"SOURCE_INVALID:{SERVER.key}")
    monkeypatch.undo()
    await is_mended(office, "SOURCE_INVALID")


async def test_a_defect_stops_one_bill_by_name(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.pull(COUNTS, at=office.month_end(NOVEMBER))
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)

    def broken(data: Any, faults: Any) -> Any:
        if SERVER.key in data.usage:
            raise ZeroDivisionError
        return compute_bill(data, faults)

    monkeypatch.setattr("syncd.core.service.draft.compute_bill", broken)
    await stops(office, "BILL_FAILED:ZeroDivisionError")
    monkeypatch.undo()
    await is_mended(office, "BILL_FAILED")


async def test_a_write_in_doubt_stops_the_next_bill_until_it_is_settled(office: Office) -> None:
    await office.pull(COUNTS, at=office.month_end(NOVEMBER))
    office.clock.moment = NOVEMBER.end(LONDON) + timedelta(hours=9)
    office.psa.faults = ["lost_after"]
    stored = await office.plan(NOVEMBER)
    await office.apply(stored.id, patience_seconds=0.0)
    assert "OUTCOME_UNKNOWN" in await office.codes()
    again = await office.plan(NOVEMBER)
    errors = {bill.account: bill.errors for bill in again.plan.bills}
    assert errors == {TROUBLE: ("DELIVERY_UNSETTLED",), FINE: ()}
    assert "DELIVERY_UNSETTLED" in await office.codes()
    office.clock.advance(minutes=5)
    await office.apply("latest")
    await is_mended(office, "DELIVERY_UNSETTLED")
    assert "OUTCOME_UNKNOWN" not in await office.codes()
    assert set(office.psa.writes.values()) == {2}


async def test_a_record_under_our_key_that_another_writer_keeps_is_never_adopted(
    database: Database,
) -> None:
    """The ledger forgot the record (a restored backup), and a distributor took it over."""
    office = await Office.open(database)
    await office.usual(accounts={TROUBLE: "1001", FINE: "1002"}, counts=COUNTS)
    await office.configure("c1", "Managed", "average", [DESKTOP.key])
    stored = await office.plan()
    (change,) = next(bill for bill in stored.plan.bills if bill.account == TROUBLE).changes
    office.psa.records["500"] = Subscription(
        key="500",
        client="1001",
        site=None,
        marker=office.psa.marker(change.key),
        name="Seats",
        quantity=3,
        unit_price=Decimal(1),
        unit_cost=None,
        foreign_writer="Distributor",
    )
    again = await office.plan()
    errors = {bill.account: bill.errors for bill in again.plan.bills}
    assert errors[TROUBLE][0].startswith("FOREIGN_WRITER:")
    assert errors[FINE] == ()
    assert "FOREIGN_WRITER" in await office.codes()
    del office.psa.records["500"]
    await office.plan()
    assert "FOREIGN_WRITER" not in await office.codes()
