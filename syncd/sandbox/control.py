"""What every hosted simulator answers beside its vendor's API, and what it counts.

Under `/__sandbox__/`: `clock` reads or moves the simulated moment, `faults` sets or clears the
scripted faults, `stats` tells how many calls were made. The vendor's own application sees none of
it. Paths that begin with two underscores are no vendor's and are not counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.testing.faults import Fault, FaultScript

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/__sandbox__/"
_NUMBERS = re.compile(r"/-?\d+")
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Statistics:
    """Calls by method and path template; token calls are told apart from writes."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def count(self, method: str, path: str) -> None:
        self.calls[f"{method} {_NUMBERS.sub('/{id}', path)}"] += 1

    def as_data(self) -> dict[str, Any]:
        """Totals and the counts behind them; a POST for a token or of questions is not a write."""
        writes = sum(
            n
            for name, n in self.calls.items()
            if name.split(" ", 1)[0] in _WRITES and not name.endswith(("/token", "/$batch"))
        )
        return {
            "calls": sum(self.calls.values()),
            "writes": writes,
            "by_route": dict(sorted(self.calls.items())),
        }


class Controlled:
    """An ASGI application with the control routes in front of a simulator."""

    def __init__(self, app: Application, world: SimulatedWorld, faults: FaultScript) -> None:
        self._app = app
        self._world = world
        self.faults = faults
        self.statistics = Statistics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(PREFIX):
            status, answer = self._control(
                scope["method"], path.removeprefix(PREFIX), await _body(receive)
            )
            await _reply(send, status, answer)
            return
        if not path.startswith("/__"):
            self.statistics.count(scope["method"], path)
        await self._app(scope, receive, send)

    def _control(self, method: str, what: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            given = json.loads(body) if body else {}
            match what, method:
                case "clock", "POST":
                    self._world.clock.set(datetime.fromisoformat(given["now"]))
                case "faults", "POST":
                    self.faults.replace([Fault.from_data(one) for one in given["faults"]])
                case "stats", "DELETE":
                    self.statistics.calls.clear()
                case (("clock" | "faults" | "stats"), "GET"):
                    pass
                case _:
                    return 404, {"error": f"no control named {what} for {method}"}
        except (KeyError, TypeError, ValueError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}
        return 200, {"now": self._world.now().isoformat(), **self.statistics.as_data()}


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _reply(send: Send, status: int, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
