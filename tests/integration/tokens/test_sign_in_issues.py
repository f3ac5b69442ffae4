"""The countdown on both databases: opened, made graver, and closed for what is not in use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.core.service.sign_in_issues import SIGN_IN_ENDS, review_sign_ins, sign_in_renewed
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.tokens import consents, store_consent
from syncd.sdk.testing.fakes import NullLog

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


async def signed_in(database: Database, name: str, ends_at: datetime | None) -> ConnectionRef:
    async with database.writer() as conn:
        connection = await ensure_connection(conn, name, "acme")
        await store_consent(
            conn,
            connection.id,
            "refresh",
            sealed=b"sealed",
            ends_at=ends_at,
            now=NOW,
            person="pat",
        )
    return connection


async def issues(database: Database) -> list[Issue]:
    async with database.reader() as conn:
        return await open_issues(conn)


async def review(database: Database, now: datetime, *active: str) -> list[Issue]:
    await review_sign_ins(database, active=active, now=now, log=NullLog())
    return await issues(database)


@pytest.mark.parametrize(
    ("left", "severity", "words"),
    [
        (timedelta(days=14), "warning", "in 14 days"),
        (timedelta(days=4), "warning", "in 4 days"),
        (timedelta(days=3), "error", "in 3 days"),
        (timedelta(days=1), "error", "in 1 day"),
        (timedelta(hours=2), "error", "in less than a day"),
        (timedelta(0), "error", "ended on 2026-12-01"),
    ],
)
async def test_it_is_told_when_and_how_urgent(
    database: Database, left: timedelta, severity: str, words: str
) -> None:
    ends_at = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
    await signed_in(database, "desk", ends_at)
    [issue] = await review(database, ends_at - left, "desk")
    assert (issue.code, issue.subject, issue.severity) == (SIGN_IN_ENDS, "desk", severity)
    assert words in issue.message
    assert issue.remedy == "Run `syncd login desk` where a person can sign in."
    assert await review(database, ends_at - left) == []


async def test_nothing_is_told_while_there_is_time_or_no_end_is_known(database: Database) -> None:
    await signed_in(database, "desk", NOW + timedelta(days=15))
    await signed_in(database, "bench", None)
    assert await review(database, NOW, "desk", "bench") == []


async def test_each_connection_has_its_own_and_a_sign_in_closes_one(database: Database) -> None:
    desk = await signed_in(database, "desk", NOW + timedelta(days=5))
    await signed_in(database, "bench", NOW + timedelta(days=5))
    found = await review(database, NOW, "desk", "bench")
    assert [one.subject for one in found] == ["bench", "desk"]
    await signed_in(database, "desk", NOW + timedelta(days=90))
    async with database.reader() as conn:
        stored = (await consents(conn))[desk.id]
    await sign_in_renewed(database, "desk", stored, now=NOW, log=NullLog())
    assert [one.subject for one in await issues(database)] == ["bench"]
