"""Speaks HTTP to one vendor: bounded, pinned to its host, honest about what it did not see.

The only module of the project that imports httpx.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx
import msgspec
from httpx import Auth, Request, Response

from syncd import __version__
from syncd.sdk import waiting
from syncd.sdk.address import check_base_url
from syncd.sdk.answer import Answer, request_id
from syncd.sdk.body import Unreadable, take_in
from syncd.sdk.connector import EventLog, RateLimit
from syncd.sdk.errors import ConnectorError, ProtocolError, TransientError
from syncd.sdk.limits import SlidingWindow
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.retry import Budget, persist
from syncd.sdk.verdict import ErrorText, Exchange, explained, not_sent, refused, unseen

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
]

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

Query = Mapping[str, str | int] | None

_write_json = msgspec.json.Encoder(decimal_format="number").encode


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
        limits: RateLimit,
        clock: Callable[[], datetime],
        log: EventLog,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
        error_text: ErrorText | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the connection; nothing is opened yet.

        Args:
            connection: name in the configuration, for messages.
            base_url: prefix of every relative path; its origin is the only one ever spoken to.
            auth: signs requests without reading bodies, e.g. `ClientCredentials`.
            limits: the connection's quota.
            clock: current time in UTC.
            log: receives `request.sent`, `request.retried` and `limit.waited`.
            policy: bounds of every call.
            error_text: reads the vendor's explanation out of an error's body; without it a
                message holds the status alone.
            headers: sent with every request.

        Raises:
            ValueError: the base URL is not an address that we may speak to, or a header cannot be
                sent.
        """
        self.calls = 0
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
        if not all(v.isascii() and v.isprintable() for v in self._headers.values()):
            raise ValueError("a header holds characters that cannot be sent")
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = _open(self._base, self._policy, self._headers, self._concurrency)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def read(self, path: str, params: Query = None) -> Answer:
        """GET, repeated within the policy when it fails transiently.

        Args:
            path: below the base URL, or an absolute link of the same origin, as vendors send them
                for a next page.
            params: query; it replaces a query in `path`.

        Raises:
            AuthError: 401, also after one renewed token.
            PermissionMissing: 403.
            RequestRejected: any other 4xx.
            RateLimited: 429 until the policy's bounds.
            VendorUnavailable: 5xx, a timeout or a cut connection until the policy's bounds.
            ConnectFailed: the vendor could not be reached.
            ProtocolError: a redirect, an answer beyond the size limit, a link to another origin.
        """
        return await self._call("GET", path, params, None, write=False)

    async def write(self, method: str, path: str, *, json: object, params: Query = None) -> Answer:
        """Send a change; never repeated when it may have been carried out.

        Decimals become JSON numbers, digit by digit. An answer that `decode` refuses afterwards is
        an unknown outcome as well: the caller translates it.

        Raises:
            OutcomeUnknown: sent, and no answer that says whether it happened: a timeout, a cut
                connection, a 5xx, a redirect, an answer too large to read. Look it up.
            AuthError: 401, also after one renewed token; not carried out.
            PermissionMissing: 403; not carried out.
            RequestRejected: any other 4xx; not carried out.
            RateLimited: 429 until the policy's bounds; not carried out.
            ConnectFailed: never left.
            ProtocolError: a path of another origin; never left.
        """
        return await self._call(method, path, params, _write_json(json), write=True)

    async def _call(
        self, method: str, path: str, params: Query, content: bytes | None, *, write: bool
    ) -> Answer:
        budget = Budget(self._policy)

        async def attempt(number: int) -> Answer:
            request = self._request(method, path, params, content)
            call = Exchange(self._connection, f"{method} {request.url.path}", write, number)
            return await self._attempt(request, call, budget)

        def announce(error: TransientError, seconds: float, number: int) -> None:
            if error.http_status == 429:
                self._window.penalise(seconds)
            self._log(
                "request.retried",
                method=method,
                path=path.partition("?")[0],
                reason=error.code,
                wait_ms=round(seconds * 1000),
                attempt=number,
            )

        return await persist(attempt, budget, announce)

    def _request(
        self, method: str, path: str, params: Query, content: bytes | None
    ) -> httpx.Request:
        if self._client is None:
            raise RuntimeError("open the ApiClient with `async with` before calling it")
        absolute = path[:8].lower().startswith(("http://", "https://"))
        url = path if absolute else f"{self._base}{'' if path.startswith('/') else '/'}{path}"
        headers = None if content is None else {"content-type": "application/json"}
        try:
            request = self._client.build_request(
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
        answer = _answer(response, body, self._connection)
        if response.is_success:
            return answer
        credential = request.headers.get("authorization", "").rpartition(" ")[2]
        words = explained(self._error_text, answer, [credential])
        raise refused(call, answer, self._policy, now=self._clock(), words=words)

    async def _exchange(
        self, request: httpx.Request, call: Exchange, budget: Budget
    ) -> tuple[httpx.Response, bytes]:
        assert self._client is not None
        async with self._window as waited:
            if waited:
                self._log("limit.waited", wait_ms=round(waited * 1000))
            self.calls += 1
            began = waiting.monotonic()
            try:
                response, body = await _send(self._client, request, self._policy, budget.left)
            except _FAILURES as error:
                raise _failure(error, call) from error
            finally:
                seconds = waiting.monotonic() - began
                budget.left -= seconds
        self._log(
            "request.sent",
            method=request.method,
            path=request.url.path,
            status=response.status_code,
            ms=round(seconds * 1000),
            request_id=request_id(response.headers),
        )
        return response, body


async def post_form(
    url: str,
    *,
    connection: str,
    form: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
) -> Answer:
    """POST a form once, by a client of its own, and return the answer whatever its status.

    For token endpoints: repeating it is harmless, and left to the caller.

    Raises:
        ConnectFailed: never left.
        VendorUnavailable: a timeout or a cut connection.
        ProtocolError: an answer beyond the size limit or unreadable.
        ValueError: not an address that we may speak to.
    """
    async with _open(check_base_url(url), policy, {}, 1) as client:
        request = client.build_request("POST", url, data=form, params=params)
        call = Exchange(connection, f"POST {request.url.host}{request.url.path}")
        seconds = policy.connect_seconds + policy.write_seconds + policy.read_seconds
        try:
            response, body = await _send(client, request, policy, seconds)
        except _FAILURES as error:
            raise _failure(error, call) from error
    return _answer(response, body, connection)


_FAILURES = (httpx.TransportError, TimeoutError, Unreadable)


def _open(
    url: str, policy: HttpPolicy, headers: Mapping[str, str], concurrency: int
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        # Plain http is loopback only (address.py) and needs no certificates: they cost 17 ms.
        verify=url.lower().startswith("https:"),
        trust_env=policy.trust_environment,
        follow_redirects=False,
        timeout=httpx.Timeout(
            connect=policy.connect_seconds,
            read=policy.read_seconds,
            write=policy.write_seconds,
            pool=policy.connect_seconds,
        ),
        limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        headers={
            "user-agent": f"syncd/{__version__}",
            "accept": "application/json",
            "accept-encoding": "gzip",
            **headers,
        },
    )


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, policy: HttpPolicy, seconds: float
) -> tuple[httpx.Response, bytes]:
    """One request and its whole answer, within `seconds`."""
    response: httpx.Response | None = None
    try:
        async with asyncio.timeout(seconds):
            response = await client.send(request, stream=True)
            try:
                stream = response.stream
                assert isinstance(stream, httpx.AsyncByteStream)
                return response, await take_in(
                    stream,
                    encoding=response.headers.get("content-encoding", ""),
                    limit=policy.max_body_bytes,
                    failed=response.status_code >= 400,
                )
            finally:
                await response.aclose()
    except _FAILURES:
        if response is None or response.status_code < 400:
            raise
        return response, b""  # the status has said it all


def _answer(response: httpx.Response, body: bytes, connection: str) -> Answer:
    return Answer(
        status=response.status_code,
        url=str(response.request.url),
        headers=response.headers,
        body=body,
        request_id=request_id(response.headers),
        method=response.request.method,
        connection=connection,
    )


def _failure(error: Exception, call: Exchange) -> ConnectorError:
    if isinstance(error, NOT_SENT):
        return not_sent(call, type(error).__name__)
    if isinstance(error, Unreadable):
        return unseen(call, str(error), contract_broken=True)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return unseen(call, "was not answered in time")
    return unseen(call, f"was cut off before its answer was whole ({type(error).__name__})")


def _origin(url: httpx.URL) -> tuple[str, str, int | None, bytes]:
    return url.scheme, url.host, url.port, url.userinfo
