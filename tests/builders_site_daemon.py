"""`syncd run` beside simulated vendors, read line by line, and dead at the end of its test."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.builders_site import SECONDS, Site


class Lines:
    """The log of a running daemon, read as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.read: list[dict[str, Any]] = []

    def until(self, event: str, **fields: Any) -> dict[str, Any]:
        assert self.process.stderr is not None
        while line := self.process.stderr.readline():
            self.read.append(json.loads(line))
            if self.read[-1]["event"] == event and fields.items() <= self.read[-1].items():
                return self.read[-1]
        raise AssertionError(f"{event} {fields} never came: {self.read}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        # Through the same reader as `until`, which may have read ahead.
        self.read += [json.loads(line) for line in self.process.stderr]
        self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, self.read

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.read if line["event"] == event]


@contextmanager
def daemon(site: Site) -> Iterator[Lines]:
    """A daemon that is dead at the end, whatever the test found."""
    with site.start("run") as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        try:
            yield Lines(process)
        finally:
            watchdog.cancel()
            watchdog.join()
            process.kill()
