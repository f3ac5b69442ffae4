"""Real objects are built in one place, and every way in which that fails is a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd import plugins
from syncd.bootstrap import App
from syncd.plugins import BrokenPlugin, Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.errors import AuthError, ConfigError, PluginError, SchemaOutdated
from tests.builders_host import connector, written

HEAD = """\
[connections.{name}]
plugin = "{plugin}"
client_id = "x"
client_secret = {{ env = "ACME_SECRET" }}
base_url = "http://127.0.0.1:1"
"""


def connection(name: str, plugin: str = "acme") -> str:
    return HEAD.format(name=name, plugin=plugin)


@asynccontextmanager
async def refusing(_context: Context[Any]) -> AsyncIterator[Ports]:
    raise AuthError("the secret is refused")
    yield Ports()


@asynccontextmanager
async def defective(_context: Context[Any]) -> AsyncIterator[Ports]:
    raise KeyError("client Acme")
    yield Ports()


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", "x")
    monkeypatch.delenv("SYNCD_NOW", raising=False)
    found = (
        connector("acme"),
        connector("desk", Capability.PSA),
        connector("strict", open=refusing),
        connector("odd", open=defective),
    )
    broken = (BrokenPlugin("gone", "ImportError: x"),)
    monkeypatch.setattr(plugins, "load", lambda: Plugins({f.name: f for f in found}, broken))


async def test_a_database_is_made_at_its_first_use_and_never_changed_in_passing(
    tmp_path: Path,
) -> None:
    file = written(tmp_path, "")
    async with App.start(file, need_schema=False):
        assert not (tmp_path / "syncd.db").exists()
    async with App.start(file):
        assert (tmp_path / "syncd.db").exists()
    (tmp_path / "syncd.db").write_bytes(b"")
    with pytest.raises(SchemaOutdated):
        async with App.start(file):
            pytest.fail("an empty database was accepted")
    with sqlite3.connect(tmp_path / "syncd.db") as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == []


async def test_a_connection_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    text = (
        connection("a1")
        + connection("a2")
        + "enabled = false\n"
        + '[connections.a3]\nplugin = "gone"\n'
    )
    async with App.start(written(tmp_path, text), need_schema=False) as app:
        with pytest.raises(ConfigError, match="no connection 'a9'") as unknown:
            app.settings_of("a9")
        assert "a1" in unknown.value.remedy
        with pytest.raises(ConfigError, match="'a2' is switched off"):
            app.settings_of("a2")
        with pytest.raises(PluginError, match="unavailable: plugin 'gone': ImportError: x"):
            app.settings_of("a3")
        assert app.settings_of("a1").name == "a1"


async def test_a_connection_is_told_the_time_zone_of_the_installation(tmp_path: Path) -> None:
    text = '[syncd]\ntimezone = "Pacific/Auckland"\n' + connection("a1")
    async with App.start(written(tmp_path, text), need_schema=False) as app:
        assert app.context("a1").zone == ZoneInfo("Pacific/Auckland")


async def test_the_psa_is_named_or_missed_in_a_sentence(tmp_path: Path) -> None:
    async with App.start(written(tmp_path, connection("d", "desk")), need_schema=False) as app:
        assert app.psa_name() == "d"
    async with App.start(written(tmp_path, connection("a")), need_schema=False) as app:
        with pytest.raises(ConfigError, match="no connection to a PSA"):
            app.psa_name()
    lost = '[connections.p]\nplugin = "gone"\n'
    async with App.start(written(tmp_path, lost), need_schema=False) as app:
        with pytest.raises(PluginError, match="'p' is lost"):
            app.psa_name()


async def test_opening_keeps_our_errors_and_tells_a_defect_without_its_text(
    tmp_path: Path,
) -> None:
    text = connection("s", "strict") + connection("o", "odd")
    async with App.start(written(tmp_path, text), need_schema=False) as app:
        with pytest.raises(AuthError, match="the secret is refused"):
            async with app.open("s"):
                pytest.fail("it opened")
        with pytest.raises(PluginError, match="KeyError in its plugin") as told:
            async with app.open("o"):
                pytest.fail("it opened")
        assert "client Acme" not in str(told.value)


async def test_an_error_of_the_caller_passes_through_an_open_connection(tmp_path: Path) -> None:
    async with App.start(written(tmp_path, connection("a")), need_schema=False) as app:
        with pytest.raises(ZeroDivisionError):
            async with app.open("a"):
                raise ZeroDivisionError


async def test_a_connection_keeps_its_identity_through_restart_and_rename(tmp_path: Path) -> None:
    async with App.start(written(tmp_path, connection("old"))) as app:
        first = await app.connection("old")
        assert await app.connection("old") == first
    renamed = connection("new") + 'formerly = "old"\n'
    for _ in range(2):
        async with App.start(written(tmp_path, renamed)) as app:
            again = await app.connection("new")
            assert (again.uid, again.name) == (first.uid, "new")
    other = connection("new", "desk")
    async with App.start(written(tmp_path, other)) as app:
        with pytest.raises(ConfigError, match="made for plugin 'acme'"):
            await app.connection("new")


async def test_a_shifted_clock_counts_on_from_its_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_NOW", "2026-11-01T03:00:00+00:00")
    start = datetime(2026, 11, 1, 3, tzinfo=UTC)
    async with App.start(written(tmp_path, connection("a")), need_schema=False) as app:
        first = app.clock()
        assert start <= first <= app.clock()
        assert first.date() == start.date()


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-01T03:00:00"])
async def test_a_moment_without_zone_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setenv("SYNCD_NOW", moment)
    with pytest.raises(ConfigError, match="not a moment with its zone"):
        async with App.start(written(tmp_path, ""), need_schema=False):
            pytest.fail("it started")


async def test_a_shifted_clock_is_refused_when_any_address_leaves_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCD_NOW", "2026-11-01T03:00:00Z")
    text = connection("a") + connection("b").replace("http://127.0.0.1:1", "https://x.example")
    with pytest.raises(ConfigError, match=r"\[connections\.b\] base_url leaves this machine"):
        async with App.start(written(tmp_path, text), need_schema=False):
            pytest.fail("it started")
