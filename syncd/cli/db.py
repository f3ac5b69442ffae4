"""`syncd db upgrade` and `syncd db check`; both need the configuration only for the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd import config
from syncd.cli.output import table

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.store.integrity import Soundness


def upgrade_database(cli: Cli) -> None:
    """Bring the schema to this program's.

    Raises:
        ConfigError: the configuration cannot be used.
        SchemaOutdated: the database was made by a newer program.
        StoreError: the database cannot serve; it is as it was.
    """
    from syncd.core.store import schema

    url = _url(cli)
    before = schema.current(url)
    after = schema.upgrade(url)
    place = schema.place(url)
    output = cli.output()
    output.emit(
        {"database": place, "before": before, "after": after},
        lambda _console: output.say(_told(place, before, after)),
    )


async def check_database(cli: Cli) -> None:
    """Examine the database and print what was found.

    Raises:
        ConfigError: the configuration cannot be used.
        SchemaOutdated: the schema is not that of this program.
        StoreError: the database cannot be read, or is not sound.
    """
    from syncd.core.store.database import Database
    from syncd.core.store.integrity import examine, require_sound

    database = Database(_url(cli))
    try:
        found = await examine(database)
    finally:
        await database.dispose()
    output = cli.output()
    if not cli.json or all(one.ok for one in found):
        data = {"database": database.place, "kind": database.dialect, "found": found}
        output.emit(data, lambda _console: _show(output, database.place, found))
    require_sound(found)


def _url(cli: Cli) -> str:
    return config.database_url(cli.config)


def _told(place: str, before: str | None, after: str) -> str:
    if before == after:
        return f"{place} has the tables of this version already (schema {after})"
    if before is None:
        return f"made the tables in {place} (schema {after})"
    return f"brought {place} from schema {before} to {after}"


def _show(output: Output, place: str, found: list[Soundness]) -> None:
    output.say(place)
    rows = [(one.name, "sound" if one.ok else "NOT SOUND", one.detail) for one in found]
    output.console.print(table("what", "is", "detail", rows=rows))
