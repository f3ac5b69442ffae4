"""Reads a large file from wherever a vendor put it, piece by piece: nothing holds it whole.

For exports that an authenticated answer announces at another host, under an address that is itself
the key: no credential is sent there, and no message or log names more of it than the host.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from syncd.sdk.address import check_base_url
from syncd.sdk.answer import Answer, request_id
from syncd.sdk.errors import ProtocolError
from syncd.sdk.lean_httpx import httpx
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.verdict import Exchange, refused
from syncd.sdk.wire import FAILURES, failure, open_client

PIECE = 256 * 1024
"""Bytes of a piece, about."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is being read.

    Attributes:
        headers: by lower-case name.
        pieces: its bytes as they are on the wire, once; they raise ConnectorError.
    """

    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


@asynccontextmanager
async def open_download(
    url: str,
    *,
    connection: str,
    clock: Callable[[], datetime],
    policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
) -> AsyncIterator[Download]:
    """GET a file once, unsigned, by a client of its own; no redirect is followed.

    Of the policy only the bounds of waiting hold: not the size, as nothing keeps it, nor the time
    of the whole, as a file may take hours. Repeating it is left to the caller.

    Args:
        url: full address, `https` unless it is this machine.
        connection: name in the configuration, for messages.
        clock: current time in UTC, against which a `Retry-After` is measured.
        policy: bounds.

    Raises:
        ProtocolError: not an address that we may speak to, or a redirect.
        PermissionMissing: 403, e.g. the address has expired.
        ConnectorError: any other refusal, by its kind.
        VendorUnavailable: a timeout or a cut connection.
    """
    # The lines of these libraries name whole addresses, to whoever listens.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    parts = urlsplit(url)
    call = Exchange(connection, f"GET {parts.hostname or '…'}/…")
    try:
        check_base_url(f"{parts.scheme}://{parts.netloc}")
    except ValueError as error:
        raise ProtocolError(
            f"{connection}: refused to read a file from where the vendor put it: {error}",
            remedy="nothing was read; if it stays, ask the vendor",
            connection=connection,
        ) from None
    # The file's own compression is the caller's; another one is not asked for.
    async with open_client(url, policy, {"accept-encoding": "identity", "accept": "*/*"}, 1) as web:
        try:
            response = await web.send(web.build_request("GET", url), stream=True)
        except (*FAILURES, httpx.InvalidURL) as error:
            raise failure(error, call) from error
        try:
            if not response.is_success:
                answer = Answer(
                    status=response.status_code,
                    url=f"https://{parts.hostname}/",
                    headers=response.headers,
                    body=b"",
                    request_id=request_id(response.headers),
                    connection=connection,
                )
                raise refused(call, answer, policy, now=clock())
            yield Download(response.headers, _pieces(response, call))
        finally:
            await response.aclose()


async def _pieces(response: httpx.Response, call: Exchange) -> AsyncIterator[bytes]:
    try:
        async for piece in response.aiter_raw(PIECE):
            yield piece
    except FAILURES as error:
        raise failure(error, call) from error
