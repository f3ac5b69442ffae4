"""Where the browser comes back to after a sign-in: one request on loopback, or a pasted address.

Whatever arrives is read without trust: only an answer that carries the state of this very sign-in
counts, and nothing of it is shown in the browser.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlsplit

from syncd.sdk.address import is_loopback
from syncd.sdk.errors import AuthError, ConfigError
from syncd.sdk.verdict import cleaned

LONGEST_REQUEST: Final = 32 * 1024
"""Bytes of a request's head; the code of some vendors alone has several thousand."""

LISTENS_AT: Final = "127.0.0.1"
"""Never an address that another machine could reach."""

_READ_SECONDS: Final = 10.0
_LONGEST_WORDS: Final = 200
_MOST_FIELDS: Final = 50
_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>syncd</title>"
    "<body style='font-family:sans-serif;margin:4em'><p>{}</p>"
)


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back.

    Attributes:
        code: works once; in no representation.
        parameters: all that stood in the address, for vendors that add some; likewise.
    """

    code: str = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """The sign-in under way.

    Attributes:
        connection: name, for messages.
        redirect: where the browser comes back to.
        state: what comes back with it; in no representation.
    """

    connection: str
    redirect: str
    state: str = field(repr=False)

    def is_ours(self, query: str) -> bool:
        """Whether the answer belongs to this sign-in."""
        return hmac.compare_digest(_value(query, "state").encode(), self.state.encode())

    def returned(self, query: str) -> Returned:
        """What an answer that is ours brings.

        Raises:
            AuthError: the vendor answered an error, or neither.
        """
        code, error = _value(query, "code"), _value(query, "error")
        if code and not error:
            fields = parse_qs(query, max_num_fields=_MOST_FIELDS)
            return Returned(code, {name: values[0] for name, values in fields.items()})
        words = cleaned(_value(query, "error_description"), [self.state], _LONGEST_WORDS)
        what = cleaned(error, [self.state], 60) or "no code came back"
        message = f"{self.connection}: the vendor did not sign in ({what})"
        raise AuthError(
            f"{message}: {words}" if words else message,
            remedy=f"mend what it says, then run `syncd login {self.connection}` again",
            connection=self.connection,
        )


def pasted(expected: Expected, line: str) -> Returned:
    """What stands in an address that a person pasted.

    Raises:
        AuthError: the vendor answered an error.
        ConfigError: it is not the address that the browser ended at.
    """
    text = line.strip().strip("'\"")
    query = urlsplit(text).query if "://" in text else text.lstrip("?")
    if not expected.is_ours(query):
        message = (
            "that is not the address of this sign-in"
            if _value(query, "state")
            else "that is not the address that the browser ended at: it has no state"
        )
        raise ConfigError(
            message,
            remedy=f"run `syncd login {expected.connection} --paste` again, sign in at the new"
            " address, and copy the whole address line even if the page does not open",
        )
    return expected.returned(query)


async def read_line() -> str:
    """A line of the terminal, or of what is piped in; other tasks go on while a person types."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    handle = sys.stdin.fileno()
    try:
        loop.add_reader(handle, ready.set)
    except PermissionError:
        return sys.stdin.readline()  # a file, which is always ready
    try:
        await ready.wait()
    finally:
        loop.remove_reader(handle)
    return sys.stdin.readline()


class Callback:
    """A server on loopback that waits for the browser.

    Attributes:
        redirect: its address.
    """

    def __init__(self) -> None:
        self.redirect = ""
        self._expected: Expected | None = None
        self._query: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait(self, expected: Expected, seconds: float) -> Returned:
        """What the browser brings.

        Raises:
            AuthError: the vendor answered an error, or nobody came in time.
        """
        self._expected = expected
        try:
            async with asyncio.timeout(seconds):
                return expected.returned(await self._query)
        except TimeoutError as error:
            message = f"{expected.connection}: nobody signed in in time"
            raise AuthError(
                message,
                remedy=f"run `syncd login {expected.connection}` again, with --paste where the"
                " browser runs on another machine",
                connection=expected.connection,
            ) from error

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(_READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, words = self._judged(head)
                writer.write(_answer(status, words))
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return  # no browser, or one that went away: the one that counts comes yet
        finally:
            writer.close()

    def _judged(self, head: bytes) -> tuple[HTTPStatus, str]:
        line = head.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
        if len(line) != 3 or line[0] != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, "This page is only for a sign-in."
        path, _, query = line[1].partition("?")
        if path != (urlsplit(self.redirect).path or "/"):
            return HTTPStatus.NOT_FOUND, "There is nothing here."
        if self._expected is None or not self._expected.is_ours(query):
            return HTTPStatus.BAD_REQUEST, "This answer is not of the sign-in that is waited for."
        if self._query.done():
            return HTTPStatus.GONE, "This sign-in is over."
        self._query.set_result(query)
        return HTTPStatus.OK, "syncd has the answer. Close this window and look at the terminal."


@asynccontextmanager
async def listening(redirect: str | None) -> AsyncIterator[Callback]:
    """A server at the one registered address, or at any free port.

    Raises:
        ConfigError: the port of the registered address is taken.
    """
    port = 0 if redirect is None else urlsplit(redirect).port or 80
    callback = Callback()
    try:
        server = await asyncio.start_server(callback.serve, LISTENS_AT, port, limit=LONGEST_REQUEST)
    except OSError as error:
        message = (
            f"port {port} of {LISTENS_AT} cannot be listened at: {os.strerror(error.errno or 0)}"
        )
        raise ConfigError(
            message, remedy="end the program that uses it, or sign in with --paste"
        ) from error
    async with server:
        callback.redirect = redirect or loopback(server.sockets[0].getsockname()[1])
        yield callback


def loopback(port: int) -> str:
    """The address for vendors that let a program choose its port.

    Spelled `localhost`, since that is what such vendors register; a browser tries both families.
    """
    return f"http://localhost:{port}"


def can_listen(redirect: str | None) -> bool:
    """Whether the browser can come back to this machine."""
    return redirect is None or (is_loopback(redirect) and redirect.startswith("http://"))


def _value(query: str, name: str) -> str:
    return parse_qs(query, max_num_fields=_MOST_FIELDS).get(name, [""])[0]


def _answer(status: HTTPStatus, words: str) -> bytes:
    body = _PAGE.format(words).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/html; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n"
        "referrer-policy: no-referrer\r\ncontent-security-policy: default-src 'none'; "
        "style-src 'unsafe-inline'\r\n\r\n"
    )
    return head.encode() + body
