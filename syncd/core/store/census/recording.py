"""Recording a pull: judged and compared outside of the write lock, written in one transaction.

The comparison holds only as long as nobody else recorded a pull of the connection; the writer
looks, and what was overtaken once is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census import ledger
from syncd.core.store.census import stage as tables
from syncd.core.store.census.judgement import Heard, Judgement, KnownAccount, judge
from syncd.core.store.census.records import PullResult
from syncd.core.store.census.stage import Delta, Stage
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Workbench
from syncd.sdk.errors import StoreError
from syncd.sdk.records import Account, Product, ScopeVerdict


@dataclass(kw_only=True)
class Recording:
    """A pull that was read and is not yet recorded.

    Attributes:
        connection: whose pull it is.
        period: the month of a source of periods, else empty.
        base_seq: newest pull of the connection when this one began.
        numbers: number on the stage by account key.
        product_numbers: likewise by product key.
        roster: declared accounts.
        scope_of: account key -> scope.
        scopes: every scope that was named.
        observed: keys of accounts with units.
        tainted: account key -> why its units cannot be trusted.
        seen: units that were added.
        verdicts: of the source.
        products: everything the source can count.
        taken_at: start of the read.
        recorded_at: now.
        run_id: the run that pulled.
    """

    connection: ConnectionRef
    period: str
    base_seq: int
    numbers: dict[str, int]
    product_numbers: dict[str, int]
    roster: Mapping[str, Account]
    scope_of: Mapping[str, str]
    scopes: Mapping[str, None]
    observed: set[str]
    tainted: dict[str, str]
    seen: int
    verdicts: Sequence[ScopeVerdict]
    products: Sequence[Product]
    taken_at: datetime
    recorded_at: datetime
    run_id: str | None


@dataclass(frozen=True)
class _Compared:
    """What the writer will write, and the state of the connection it was computed for."""

    seq: int
    known: Mapping[str, KnownAccount]
    products: Mapping[str, int]
    judgement: Judgement
    delta: Delta


class _Overtaken(Exception):
    """Another pull of the connection was recorded between comparison and writing."""


async def record(bench: Workbench, stage: Stage, recording: Recording) -> PullResult:
    """Record the pull.

    Raises:
        StoreError: a newer pull of the connection was recorded meanwhile, or two others were, or
            the census contradicts itself; nothing changed.
    """
    deduplicated = False
    overtaken = False
    while True:
        async with bench.scratch() as connection:
            compared = await _compare(connection, stage, recording)
        try:
            async with bench.writer() as connection:
                return await _write(connection, recording, compared)
        except _Overtaken as error:
            if overtaken:
                raise _busy(recording) from error
            overtaken = True
        except IntegrityError as error:
            if deduplicated:
                raise _contradiction(recording) from error
            deduplicated = True
            async with bench.scratch() as connection:
                await _resolve_duplicates(connection, recording)


async def _compare(connection: AsyncConnection, stage: Stage, recording: Recording) -> _Compared:
    connection_id = recording.connection.id
    # The number first: what is recorded after it makes the writer find another one.
    seq, newest = await ledger.last_pull(connection, connection_id)
    known = await ledger.load_accounts(connection, connection_id)
    products = await ledger.load_products(connection, connection_id)
    if seq != recording.base_seq:
        if newest is not None and newest > recording.taken_at:
            raise _superseded(recording)
        await _catch_up(connection, recording, known, products)
        recording.base_seq = seq
    await _taint_undeclared_products(connection, recording, products)
    judgement = judge(
        Heard(
            roster=recording.roster.keys(),
            scope_of=recording.scope_of,
            scopes=recording.scopes,
            observed=recording.observed,
            verdicts=recording.verdicts,
            tainted=recording.tainted,
            of_month=bool(recording.period),
        ),
        known,
    )
    numbers = recording.numbers
    changing = [(numbers[key], max(numbers[key], 0)) for key in judgement.proven if key in numbers]
    if not recording.period:
        # Facts about a month stay facts when the account is gone.
        changing += [(known[key].id, known[key].id) for key in judgement.gone]
    await tables.set_proven(connection, changing)
    delta = await stage.compare(connection, connection_id, recording.period)
    return _Compared(seq, known, products, judgement, delta)


async def _catch_up(
    connection: AsyncConnection,
    recording: Recording,
    known: Mapping[str, KnownAccount],
    products: Mapping[str, int],
) -> None:
    """Another pull was recorded while this one was read: take over the rows it made."""
    for column, numbers, ids in (
        ("account", recording.numbers, {key: account.id for key, account in known.items()}),
        ("product", recording.product_numbers, dict(products)),
    ):
        moved = {key: ids[key] for key, number in numbers.items() if number < 0 and key in ids}
        await tables.renumber(
            connection, column, [(numbers[key], new) for key, new in moved.items()]
        )
        numbers.update(moved)


async def _taint_undeclared_products(
    connection: AsyncConnection, recording: Recording, known: Mapping[str, int]
) -> None:
    declared = {product.key for product in recording.products} | known.keys()
    strange = {n: key for key, n in recording.product_numbers.items() if key not in declared}
    if strange:
        names = {number: key for key, number in recording.numbers.items()}
        for product, account in await tables.accounts_of_products(connection, strange):
            reason = f"UNDECLARED_PRODUCT: {strange[product]}"
            recording.tainted.setdefault(names[account], reason)


async def _resolve_duplicates(connection: AsyncConnection, recording: Recording) -> None:
    """Equal repetitions count once; units read twice with different facts taint their account."""
    names = {number: key for key, number in recording.numbers.items()}
    for account, unit, units in await tables.conflicts(connection):
        more = f" and {units - 1} more" if units > 1 else ""
        reason = f"DUPLICATE_UNIT: {unit}{more} of account {names[account]}"
        recording.tainted[names[account]] = reason
    await tables.drop_repetitions(connection)


async def _set_row_ids(
    connection: AsyncConnection, recording: Recording, compared: _Compared
) -> dict[str, int]:
    """Give the stage's numbers their rows, now that every account and product has one."""
    accounts = await ledger.load_accounts(connection, recording.connection.id)
    ids = {key: account.id for key, account in accounts.items()}
    new = [key for key in compared.judgement.proven if recording.numbers.get(key, 0) < 0]
    await tables.set_ids(connection, [(recording.numbers[key], ids[key]) for key in new])
    products = await ledger.load_products(connection, recording.connection.id)
    numbers = recording.product_numbers
    counted = [(numbers[key], products[key]) for key in numbers if key in products]
    await tables.set_counted(connection, counted)
    return ids


