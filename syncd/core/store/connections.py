"""The identity of the installation and of its connections.

Uids are minted once and stand in every external key; a rename keeps them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.store.asking import change, fetch, fetch_one, scalar
from syncd.core.store.micros import from_micros
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.asking import Reader

_BY_NAME = "SELECT id, uid, name, connector FROM connection WHERE name = :name"
_ALL = "SELECT id, uid, name, connector FROM connection ORDER BY name"
_INSERT = (
    "INSERT INTO connection (uid, name, connector, status, status_detail)"
    " VALUES (:uid, :name, :connector, 'ok', '')"
)
_RENAME = "UPDATE connection SET name = :name WHERE id = :id"
_INSTALLATION = "SELECT uid, created_at, data_version FROM installation WHERE id = 1"
_BUMP = "UPDATE installation SET data_version = data_version + 1 WHERE id = 1"
_VERSION = "SELECT data_version FROM installation WHERE id = 1"


@dataclass(frozen=True, slots=True)
class ConnectionRef:
    """A stored connection.

    Attributes:
        id: row id, for joins.
        uid: eight hexadecimal digits, part of every external key.
        name: as the configuration has it now.
        connector: name of the connector it was made for.
    """

    id: int
    uid: str
    name: str
    connector: str


@dataclass(frozen=True, slots=True)
class InstallationRef:
    """This database as a whole.

    Attributes:
        uid: minted when the database was made.
        created_at: UTC.
        data_version: grows with every edit of links, mappings, rates, rules and configurations.
    """

    uid: str
    created_at: datetime
    data_version: int


async def find_connection(connection: Reader, name: str) -> ConnectionRef | None:
    """The stored connection of that name, or None."""
    row = await fetch_one(connection, _BY_NAME, {"name": name})
    return None if row is None else ConnectionRef(*row)


async def all_connections(connection: Reader) -> list[ConnectionRef]:
    """Every stored connection, by name; those gone from the configuration too."""
    return [ConnectionRef(*row) for row in await fetch(connection, _ALL)]


async def ensure_connection(
    connection: AsyncConnection, name: str, connector: str, *, formerly: str | None = None
) -> ConnectionRef:
    """The stored connection of that name, made or renamed when it is not there yet.

    Args:
        connection: inside of `Database.writer`.
        name: as the configuration has it.
        connector: the connector it uses.
        formerly: the name it had before, from the configuration; its history is kept.

    Raises:
        ConfigError: the name belongs to another connector, or both names have a history.
    """
    found = await find_connection(connection, name)
    former = await find_connection(connection, formerly) if formerly else None
    if found and former:
        message = f"connections '{name}' and '{formerly}' both have a history and cannot become one"
        raise ConfigError(message, remedy=f"remove `formerly` from [connections.{name}]")
    if former:
        _require_same_connector(former, connector)
        await change(connection, _RENAME, {"name": name, "id": former.id})
        return ConnectionRef(former.id, former.uid, name, former.connector)
    if found is None:
        row = {"uid": secrets.token_hex(4), "name": name, "connector": connector}
        await change(connection, _INSERT, row)
        found = await find_connection(connection, name)
        assert found is not None
    _require_same_connector(found, connector)
    return found


def _require_same_connector(found: ConnectionRef, connector: str) -> None:
    if found.connector != connector:
        message = (
            f"connection '{found.name}' was made for plugin '{found.connector}'"
            f" and the configuration now says '{connector}'"
        )
        raise ConfigError(message, remedy="use a new name for the new connection")


async def installation(connection: Reader) -> InstallationRef:
    """This database as a whole."""
    found = await fetch_one(connection, _INSTALLATION)
    assert found is not None
    uid, created_at, version = found
    return InstallationRef(uid, from_micros(created_at), version)


async def data_version(connection: Reader) -> int:
    """The version that a plan remembers and is refused without."""
    return int(await scalar(connection, _VERSION) or 0)


async def bump_data_version(connection: AsyncConnection) -> int:
    """Say that links, mappings, rates, rules or configurations changed; the new version."""
    await change(connection, _BUMP)
    return await data_version(connection)
