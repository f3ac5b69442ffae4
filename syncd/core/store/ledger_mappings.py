"""What people decided about a book: which contact, account and tax a thing of the PSA is there.

Never edited in place: a decision supersedes the row before it, so that it can be told what held
when a document was posted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.store.connections import bump_data_version
from syncd.core.store.ledger_references import References, load_ledger_references
from syncd.core.store.tables.books import LedgerMapping
from syncd.sdk.ledger_records import ReferenceKind, TaxMeaning

MADE: Final = "made by plan"
"""How the reason of a mapping begins whose target we created."""

MappingKey = tuple[ReferenceKind, str, str]
"""Kind, source key, currency: of which at most one decision holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDecision:
    """One mapping as a person decided it.

    Attributes:
        kind: of what.
        source: the PSA's key.
        source_name: for people.
        currency: of a contact that takes invoices of one currency only, else empty.
        target: key of the book's entry.
        target_name: for people.
        meaning: of a tax, one of `TaxMeaning`; else empty.
        by: who.
        reason: why, or empty.
        at: when, UTC; None before it is stored.
    """

    kind: ReferenceKind
    source: str
    source_name: str = ""
    currency: str = ""
    target: str
    target_name: str = ""
    meaning: str = ""
    by: str = ""
    reason: str = ""
    at: datetime | None = None

    @property
    def key(self) -> MappingKey:
        return self.kind, self.source, self.currency

    def same(self, other: LedgerDecision) -> bool:
        """Whether both say the same, whoever said it."""
        return (self.key, self.target, self.meaning) == (other.key, other.target, other.meaning)


async def load_ledger_map(conn: AsyncConnection, psa_id: int, ledger_id: int) -> LedgerMap:
    """What holds now for a PSA and a book, with the book's catalogues."""
    found = await current_ledger_mappings(conn, psa_id, ledger_id)
    return map_of(found.values(), await load_ledger_references(conn, ledger_id))


def map_of(decisions: Collection[LedgerDecision], references: References) -> LedgerMap:
    """The same out of decisions, e.g. those a file would make."""
    contacts: dict[str, list[tuple[str, str]]] = {}
    plain: dict[ReferenceKind, dict[str, str]] = {kind: {} for kind in ReferenceKind}
    taxes: dict[str, tuple[str, TaxMeaning]] = {}
    for one in decisions:
        if one.kind is ReferenceKind.CONTACT:
            contacts.setdefault(one.source, []).append((one.currency, one.target))
        elif one.kind is ReferenceKind.TAX:
            taxes[one.source] = one.target, TaxMeaning(one.meaning)
        else:
            plain[one.kind][one.source] = one.target
    return LedgerMap(
        contacts=contacts,
        items=plain[ReferenceKind.ITEM],
        accounts=plain[ReferenceKind.ACCOUNT],
        taxes=taxes,
        tracking=plain[ReferenceKind.TRACKING],
        terms=plain[ReferenceKind.TERM],
        currencies=plain[ReferenceKind.CURRENCY],
        references=references,
    )


async def current_ledger_mappings(
    conn: AsyncConnection, psa_id: int, ledger_id: int
) -> dict[MappingKey, LedgerDecision]:
    """The decisions that hold for a PSA and a book, by their key, in a stable order."""
    table = LedgerMapping
    statement = (
        select(table)
        .where(
            col(table.psa_connection_id) == psa_id,
            col(table.ledger_connection_id) == ledger_id,
            col(table.superseded_at).is_(None),
        )
        .order_by(col(table.kind), col(table.source_key), col(table.currency))
    )
    found = [
        LedgerDecision(
            kind=ReferenceKind(row.kind),
            source=row.source_key,
            source_name=row.source_name,
            currency=row.currency,
            target=row.target_key,
            target_name=row.target_name,
            meaning=row.meaning,
            by=row.decided_by,
            reason=row.reason,
            at=row.recorded_at,
        )
        for row in await conn.execute(statement)
    ]
    return {one.key: one for one in found}


async def routes(conn: AsyncConnection, psa_id: int) -> dict[str, set[tuple[int, str]]]:
    """By PSA client: the books that its contacts lead to, each with the currency it is bound to."""
    table = LedgerMapping
    statement = select(
        col(table.source_key), col(table.ledger_connection_id), col(table.currency)
    ).where(
        col(table.psa_connection_id) == psa_id,
        col(table.kind) == ReferenceKind.CONTACT.value,
        col(table.superseded_at).is_(None),
    )
    found: dict[str, set[tuple[int, str]]] = {}
    for row in await conn.execute(statement):
        found.setdefault(row.source_key, set()).add((row.ledger_connection_id, row.currency))
    return found


async def contacts_since(
    conn: AsyncConnection, psa_id: int, ledger_id: int, moment: datetime | None
) -> dict[str, date]:
    """By PSA client: the last day on which its contact was decided, if that was after a moment.

    East of Greenwich it may be the next day already; a day too many only asks for a linking pass.
    Contacts that we made are left out: nothing stood there before them.
    """
    if moment is None:
        return {}
    table = LedgerMapping
    statement = select(col(table.source_key), col(table.recorded_at)).where(
        col(table.psa_connection_id) == psa_id,
        col(table.ledger_connection_id) == ledger_id,
        col(table.kind) == ReferenceKind.CONTACT.value,
        col(table.superseded_at).is_(None),
        col(table.recorded_at) > moment,
        ~col(table.reason).startswith(MADE, autoescape=True),
    )
    return {
        row.source_key: (row.recorded_at + timedelta(days=1)).date()
        for row in await conn.execute(statement)
    }


async def write_ledger_mappings(
    conn: AsyncConnection,
    psa_id: int,
    ledger_id: int,
    *,
    new: Sequence[LedgerDecision],
    ended: Collection[MappingKey] = (),
    now: datetime,
) -> None:
    """Keep decisions; each supersedes that of its key, and the data version grows once.

    Args:
        conn: a writer's connection.
        psa_id: connection of the PSA.
        ledger_id: connection of the book.
        new: what holds from now on.
        ended: keys for which nothing holds any more.
        now: moment of the decision.
    """
    over = sorted({*ended, *(one.key for one in new)})
    if not over:
        return
    table = LedgerMapping
    statement = (
        update(table)
        .where(
            col(table.psa_connection_id) == psa_id,
            col(table.ledger_connection_id) == ledger_id,
            col(table.kind) == bindparam("over_kind"),
            col(table.source_key) == bindparam("over_source"),
            col(table.currency) == bindparam("over_currency"),
            col(table.superseded_at).is_(None),
        )
        .values(superseded_at=now)
    )
    await conn.execute(
        statement,
        [
            {"over_kind": kind.value, "over_source": source, "over_currency": currency}
            for kind, source, currency in over
        ],
    )
    if new:
        await conn.execute(insert(table), [_values(psa_id, ledger_id, one, now) for one in new])
    await bump_data_version(conn)


def _values(psa_id: int, ledger_id: int, one: LedgerDecision, now: datetime) -> dict[str, object]:
    return {
        "psa_connection_id": psa_id,
        "ledger_connection_id": ledger_id,
        "kind": one.kind.value,
        "source_key": one.source,
        "source_name": one.source_name,
        "currency": one.currency,
        "target_key": one.target,
        "target_name": one.target_name,
        "meaning": one.meaning,
        "decided_by": one.by,
        "reason": one.reason,
        "recorded_at": now,
        "superseded_at": None,
    }
