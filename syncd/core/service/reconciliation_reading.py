"""Reads everything that a reconciliation compares, in one moment of the database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.service.clients import find_client
from syncd.core.service.purchases import NO_INVOICE_YET
from syncd.core.service.reconciliation import (
    Reconciliation,
    SourceState,
    in_order,
    totals,
)
from syncd.core.service.reconciliation_candidates import families
from syncd.core.service.reconciliation_facts import FactBook
from syncd.core.service.reconciliation_joins import reconcile_client
from syncd.core.service.snapshots import Snapshot, seqs, snapshots
from syncd.core.service.sources import Sources
from syncd.core.store.billed_amounts import billed_accounts, billed_lines
from syncd.core.store.billing_data import SourceConnection, load_billing_data
from syncd.core.store.census.counts import counts_at
from syncd.core.store.golive import load_golive
from syncd.core.store.purchase_units import purchase_names, purchase_units
from syncd.core.store.purchases import StoredRead, load_sums, standing_reads
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


class ReconciliationRules(Protocol):
    """The settings of `[billing]` that this needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...

    @property
    def max_age_hours(self) -> int: ...


async def read_reconciliation(
    database: Database,
    *,
    psa: ConnectionRef,
    purchase_sources: Collection[str],
    sources: Sources,
    rules: ReconciliationRules,
    timezone: ZoneInfo,
    period: Period,
    now: datetime,
    billed: bool = True,
    client: str | None = None,
) -> Reconciliation:
    """What was bought, used and billed in a month, by what is stored.

    Args:
        database: where everything is.
        psa: the PSA connection.
        purchase_sources: names of the connections that tell what is bought.
        sources: which connections count.
        rules: settings of `[billing]`.
        timezone: of billing.
        period: the month; of one that goes on, what stands now is taken for its end.
        now: the present moment.
        billed: cost is from the vendors' invoices; False for what they have not invoiced yet.
        client: only this one, by id or name.

    Raises:
        ClientUnknown: the client is not exactly one.
    """
    async with database.reader() as conn:
        book = await read_facts(
            conn,
            psa=psa,
            purchase_sources=purchase_sources,
            sources=sources,
            rules=rules,
            timezone=timezone,
            period=period,
            now=now,
            billed=billed,
        )
        told = await _states(conn, book, purchase_sources, period, billed=billed)
    chosen = None if client is None else find_client(book.data, psa.id, client).key
    rows = in_order(row for facts in book.facts(chosen) for row in reconcile_client(facts))
    return Reconciliation(
        period=str(period),
        billed=billed,
        rows=rows,
        totals=totals(rows),
        sources=told,
        warnings=tuple(book.warnings),
    )


async def read_facts(
    conn: AsyncConnection,
    *,
    psa: ConnectionRef,
    purchase_sources: Collection[str],
    sources: Sources,
    rules: ReconciliationRules,
    timezone: ZoneInfo,
    period: Period,
    now: datetime,
    billed: bool,
) -> FactBook:
    """The facts behind a reconciliation; arguments as of `read_reconciliation`."""
    data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
    book = FactBook(
        data=data,
        psa_id=psa.id,
        period=str(period),
        golive=await load_golive(conn, psa.id, mode=rules.mode),
        billed_accounts=await billed_accounts(conn, str(period)),
    )
    running_at = now if period.end(timezone) > now else None
    stood: dict[int, dict[int, Snapshot]] = {}
    names = {*sources.active, *purchase_sources}
    active = [one for one in data.connections.values() if one.name in names]
    reads = await standing_reads(conn, str(period), billed=billed)
    selling = [one for one in active if one.name in purchase_sources]
    for connection in active:
        stood[connection.id] = await snapshots(
            conn,
            connection.id,
            period,
            timezone,
            max_age_hours=rules.max_age_hours,
            now=running_at,
        )
        book.add_snapshots(stood[connection.id], purchases=connection in selling)
    for connection in selling:
        await _add_purchases(conn, book, connection, stood[connection.id], reads)
    for connection in active:
        await _add_others(conn, book, connection, stood[connection.id])
    async for line in billed_lines(conn, [str(period)], with_basis=True):
        book.add_line(line.client, line.currency, priced=line.price is not None, basis=line.basis)
    return book


