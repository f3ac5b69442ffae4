"""Speaks HTTP to one vendor: bounded, pinned to its host, honest about what it did not see.

With `wire.py` and `download.py` the only module of the project that uses httpx.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from copy import copy
from datetime import datetime
from typing import Self
from urllib.parse import urlencode

from syncd.sdk import waiting
from syncd.sdk.address import check_base_url
from syncd.sdk.answer import Answer, request_id
from syncd.sdk.connector import EventLog, RateLimit
from syncd.sdk.errors import ProtocolError, RateLimited, TransientError
from syncd.sdk.lean_httpx import httpx
from syncd.sdk.limits import SlidingWindow
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.retry import Budget, persist
from syncd.sdk.verdict import ErrorText, Exchange, explained, refused
from syncd.sdk.wire import (
    FAILURES,
    answer_of,
    failure,
    open_client,
    post_form,
    post_json,
    send,
    write_json,
)

__all__ = [
    "Answer",
    "ApiClient",
    "Auth",
    "ErrorText",
    "HttpPolicy",
    "Request",
    "Response",
    "check_base_url",
    "post_form",
    "post_json",
]

Auth = httpx.Auth
Request = httpx.Request
Response = httpx.Response

SHORTEST_KEY = 16
"""Characters from which a fixed header's value is taken for a key."""

Query = Mapping[str, str | int] | None
Fields = Mapping[str, str] | None


