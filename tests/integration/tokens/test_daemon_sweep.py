"""A daemon looks at sign-ins of connections that nobody pulls, too."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from syncd.bootstrap import App
from syncd.core.service.tokens import Vault
from syncd.core.store.issues import open_issues
from syncd.core.store.token_keys import new_key
from syncd.daemon.billing import deliver
from tests.builders_host import installed, written

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
token_key = { env = "TOKEN_KEY" }

[connections.desk]
plugin = "desk"
client_id = "x"
client_secret = { env = "SECRET" }
"""


async def test_the_end_of_a_sign_in_is_found_without_a_pull(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite_url.endswith("syncd.db")
    monkeypatch.setattr("syncd.plugins.load", installed)
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("TOKEN_KEY", new_key())
    async with App.start(written(tmp_path, CONFIG)) as app:
        vault = app.context("desk").vault
        assert isinstance(vault, Vault)
        soon = app.clock() + timedelta(days=2)
        await vault.consent("refresh", "r0", ends_at=soon, person="pat")
        await deliver(app, "desk", None)
        async with app.database.reader() as conn:
            found = await open_issues(conn)
    assert [(one.code, one.subject, one.severity) for one in found] == [
        ("SIGN_IN_ENDS", "desk", "error")
    ]


async def test_without_a_key_a_connection_gets_no_vault(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite_url.endswith("syncd.db")
    monkeypatch.setattr("syncd.plugins.load", installed)
    monkeypatch.setenv("SECRET", "s3cret")
    text = CONFIG.replace('token_key = { env = "TOKEN_KEY" }', "")
    async with App.start(written(tmp_path, text)) as app:
        assert app.context("desk").vault is None


async def test_the_key_is_in_no_representation_of_the_settings(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite_url.endswith("syncd.db")
    key = new_key()
    monkeypatch.setattr("syncd.plugins.load", installed)
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("TOKEN_KEY", key)
    async with App.start(written(tmp_path, CONFIG)) as app:
        shown = f"{app.settings!r} {app.settings.token_key} {app.context('desk')!r}"
    assert key not in shown
