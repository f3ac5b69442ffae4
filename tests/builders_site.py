"""An MSP on loopback for acceptance tests: simulators, a real configuration, real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.plugins import load
from syncd.sandbox.config_file import secrets_of, write_config
from syncd.sandbox.demo.files import configuration_rows, product_rows, rate_rows, write
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.testing.faults import Fault

SECONDS = 180
SOURCE, PSA = "ninja", "halo"


@dataclass(frozen=True)
class Done:
    """What a finished command left."""

    code: int
    out: str
    err: str

    def data(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err


class Site:
    """One installation beside its simulated vendors."""

    def __init__(
        self,
        folder: Path,
        world: SimulatedWorld,
        *,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        mode: str = "live",
        database: str | None = None,
        beside: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.world = world
        offered = load().sandboxes()
        self.names = {"ninjaone": SOURCE, "halopsa": PSA, **(beside or {})}
        self.host = SandboxHost(world, [offered[one] for one in self.names], options=options)
        self.host.__enter__()
        write_config(folder, self.host, names=self.names, mode=mode, extra=extra, database=database)
        self.secrets = secrets_of(self.host)

    def close(self) -> None:
        self.host.__exit__(None, None, None)

    # the program

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "syncd", *words],
            cwd=self.folder,
            env={
                **os.environ,
                **self.secrets,
                "SYNCD_NOW": self.world.now().isoformat(),
                "COLUMNS": "120",  # however wide whoever runs the tests says it is
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, expect: int | None = 0, **environment: str) -> Done:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=SECONDS)
        done = Done(process.returncode, out, err)
        assert expect is None or done.code == expect, f"{words}: {done.code}\n{out}\n{err}"
        return done

    def read(self, *words: str, expect: int | None = 0) -> Any:
        return self.run("--json", *words, expect=expect).data()

    def issue_codes(self) -> set[str]:
        return {one["code"] for one in self.read("issues")}

    # the simulated vendors

    def break_(self, connector: str, *faults: Fault) -> None:
        self.host.simulators[connector].controlled.faults.replace(faults)

    def struck(self, connector: str) -> Sequence[Any]:
        return self.host.simulators[connector].controlled.faults.struck

    def writes(self) -> int:
        return int(self.host.simulators["halopsa"].controlled.statistics.as_data()["writes"])

    def move(self, moment: datetime) -> None:
        self.world.clock.set(moment)

    @property
    def hand(self) -> Any:
        """Edits by a person inside the simulated PSA."""
        return self.host.simulators["halopsa"].app.state.simulator.hand

    def ours(self) -> dict[str, Any]:
        """The PSA's records that carry our key, by key; fails when a key stands twice."""
        found: dict[str, Any] = {}
        for record in self.hand.subscriptions():
            marker = str(record.get("product_sku") or "")
            if marker.startswith("syncd"):
                assert marker not in found, f"{marker} stands on two records"
                found[marker] = record
        return found

    # what a person decides

    def decide(self) -> None:
        """Links by id proof, asset types, one configuration in each mode, and rates."""
        self.run("map", "refresh")
        self.run("map", "propose", "--accept-ids")
        for sheet, rows in (
            ("products", product_rows(SOURCE)),
            ("configurations", configuration_rows(SOURCE)),
            ("rates", rate_rows(SOURCE, valid_from="2026-11-01")),
        ):
            file = self.folder / f"{sheet}.csv"
            write(file, rows)
            self.run("map", sheet, "--import", str(file))

    def first_bills(self) -> None:
        """Plan, release and apply the last finished month."""
        self.run("plan", "billing", expect=3)
        self.run("plans", "release", "latest", "--reason", "first month")
        self.run("apply", "latest")