class ApiClient:
    """One connection's way to its vendor; use it with `async with`.

    Every attempt takes its turn at the connection's limits. A read is repeated within the policy
    when it fails transiently. A write is repeated only when it was surely not carried out: it
    never left, or the vendor answered 401 or 429.

    Attributes:
        calls: HTTP requests sent, every attempt counted; token requests are not among them.
    """

    def __init__(
        self,
        *,
        connection: str,
        base_url: str,
        auth: Auth | None,
        limits: RateLimit | SlidingWindow,
        clock: Callable[[], datetime],
        log: EventLog,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
        error_text: ErrorText | None = None,
        headers: Mapping[str, str] | None = None,
        secret_paths: bool = False,
        pause_in: Callable[[bytes], float | None] | None = None,
    ) -> None:
        """Describe the connection; nothing is opened yet.

        Args:
            connection: name in the configuration, for messages.
            base_url: prefix of every relative path; its origin is the only one ever spoken to.
            auth: signs requests without reading bodies, e.g. `ClientCredentials`.
            limits: the connection's quota, or a window that it shares with other clients.
            clock: current time in UTC.
            log: receives `request.sent`, `request.retried` and `limit.waited`.
            policy: bounds of every call.
            error_text: reads the vendor's explanation out of an error's body; without it a
                message holds the status alone.
            headers: sent with every request; a long value is blotted out of the vendor's words,
                as it may be a key.
            secret_paths: no log line or error names a path, as that of a webhook is its key.
            pause_in: reads the seconds out of a 429's body, for vendors that name them only there.

        Raises:
            ValueError: the base URL is not an address that we may speak to, or a header cannot be
                sent.
        """
        self._connection = connection
        self._base = check_base_url(base_url)
        self._origin = _origin(httpx.URL(self._base))
        self._auth = auth or Auth()
        self._window = SlidingWindow.of(limits)
        self._concurrency = limits.concurrency
        self._clock = clock
        self._log = log
        self._policy = policy
        self._error_text = error_text
        self._headers = dict(headers or {})
        self._secret_paths = secret_paths
        self._pause_in = pause_in
        if not all(v.isascii() and v.isprintable() for v in self._headers.values()):
            raise ValueError("a header holds characters that cannot be sent")
        self._line = _Line()
        self._is_lane = False

    def lane(self, auth: Auth) -> ApiClient:
        """A way to the same vendor that is signed differently, for one of its many tenants.

        Lanes share this client's connections, quota and count of calls, and live as long as it is
        open; they are not opened or closed themselves. A 429 pauses the call that met it and no
        other lane, since such vendors count each tenant for itself.

        Args:
            auth: signs the requests of this lane.
        """
        lane = copy(self)
        vars(lane).update(_auth=auth, _is_lane=True)
        return lane

    @property
    def calls(self) -> int:
        return self._line.calls

    async def __aenter__(self) -> Self:
        if self._secret_paths:
            # The lines of these libraries name whole addresses, to whoever listens.
            for name in ("httpx", "httpcore"):
                logging.getLogger(name).setLevel(logging.WARNING)
        self._line.client = open_client(self._base, self._policy, self._headers, self._concurrency)
        return self

    async def __aexit__(self, *_: object) -> None:
        client, self._line.client = self._line.client, None
        if client is not None:
            await client.aclose()

    async def read(self, path: str, params: Query = None, headers: Fields = None) -> Answer:
        """GET, repeated within the policy when it fails transiently.

        Args:
            path: below the base URL, or an absolute link of the same origin, as vendors send them
                for a next page.
            params: query; it replaces a query in `path`.
            headers: of this call alone, the same with every repetition.

        Raises:
            AuthError: 401, also after one renewed token.
            PermissionMissing: 403.
            RequestRejected: any other 4xx.
            RateLimited: 429 until the policy's bounds.
            VendorUnavailable: 5xx, a timeout or a cut connection until the policy's bounds.
            ConnectFailed: the vendor could not be reached.
            ProtocolError: a redirect, an answer beyond the size limit, a link to another origin.
        """
        return await self._call("GET", path, params, None, write=False, headers=headers)

    async def ask(self, method: str, path: str, *, json: object, params: Query = None) -> Answer:
        """A read that the vendor wants as another method with a body; repeated like `read`.

        Only for calls that change nothing at the vendor, however often they are made.

        Raises:
            ConnectorError: of the same kinds as `read`.
        """
        return await self._call(method, path, params, write_json(json), write=False)

    async def write(
        self, method: str, path: str, *, json: object, params: Query = None, headers: Fields = None
    ) -> Answer:
        """Send a change; never repeated when it may have been carried out.

        Decimals become JSON numbers, digit by digit. An answer that `decode` refuses afterwards is
        an unknown outcome as well: the caller translates it. `headers` are of this call alone.

        Raises:
            OutcomeUnknown: sent, and no answer that says whether it happened: a timeout, a cut
                connection, a 5xx, a redirect, an answer too large to read. Look it up.
            AuthError: 401, also after one renewed token; not carried out, as with all below.
            PermissionMissing: 403.
            RequestRejected: any other 4xx.
            RateLimited: 429 until the policy's bounds.
            ConnectFailed: never left.
            ProtocolError: a path of another origin; never left.
        """
        return await self._call(method, path, params, write_json(json), write=True, headers=headers)

    async def send_form(self, path: str, form: Mapping[str, str]) -> Answer:
        """POST a form once, unsigned, and return the answer whatever its status.

        For token endpoints that are asked often, as `post_form` opens a connection of its own;
        repeating it is harmless, and left to the caller.

        Raises:
            VendorUnavailable: a timeout or a cut connection.
            ConnectFailed: the endpoint could not be reached.
            ProtocolError: a path of another origin, an answer beyond the size limit.
        """
        content = urlencode(form).encode()
        request = self._request("POST", path, None, content, "application/x-www-form-urlencoded")
        call = Exchange(self._connection, f"POST {request.url.host}{self._named(request.url.path)}")
        response, body = await self._exchange(request, call, Budget(self._policy))
        return answer_of(response, body, self._connection)

    async def _call(
        self,
        method: str,
        path: str,
        params: Query,
        content: bytes | None,
        *,
        write: bool,
        headers: Fields = None,
    ) -> Answer:
        budget = Budget(self._policy)

        async def attempt(number: int) -> Answer:
            request = self._request(method, path, params, content)
            request.headers.update(headers or {})
            call = Exchange(
                self._connection, f"{method} {self._named(request.url.path)}", write, number
            )
            return await self._attempt(request, call, budget)

        def announce(error: TransientError, seconds: float, number: int) -> None:
            if error.http_status == 429 and not self._is_lane:
                self._window.penalise(seconds)
            self._log(
                "request.retried",
                method=method,
                path=self._named(path.partition("?")[0]),
                reason=error.code,
                wait_ms=round(seconds * 1000),
                attempt=number,
            )

        return await persist(attempt, budget, announce)

    def _named(self, path: str) -> str:
        """The path as messages name it."""
        return "/…" if self._secret_paths else path

    def _request(
        self,
        method: str,
        path: str,
        params: Query,
        content: bytes | None,
        content_type: str = "application/json",
    ) -> httpx.Request:
        client = self._line.client
        if client is None:
            raise RuntimeError("open the ApiClient with `async with` before calling it")
        absolute = path[:8].lower().startswith(("http://", "https://"))
        url = path if absolute else f"{self._base}{'' if path.startswith('/') else '/'}{path}"
        headers = None if content is None else {"content-type": content_type}
        try:
            request = client.build_request(
                method, url, params=params, content=content, headers=headers
            )
        except httpx.InvalidURL:
            request = None
        if request is None or _origin(request.url) != self._origin:
            raise ProtocolError(
                f"{self._connection}: refused to call an address outside of {self._base}",
                remedy="a vendor's link left its own host: check the base URL, then ask the vendor",
                connection=self._connection,
            )
        return request

    async def _attempt(self, request: httpx.Request, call: Exchange, budget: Budget) -> Answer:
        """One attempt, with the second request that a renewed token is worth."""
        async with aclosing(self._auth.async_auth_flow(request)) as flow:
            request = await anext(flow)
            while True:
                response, body = await self._exchange(request, call, budget)
                try:
                    request = await flow.asend(response)
                except StopAsyncIteration:
                    break
        answer = answer_of(response, body, self._connection)
        if response.is_success:
            return answer
        secrets = [value for value in self._headers.values() if len(value) >= SHORTEST_KEY]
        secrets.append(request.headers.get("authorization", "").rpartition(" ")[2])
        said, now = explained(self._error_text, answer, secrets), self._clock()
        error = refused(call, answer, self._policy, now=now, words=said, secrets=secrets)
        if self._pause_in and isinstance(error, RateLimited) and error.retry_after is None:
            error.retry_after = self._pause_in(body)
        raise error

    async def _exchange(
        self, request: httpx.Request, call: Exchange, budget: Budget
    ) -> tuple[httpx.Response, bytes]:
        client = self._line.client
        assert client is not None
        async with self._window as waited:
            if waited:
                self._log("limit.waited", wait_ms=round(waited * 1000))
            self._line.calls += 1
            began = waiting.monotonic()
            try:
                response, body = await send(client, request, self._policy, budget.left)
            except FAILURES as error:
                raise failure(error, call) from error
            finally:
                seconds = waiting.monotonic() - began
                budget.left -= seconds
        self._log(
            "request.sent",
            method=request.method,
            path=self._named(request.url.path),
            status=response.status_code,
            ms=round(seconds * 1000),
            request_id=request_id(response.headers),
        )
        return response, body


class _Line:
    """The open connections and the count of calls, shared by a client and its lanes."""

    __slots__ = ("calls", "client")

    def __init__(self) -> None:
        self.calls = 0
        self.client: httpx.AsyncClient | None = None


def _origin(url: httpx.URL) -> tuple[str, str, int | None, bytes]:
    return url.scheme, url.host, url.port, url.userinfo
