"""A pull as a use case: what is recorded, what is an issue, what a failure leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from syncd.core.service.pull_run import CensusHints, PullOutcome, run_pull
from syncd.core.store.census.records import PullResult
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.health import connection_health
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.runs import RunRecord, RunStatus, recent_runs
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    PermissionMissing,
    PluginError,
    ProtocolError,
    StoreError,
    SyncdError,
    VendorUnavailable,
)
from syncd.sdk.ports import SourceHints
from syncd.sdk.records import Account, ScopeState, ScopeVerdict
from tests.builders_census import open_units
from tests.builders_data import (
    LAPTOP,
    Clock,
    ScriptedSource,
    StrictLog,
    connection,
    device,
    furnished,
)

UNITS = (device("a", "1"), device("a", "2", LAPTOP), device("b", "3", LAPTOP))


class Bench:
    """Pulls one connection again and again, with the same clock and log."""

    def __init__(self, database: Database, source: ConnectionRef) -> None:
        self.database = database
        self.source = source
        self.log = StrictLog()
        self.clock = Clock()
        self.seen: list[int] = []

    async def pull(
        self, source: ScriptedSource, *, opening: BaseException | None = None
    ) -> PullOutcome:
        @asynccontextmanager
        async def opened(hints: SourceHints, log: EventLog) -> AsyncIterator[ScriptedSource]:
            if opening is not None:
                raise opening
            log("request.sent", method="GET", path="/units", status=200, ms=1)
            yield source

        return await run_pull(
            self.database,
            self.source,
            opened,
            scheduled_for=None,
            clock=self.clock,
            log=self.log,
            node="here",
            progress=self.seen.append,
        )

    async def issues(self) -> dict[str, Issue]:
        async with self.database.reader() as conn:
            return {f"{one.code} {one.subject}": one for one in await open_issues(conn)}

    async def last_run(self) -> RunRecord:
        async with self.database.reader() as conn:
            return (await recent_runs(conn, limit=1))[0]

    async def available(self) -> bool:
        async with self.database.reader() as conn:
            return (await connection_health(conn))[self.source.name].available


@pytest.fixture
async def bench(database: Database) -> Bench:
    return Bench(database, await connection(database, "rmm", "acme"))


def verdict(
    state: ScopeState, *reasons: str, notes: tuple[str, ...] = (), scope: str = "fleet"
) -> Any:
    return ScopeVerdict(scope, state, None, 0, reasons, notes)


def result_of(outcome: PullOutcome) -> PullResult:
    assert outcome.result is not None
    return outcome.result


async def test_a_complete_pull_succeeds_and_is_counted(bench: Bench) -> None:
    outcome = await bench.pull(ScriptedSource(units=UNITS))
    assert (outcome.status, outcome.exit_code, outcome.calls) == (RunStatus.SUCCEEDED, 0, 1)
    assert (result_of(outcome).accounts, result_of(outcome).opened) == (2, 3)
    run = await bench.last_run()
    assert run.status is RunStatus.SUCCEEDED
    assert run.counts == {
        "accounts": 2,
        "units": 3,
        "opened": 3,
        "closed": 0,
        "gaps": 0,
        "calls": 1,
    }
    assert bench.seen == [3]
    assert len(bench.log.of("pull.recorded")) == 1
    assert bench.log.of("pull.incomplete") == []


async def test_an_unproven_scope_is_partial_and_closes_when_it_is_proven(bench: Bench) -> None:
    await bench.pull(ScriptedSource(units=UNITS))
    cut = ScriptedSource(
        units=UNITS[:1], verdicts=[verdict(ScopeState.PARTIAL, "PAGE_REPEATED: after=1041")]
    )
    outcome = await bench.pull(cut)
    assert (outcome.status, outcome.exit_code) == (RunStatus.PARTIAL, 6)
    issue = (await bench.issues())["PULL_INCOMPLETE rmm/fleet"]
    assert "2 accounts keep their former counts: PAGE_REPEATED: after=1041." in issue.message
    assert "`syncd pull rmm`" in issue.remedy
    assert issue.evidence["accounts"] == ["a", "b"]
    assert bench.log.of("pull.incomplete")[0]["reasons"] == "PAGE_REPEATED"
    assert len(await open_units(bench.database, bench.source)) == 3
    run = await bench.last_run()
    assert (run.status, run.error_code) == (RunStatus.PARTIAL, "PULL_INCOMPLETE")
    await bench.pull(ScriptedSource(units=UNITS))
    assert "PULL_INCOMPLETE rmm/fleet" not in await bench.issues()


async def test_a_scope_that_fails_leaves_the_others_alone(bench: Bench) -> None:
    source = ScriptedSource(
        units=UNITS,
        scopes={"one": ["a"], "two": ["b"]},
        verdicts=[
            verdict(ScopeState.COMPLETE, scope="one"),
            verdict(ScopeState.UNKNOWN, "HTTP_500: /two", scope="two"),
        ],
    )
    outcome = await bench.pull(source)
    assert outcome.status is RunStatus.PARTIAL
    assert {account for account, _, _ in await open_units(bench.database, bench.source)} == {"a"}
    assert [key for key in await bench.issues() if key.startswith("PULL_INCOMPLETE")] == [
        "PULL_INCOMPLETE rmm/two"
    ]


async def test_an_account_that_vanishes_is_an_issue_then_removed_then_back(bench: Bench) -> None:
    both = ScriptedSource(units=UNITS)
    await bench.pull(both)
    one = ScriptedSource(roster=(Account("a", "Acme"),), units=UNITS[:2])
    outcome = await bench.pull(one)
    assert outcome.exit_code == 6
    issue = (await bench.issues())["ACCOUNT_DISAPPEARED rmm/b"]
    assert "its counts are kept" in issue.message
    assert "PULL_INCOMPLETE rmm" not in await bench.issues()
    assert len(await open_units(bench.database, bench.source)) == 3

    assert (await bench.pull(one)).exit_code == 0
    assert "ACCOUNT_DISAPPEARED rmm/b" not in await bench.issues()
    assert len(await open_units(bench.database, bench.source)) == 2

    await bench.pull(both)
    assert not [key for key in await bench.issues() if "rmm/b" in key and "ACCOUNT" in key[:8]]
    assert len(await open_units(bench.database, bench.source)) == 3


async def test_a_removed_account_with_a_client_stays_an_issue_until_it_is_unlinked(
    bench: Bench,
) -> None:
    office = await furnished(bench.database)
    bench.source = office.source
    await office.take("links", "connection,account,client,site\nrmm,b,2,\n")
    one = ScriptedSource(roster=(Account("a", "Acme"),), units=UNITS[:2])
    await bench.pull(one)
    await bench.pull(one)
    issue = (await bench.issues())["ACCOUNT_REMOVED rmm/b"]
    assert "`syncd map unlink rmm b`" in issue.remedy
    await bench.pull(one)
    assert "ACCOUNT_REMOVED rmm/b" in await bench.issues()


async def test_a_note_is_an_issue_that_weakens_no_proof(bench: Bench) -> None:
    noted = ScriptedSource(
        units=UNITS,
        verdicts=[verdict(ScopeState.COMPLETE, notes=("UNKNOWN_CLASS: FUTURE, 3 devices",))],
    )
    assert (await bench.pull(noted)).status is RunStatus.SUCCEEDED
    assert "FUTURE, 3 devices" in (await bench.issues())["UNKNOWN_CLASS rmm/fleet"].message
    cut = ScriptedSource(units=UNITS, verdicts=[verdict(ScopeState.PARTIAL, "CUT: page 3")])
    await bench.pull(cut)
    assert "UNKNOWN_CLASS rmm/fleet" in await bench.issues()
    await bench.pull(ScriptedSource(units=UNITS))
    assert "UNKNOWN_CLASS rmm/fleet" not in await bench.issues()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AuthError("the vendor refuses the secret"), 4),
        (PermissionMissing("the scope monitoring is missing"), 4),
        (VendorUnavailable("the vendor answers 503"), 5),
        (ConnectFailed("no such host"), 5),
        (ProtocolError("HTML instead of JSON"), 7),
    ],
)
async def test_a_failure_is_one_issue_one_line_and_the_exit_code_of_its_kind(
    bench: Bench, error: SyncdError, code: int
) -> None:
    await bench.pull(ScriptedSource(units=UNITS))
    for _ in range(3):
        outcome = await bench.pull(ScriptedSource(units=UNITS[:1], error=error))
        assert (outcome.status, outcome.exit_code) == (RunStatus.FAILED, code)
    issue = (await bench.issues())[f"{error.code} rmm"]
    assert issue.message == str(error)
    assert issue.remedy
    assert len(bench.log.of("connection.unavailable")) == 1
    assert len(await open_units(bench.database, bench.source)) == 3
    assert not await bench.available()

    await bench.pull(ScriptedSource(units=UNITS))
    assert f"{error.code} rmm" not in await bench.issues()
    assert len(bench.log.of("connection.recovered")) == 1
    assert await bench.available()


async def test_only_the_latest_reason_of_a_broken_connection_is_open(bench: Bench) -> None:
    await bench.pull(ScriptedSource(error=VendorUnavailable("503")))
    await bench.pull(ScriptedSource(error=AuthError("refused")))
    assert [key for key in await bench.issues() if key.endswith(" rmm")] == [
        "CREDENTIALS_REFUSED rmm"
    ]
    assert len(bench.log.of("connection.unavailable")) == 1


class SecretExpired(AuthError):
    """A connector's own refinement."""

    code = "SECRET_EXPIRED"


