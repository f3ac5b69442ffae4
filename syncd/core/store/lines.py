"""The identity of billing lines, and the ledger of the PSA records that carry them.

A line's uid is computed from ids that never change, so that a database restored from an older
backup gives the same line the same external key and finds its record instead of making a second.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.census.selection import among, listed
from syncd.core.store.outbox import chunks
from syncd.core.store.tables import BillingLine, PsaRecord
from syncd.core.store.types import from_micros
from syncd.sdk.money import from_scaled
from syncd.sdk.records import SubscriptionFields, canonical_json

_UID_LENGTH = 12


class RecordStatus(StrEnum):
    """Whether the PSA still has the record, as far as we last saw."""

    LIVE = "live"
    GONE = "gone"


class StoredLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line's identity.

    Attributes:
        uid: part of the external key.
        connection_id: source connection.
        account_id: whose line.
        configuration_uid: the configuration it belongs to.
        asset_type_key: a field, not the identity: it may change.
        part: empty, or the name of a line beside the main one (`rounding`).
    """

    uid: str
    connection_id: int
    account_id: int
    configuration_uid: str
    asset_type_key: str
    part: str = ""

    @property
    def slot(self) -> tuple[str, str, str]:
        """What the line is within its account at present."""
        return (self.configuration_uid, self.asset_type_key, self.part)


class LedgerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What we know and sent of the PSA record behind an external key.

    Attributes:
        key: external key.
        line_uid: the line.
        psa_connection_id: where it is.
        account_id: whose line.
        period: the month it is for where each month has its own record, else empty.
        remote: the PSA's id.
        status: see `RecordStatus`.
        mode: the line's mode when it was last sent; empty while `sent` is None.
        content_hash: of the last write that was delivered; likewise.
        sent: that write; None for a record that was adopted and not written yet.
        sent_period: the month it was for; likewise empty.
        total_price: the line's money then, None when unknown.
        total_cost: likewise.
        units: units behind the line where they differ from the quantity sent.
        products: keys of the products that had units on the line.
        updated_at: UTC.
    """

    key: str
    line_uid: str
    psa_connection_id: int
    account_id: int
    period: str
    remote: str | None
    status: RecordStatus
    mode: str
    content_hash: str
    sent: SubscriptionFields | None
    sent_period: str
    total_price: Decimal | None
    total_cost: Decimal | None
    updated_at: datetime
    units: int | None = None
    products: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the record as we sent it, for people."""
        return "adopted record" if self.sent is None else self.sent.name

    @property
    def billed(self) -> int:
        """Units that it bills as far as we know; of an adopted one we know nothing yet."""
        if self.units is not None:
            return self.units
        return 0 if self.sent is None else self.sent.quantity


class _Sent(msgspec.Struct, frozen=True):
    """The column `sent`: the write, and what stood behind it."""

    fields: SubscriptionFields | None
    units: int | None
    products: tuple[str, ...]


_SENT = msgspec.json.Decoder(_Sent)

_STATUS = {status.value: status for status in RecordStatus}

_COLUMNS = (
    "key, line_uid, psa_connection_id, account_id, period, remote, state, mode, content_hash,"
    " sent, sent_period, total_price, total_cost, updated_at"
)
"""Read as text and tuples: a hundred thousand rows are read for every month."""

_amount = lru_cache(maxsize=8192)(from_scaled)
"""A price that many clients pay is built once."""

_moment = lru_cache(maxsize=64)(from_micros)
"""Records written by one run have one moment."""


def line_uid(
    connection_uid: str,
    account_key: str,
    slot: tuple[str, str, str],
    taken: Mapping[str, tuple[str, str, str]],
) -> str:
    """The uid of a line that is not stored yet.

    Args:
        connection_uid: of the source.
        account_key: of the account.
        slot: configuration uid, asset type and part.
        taken: uids of the account's stored lines with their slots; a line whose asset type changed
            keeps the uid of its first slot, so that slot's next line gets another.
    """
    attempt = 0
    while True:
        text = "\x1f".join(
            (connection_uid, account_key, *slot, *([str(attempt)] if attempt else []))
        )
        uid = hashlib.sha256(text.encode()).hexdigest()[:_UID_LENGTH]
        if taken.get(uid, slot) == slot:
            return uid
        attempt += 1


async def lines_of(
    conn: AsyncConnection, account_ids: Collection[int]
) -> dict[int, list[StoredLine]]:
    """Stored lines by account, the oldest first."""
    found: dict[int, list[StoredLine]] = defaultdict(list)
    statement = text(
        "SELECT uid, connection_id, account_id, configuration_uid, asset_type_key, part"  # noqa: S608 - values are bound
        f" FROM billing_line WHERE {among(conn, 'account_id', 'accounts')}"
        " ORDER BY created_at, uid"
    )
    for chunk in chunks(account_ids):
        rows = (await conn.execute(statement, {"accounts": listed(conn, chunk)})).fetchall()
        for uid, connection_id, account_id, configuration_uid, asset_type_key, part in rows:
            found[account_id].append(
                StoredLine(
                    uid=uid,
                    connection_id=connection_id,
                    account_id=account_id,
                    configuration_uid=intern(configuration_uid),
                    asset_type_key=intern(asset_type_key),
                    part=part,
                )
            )
    return dict(found)


