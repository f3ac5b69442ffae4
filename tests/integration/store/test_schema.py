"""Migrations: one script for both databases, and a schema that equals the table classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from syncd.core.store import schema
from syncd.core.store.database import SCHEMA_REVISION, Database
from syncd.core.store.integrity import examine, require_sound
from syncd.core.store.tables import metadata
from syncd.sdk.errors import SchemaOutdated, StoreError
from tests.builders_census import connect, pull, unit


def tables(url: str) -> set[str]:
    with schema._connected(schema.target(url), create=False) as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_constant_names_the_newest_script() -> None:
    assert schema.head() == SCHEMA_REVISION


def test_the_scripts_make_exactly_the_tables_of_the_classes(database_url: str) -> None:
    with schema._connected(schema.target(database_url), create=False) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_unique_and_partial_indexes_are_those_of_the_classes(database_url: str) -> None:
    """The comparison above does not look into conditions of indexes."""
    with schema._connected(schema.target(database_url), create=False) as connection:
        found = {
            (table, index["name"], index["unique"], _condition(index))
            for table in metadata.tables
            for index in inspect(connection).get_indexes(table)
            if "duplicates_constraint" not in index
        }
    expected = {
        (table.name, index.name, int(index.unique), _declared(index))
        for table in metadata.tables.values()
        for index in table.indexes
    }
    assert {(t, n, int(u or 0), c) for t, n, u, c in found} == expected


def _condition(index: object) -> bool:
    options = index.get("dialect_options", {})  # type: ignore[attr-defined]
    return bool(options.get("sqlite_where") is not None or options.get("postgresql_where"))


def _declared(index: object) -> bool:
    options = index.dialect_options  # type: ignore[attr-defined]
    return options["sqlite"]["where"] is not None


def test_up_down_and_up_again_leaves_the_same(empty_database_url: str) -> None:
    assert schema.current(empty_database_url) is None
    assert schema.upgrade(empty_database_url) == schema.head()
    made = tables(empty_database_url)
    assert made == set(metadata.tables)
    schema.downgrade(empty_database_url, "base")
    assert tables(empty_database_url) == set()
    assert schema.current(empty_database_url) is None
    assert schema.upgrade(empty_database_url) == schema.head()
    assert tables(empty_database_url) == made


_OF_0002 = {"account_billing"}
_OF_0003 = {
    "bill_reopening",
    "billing_template",
    "late_change",
    "late_check",
    "template_client",
    "unit_exclusion",
}
_OF_0004 = {
    "adoption",
    "asset_record",
    "client_golive",
    "correction",
    "month_close",
    "notice",
    "wire_change",
}
_OF_0005 = {"purchase_read", "purchase_sum", "stored_token"}
_OF_0006 = {
    "attestation",
    "invoice",
    "invoice_plan",
    "invoice_plan_row",
    "ledger_action",
    "ledger_attempt",
    "ledger_document",
    "ledger_golive",
    "ledger_mapping",
    "ledger_payment",
    "ledger_reference",
    "watermark",
    "webhook",
}


@pytest.mark.parametrize(
    ("revision", "gone"),
    [
        ("0001", _OF_0002 | _OF_0003 | _OF_0004 | _OF_0005 | _OF_0006),
        ("0002", _OF_0003 | _OF_0004 | _OF_0005 | _OF_0006),
        ("0003", _OF_0004 | _OF_0005 | _OF_0006),
        ("0004", _OF_0005 | _OF_0006),
        ("0005", _OF_0006),
    ],
    ids=["0001", "0002", "0003", "0004", "0005"],
)
def test_steps_down_and_up_again_leave_the_same(
    database_url: str, revision: str, gone: set[str]
) -> None:
    made = tables(database_url)
    schema.downgrade(database_url, revision)
    assert schema.current(database_url) == revision
    assert tables(database_url) == made - gone
    assert schema.upgrade(database_url) == schema.head()
    assert tables(database_url) == made


async def test_an_upgrade_that_finds_nothing_to_do_changes_nothing(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1")])
    url = database._target.sync_url.render_as_string(hide_password=False)
    assert schema.upgrade(url) == schema.head()
    async with database.reader() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM unit_interval")) == 1


async def test_a_database_of_an_unknown_program_is_not_touched(database: Database) -> None:
    async with database.writer() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    url = database._target.sync_url.render_as_string(hide_password=False)
    with pytest.raises(SchemaOutdated, match="made by another syncd"):
        schema.upgrade(url)


def test_an_upgrade_of_a_locked_file_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_LOCK_SECONDS", 0.05)
    with (
        schema._migrating(schema.target(sqlite_url)),
        pytest.raises(StoreError, match="locked by another process"),
    ):
        schema.upgrade(sqlite_url)


def test_an_upgrade_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        schema.upgrade(f"sqlite:///{tmp_path / 'none' / 'syncd.db'}")


def test_a_path_with_odd_characters_works(tmp_path: Path) -> None:
    folder = tmp_path / "100% #1"
    folder.mkdir()
    url = f"sqlite:///{folder / 'our db.db'}"
    schema.upgrade(url)
    assert (folder / "our db.db").exists()
    assert schema.current(url) == schema.head()


async def test_a_sound_database_is_said_to_be_so(database: Database) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")])
    await pull(database, rmm, [unit("a", "2"), unit("b", "3")])
    found = await examine(database)
    assert [one.name for one in found if not one.ok] == []
    require_sound(found)
    names = ["schema", "pages", "references", "census"]
    assert [one.name for one in found] == (names if database.dialect == "sqlite" else names[::3])


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM unit_interval", "opened 2 more than it closed, and 0 stand"),
        ("DELETE FROM unit_interval WHERE unit = '1'", "opened 2 more than it closed, and 1 stand"),
        ("UPDATE unit_interval SET account_id = 999", "2 units belong to no account"),
    ],
)
async def test_rows_changed_by_hand_are_found(
    database: Database, statement: str, sentence: str
) -> None:
    rmm = await connect(database)
    await pull(database, rmm, [unit("a", "1"), unit("a", "2")])
    async with database.writer() as connection:
        await connection.execute(text(statement))
    found = await examine(database)
    assert not found[-1].ok
    assert sentence in found[-1].detail
    with pytest.raises(StoreError, match="census"):
        require_sound(found)


async def test_a_reference_broken_by_hand_is_found(sqlite_database: Database) -> None:
    await connect(sqlite_database)
    async with sqlite_database.workbench() as bench:
        async with bench.scratch() as connection:
            pass
        await connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        await connection.rollback()
        async with bench.writer() as connection:
            await connection.execute(
                text(
                    "INSERT INTO account (id, connection_id, key, name, psa_ids, first_pull)"
                    " VALUES (1, 77, 'a', 'A', '{}', 0)"
                )
            )
    found = await examine(sqlite_database)
    assert [(one.name, one.ok) for one in found][2] == ("references", False)


async def test_a_schema_that_is_not_ours_is_the_first_finding(database: Database) -> None:
    async with database.writer() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    found = await examine(database)
    assert [(one.name, one.ok) for one in found] == [("schema", False)]
    with pytest.raises(SchemaOutdated):
        require_sound(found)