async def test_a_connectors_own_error_is_an_issue_of_its_kind_and_closes_like_one(
    bench: Bench,
) -> None:
    await bench.pull(ScriptedSource(error=SecretExpired("expired on Friday")))
    assert "CREDENTIALS_REFUSED rmm" in await bench.issues()
    assert (await bench.last_run()).error_code == "SECRET_EXPIRED"
    await bench.pull(ScriptedSource(units=UNITS))
    assert "CREDENTIALS_REFUSED rmm" not in await bench.issues()


async def test_a_connection_that_does_not_open_fails_in_the_same_way(bench: Bench) -> None:
    outcome = await bench.pull(ScriptedSource(), opening=AuthError("refused"))
    assert outcome.exit_code == 4
    assert "CREDENTIALS_REFUSED rmm" in await bench.issues()
    assert (await bench.last_run()).error_code == "CREDENTIALS_REFUSED"


async def test_a_defect_of_a_plugin_is_told_by_type_and_place_and_never_by_its_text(
    bench: Bench,
) -> None:
    outcome = await bench.pull(ScriptedSource(error=KeyError("Acme's phone number")))
    assert isinstance(outcome.error, PluginError)
    assert "KeyError at builders_data.py:" in str(outcome.error)
    assert "phone" not in str(outcome.error)
    assert f"{PluginError.code} rmm" in await bench.issues()


