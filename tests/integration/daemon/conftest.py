"""A daemon as a real process, with a scripted plugin that is installed only for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PLUGIN = '''
"""A source that does what its connection's settings say."""

import asyncio
import pathlib
from contextlib import asynccontextmanager
from datetime import date
from pydantic import BaseModel
from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Ports
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.records import Account, CheckResult, Observation, Product, ScopeState, ScopeVerdict
from syncd.sdk.terms import Term, with_term


class Settings(BaseModel):
    base_url: str = "http://127.0.0.1:1"
    act: str = "fine"


class Source:
    def __init__(self, context):
        self.context = context

    async def check(self):
        if self.context.config.act.startswith("waits:"):
            pathlib.Path(self.context.config.act[6:]).touch()
            await asyncio.sleep(3600)
        return CheckResult(ok=True, summary="scripted")

    def products(self):
        return [Product("seat", "Seat")]

    async def observe(self, sink, period):
        act = self.context.config.act
        if act == "down":
            raise VendorUnavailable("the vendor is down")
        if act == "defect":
            raise KeyError("client Acme")
        await sink.accounts([Account("1", "Acme")])
        await sink.scope("all", ["1"])
        facts = b"{}"
        if act.startswith("ends:"):
            facts = with_term({}, Term(ends=date.fromisoformat(act[5:]), then="ends"))
        await sink.add("all", [Observation("1", "seat", "u1", 1, "u1", facts)])
        if act == "slow":
            await asyncio.sleep(3600)
        if act.startswith("gate:"):
            while not pathlib.Path(act[5:]).exists():
                await asyncio.sleep(0.02)
        if act == "partial":
            return [ScopeVerdict("all", ScopeState.PARTIAL, 2, 1, ("PAGE_CUT_SHORT: page 2",))]
        return [ScopeVerdict("all", ScopeState.COMPLETE, 1, 1)]


@asynccontextmanager
async def opened(context):
    yield Ports(usage=Source(context))


@hookimpl
def register_connectors(register):
    register(Connector(name="scripted", title="Scripted", config=Settings, open=opened,
                       provides=frozenset({Capability.USAGE})))
'''

DEADLINE = 30.0
"""Seconds after which a test gives up on something that should happen at once."""


@dataclass
class Installation:
    """A folder with a configuration, a database, and the plugins only it sees."""

    folder: Path
    site: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def configure(self, text: str) -> None:
        (self.folder / "syncd.toml").write_text(text)

    def install(self, name: str, code: str) -> None:
        (self.site / f"{name}_module.py").write_text(code)
        info = self.site / f"syncd_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: syncd-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[syncd]\n{name} = {name}_module\n")

    def run(self, **environment: str) -> Daemon:
        return Daemon(self, self.start("run", **environment))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "syncd", *arguments],
            cwd=self.folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("SYNCD_")},
                "COLUMNS": "120",
                "PYTHONPATH": str(self.site),
                "SYNCD_PLUGINS_DISABLED": "ninjaone,halopsa",
                **self.environment,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.folder / "syncd.db")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()


@dataclass
class Daemon:
    """A running `syncd run`, read line by line."""

    installation: Installation
    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def until(self, event: str, *, within: float = DEADLINE, **fields: Any) -> dict[str, Any]:
        """Read log lines up to this event; fails when the daemon ends or nothing comes in time."""
        assert self.process.stderr is not None
        with _Watchdog(self.process, within):
            while line := self.process.stderr.readline():
                read = json.loads(line)
                self.lines.append(read)
                if read["event"] == event and fields.items() <= read.items():
                    return read
        seen = [line["event"] for line in self.lines]
        raise AssertionError(f"{event} {fields} never came; seen {seen}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Wait for the end and read what is left."""
        assert self.process.stderr is not None
        with _Watchdog(self.process, DEADLINE):
            # Through the same reader as `until`, which may have read ahead.
            self.lines += [json.loads(line) for line in self.process.stderr]
        self.process.communicate(timeout=DEADLINE)
        return self.process.returncode

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


class _Watchdog:
    """Kills a process that stays silent, so that reading its output ends."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self.timer = threading.Timer(seconds, process.kill)

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()
        self.timer.join()


@pytest.fixture
def installation(tmp_path: Path, sqlite_template: Path) -> Iterator[Installation]:
    folder, site = tmp_path / "home", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    shutil.copyfile(sqlite_template, folder / "syncd.db")
    made = Installation(folder, site)
    made.install("scripted", PLUGIN)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, or fail."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < deadline, "it never came to hold"
            time.sleep(0.02)

    return wait
