"""Issues: one open row per code and subject, closed and never deleted."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from syncd.core.store.database import Database
from syncd.core.store.issues import (
    Finding,
    IssueSeverity,
    all_issues,
    close_issue,
    close_missing,
    open_issue,
    open_issues,
    replace_issues,
)
from tests.builders_data import NOW


async def opened(database: Database, code: str, subject: str, minutes: int = 0) -> bool:
    async with database.writer() as conn:
        return await open_issue(
            conn,
            code,
            subject,
            connection="rmm",
            message=f"{subject} at {minutes}",
            remedy="look",
            evidence={"minutes": minutes},
            now=NOW + timedelta(minutes=minutes),
        )


async def test_an_issue_seen_again_keeps_its_beginning_and_says_the_newest(
    database: Database,
) -> None:
    assert await opened(database, "A", "x")
    assert not await opened(database, "A", "x", 5)
    async with database.reader() as conn:
        (issue,) = await open_issues(conn)
    assert (issue.opened_at, issue.last_seen_at) == (NOW, NOW + timedelta(minutes=5))
    assert (issue.message, issue.evidence) == ("x at 5", {"minutes": 5})


async def test_a_closed_issue_may_open_again_and_both_rows_stay(database: Database) -> None:
    await opened(database, "A", "x")
    async with database.writer() as conn:
        assert await close_issue(conn, "A", "x", NOW)
        assert not await close_issue(conn, "A", "x", NOW)
    assert await opened(database, "A", "x", 9)
    async with database.reader() as conn:
        rows = await all_issues(conn, limit=10)
    assert [(row.opened_at - NOW, row.closed_at) for row in rows] == [
        (timedelta(minutes=9), None),
        (timedelta(0), NOW),
    ]


async def test_many_that_find_the_same_open_one_row(database: Database) -> None:
    assert sum(await asyncio.gather(*(opened(database, "A", "x", n) for n in range(8)))) == 1


async def test_what_is_no_longer_found_is_closed_for_its_connection_only(
    database: Database,
) -> None:
    for subject in ("x", "y", "z"):
        await opened(database, "A", subject)
    await opened(database, "B", "x")
    async with database.writer() as conn:
        await open_issue(
            conn, "A", "other", connection="rmm2", message="theirs", remedy="look", now=NOW
        )
        assert await close_missing(conn, "A", "rmm", {"y"}, NOW) == ["x", "z"]
    async with database.reader() as conn:
        left = {(issue.code, issue.subject) for issue in await open_issues(conn)}
    assert left == {("A", "y"), ("A", "other"), ("B", "x")}


async def test_replacing_opens_closes_refreshes_and_leaves_what_was_not_looked_at(
    database: Database,
) -> None:
    for subject in ("gone", "same", "changed", "unseen"):
        await opened(database, "A", subject)
    later = NOW + timedelta(hours=1)
    findings = {
        "same": Finding(message="same at 0", remedy="look", evidence={"minutes": 0}),
        "changed": Finding(message="worse", remedy="run", severity=IssueSeverity.WARNING),
        "new": Finding(message="new", remedy="look"),
    }
    async with database.writer() as conn:
        told = await replace_issues(conn, "A", "rmm", findings, now=later, keep=["unseen"])
    assert told == (["new"], ["gone"])
    async with database.reader() as conn:
        found = {issue.subject: issue for issue in await open_issues(conn)}
    assert found.keys() == {"same", "changed", "new", "unseen"}
    assert found["same"].last_seen_at == found["changed"].last_seen_at == later
    assert found["unseen"].last_seen_at == NOW
    assert (found["changed"].message, found["changed"].severity.value) == ("worse", "warning")
    assert found["changed"].opened_at == NOW
    async with database.writer() as conn:
        assert await replace_issues(conn, "A", "rmm", findings, now=later) == ([], ["unseen"])


async def test_errors_stand_before_warnings_and_the_oldest_first(database: Database) -> None:
    async with database.writer() as conn:
        for n, severity in enumerate((IssueSeverity.WARNING, IssueSeverity.ERROR, "error")):
            await open_issue(
                conn,
                "A",
                str(n),
                severity=IssueSeverity(severity),
                message="found",
                remedy="look",
                now=NOW - timedelta(hours=n),
            )
    async with database.reader() as conn:
        assert [issue.subject for issue in await open_issues(conn)] == ["2", "1", "0"]
        assert await open_issues(conn, connection="rmm") == []
