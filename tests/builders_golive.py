"""What tests of going live share: words, shadow comparisons, and an office with two clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.core.service.automatic import AutomaticRun, choose_automatic
from syncd.core.service.golive import go_live, put_back
from syncd.core.service.golive_asks import Ask, Choice, choose_golive
from syncd.core.service.reckoning import Sources
from syncd.core.service.shadow_month import ShadowReport, read_shadow
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.database import Database
from syncd.core.store.golive import GoLiveBook, load_golive
from syncd.core.store.plans import PlanBillState
from syncd.sdk.period import Period
from tests.builders_month import DESKTOP, LONDON, SERVER, Office

COUNTS = {
    "5": {DESKTOP.key: 10, SERVER.key: 2},
    "6": {DESKTOP.key: 4, SERVER.key: 1},
}


async def two_clients(database: Database, *, mode: str = "shadow") -> Office:
    """Accounts 5 and 6 are clients 1001 (Acme Ltd) and 1002 (Globex)."""
    office = await Office.open(database)
    await office.usual(accounts={"5": "1001", "6": "1002"}, counts=COUNTS)
    office.policy(mode=mode)
    return office


async def choose(office: Office, *asks: Ask, file: str = "") -> tuple[Choice, ...]:
    return await choose_golive(
        office.database,
        asks,
        psa_connection=office.psa_connection,
        mode=office.settings.mode,
        file=file,
    )


async def live(office: Office, *clients: str, period: str = "2026-10", reason: str = "") -> None:
    """These clients go live from the month on."""
    asks = [Ask(client=one, period=period, reason=reason) for one in clients]
    await go_live(
        office.database,
        await choose(office, *asks),
        psa_connection=office.psa_connection,
        by="ann",
        clock=office.clock,
        log=office.log,
    )


async def back(office: Office, *clients: str, reason: str = "a wrong price") -> Any:
    return await put_back(
        office.database,
        clients,
        psa_connection=office.psa_connection,
        mode=office.settings.mode,
        reason=reason,
        by="ann",
        clock=office.clock,
        log=office.log,
    )


async def book(office: Office, **given: Any) -> GoLiveBook:
    async with office.database.reader() as conn:
        return await load_golive(conn, office.psa_connection.id, mode=office.settings.mode, **given)


async def tick(office: Office) -> AutomaticRun:
    return await choose_automatic(
        office.database,
        timezone=LONDON,
        auto_time=office.settings.opens,
        psa_connection=office.psa_connection,
        now=office.clock(),
        log=office.log,
        mode=office.settings.mode,
    )


async def shadow(
    office: Office, period: Period | None = None, clients: Sequence[str] = ()
) -> ShadowReport:
    return await read_shadow(
        office.database,
        office.psa,
        office.psa_connection,
        rules=office.settings,
        timezone=LONDON,
        sources=Sources(active=office.active),
        now=office.clock(),
        period=period,
        clients=clients,
    )


def fates(stored: StoredPlan) -> dict[str, PlanBillState]:
    """State of each bill by client."""
    clients = {bill.key: bill.client for bill in stored.plan.bills}
    return {clients[bill.bill_key]: bill.state for bill in stored.record.bills}
