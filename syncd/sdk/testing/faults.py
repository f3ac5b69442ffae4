"""Breaks an ASGI application by script: late, refused, cut, damaged or stale answers.

A fault names the calls that it meets and what happens to them; every other call passes untouched.
"Before" faults never reach the application; "after" faults let it work, commit, and then lose or
damage its answer. The same script drives the conformance kit and any simulator of a vendor.
"""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, Self

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PAGE = "<!doctype html><html><body>Sign in to continue</body></html>"


class Action(StrEnum):
    """What happens to a call that a fault meets."""

    LATENCY = "latency"
    """The application answers after `seconds`."""
    STATUS_BEFORE = "status_before"
    """`status` with `headers` and `body`; the application never hears of the call."""
    STATUS_AFTER = "status_after"
    """The application does its work, then `status` is answered in place of its answer."""
    CUT_BEFORE = "cut_before"
    """The connection is cut; the application never hears of the call."""
    CUT_AFTER = "cut_after"
    """The application does its work, then the connection is cut without a byte of the answer."""
    CUT_BODY = "cut_body"
    """Half of the answer's body, then the connection is cut."""
    TRUNCATE = "truncate"
    """Half of the answer's body, as if that were all of it."""
    REPLACE = "replace"
    """`body` in place of the answer's body, as `content_type`; a web page unless said otherwise."""
    HUGE = "huge"
    """The answer behind at least `size` blanks, compressed where the caller accepts it."""
    EMPTY_LIST = "empty_list"
    """The answer's list, or every list in its object, has no rows; totals stay."""
    REPEAT = "repeat"
    """The answer given before to the same method and path, whatever the query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One scripted fault.

    Attributes:
        action: what happens.
        method: HTTP method it meets, None for any.
        path: regular expression found in the path of the calls it meets.
        nth: the first of those calls that is broken, from 1.
        count: how many of them are broken from there on; None for all.
        seconds: of latency.
        status: answered by the status actions.
        headers: sent with a status or a replaced body.
        body: sent with a status or a replaced body, as text.
        content_type: of `body`.
        size: bytes of blanks in a huge answer.
    """

    action: Action
    method: str | None = None
    path: str = ""
    nth: int = 1
    count: int | None = None
    seconds: float = 0.0
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    content_type: str = "text/html; charset=utf-8"
    size: int = 96 * 2**20

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """A fault from JSON, by the names of the attributes.

        Raises:
            ValueError: an unknown name or action.
        """
        unknown = set(data) - {one.name for one in fields(cls)}
        if unknown or "action" not in data:
            raise ValueError(f"a fault needs an action and no {sorted(unknown)}")
        return cls(**{**data, "action": Action(data["action"])})

    def meets(self, method: str, path: str) -> bool:
        """Whether a call is among those that are counted."""
        return self.method in (None, method) and re.search(self.path, path) is not None


