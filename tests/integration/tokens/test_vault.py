"""The vault on both databases: sealed, in turns, and without a loss when a process is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from syncd.core.service.tokens import Vault, reseal_all
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.delivery_lock import TokenBusy
from syncd.core.store.token_keys import TokenKeys, new_key
from syncd.core.store.tokens import consents
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    SignInExpired,
    StoreError,
    VendorUnavailable,
)
from syncd.sdk.refresh import Exchanged, RefreshExchange

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
ENDS = NOW + timedelta(days=90)
KEY = new_key()
CHILD = Path(__file__).with_name("exchanging_child.py")


async def connection_of(database: Database, name: str = "desk") -> ConnectionRef:
    async with database.writer() as conn:
        return await ensure_connection(conn, name, "acme")


def vault_of(
    database: Database, keys: str = KEY, *, name: str = "desk", wait_seconds: float = 60.0
) -> Vault:
    async def find() -> ConnectionRef:
        return await connection_of(database, name)

    return Vault(database, find, TokenKeys(keys), clock=lambda: NOW, wait_seconds=wait_seconds)


async def signed_in(database: Database, value: str = "r0-secret") -> Vault:
    vault = vault_of(database)
    await vault.consent("refresh", value, ends_at=ENDS, person="pat")
    return vault


async def everything_stored(database: Database) -> bytes:
    async with database.reader() as conn:
        rows = await conn.execute(text("SELECT sealed, previous FROM stored_token"))
        return b"|".join(bytes(value or b"") for row in rows for value in row)


async def noted(database: Database) -> datetime | None:
    async with database.reader() as conn:
        [[one]] = (await consents(conn)).values()
        return one.unsettled_since


async def test_before_the_first_consent_there_is_no_token(database: Database) -> None:
    vault = vault_of(database)
    assert await vault.read("refresh") is None
    async with vault.turn("refresh") as turn:
        assert turn.token is None
        with pytest.raises(StoreError, match="without a consent"):
            await turn.store("r1", ends_at=None)


async def test_a_consent_is_kept_with_its_end_and_its_person(database: Database) -> None:
    vault = await signed_in(database)
    token = await vault.read("refresh")
    assert token is not None
    assert (token.value, token.previous) == ("r0-secret", None)
    assert (token.stored_at, token.ends_at, token.consented_at) == (NOW, ENDS, NOW)
    async with database.reader() as conn:
        [[consent]] = (await consents(conn)).values()
    assert consent.consented_by == "pat"


async def test_a_stored_token_makes_the_former_one_the_previous(database: Database) -> None:
    vault = await signed_in(database)
    async with vault.turn("refresh") as turn:
        await turn.announce()
        await turn.store("r1", ends_at=ENDS)
        await turn.store("r1", ends_at=None)
        assert turn.token is not None
        assert turn.token.previous == "r0-secret"
    token = await vault_of(database).read("refresh")
    assert token is not None
    assert (token.value, token.previous, token.ends_at) == ("r1", "r0-secret", None)
    assert token.unsettled_since is None


async def test_nothing_in_the_database_can_be_read_without_the_key(database: Database) -> None:
    vault = await signed_in(database)
    async with vault.turn("refresh") as turn:
        await turn.store("r1-secret", ends_at=None)
    stored = await everything_stored(database)
    assert len(stored) > 200
    assert b"secret" not in stored
    with pytest.raises(StoreError, match="no key of token_key opens the stored token") as caught:
        await vault_of(database, new_key()).read("refresh")
    assert "syncd login desk" in caught.value.remedy
    assert KEY not in f"{caught.value!r} {caught.value.remedy} {vault!r} {vault.__dict__!r}"


async def test_a_token_is_of_no_use_to_another_connection(database: Database) -> None:
    await signed_in(database)
    other = await connection_of(database, "other")
    async with database.writer() as conn:
        await conn.execute(text("UPDATE stored_token SET connection_id = :id"), {"id": other.id})
    with pytest.raises(StoreError, match="was stored for another connection"):
        await vault_of(database, name="other").read("refresh")


async def test_a_new_key_takes_over_with_the_next_stores(database: Database) -> None:
    await signed_in(database)
    newer = new_key()
    vault = vault_of(database, f"{newer}, {KEY}")
    async with vault.turn("refresh") as turn:
        await turn.store("r1", ends_at=None)
    token = await vault_of(database, newer).read("refresh")
    assert token is not None
    assert (token.value, token.previous) == ("r1", "r0-secret")


async def test_all_tokens_can_be_sealed_anew_at_once(database: Database) -> None:
    vault = await signed_in(database)
    async with vault.turn("refresh") as turn:
        await turn.announce()
        await turn.store("r1", ends_at=ENDS)
    connection = await connection_of(database)
    newer = new_key()
    assert await reseal_all(database, TokenKeys(f"{newer} {KEY}"), {connection.id: connection}) == 1
    token = await vault_of(database, newer).read("refresh")
    assert token is not None
    assert (token.value, token.previous, token.ends_at) == ("r1", "r0-secret", ENDS)
    with pytest.raises(StoreError):
        await vault.read("refresh")


async def test_one_holds_the_turn_and_the_other_waits_or_gives_up(database: Database) -> None:
    vault = await signed_in(database)
    hasty = vault_of(database, wait_seconds=0.0)
    async with vault.turn("refresh"):
        with pytest.raises(TokenBusy, match="another syncd has been exchanging"):
            async with hasty.turn("refresh"):
                raise AssertionError
    async with hasty.turn("refresh") as turn:
        assert turn.token is not None


async def test_the_turn_of_one_connection_does_not_stop_another(database: Database) -> None:
    vault = await signed_in(database)
    other = vault_of(database, name="other", wait_seconds=0.0)
    async with vault.turn("refresh"), other.turn("refresh") as turn:
        assert turn.token is None


async def test_the_database_can_be_written_while_the_turn_is_held(database: Database) -> None:
    vault = await signed_in(database)
    async with vault.turn("refresh") as turn:
        await turn.announce()
        await connection_of(database, "written meanwhile")
        assert await noted(database) == NOW


@pytest.mark.parametrize(
    ("error", "remains"),
    [
        (AuthError("refused"), False),
        (SignInExpired("refused"), False),
        (ConnectFailed("never left"), False),
        (VendorUnavailable("no answer"), True),
        (RuntimeError("defect"), True),
    ],
)
async def test_an_exchange_stays_noted_unless_it_surely_changed_nothing(
    database: Database, error: Exception, remains: bool
) -> None:
    vault = await signed_in(database)

    async def exchange() -> None:
        async with vault.turn("refresh") as turn:
            await turn.announce()
            raise error

    with pytest.raises(type(error)):
        await exchange()
    assert (await noted(database) is not None) == remains


async def test_two_vaults_that_exchange_at_once_use_each_token_once(database: Database) -> None:
    await signed_in(database, "r0")
    sent: list[str] = []

    async def ask(token: str) -> Exchanged[str]:
        sent.append(token)
        await asyncio.sleep(0)
        return Exchanged(payload=token, refresh_token=f"r{len(sent)}", ends_at=None)

    async def work() -> None:
        async with RefreshExchange(vault_of(database), connection="desk") as tokens:
            for _ in range(3):
                await tokens.run(ask)

    await asyncio.gather(work(), work())
    assert sent == [f"r{number}" for number in range(6)]


def child(url: str, tmp_path: Path, how: str) -> subprocess.Popen[str]:
    """A process that exchanges `N` for `N+1`, as a strict vendor kept in a file does."""
    return subprocess.Popen(
        [sys.executable, str(CHILD), url, str(tmp_path / "vendor"), how],
        env={**os.environ, "SYNCD_TEST_KEY": KEY},
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return out


async def test_processes_exchange_one_after_the_other(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    await signed_in(database, "0")
    (tmp_path / "vendor").write_text("0")
    processes = [child(database_url, tmp_path, "exchange") for _ in range(3)]
    said = sorted([await asyncio.to_thread(finished, one) for one in processes])
    assert said == ["got 1\n", "got 2\n", "got 3\n"]
    token = await vault_of(database).read("refresh")
    assert token is not None
    assert token.value == "3"


def killed_in(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL


async def test_a_process_killed_before_the_vendor_answered_loses_nothing(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    await signed_in(database, "0")
    (tmp_path / "vendor").write_text("0")
    process = child(database_url, tmp_path, "die-before")
    await asyncio.to_thread(killed_in, process, "sending")
    assert await noted(database) == NOW
    again = child(database_url, tmp_path, "exchange")
    assert await asyncio.to_thread(finished, again) == "got 1\n"
    assert await noted(database) is None


async def test_a_process_killed_after_the_vendor_answered_is_told_to_a_person(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    await signed_in(database, "0")
    (tmp_path / "vendor").write_text("0")
    process = child(database_url, tmp_path, "die-after")
    await asyncio.to_thread(killed_in, process, "answered")
    for _ in range(2):
        said = await asyncio.to_thread(finished, child(database_url, tmp_path, "exchange"))
        assert "refused: desk: the vendor takes no token" in said
        assert "an exchange that began at 2026-11-02 03:00 UTC never ended" in said
        assert "syncd login desk" in said
    (tmp_path / "vendor").write_text("9")
    await signed_in(database, "9")
    said = await asyncio.to_thread(finished, child(database_url, tmp_path, "exchange"))
    assert said == "got 10\n"


async def test_a_process_killed_after_a_lenient_vendor_answered_goes_on(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    await signed_in(database, "0")
    (tmp_path / "vendor").write_text("0")
    process = child(database_url, tmp_path, "die-after")
    await asyncio.to_thread(killed_in, process, "answered")
    said = await asyncio.to_thread(finished, child(database_url, tmp_path, "lenient"))
    assert said == "got 2\n"


def test_keys_are_not_shown_and_wrong_ones_are_named_without_their_text() -> None:
    assert KEY not in repr(TokenKeys(KEY))
    wrong: Any
    for wrong, words in (("", "holds no key"), ("hunter2", "not a key"), (f"{KEY},x", "key 2 of")):
        with pytest.raises(ValueError, match=words) as caught:
            TokenKeys(wrong)
        assert "hunter2" not in str(caught.value)
        assert KEY not in str(caught.value)
        assert "syncd login --new-key" in str(caught.value)