async def _write(
    connection: AsyncConnection, recording: Recording, compared: _Compared
) -> PullResult:
    connection_id = recording.connection.id
    last, _ = await ledger.last_pull(connection, connection_id)
    if last != compared.seq:
        raise _Overtaken
    seq = last + 1
    judgement = compared.judgement
    roster = recording.roster.values()
    await ledger.write_accounts(connection, connection_id, seq, roster, compared.known)
    await ledger.write_products(connection, connection_id, recording.products, compared.products)
    ids = await _set_row_ids(connection, recording, compared)
    opened, closed = await tables.apply(
        connection, compared.delta, connection_id, recording.period, seq
    )
    await ledger.write_absences(
        connection,
        seq,
        [ids[key] for key in judgement.absent],
        [ids[key] for key in judgement.removed],
    )
    declared = [verdict.declared for verdict in recording.verdicts]
    total = None if None in declared else sum(n for n in declared if n is not None)
    pull_id = await ledger.write_pull(
        connection,
        connection_id,
        seq=seq,
        period=recording.period,
        taken_at=recording.taken_at,
        recorded_at=recording.recorded_at,
        state=judgement.state,
        declared=total,
        seen=recording.seen,
        opened=opened,
        closed=closed,
        run_id=recording.run_id,
    )
    await ledger.write_gaps(connection, pull_id, judgement.gaps, ids)
    return PullResult(
        pull_id=pull_id,
        seq=seq,
        state=judgement.state,
        declared=total,
        seen=recording.seen,
        opened=opened,
        closed=closed,
        accounts=len(recording.roster),
        gaps=judgement.gaps,
        absent=judgement.absent,
        removed=judgement.removed,
    )


def _superseded(recording: Recording) -> StoreError:
    message = (
        f"a newer pull of '{recording.connection.name}' was recorded while this one ran;"
        " this one changed nothing"
    )
    return StoreError(message, remedy="nothing is lost; avoid pulling one connection twice")


def _contradiction(recording: Recording) -> StoreError:
    message = f"the census of '{recording.connection.name}' contradicts itself; nothing was changed"
    return StoreError(message, remedy="run `syncd db check`")


def _busy(recording: Recording) -> StoreError:
    message = (
        f"other pulls of '{recording.connection.name}' were recorded twice while this one"
        " was; this one changed nothing"
    )
    return StoreError(message, remedy="let only one process pull a connection")
