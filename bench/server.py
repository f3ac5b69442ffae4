"""A simulated source with a plain fleet in a process of its own, pinned to one core.

Its pages are rendered before the first request, so that what is measured is the client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from pathlib import Path

from syncd.plugins import load
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import fleet


class Late:
    """Answers after a fixed latency, many at a time."""

    def __init__(self, app, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope, receive, send) -> None:
        if self._seconds and not scope["path"].startswith("/__sandbox__/"):
            await asyncio.sleep(self._seconds)
        await self._app(scope, receive, send)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--ready", type=Path, required=True)
    given = parser.parse_args()
    if given.core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {given.core})
    world = fleet(given.devices, given.clients, churn=0.01)
    host = SandboxHost(world, [load().sandboxes()["ninjaone"]])
    simulator = host.simulators["ninjaone"]
    simulator.wrap(lambda app: Late(app, given.latency_ms / 1000))
    with host:
        ready = {
            "base_url": simulator.base_url,
            "settings": dict(simulator.sandbox.settings(simulator.base_url)),
            "secrets": dict(simulator.sandbox.secrets),
            "now": world.now().isoformat(),
        }
        given.ready.write_text(json.dumps(ready))
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        stop.wait()
    sys.exit(0)


if __name__ == "__main__":
    main()
