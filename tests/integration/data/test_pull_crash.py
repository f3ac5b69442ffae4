"""A process that dies between the census and its issues leaves nothing unsaid for long."""

from __future__ import annotations

import pytest

from syncd.core.service import pull as pull_service
from syncd.core.service.pull import pull_connection
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.sdk.records import Account, ScopeState, ScopeVerdict
from tests.builders_data import (
    LAPTOP,
    Clock,
    ScriptedSource,
    StrictLog,
    connection,
    device,
    furnished,
)

ACME = Account("a", "Acme")
UNITS = (device("a", "1"), device("b", "2", LAPTOP))


class Killed(BaseException):
    """The process ends here."""


async def die(*_: object) -> None:
    raise Killed


def noted(*notes: str, state: ScopeState = ScopeState.COMPLETE) -> list[ScopeVerdict]:
    reasons = () if state is ScopeState.COMPLETE else ("PAGE_REPEATED: after=3",)
    return [ScopeVerdict("fleet", state, None, 0, reasons, notes)]


WHOLE = ScriptedSource(units=UNITS)
SOURCES = {
    "a note of the source": (
        ScriptedSource(units=UNITS, verdicts=noted("UNKNOWN_CLASS: TOASTER x 3")),
        {"UNKNOWN_CLASS", "UNLINKED_ACCOUNT", "UNMAPPED_PRODUCT"},
    ),
    "a scope not proven": (
        ScriptedSource(units=UNITS, verdicts=noted(state=ScopeState.PARTIAL)),
        {"PULL_INCOMPLETE", "UNLINKED_ACCOUNT", "UNMAPPED_PRODUCT"},
    ),
}


async def pulled(database: Database, source: ConnectionRef, script: ScriptedSource) -> set[str]:
    await pull_connection(database, source, script, clock=Clock(), log=StrictLog())
    async with database.reader() as conn:
        return {issue.code for issue in await open_issues(conn)}


@pytest.mark.parametrize("says", SOURCES)
async def test_what_a_killed_pull_did_not_say_is_said_by_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch, says: str
) -> None:
    script, expected = SOURCES[says]
    source = await connection(database, "rmm", "acme")
    await pulled(database, source, WHOLE)

    with monkeypatch.context() as patch:
        patch.setattr(pull_service, "sync_pull_issues", die)
        with pytest.raises(Killed):
            await pulled(database, source, script)
    async with database.reader() as conn:
        before = {issue.code for issue in await open_issues(conn)}
    assert expected - before
    assert await pulled(database, source, script) >= expected


async def test_an_account_removed_by_a_killed_pull_is_told_by_the_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await furnished(database)
    await office.take("links", "connection,account,client,site\nrmm,b,2,\n")
    gone = ScriptedSource(roster=(ACME,), units=UNITS[:1])
    assert "ACCOUNT_DISAPPEARED" in await pulled(database, office.source, gone)
    with monkeypatch.context() as patch:
        patch.setattr(pull_service, "sync_pull_issues", die)
        with pytest.raises(Killed):
            await pulled(database, office.source, gone)
    told = await pulled(database, office.source, gone)
    assert "ACCOUNT_REMOVED" in told
    assert "ACCOUNT_DISAPPEARED" not in told
