"""`syncd pull` beside the floor: wall time, memory, vendor calls and growth, as whole processes.

python -m bench.pull                      100,000 devices, no latency
python -m bench.pull --sizes 10000 100000 1000000
python -m bench.pull --latency-ms 120     single chain against id-range chains
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

CLIENT_CORE, SERVER_CORE = 0, 1
PAGE = 1000


@dataclass
class Measured:
    seconds: float
    peak_mib: float
    calls: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--chains", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            bench = Bench(Path(folder), size, given.clients, given.latency_ms, given.repeat)
            with bench.server():
                if given.latency_ms:
                    bench.latency_table(given.chains)
                else:
                    bench.ratio_table()


class Bench:
    def __init__(
        self, folder: Path, devices: int, clients: int, latency_ms: float, repeat: int
    ) -> None:
        self.folder, self.devices, self.clients = folder, devices, clients
        self.latency_ms, self.repeat = latency_ms, repeat
        self.ready: dict = {}

    @contextmanager
    def server(self) -> Iterator[None]:
        ready = self.folder / "ready.json"
        process = subprocess.Popen(
            [
                sys.executable, "-m", "bench.server", "--devices", str(self.devices),
                "--clients", str(self.clients), "--latency-ms", str(self.latency_ms),
                "--core", str(SERVER_CORE), "--ready", str(ready),
            ]
        )  # fmt: skip
        try:
            while not ready.exists() or not ready.read_text():
                if process.poll() is not None:
                    sys.exit("the simulator did not start")
                time.sleep(0.05)
            self.ready = json.loads(ready.read_text())
            self.floor()  # renders every page once, before anything is measured
            yield
        finally:
            process.terminate()
            process.wait()

    # what is run

    def floor(self) -> Measured:
        return self._run([sys.executable, "-m", "bench.floor", self.ready["base_url"], self.secret])

    def pull(self, database: str, now: datetime, chains: int = 1) -> Measured:
        config = self._config(database, chains)
        return self._run(
            [sys.executable, "-m", "syncd", "--config", str(config), "--json", "pull"],
            SYNCD_NOW=now.isoformat(),
        )

    @property
    def secret(self) -> str:
        return next(iter(self.ready["secrets"].values()))

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.ready["now"])

    def _config(self, database: str, chains: int) -> Path:
        lines = ["[syncd]", f'database = "sqlite:///{database}"', 'timezone = "UTC"']
        lines += ["[connections.fleet]", 'plugin = "ninjaone"']
        settings = dict(self.ready["settings"])
        if chains > 1:
            settings |= {"id_ranges": "on", "chains": chains}
        for key, value in settings.items():
            if isinstance(value, dict):
                inner = ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items())
                lines.append(f"{key} = {{ {inner} }}")
            else:
                lines.append(f"{key} = {json.dumps(value)}")
        path = self.folder / f"syncd-{database}-{chains}.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def _fresh(self, database: str) -> None:
        for left in self.folder.glob(f"{database}*"):
            left.unlink()
        self._run(
            [
                sys.executable,
                "-m",
                "syncd",
                "--config",
                str(self._config(database, 1)),
                "db",
                "upgrade",
            ]
        )

    def _run(self, command: list[str], **extra: str) -> Measured:
        self._control("stats", "DELETE")
        environment = {**os.environ, **self.ready["secrets"], **extra}
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
        )
        out, err = process.communicate()
        seconds = time.perf_counter() - started
        if process.returncode != 0:
            said = (out + err).decode()
            sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{said}")
        return Measured(seconds, 0.0, self._control("stats")["calls"])

    def _peak(self, command: list[str], **extra: str) -> float:
        """Peak memory of one run, in MiB, measured in a child of its own."""
        program = (
            "import os, resource, subprocess, sys;"
            "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, *command],
            env={**os.environ, **self.ready["secrets"], **extra},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout.split()[-1]) / 1024

    def _control(self, what: str, method: str = "GET", body: dict | None = None) -> dict:
        request = urllib.request.Request(
            f"{self.ready['base_url']}/__sandbox__/{what}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    # what is printed

    def ratio_table(self) -> None:
        rounds: dict[str, list[Measured]] = {
            "floor": [],
            "first": [],
            "unchanged": [],
            "1 % changed": [],
        }
        tomorrow = self.start + timedelta(days=1)
        for _ in range(self.repeat):
            self._fresh("ratio.db")
            self._control("clock", "POST", {"now": self.start.isoformat()})
            self.floor()  # the simulator renders the pages of the day before anything is measured
            rounds["floor"].append(self.floor())
            rounds["first"].append(self.pull("ratio.db", self.start))
            rounds["unchanged"].append(self.pull("ratio.db", self.start + timedelta(hours=6)))
            self._control("clock", "POST", {"now": tomorrow.isoformat()})
            self.floor()
            rounds["1 % changed"].append(self.pull("ratio.db", tomorrow))
        self._fresh("peak.db")
        config = str(self._config("peak.db", 1))
        peak = self._peak(
            [sys.executable, "-m", "syncd", "--config", config, "--json", "pull"],
            SYNCD_NOW=tomorrow.isoformat(),
        )
        floor = statistics.median(one.seconds for one in rounds["floor"])
        minimal = 1 + ceil((self.clients + 1) / PAGE) + ceil((self.devices + 1) / PAGE)
        print(
            f"\n{self.devices:,} devices, {self.clients:,} organisations, no latency,"
            f" median of {self.repeat}"
        )
        print(f"{'':14} {'seconds':>8} {'x floor':>8} {'calls':>6} {'minimal':>8}")
        for name, all_of_it in rounds.items():
            seconds = statistics.median(one.seconds for one in all_of_it)
            calls = all_of_it[-1].calls
            least = minimal - 1 if name == "floor" else minimal
            print(f"{name:14} {seconds:8.2f} {seconds / floor:8.2f} {calls:6} {least:8}")
        print(f"peak memory of a first pull: {peak:.0f} MiB")

    def latency_table(self, chains: int) -> None:
        self._fresh("late.db")
        self.pull("late.db", self.start)
        rounds: dict[int, list[Measured]] = {1: [], chains: []}
        for turn in range(self.repeat):
            for count, measured in rounds.items():
                now = self.start + timedelta(hours=1 + turn, minutes=count)
                measured.append(self.pull("late.db", now, count))
        single = statistics.median(one.seconds for one in rounds[1])
        minimal = 1 + ceil((self.clients + 1) / PAGE) + ceil((self.devices + 1) / PAGE)
        print(
            f"\n{self.devices:,} devices at {self.latency_ms:g} ms an answer,"
            f" median of {self.repeat}"
        )
        print(f"{'chains':>8} {'seconds':>8} {'x single':>9} {'calls':>6} {'x minimal':>10}")
        for count, measured in rounds.items():
            seconds = statistics.median(one.seconds for one in measured)
            calls = measured[-1].calls
            print(
                f"{count:8} {seconds:8.2f} {seconds / single:9.2f}"
                f" {calls:6} {calls / minimal:10.2f}"
            )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
