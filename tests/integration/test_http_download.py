"""Files elsewhere are read in pieces, without a token, and nothing names their address."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
import respx
from httpx import Response

from syncd.sdk import download
from syncd.sdk.download import open_download
from syncd.sdk.errors import ConnectorError, PermissionMissing, ProtocolError, VendorUnavailable
from syncd.sdk.testing.fakes import FakeClock

FILE = "https://store.example.com/exports/part-0.gz?sig=canary-key"


async def read(url: str = FILE, **policy: Any) -> bytes:
    async with open_download(url, connection="acme", clock=FakeClock(), **policy) as found:
        return b"".join([piece async for piece in found.pieces])


async def test_a_file_comes_in_pieces_as_it_is(
    respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PIECE", 10)
    packed = bytes(range(256))
    headers = {"etag": "e1", "content-encoding": "gzip"}
    respx_mock.get(FILE).mock(return_value=Response(200, stream=Whole(packed), headers=headers))
    async with open_download(FILE, connection="acme", clock=FakeClock()) as found:
        pieces = [piece async for piece in found.pieces]
        assert found.headers["etag"] == "e1"
    assert b"".join(pieces) == packed
    assert max(map(len, pieces)) == 10
    (call,) = respx_mock.calls
    assert call.request.headers["accept-encoding"] == "identity"
    assert "authorization" not in call.request.headers


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(403, text="canary-key"), PermissionMissing),
        (Response(302, headers={"location": "https://evil.example/"}), ProtocolError),
        (Response(503), VendorUnavailable),
        (httpx.ReadTimeout("x"), VendorUnavailable),
        (httpx.ConnectError("x"), ConnectorError),
    ],
)
async def test_a_refusal_names_the_host_alone(
    respx_mock: respx.MockRouter,
    caplog: pytest.LogCaptureFixture,
    answer: Any,
    kind: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG)
    respx_mock.get(FILE).mock(side_effect=[answer])
    with pytest.raises(kind, match=r"store\.example\.com/…") as raised:
        await read()
    assert "canary" not in str(raised.value)
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    "url", ["http://store.example.com/x", "file:///etc/passwd", "https://u:p@store.example.com/x"]
)
async def test_only_safe_addresses_are_read(url: str) -> None:
    with pytest.raises(ProtocolError, match="refused to read"):
        await read(url)


class Whole(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._content


class Cut(Whole):
    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield self._content
        raise httpx.RemoteProtocolError("peer closed connection")


async def test_a_body_that_breaks_off_is_no_end(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(FILE).mock(return_value=Response(200, stream=Cut(b"abc")))
    with pytest.raises(VendorUnavailable, match="cut off"):
        await read()