class FaultScript:
    """Faults and how many calls each has met; the first that strikes wins."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.replace(faults)

    def replace(self, faults: Iterable[Fault]) -> None:
        """Begin another script, all counts at zero."""
        self._faults = [(fault, [0]) for fault in faults]
        self.struck: list[tuple[str, str, Action]] = []

    @property
    def active(self) -> bool:
        """Whether there is anything to break."""
        return bool(self._faults)

    def strike(self, method: str, path: str) -> Fault | None:
        """Count a call and say which fault strikes it, if any; `struck` remembers it."""
        striking: Fault | None = None
        for fault, met in self._faults:
            if not fault.meets(method, path):
                continue
            met[0] += 1
            last = float("inf") if fault.count is None else fault.nth + fault.count - 1
            if striking is None and fault.nth <= met[0] <= last:
                striking = fault
        if striking is not None:
            self.struck.append((method, path, striking.action))
        return striking


@dataclass(slots=True)
class _Reply:
    """A whole answer, held back."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        """Take a message of the application instead of sending it."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")

    def with_body(self, body: bytes, content_type: str | None = None) -> _Reply:
        headers = [(name, value) for name, value in self.headers if name != b"content-length"]
        if content_type is not None:
            headers = [pair for pair in headers if pair[0] != b"content-type"]
            headers.append((b"content-type", content_type.encode()))
        return _Reply(self.status, [*headers, (b"content-length", b"%d" % len(body))], body)

    async def deliver(self, send: Send, *, bytes_sent: int | None = None) -> None:
        """Send it, or only so many bytes of the body it declares."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        body = self.body if bytes_sent is None else self.body[:bytes_sent]
        await send(
            {"type": "http.response.body", "body": body, "more_body": bytes_sent is not None}
        )


class Faulty:
    """An ASGI application with a script of faults in front of it."""

    def __init__(self, app: Application, script: FaultScript) -> None:
        self._app = app
        self.script = script
        self._previous: dict[tuple[str, str], _Reply] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.script.active:
            await self._app(scope, receive, send)
            return
        call = scope["method"], scope["path"]
        fault = self.script.strike(*call)
        if fault is not None and fault.action is Action.LATENCY:
            await asyncio.sleep(fault.seconds)
            fault = None
        if fault is not None and fault.action is Action.CUT_BEFORE:
            await _cut(receive, send)
            return
        if fault is not None and fault.action is Action.STATUS_BEFORE:
            await _stated(fault).deliver(send)
            return
        reply = _Reply()
        await self._app(scope, receive, reply.collect)
        previous = self._previous.get(call, reply)
        self._previous[call] = reply
        if fault is None:
            await reply.deliver(send)
        elif fault.action is Action.CUT_AFTER:
            await _cut(receive, send)
        elif fault.action is Action.CUT_BODY:
            whole = reply.with_body(reply.body)
            await whole.deliver(send, bytes_sent=len(reply.body) // 2)
            await _cut(receive, send)
        elif fault.action is Action.HUGE:
            await _inflated(scope, fault.size, reply).deliver(send)
        else:
            await _damaged(fault, reply, previous).deliver(send)


def _damaged(fault: Fault, reply: _Reply, previous: _Reply) -> _Reply:
    if fault.action is Action.STATUS_AFTER:
        return _stated(fault)
    if fault.action is Action.TRUNCATE:
        return reply.with_body(reply.body[: len(reply.body) // 2])
    if fault.action is Action.REPLACE:
        return reply.with_body((fault.body or PAGE).encode(), fault.content_type)
    if fault.action is Action.EMPTY_LIST:
        return reply.with_body(_emptied(reply.body))
    assert fault.action is Action.REPEAT
    return previous


def _inflated(scope: Scope, size: int, reply: _Reply) -> _Reply:
    if b"gzip" not in dict(scope["headers"]).get(b"accept-encoding", b""):
        return reply.with_body(b" " * size + reply.body)
    start, packer = _blanks(size)
    packer = packer.copy()
    packed = reply.with_body(start + packer.compress(reply.body) + packer.flush())
    packed.headers.append((b"content-encoding", b"gzip"))
    return packed


@cache
def _blanks(size: int) -> tuple[bytes, zlib._Compress]:
    """Blanks packed so far, and the packer that goes on after them."""
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    chunk = b" " * 2**20
    return b"".join(packer.compress(chunk) for _ in range(-(-size // len(chunk)))), packer


def _stated(fault: Fault) -> _Reply:
    headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
    return _Reply(fault.status, headers).with_body(fault.body.encode(), fault.content_type)


def _emptied(body: bytes) -> bytes:
    document = json.loads(body)
    if isinstance(document, list):
        return b"[]"
    return json.dumps(
        {key: [] if isinstance(value, list) else value for key, value in document.items()}
    ).encode()


async def _cut(receive: Receive, send: Send) -> None:
    """Abort the socket below the server, and wait until the server has noticed.

    ASGI has no word for it; uvicorn's `receive` and `send` are methods of the object that holds
    the connection's transport.

    Raises:
        RuntimeError: the server is another one.
    """
    for call in (receive, send):
        transport = getattr(getattr(call, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
            while (await receive())["type"] != "http.disconnect":
                pass
            return
    raise RuntimeError("cutting a connection needs uvicorn directly in front of the faults")
