"""The daemon takes webhooks on loopback: stored before they are answered, kept by a kill -9."""

from __future__ import annotations

import signal
import socket
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

PLUGIN = """
import json
from contextlib import asynccontextmanager
from pydantic import BaseModel, SecretStr
from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Ports
from syncd.sdk.webhooks import Announced, Announcement, WebhookAnswer, Webhooks


class Settings(BaseModel):
    base_url: str = "http://127.0.0.1:1"
    webhook_key: SecretStr | None = None


def receive(config, headers, body, now):
    if headers.get("x-key") != config.webhook_key.get_secret_value():
        return WebhookAnswer(status=401, refusal="FORGED")
    found = tuple(
        Announcement(key=one, book="b", what=Announced.DOCUMENT, remote=one, at=now)
        for one in json.loads(body)
    )
    return WebhookAnswer(status=200, announcements=found)


@asynccontextmanager
async def opened(context):
    yield Ports()


@hookimpl
def register_connectors(register):
    register(Connector(name="hooked", title="Hooked", config=Settings, open=opened,
                       provides=frozenset({Capability.LEDGER}),
                       webhooks=Webhooks(receive=receive, answer_seconds=3.0,
                                         enabled=lambda config: config.webhook_key is not None)))
"""


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def configuration(port: int) -> str:
    return (
        '[connections.books]\nplugin = "hooked"\nwebhook_key = { env = "HOOK_KEY" }\n'
        '[connections.silent]\nplugin = "hooked"\n'
        f'[web]\nlisten = "127.0.0.1:{port}"\n'
    )


def stored(folder: Path) -> list[str]:
    with sqlite3.connect(folder / "syncd.db") as database:
        rows = database.execute("SELECT key FROM webhook WHERE processed_at IS NULL ORDER BY key")
        return [row[0] for row in rows]


def test_an_announcement_that_was_answered_survives_a_kill(
    installation: Any, free_port: int
) -> None:
    installation.install("hooked", PLUGIN)
    installation.configure(configuration(free_port))
    daemon = installation.run(HOOK_KEY="canary-key")
    assert daemon.until("web.listening")["n_connections"] == 1
    url = f"http://127.0.0.1:{free_port}/webhooks"
    with httpx.Client() as client:
        taken = client.post(f"{url}/books", json=["e1", "e2"], headers={"x-key": "canary-key"})
        forged = client.post(f"{url}/books", json=["e3"], headers={"x-key": "no"})
        nobody = client.post(f"{url}/silent", json=["e4"], headers={"x-key": "canary-key"})
    assert (taken.status_code, forged.status_code, nobody.status_code) == (200, 401, 404)
    assert taken.content == forged.content == nobody.content == b""
    daemon.process.kill()
    daemon.process.wait()
    assert stored(installation.folder) == ["e1", "e2"]
    assert "canary-key" not in str(daemon.lines)


def test_the_port_closes_with_the_daemon(installation: Any, free_port: int) -> None:
    installation.install("hooked", PLUGIN)
    installation.configure(configuration(free_port))
    daemon = installation.run(HOOK_KEY="canary-key")
    daemon.until("web.listening")
    daemon.process.send_signal(signal.SIGTERM)
    daemon.until("daemon.stopped")
    assert daemon.process.wait() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{free_port}/")


def test_a_port_that_is_taken_is_one_clear_error(installation: Any, free_port: int) -> None:
    installation.install("hooked", PLUGIN)
    installation.configure(configuration(free_port))
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        process = installation.start("run", HOOK_KEY="canary-key")
        _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"cannot listen at 127.0.0.1:{free_port}" in err
    assert "Traceback" not in err


def test_an_address_for_everybody_needs_a_proxy(installation: Any, free_port: int) -> None:
    installation.install("hooked", PLUGIN)
    text = configuration(free_port).replace("127.0.0.1", "0.0.0.0")
    installation.configure(text)
    process = installation.start("check", HOOK_KEY="canary-key")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "can be reached from other machines" in err
    assert "proxy" in err
