"""Rows of stored tokens, sealed as they are; SQL text, since every pull looks at their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from syncd.core.store.micros import from_micros, to_micros

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_FIELDS = (
    "connection_id, name, sealed, previous, stored_at, ends_at, refresh_started_at, "
    "consented_at, consented_by"
)
_ONE = text(
    f"SELECT {_FIELDS} FROM stored_token WHERE connection_id = :connection AND name = :name"  # noqa: S608 - constants
)
_ALL = text(f"SELECT {_FIELDS} FROM stored_token ORDER BY connection_id, name")  # noqa: S608 - constants
_ENDS = text(
    "SELECT connection_id, name, stored_at, ends_at, refresh_started_at, consented_at, "
    "consented_by FROM stored_token ORDER BY connection_id, name"
)
_BEGIN = text(
    "UPDATE stored_token SET refresh_started_at = :began "
    "WHERE connection_id = :connection AND name = :name"
)
_STORE = text(
    "UPDATE stored_token SET sealed = :sealed, previous = :previous, stored_at = :now, "
    "ends_at = :ends_at, refresh_started_at = NULL "
    "WHERE connection_id = :connection AND name = :name"
)
_CONSENT = text(
    f"INSERT INTO stored_token ({_FIELDS}) VALUES (:connection, :name, :sealed, NULL, :now, "  # noqa: S608 - constants
    ":ends_at, NULL, :now, :person) ON CONFLICT (connection_id, name) DO UPDATE SET "
    "sealed = :sealed, previous = NULL, stored_at = :now, ends_at = :ends_at, "
    "refresh_started_at = NULL, consented_at = :now, consented_by = :person"
)
_RESEAL = text(
    "UPDATE stored_token SET sealed = :sealed, previous = :previous "
    "WHERE connection_id = :connection AND name = :name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What may be known of a stored token without its key.

    Attributes:
        connection_id: row id of the connection.
        name: of the token.
        stored_at: when the newest was stored, UTC.
        ends_at: when a person must consent again, UTC; None if unknown.
        unsettled_since: when an exchange began that never ended, None as a rule.
        consented_at: when a person consented, UTC.
        consented_by: who.
    """

    connection_id: int
    name: str
    stored_at: datetime
    ends_at: datetime | None
    unsettled_since: datetime | None
    consented_at: datetime
    consented_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedToken(Consent):
    """A whole row.

    Attributes:
        sealed: the newest token, encrypted.
        previous: the one before, encrypted; None at first.
    """

    sealed: bytes = field(repr=False)
    previous: bytes | None = field(repr=False)


async def sealed_token(conn: AsyncConnection, connection_id: int, name: str) -> SealedToken | None:
    """The stored token of that name, None before the first consent."""
    row = (await conn.execute(_ONE, {"connection": connection_id, "name": name})).first()
    return None if row is None else _sealed(row)


async def sealed_tokens(conn: AsyncConnection) -> Sequence[SealedToken]:
    """Every stored token."""
    return [_sealed(row) for row in await conn.execute(_ALL)]


async def consents(conn: AsyncConnection) -> Mapping[int, Sequence[Consent]]:
    """Every stored token without its secret, by connection."""
    found: dict[int, list[Consent]] = {}
    for row in await conn.execute(_ENDS):
        found.setdefault(row.connection_id, []).append(Consent(**_dates(row)))
    return found


async def note_exchange(
    conn: AsyncConnection, connection_id: int, name: str, *, began: datetime | None
) -> None:
    """Write since when an exchange is under way; None: none is."""
    moment = None if began is None else to_micros(began)
    await conn.execute(_BEGIN, {"connection": connection_id, "name": name, "began": moment})


async def store_token(
    conn: AsyncConnection,
    connection_id: int,
    name: str,
    *,
    sealed: bytes,
    previous: bytes | None,
    ends_at: datetime | None,
    now: datetime,
) -> bool:
    """Replace a token and end its exchange; False when nobody has consented yet."""
    values = {
        "connection": connection_id,
        "name": name,
        "sealed": sealed,
        "previous": previous,
        "now": to_micros(now),
        "ends_at": None if ends_at is None else to_micros(ends_at),
    }
    return bool((await conn.execute(_STORE, values)).rowcount)


async def store_consent(
    conn: AsyncConnection,
    connection_id: int,
    name: str,
    *,
    sealed: bytes,
    ends_at: datetime | None,
    now: datetime,
    person: str,
) -> None:
    """Keep the first token of a consent; what descends from a former one is forgotten."""
    values = {
        "connection": connection_id,
        "name": name,
        "sealed": sealed,
        "now": to_micros(now),
        "ends_at": None if ends_at is None else to_micros(ends_at),
        "person": person,
    }
    await conn.execute(_CONSENT, values)


async def reseal(
    conn: AsyncConnection,
    connection_id: int,
    name: str,
    *,
    sealed: bytes,
    previous: bytes | None,
) -> None:
    """Write the same token as another key encrypts it."""
    values = {
        "connection": connection_id,
        "name": name,
        "sealed": sealed,
        "previous": previous,
    }
    await conn.execute(_RESEAL, values)


def _dates(row: Any) -> dict[str, Any]:
    return {
        "connection_id": row.connection_id,
        "name": row.name,
        "stored_at": from_micros(row.stored_at),
        "ends_at": None if row.ends_at is None else from_micros(row.ends_at),
        "unsettled_since": (
            None if row.refresh_started_at is None else from_micros(row.refresh_started_at)
        ),
        "consented_at": from_micros(row.consented_at),
        "consented_by": row.consented_by,
    }


def _sealed(row: Any) -> SealedToken:
    previous = None if row.previous is None else bytes(row.previous)
    return SealedToken(**_dates(row), sealed=bytes(row.sealed), previous=previous)