async def store_lines(conn: AsyncConnection, lines: Sequence[StoredLine], *, now: datetime) -> None:
    """Store lines; one that is stored already stays, with its asset type brought up to date."""
    stored = await lines_of(conn, {line.account_id for line in lines})
    known = {line.uid: line for found in stored.values() for line in found}
    fresh = []
    for line in lines:
        before = known.get(line.uid)
        if before is None:
            fresh.append(line)
        elif before.slot != line.slot:
            await _move(conn, line, stored.get(line.account_id, ()))
    if fresh:
        await conn.execute(
            insert(BillingLine),
            [
                {
                    "uid": line.uid,
                    "connection_id": line.connection_id,
                    "account_id": line.account_id,
                    "configuration_uid": line.configuration_uid,
                    "asset_type_key": line.asset_type_key,
                    "part": line.part,
                    "created_at": now,
                }
                for line in fresh
            ],
        )


async def records_of(
    conn: AsyncConnection, psa_connection_id: int, account_ids: Collection[int]
) -> dict[int, list[LedgerRecord]]:
    """Ledger rows by account, by key; only of this PSA, since ids of another name other things."""
    found: dict[int, list[LedgerRecord]] = defaultdict(list)
    statement = text(
        f"SELECT {_COLUMNS} FROM psa_record"  # noqa: S608 - values are bound
        f" WHERE psa_connection_id = :psa AND {among(conn, 'account_id', 'accounts')} ORDER BY key"
    )
    for chunk in chunks(account_ids):
        bound = {"psa": psa_connection_id, "accounts": listed(conn, chunk)}
        for row in (await conn.execute(statement, bound)).fetchall():
            record = _record(row)
            found[record.account_id].append(record)
    return dict(found)


async def record_of_key(conn: AsyncConnection, key: str) -> LedgerRecord | None:
    """The ledger row of an external key, or None when nothing was ever delivered for it."""
    statement = text(f"SELECT {_COLUMNS} FROM psa_record WHERE key = :key")  # noqa: S608 - values are bound
    row = (await conn.execute(statement, {"key": key})).one_or_none()
    return None if row is None else _record(row)


async def known_remotes(conn: AsyncConnection, psa_connection_id: int) -> frozenset[str]:
    """The PSA's ids of all records that are ours, of every account."""
    statement = select(col(PsaRecord.remote)).where(
        col(PsaRecord.psa_connection_id) == psa_connection_id, col(PsaRecord.remote).is_not(None)
    )
    found = await conn.scalars(statement)
    return frozenset(remote for remote in found if remote is not None)


async def save_records(conn: AsyncConnection, records: Sequence[LedgerRecord]) -> None:
    """Write what was delivered; the row of each key is replaced."""
    rows: list[dict[str, Any]] = [
        {
            "key": record.key,
            "line_uid": record.line_uid,
            "psa_connection_id": record.psa_connection_id,
            "account_id": record.account_id,
            "period": record.period,
            "remote": record.remote,
            "state": record.status.value,
            "mode": record.mode,
            "content_hash": record.content_hash,
            "sent": canonical_json(_Sent(record.sent, record.units, record.products)).decode(),
            "sent_period": record.sent_period,
            "total_price": record.total_price,
            "total_cost": record.total_cost,
            "updated_at": record.updated_at,
        }
        for record in records
    ]
    if not rows:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(PsaRecord)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=["key"],
            set_={name: statement.excluded[name] for name in rows[0] if name != "key"},
        ),
        rows,
    )


async def mark_gone(conn: AsyncConnection, key: str, *, now: datetime) -> None:
    """Write that the PSA no longer has the record of this key."""
    await conn.execute(
        update(PsaRecord)
        .where(col(PsaRecord.key) == key)
        .values(state=RecordStatus.GONE.value, updated_at=now)
    )


async def _move(conn: AsyncConnection, line: StoredLine, others: Sequence[StoredLine]) -> None:
    """Give the line its new slot; a line that sat there without ever being billed steps aside."""
    for other in others:
        if other.slot == line.slot and other.uid != line.uid:
            await conn.execute(
                update(BillingLine)
                .where(col(BillingLine.uid) == other.uid)
                .values(asset_type_key=f"{other.asset_type_key}~{other.uid}")
            )
    await conn.execute(
        update(BillingLine)
        .where(col(BillingLine.uid) == line.uid)
        .values(asset_type_key=line.asset_type_key)
    )


def _record(row: Sequence[Any]) -> LedgerRecord:
    """From a row of `_COLUMNS`."""
    key, uid, psa, account, period, remote, state, mode, digest, text_, month, price, cost, at = row
    sent = _SENT.decode(text_)
    return LedgerRecord(
        key=key,
        line_uid=uid,
        psa_connection_id=psa,
        account_id=account,
        period=intern(period),
        remote=remote,
        status=_STATUS[state],
        mode=intern(mode),
        content_hash=digest,
        sent=sent.fields,
        sent_period=intern(month),
        total_price=None if price is None else _amount(price),
        total_cost=None if cost is None else _amount(cost),
        updated_at=_moment(at),
        units=sent.units,
        products=sent.products,
    )
