"""Runs the daemon for one simulated night and tells in short lines what it wrote to its log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from syncd.sdk.errors import SyncdError

_NIGHT_SECONDS = 90
_STOP_SECONDS = 40

_ODD = {
    "change.unknown": "sent, and the answer was lost",
    "change.resolved": "looked up at the PSA, and found there",
}

Event = Mapping[str, Any]


class NightFailed(SyncdError):
    """The daemon did not do what the night was for, or did not stop."""

    code = "DEMO_NIGHT_FAILED"
    exit_code = 1


def spend_the_night(
    folder: Path, environment: Mapping[str, str], *, until: Callable[[Event], bool]
) -> list[Event]:
    """Start `syncd run`, let it work until an event, stop it with SIGTERM; its log.

    Args:
        folder: where the configuration is.
        environment: of the process.
        until: whether this event is the one that was waited for.

    Raises:
        NightFailed: the event did not come, or the daemon ended badly.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "syncd", "run"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as daemon:
        assert daemon.stdout is not None
        alarm = threading.Timer(_NIGHT_SECONDS, daemon.kill)
        alarm.start()
        try:
            seen, came = _read(daemon.stdout, until)
            if came:
                daemon.terminate()
            rest, _ = _read(daemon.stdout, lambda _event: False)
            code = daemon.wait(_STOP_SECONDS)
        finally:
            alarm.cancel()
            daemon.kill()
    if not came or code != 0:
        last = "; ".join(str(one.get("event", one)) for one in seen[-5:])
        message = f"the daemon ended with {code} and without what was waited for; last: {last}"
        raise NightFailed(message)
    return [*seen, *rest]


def _read(lines: IO[str], until: Callable[[Event], bool]) -> tuple[list[Event], bool]:
    """Events up to the one that was waited for, and whether it came."""
    seen: list[Event] = []
    for line in lines:
        if not line.startswith("{"):
            seen.append({"event": line.strip()})
            continue
        event = json.loads(line)
        seen.append(event)
        if until(event):
            return seen, True
    return seen, False


def told(events: list[Event]) -> Iterator[str]:
    """The night in short lines: runs that ended, and how many writes had an odd fate."""
    odd = Counter(event.get("event") for event in events)
    for event in events:
        name = event.get("event")
        if name == "run.finished":
            yield f"{name}  {event.get('connection')} {event.get('kind')}: {event.get('status')}"
        elif name == "plan.held":
            yield f"{name}  {event.get('client')}: {', '.join(event.get('rules', ()))}"
        elif name == "daemon.stopped":
            yield f"{name}  {event.get('reason')}"
        elif name in _ODD and (number := odd.pop(name, 0)):
            yield f"{name}  {number} {'write' if number == 1 else 'writes'}: {_ODD[name]}"
