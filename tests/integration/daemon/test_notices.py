"""The daemon tells people: once, at once, beside its work, and never in the way of its stop."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.daemon.conftest import Installation

BELL = '''
"""A notifier that writes what it carries into a file, or hangs, or refuses."""

import asyncio
import json
import pathlib
from contextlib import asynccontextmanager
from pydantic import BaseModel
from syncd.hookspecs import hookimpl
from syncd.sdk.errors import ConnectFailed
from syncd.sdk.notices import NotifierKind
from syncd.sdk.records import CheckResult


class Settings(BaseModel):
    file: str
    act: str = "fine"


class Bell:
    def __init__(self, context):
        self.config = context.config

    async def check(self):
        return CheckResult(ok=True, summary="rings")

    async def send(self, notice, begun):
        if self.config.act == "refuse":
            raise ConnectFailed("the bell is away")
        if self.config.act == "begin and hang":
            begun()
        if self.config.act.endswith("hang"):
            pathlib.Path(self.config.file + ".reached").touch()
            await asyncio.sleep(3600)
        begun()
        with open(self.config.file, "a") as file:
            file.write(json.dumps({"title": notice.title, "text": notice.text}) + "\\n")
        return ""


@asynccontextmanager
async def opened(context):
    yield Bell(context)


@hookimpl
def register_notifiers(register):
    register(NotifierKind(name="bell", title="Bell", config=Settings, open=opened))
'''

HELD = (
    "INSERT INTO issue (code, subject, connection, severity, message, remedy, evidence, opened_at,"
    " last_seen_at) VALUES ('PLAN_HELD', 'north/1', 'north', 'warning', 'm', 'r',"
    """ '{"client": "Acme", "plan": "2026-11-1", "rules": ["FIRST_BILL"]}', 1, 1)"""
)


@pytest.fixture
def bell(installation: Installation) -> Callable[..., None]:
    installation.install("bell", BELL)
    held = sqlite3.connect(installation.folder / "syncd.db")
    held.execute(HELD)
    held.commit()
    held.close()

    def configure(*acts: str, act: str = "fine", on: str = "held") -> None:
        text = "[syncd]\ngrace_seconds = 2\n[connections.north]\nplugin = 'scripted'\n"
        text += f"act = '{act}'\nschedule = 'every 1d'\n"
        for n, one in enumerate(acts):
            file = installation.folder / f"bell{n}"
            text += f"[notify.bell{n}]\nplugin = 'bell'\nfile = '{file}'\n"
            text += f"act = '{one}'\non = ['{on}']\n"
        installation.configure(text)

    return configure


def carried(installation: Installation, n: int = 0) -> list[str]:
    file = installation.folder / f"bell{n}"
    return file.read_text().splitlines() if file.exists() else []


def states(installation: Installation, n: int = 0) -> list[str]:
    return [
        row[0]
        for row in installation.rows(
            f"SELECT state FROM notice WHERE notifier = 'bell{n}' AND subject LIKE 'by/%' "
            "ORDER BY id"
        )
    ]


def test_a_held_bill_is_told_once_over_runs_and_restarts(
    installation: Installation, bell: Callable[..., None]
) -> None:
    bell("fine")
    for _ in range(2):
        daemon = installation.run()
        daemon.until("daemon.started")
        if not carried(installation):
            daemon.until("notice.sent")
        assert daemon.stop() == 0
    installation.command("pull", "north")
    (line,) = carried(installation)
    assert "1 held bill to release" in line
    assert "Acme" not in line
    assert states(installation) == ["sent"]


def test_a_hanging_notifier_delays_no_run_no_other_notifier_and_no_stop(
    installation: Installation, bell: Callable[..., None], eventually: Callable[..., None]
) -> None:
    bell("hang", "begin and hang", "fine")
    daemon = installation.run()
    daemon.until("notice.sent", notifier="bell2")
    reached = [installation.folder / f"bell{n}.reached" for n in (0, 1)]
    eventually(lambda: all(one.exists() for one in reached))
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.end() == 0
    assert daemon.events("daemon.stopped")[0]["n_interrupted"] == 0
    assert states(installation, 0) == ["pending"]  # surely not arrived: sent after the next start
    assert states(installation, 1) == ["unknown"]  # may have arrived: never again
    assert states(installation, 2) == ["sent"]


def test_a_killed_daemon_loses_nothing_and_repeats_nothing(
    installation: Installation, bell: Callable[..., None], eventually: Callable[..., None]
) -> None:
    bell("begin and hang")
    daemon = installation.run()
    reached: Path = installation.folder / "bell0.reached"
    eventually(reached.exists)
    daemon.process.kill()
    daemon.process.wait()
    assert states(installation) == ["sending"]
    bell("fine")
    again = installation.run()
    again.until("daemon.started")
    # Another process may be at it, for all that this one knows; it waits out its time.
    assert again.stop() == 0
    assert carried(installation) == []
    later = sqlite3.connect(installation.folder / "syncd.db")
    later.execute("UPDATE notice SET settled_at = 1 WHERE state = 'sending'")
    later.commit()
    later.close()
    third = installation.run()
    third.until("notice.lost")
    assert third.stop() == 0
    assert states(installation) == ["unknown"]
    assert "NOTIFIER_FAILED" in installation.command("issues").stdout


def test_a_refusal_opens_one_issue_and_the_message_waits(
    installation: Installation, bell: Callable[..., None]
) -> None:
    bell("refuse")
    daemon = installation.run()
    daemon.until("notice.delayed")
    assert daemon.stop() == 0
    said = " ".join(installation.command("issues", "--code", "NOTIFIER_FAILED").stdout.split())
    assert "the bell is away" in said
    assert "syncd notify test bell0" in said
    assert states(installation) == ["pending"]
    listed = installation.command("notify", "list").stdout
    assert "pending" in listed
    assert "1 held bill to release" in listed


def test_a_failing_pull_is_told_once_with_its_reason(
    installation: Installation, bell: Callable[..., None]
) -> None:
    bell("fine", act="down", on="failed")
    installation.command("pull", "north")
    installation.command("pull", "north")
    lines = carried(installation)
    assert sum("VENDOR_UNAVAILABLE" in line for line in lines) == 1
    assert len(lines) == 1


def test_a_command_by_hand_is_not_held_up(
    installation: Installation, bell: Callable[..., None]
) -> None:
    bell("hang", "fine")
    began = time.monotonic()
    done = installation.command("pull", "north")
    assert done.returncode == 0
    assert time.monotonic() - began < 25
    assert states(installation, 0) == ["pending"]
    assert states(installation, 1) == ["sent"]


def test_a_notifier_is_tested_and_checked_by_hand(
    installation: Installation, bell: Callable[..., None]
) -> None:
    bell("fine", "refuse")
    assert "rings" in installation.command("check", "bell0").stdout
    assert carried(installation) == []
    done = installation.command("notify", "test", "bell0")
    assert done.returncode == 0, done.stderr
    assert "test message" in carried(installation)[0]
    refused = installation.command("notify", "test", "bell1")
    assert refused.returncode == 5
    assert "the bell is away" in refused.stderr
    missing = installation.command("notify", "test", "bell9")
    assert missing.returncode == 2
    assert "there is no notifier 'bell9'" in missing.stderr
