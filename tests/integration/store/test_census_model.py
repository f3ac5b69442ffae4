"""Random histories: the database answers as a full copy after every pull would."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.counts import counts_at, month_counts
from syncd.core.store.census.evidence import evidence, movements
from syncd.core.store.census.snapshots import first_proven_after, latest_attempts, proven_pulls
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.sdk.period import Period
from syncd.sdk.records import ScopeState
from tests.builders_census import LAPTOP, SERVER, connect, pull, void
from tests.census_model import Model, random_history

ZONES = ("UTC", "Europe/London", "Pacific/Auckland", "America/Los_Angeles")
MONTHS = (Period(2026, 10), Period(2026, 11))


async def replayed(database: Database, rng: Random, pulls: int) -> tuple[ConnectionRef, Model]:
    """A random history in the database and in the model."""
    connection = await connect(database, uuid4().hex)
    model = Model()
    ids: list[int] = []
    for step in random_history(rng, pulls=pulls):
        result = await pull(
            database,
            connection,
            step.units,
            roster=step.roster,
            at=step.at,
            scopes=step.scopes,
            states=step.states,
            recorded_at=step.recorded_at,
        )
        ids.append(result.pull_id)
        model.pull(step)
        assert (result.state is ScopeState.COMPLETE) == (not result.gaps)
        if step.voids is not None and step.voids <= len(ids):
            voided_at = step.recorded_at + timedelta(hours=2)
            wrong = model.pulls[-step.voids]
            if wrong.voided_at is None:
                await void(database, ids[-step.voids], voided_at)
                model.void(wrong, voided_at)
    return connection, model


class Replay:
    """The comparison of one history."""

    def __init__(
        self, reading: AsyncConnection, connection: ConnectionRef, model: Model, rng: Random
    ) -> None:
        self.reading = reading
        self.connection = connection
        self.model = model
        self.rng = rng
        self.accounts: dict[str, int] = {}
        self.products: dict[str, int] = {}

    async def compare(self) -> None:
        bound = {"c": self.connection.id}
        for table, ids in (("account", self.accounts), ("product", self.products)):
            rows = text(f"SELECT key, id FROM {table} WHERE connection_id = :c")
            ids.update({row[0]: row[1] for row in await self.reading.execute(rows, bound)})
        assert set(self.accounts) == set(self.model.first)
        await self.compare_counts()
        await self.compare_evidence()
        end = self.model.pulls[-1].taken_at
        whenever = [None, *(end - timedelta(hours=self.rng.randrange(400)) for _ in range(2))]
        for as_of in whenever:
            await self.compare_snapshots(as_of)
            await self.compare_months(as_of)

    async def compare_counts(self) -> None:
        for included in ((), ("trial",)):
            for kept in self.model.pulls:
                found = await counts_at(
                    self.reading, self.connection.id, kept.seq, included=included
                )
                expected = {
                    (self.accounts[key], self.products[product]): count
                    for key in self.model.first
                    for product in (SERVER, LAPTOP)
                    if (count := self.model.count(kept, key, product, included))
                }
                assert {
                    (one.account_id, one.product_id): one.quantity for one in found if one.quantity
                } == expected

    async def compare_evidence(self) -> None:
        for key, account in self.accounts.items():
            earlier, later = sorted(self.rng.choices(self.model.pulls, k=2), key=lambda k: k.seq)
            product = self.products[SERVER]
            found = await evidence(self.reading, account, product, later.seq)
            assert {one.unit: (one.quantity, one.excluded, one.name) for one in found} == {
                name: facts
                for (of, name), facts in later.state.get(key, {}).items()
                if of == SERVER
            }
            moved = await movements(self.reading, account, product, earlier.seq, later.seq)
            difference = (
                sum(one.unit.quantity for one in moved.joined)
                - sum(self._counted(earlier, key, one.unit.unit) for one in moved.left)
                + sum(one.unit.quantity - one.before for one in moved.resized)
            )
            before, after = (self.model.count(kept, key, SERVER, ()) for kept in (earlier, later))
            assert difference == after - before

    def _counted(self, kept: object, key: str, name: str) -> int:
        return int(kept.state[key][SERVER, name][0])  # type: ignore[attr-defined]

    async def compare_snapshots(self, as_of: datetime | None) -> None:
        before = self.rng.choice(self.model.pulls).taken_at + timedelta(minutes=30)
        found = await proven_pulls(self.reading, self.connection.id, before=before, as_of=as_of)
        for key, account in self.accounts.items():
            expected = self.model.snapshot(key, before, as_of)
            ref = found[account]
            assert (ref and ref.seq) == (expected and expected.seq)
        until = before + timedelta(days=3)
        late = await first_proven_after(
            self.reading, self.connection.id, after=before, until=until, as_of=as_of
        )
        for key, account in self.accounts.items():
            proven = [
                kept.seq
                for kept in self.model.pulls
                if before <= kept.taken_at < until
                and kept.stands(as_of)
                and self.model.proves(kept, key)
            ]
            assert (late[account].seq if account in late else None) == min(proven, default=None)
        attempts = await latest_attempts(
            self.reading, self.connection.id, before=before, as_of=as_of
        )
        tried = [
            kept
            for kept in self.model.pulls
            if kept.taken_at < before and (as_of is None or kept.recorded_at <= as_of)
        ]
        if not tried:
            assert attempts == {}
            return
        for key, account in self.accounts.items():
            proved = tried[-1].stands(as_of) and self.model.proves(tried[-1], key)
            assert attempts[account].seq == tried[-1].seq
            assert (attempts[account].state is ScopeState.COMPLETE) == proved

    async def compare_months(self, as_of: datetime | None) -> None:
        zone = ZoneInfo(self.rng.choice(ZONES))
        included = self.rng.choice(((), ("stale",)))
        for period in MONTHS:
            found = await month_counts(
                self.reading, self.connection.id, period, zone, as_of=as_of, included=included
            )
            expected = {
                (self.accounts[key], self.products[product]): figures
                for key in self.model.first
                for product in (SERVER, LAPTOP)
                if (figures := self.model.month(key, product, period, zone, as_of, included))
            }
            assert {
                (one.account_id, one.product_id): (one.last, one.peak, one.unit_days, one.days)
                for one in found
            } == expected


async def compare(url: str, rng: Random, pulls: int) -> None:
    database = Database(url)
    try:
        connection, model = await replayed(database, rng, pulls)
        async with database.reader() as reading:
            await Replay(reading, connection, model, rng).compare()
    finally:
        await database.dispose()


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rng=st.randoms(use_true_random=False), pulls=st.integers(1, 9))
def test_any_history_is_answered_as_full_copies_would(
    sqlite_url: str, rng: Random, pulls: int
) -> None:
    asyncio.run(compare(sqlite_url, rng, pulls))


@pytest.mark.parametrize("seed", [1, 150, 219])
async def test_a_sample_of_histories_is_answered_alike_on_both_databases(
    database_url: str, seed: int
) -> None:
    await compare(database_url, Random(seed), 10)


def test_the_histories_hold_what_they_shall_test() -> None:
    """Removals, voids, gaps and strangers do occur, or the comparison would prove little."""
    models = []
    for seed in range(30):
        rng = Random(seed)
        model = Model()
        for step in random_history(rng, pulls=9):
            model.pull(step)
            if step.voids is not None and step.voids <= len(model.pulls):
                model.void(model.pulls[-step.voids], step.recorded_at)
        models.append(model)
    assert any(model.removed for model in models)
    assert any(kept.voided_at for model in models for kept in model.pulls)
    assert any(kept.gaps for model in models for kept in model.pulls)
    assert any(kept.scope_gap and not kept.gaps for model in models for kept in model.pulls)
    assert datetime(2026, 11, 15, tzinfo=UTC) < max(
        kept.taken_at for model in models for kept in model.pulls
    )