async def test_of_errors_that_chains_raise_together_the_one_a_person_must_mend_decides(
    bench: Bench,
) -> None:
    group = ExceptionGroup(
        "chains", [VendorUnavailable("503"), ExceptionGroup("more", [AuthError("refused")])]
    )
    outcome = await bench.pull(ScriptedSource(error=group))
    assert isinstance(outcome.error, AuthError)


async def test_a_database_that_cannot_serve_is_not_blamed_on_the_vendor(bench: Bench) -> None:
    outcome = await bench.pull(ScriptedSource(error=StoreError("the disk is full")))
    assert outcome.exit_code == 5
    assert await bench.available()
    assert await bench.issues() == {}


async def test_a_cancelled_pull_is_interrupted_and_records_nothing(bench: Bench) -> None:
    with pytest.raises(asyncio.CancelledError):
        await bench.pull(ScriptedSource(units=UNITS, error=asyncio.CancelledError()))
    assert (await bench.last_run()).status is RunStatus.INTERRUPTED
    assert await open_units(bench.database, bench.source) == set()
    assert await bench.available()


async def test_accounts_that_nobody_is_billed_for_are_told_once_and_then_one_by_one(
    bench: Bench,
) -> None:
    office = await furnished(bench.database)
    await bench.pull(ScriptedSource(units=UNITS))
    issue = (await bench.issues())["UNLINKED_ACCOUNT rmm"]
    assert "None of the 2 accounts" in issue.message
    await office.take("links", "connection,account,client,site\nrmm,a,1,\n")
    await bench.pull(ScriptedSource(units=UNITS))
    unlinked = [key for key in await bench.issues() if key.startswith("UNLINKED_ACCOUNT")]
    assert unlinked == ["UNLINKED_ACCOUNT rmm/b"]


async def test_a_source_that_asks_learns_bounds_and_size_of_the_last_complete_pull(
    bench: Bench,
) -> None:
    hints = CensusHints(bench.database, bench.source)
    assert (await hints.unit_count(), await hints.unit_id_bounds(2)) == (0, [])
    await bench.pull(ScriptedSource(units=[device("a", str(n)) for n in range(1, 11)]))
    assert (await hints.unit_count(), await hints.unit_id_bounds(2)) == (10, [6])
