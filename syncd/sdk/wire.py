"""One request and its whole answer, below retries and quotas; and single posts for tokens.

The part of the SDK that touches httpx, together with `http.py` and `download.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from syncd import __version__
from syncd.sdk.address import check_base_url
from syncd.sdk.answer import Answer, request_id
from syncd.sdk.body import Unreadable, take_in
from syncd.sdk.errors import ConnectorError
from syncd.sdk.lean_httpx import httpx
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.verdict import Exchange, not_sent, unseen

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
FAILURES = (httpx.TransportError, TimeoutError, Unreadable)

write_json = msgspec.json.Encoder(decimal_format="number").encode


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
    return await _post(
        url,
        connection,
        policy,
        lambda client: client.build_request("POST", url, data=form, params=params),
    )


async def post_json(
    url: str,
    *,
    connection: str,
    json: object,
    policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
) -> Answer:
    """POST JSON once, for vendors whose login is no form; everything else as with `post_form`."""
    headers = {"content-type": "application/json"}
    content = write_json(json)
    return await _post(
        url,
        connection,
        policy,
        lambda client: client.build_request("POST", url, content=content, headers=headers),
    )


async def _post(
    url: str,
    connection: str,
    policy: HttpPolicy,
    build: Callable[[httpx.AsyncClient], httpx.Request],
) -> Answer:
    async with open_client(check_base_url(url), policy, {}, 1) as client:
        call = Exchange(connection, f"POST {urlsplit(url).hostname}{urlsplit(url).path}")
        seconds = policy.connect_seconds + policy.write_seconds + policy.read_seconds
        try:
            response, body = await send(client, build(client), policy, seconds)
        except FAILURES as error:
            raise failure(error, call) from error
    return answer_of(response, body, connection)


def open_client(
    url: str, policy: HttpPolicy, headers: Mapping[str, str], concurrency: int
) -> httpx.AsyncClient:
    """A client with the bounds of the policy that follows no redirect."""
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


async def send(
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
    except FAILURES:
        if response is None or response.status_code < 400:
            raise
        return response, b""  # the status has said it all


def answer_of(response: httpx.Response, body: bytes, connection: str) -> Answer:
    """The answer as plugins see it."""
    return Answer(
        status=response.status_code,
        url=str(response.request.url),
        headers=response.headers,
        body=body,
        request_id=request_id(response.headers),
        method=response.request.method,
        connection=connection,
    )


def failure(error: Exception, call: Exchange) -> ConnectorError:
    """The error for an exchange that gave no whole answer."""
    if isinstance(error, NOT_SENT):
        return not_sent(call, type(error).__name__)
    if isinstance(error, Unreadable):
        return unseen(call, str(error), contract_broken=True)
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return unseen(call, "was not answered in time")
    return unseen(call, f"was cut off before its answer was whole ({type(error).__name__})")
