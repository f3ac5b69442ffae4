"""What tests of the life of bills share: choices, sends by hand, automatic runs."""

from __future__ import annotations

from sqlalchemy import insert

from syncd.core.billing.bill_life import BillKind
from syncd.core.service.sending import SendChoice, choose_send
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.bills import SentBill, bills_of
from syncd.core.store.connections import bump_data_version
from syncd.core.store.plans import PlanBillState, PlanKind, move_bill
from syncd.core.store.tables import AccountBilling
from tests.builders_month import (
    LONDON,
    Office,
)


async def choose(office: Office, *, automatic: bool, start: str = "") -> None:
    async with office.database.writer() as conn:
        await conn.execute(
            insert(AccountBilling).values(
                account_id=1, automatic=automatic, billing_start=start, recorded_at=office.clock()
            )
        )
        await bump_data_version(conn)


async def chosen(office: Office) -> SendChoice:
    return await choose_send(
        office.database,
        rules=office.settings,
        timezone=LONDON,
        psa_connection=office.psa_connection,
        now=office.clock(),
    )


async def send(office: Office) -> SendChoice:
    """A send by hand, with everything held released."""
    choice = await chosen(office)
    for kind, month, accounts in (
        (PlanKind.BILLING, choice.previous, choice.finished),
        (PlanKind.RUNNING, choice.running, choice.current),
    ):
        if accounts:
            stored = await office.plan(month, accounts=accounts, kind=kind)
            if stored.count(PlanBillState.HELD):
                await office.release(stored.id)
            report = await office.apply(stored.id)
            assert report.exit_code == 0
    return choice


async def bills(office: Office) -> list[SentBill]:
    async with office.database.reader() as conn:
        return await bills_of(conn, 1)


async def kinds(office: Office) -> dict[str, BillKind]:
    """Kind of the newest bill of each month."""
    found: dict[str, BillKind] = {}
    for bill in await bills(office):
        found.setdefault(bill.period, bill.kind)
    return found


def records(office: Office) -> dict[str, int]:
    return {record.name: record.quantity for record in office.psa.records.values()}


async def revive(office: Office, stored: StoredPlan) -> None:
    """Undo that a newer plan replaced this one: both stand, as when two were made at once."""
    async with office.database.writer() as conn:
        assert await move_bill(
            conn,
            stored.record.bills[0].id,
            expected=[PlanBillState.SUPERSEDED],
            to=PlanBillState.RELEASED,
        )


async def automatic(office: Office) -> None:
    """The automatic run of the month before, with what is held released."""
    stored = await office.plan(kind=PlanKind.AUTOMATIC)
    if stored.count(PlanBillState.HELD):
        await office.release(stored.id)
    await office.apply(stored.id)