async def _add_purchases(
    conn: AsyncConnection,
    book: FactBook,
    connection: SourceConnection,
    stood: dict[int, Snapshot],
    reads: dict[int, StoredRead],
) -> None:
    for account_id, snapshot in sorted(stood.items()):
        if snapshot.is_proven:
            continue
        account = book.data.accounts[account_id]
        why = ", ".join(snapshot.errors)
        book.warnings.append(
            f"what {account.name} ({account.key}) of {connection.name} had at the end of the month "
            f"is not known: {why}"
        )
    for seq, accounts in seqs(stood).items():
        book.add_units(await purchase_units(conn, connection.id, seq, accounts))
    read = reads.get(connection.id)
    if known(read):
        assert read is not None
        book.add_sums(connection.id, await load_sums(conn, read.id))
    else:
        book.without_cost(
            {book.place_of(one.id) for one in book.data.accounts.values()
             if one.connection_id == connection.id}
        )  # fmt: skip


def known(read: StoredRead | None) -> bool:
    """Whether the read tells what the month cost: one before the vendor's invoice does not."""
    if read is None:
        return False
    return not any(note.partition(":")[0] == NO_INVOICE_YET for note in read.notes)


async def _add_others(
    conn: AsyncConnection,
    book: FactBook,
    connection: SourceConnection,
    stood: dict[int, Snapshot],
) -> None:
    """What may be in use: read only where something of the connection can stand for a purchase."""
    figures = families(book.data, connection.id, book.seats)
    if figures:
        book.naming.add(connection.id)
    bridged = False
    for seq, accounts in seqs(stood).items():
        if not figures:
            break
        named = await purchase_names(conn, connection.id, seq, accounts, figures)
        for (account_id, product_id), purchases in named.items():
            bridged = True
            client = book.place_of(account_id).client
            if client:
                book.named[client, f"{connection.name} {figures[product_id]}"] |= purchases
    if not bridged and not _same_type(book, connection):
        return
    for seq, accounts in seqs(stood).items():
        for one in await counts_at(conn, connection.id, seq, accounts=accounts):
            if one.product_id not in book.seats:
                book.counts[one.account_id, one.product_id] += one.quantity


def _same_type(book: FactBook, connection: SourceConnection) -> bool:
    """Whether any product of the connection is billed as something that is bought."""
    types = {
        asset_type
        for bought in book.bought.values()
        for one in bought.values()
        for asset_type in one.asset_types
    }
    data = book.data
    products = {
        one.id
        for one in data.products.values()
        if one.connection_id == connection.id and one.id not in book.seats
    }
    defaults = {
        one.asset_type_key for one in data.asset_types.values() if one.product_id in products
    }
    own = {
        one.asset_type_key
        for configurations in (
            *data.own_configurations.values(),
            *data.shared_configurations.values(),
        )
        for one in configurations
        if one.connection_id == connection.id
    }
    return bool(types & (defaults | own))


async def _states(
    conn: AsyncConnection,
    book: FactBook,
    names: Collection[str],
    period: Period,
    *,
    billed: bool,
) -> list[SourceState]:
    reads = await standing_reads(conn, str(period), billed=billed)
    ids = {one.name: one.id for one in book.data.connections.values()}
    found = []
    for name in sorted(names):
        read = reads.get(ids.get(name, 0))
        found.append(
            SourceState(
                connection=name,
                taken_at="" if read is None else read.taken_at.isoformat(),
                lines=0 if read is None else read.lines,
                documents=() if read is None else read.documents,
                notes=() if read is None else read.notes,
            )
        )
    return found
