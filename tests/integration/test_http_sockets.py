"""The client against real sockets: cut, slow, endless and poisoned answers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib

import pytest

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import (
    ConnectFailed,
    OutcomeUnknown,
    ProtocolError,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.testing.fakes import FakeStopwatch
from tests.builders_sdk import api
from tests.raw_vendor import RawVendor, answer, drip, flood, raw, silence

HEAD = b"HTTP/1.1 200 OK\r\n"
ENDLESS = HEAD + b"transfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_connections_are_kept_and_closed_at_the_end():
    async with RawVendor.running(answer(b"[1]")) as vendor:
        async with api(vendor.url) as client:
            for _ in range(3):
                assert (await client.read("/a")).decode(list[int]) == [1]
            assert vendor.open == 1
        await vendor.left_alone()


CUTS = {
    "before a byte": b"",
    "in the head": b"HTTP/1.1 200",
    "in the body": HEAD + b"content-length: 100\r\n\r\n[1, 2",
    "in a chunk": ENDLESS + b"20\r\n[1, 2",
    "between chunks": ENDLESS + chunk(b"[1, 2"),
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
}


@pytest.mark.parametrize("data", CUTS.values(), ids=CUTS)
async def test_a_cut_answer_is_read_again_and_never_taken_for_whole(data):
    async with RawVendor.running(raw(data), answer(b"[1, 2, 3]")) as vendor:
        with FakeStopwatch().running():
            async with api(vendor.url) as client:
                assert (await client.read("/a")).decode(list[int]) == [1, 2, 3]
        assert client.calls == 2


@pytest.mark.parametrize("data", CUTS.values(), ids=CUTS)
async def test_a_write_with_a_cut_answer_is_unknown_and_sent_once(data):
    async with RawVendor.running(raw(data)) as vendor:
        with FakeStopwatch().running():
            async with api(vendor.url) as client:
                with pytest.raises(OutcomeUnknown):
                    await client.write("POST", "/a", json={"n": 1})
        assert len(vendor.requests) == 1


async def test_silence_ends_at_the_read_timeout():
    policy = {"read_seconds": 0.05, "attempts": 1}
    async with RawVendor.running(silence) as vendor, api(vendor.url, policy=policy) as client:
        with pytest.raises(VendorUnavailable, match="not answered in time"):
            await client.read("/a")
        with pytest.raises(OutcomeUnknown, match="not answered in time"):
            await client.write("POST", "/a", json={})


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nx-drip: ", ENDLESS + b"fffff\r\n"])
async def test_an_answer_that_drips_for_ever_ends_at_the_overall_deadline(head):
    """Every byte resets a read timeout; only the deadline ends it."""
    async with RawVendor.running(drip(head)) as vendor:
        async with api(vendor.url, policy={"total_seconds": 0.3}) as client:
            with pytest.raises(VendorUnavailable, match="not answered in time"):
                await client.read("/a")
        await vendor.left_alone()


async def test_a_flood_is_stopped_at_the_limit():
    async with RawVendor.running(flood(ENDLESS, chunk(b"x" * 65536))) as vendor:
        async with api(vendor.url, policy={"max_body_bytes": 2**20}) as client:
            with pytest.raises(ProtocolError, match="more than 1048576 bytes"):
                await client.read("/a")
        await vendor.left_alone()


async def test_a_gzip_bomb_is_stopped_at_the_limit():
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join([bomb.compress(bytes(2**20)) for _ in range(100)]) + bomb.flush()
    reply = answer(packed, headers="content-encoding: gzip\r\n")
    async with RawVendor.running(reply) as vendor, api(vendor.url) as client:
        with pytest.raises(ProtocolError, match="once unpacked"):
            await client.read("/a")
        with pytest.raises(OutcomeUnknown, match="once unpacked"):
            await client.write("POST", "/a", json={})


@pytest.mark.parametrize(
    "body", [b"not gzip", gzip.compress(b"[1]")[:-4]], ids=["no-gzip", "cut-short"]
)
async def test_a_damaged_compressed_answer_is_never_taken_for_whole(body):
    reply = answer(body, headers="content-encoding: gzip\r\n")
    async with RawVendor.running(reply) as vendor, api(vendor.url) as client:
        with pytest.raises(ProtocolError, match="compressed body"):
            await client.read("/a")
        with pytest.raises(OutcomeUnknown):
            await client.write("POST", "/a", json={})


async def test_a_refusal_stands_even_if_its_body_is_cut_or_endless():
    cut = raw(b"HTTP/1.1 404 Not Found\r\ncontent-length: 100\r\n\r\nhalf")
    endless = flood(b"HTTP/1.1 422 No\r\ntransfer-encoding: chunked\r\n\r\n", chunk(b"x" * 65536))
    async with RawVendor.running(cut, endless) as vendor, api(vendor.url) as client:
        for status in (404, 422):
            with pytest.raises(RequestRejected, match=f"answered {status}"):
                await client.write("POST", "/a", json={})


async def test_a_port_where_nobody_listens_was_surely_not_reached():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with FakeStopwatch().running():
            async with api(url, policy={"attempts": 2}) as client:
                with pytest.raises(ConnectFailed):
                    await client.read("/a")
                with pytest.raises(ConnectFailed):
                    await client.write("POST", "/a", json={})
    assert client.calls == 4


async def test_a_host_that_speaks_no_tls_was_surely_not_reached():
    async with RawVendor.running(answer()) as vendor:
        url = vendor.url.replace("http:", "https:")
        policy = {"attempts": 1, "connect_seconds": 0.3}
        async with api(url, policy=policy) as client:
            with pytest.raises(ConnectFailed):
                await client.write("POST", "/a", json={})
        assert vendor.requests == []


async def test_a_cancelled_call_frees_its_connection_and_its_place():
    async with RawVendor.running(silence, answer(b"[1]")) as vendor:
        async with api(vendor.url, limits=RateLimit(concurrency=1)) as client:
            call = asyncio.create_task(client.read("/a"))
            await vendor.heard.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await client.read("/a")).decode(list[int]) == [1]
        await vendor.left_alone()


@pytest.mark.parametrize("trusted", [False, True])
async def test_a_proxy_of_the_environment_is_used_only_when_asked_for(monkeypatch, trusted):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with RawVendor.running(answer()) as vendor, RawVendor.running(answer()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with api(vendor.url, policy={"trust_environment": trusted}) as client:
            await client.read("/a")
        assert (len(vendor.requests), len(proxy.requests)) == ((0, 1) if trusted else (1, 0))


async def test_a_date_to_come_back_is_read_by_the_vendors_own_clock():
    """A 503 with a date in the past of our clock and 20 s ahead of the vendor's."""
    busy = answer(
        status="503 Busy",
        headers="date: Mon, 01 Jun 2020 12:00:00 GMT\r\n"
        "retry-after: Mon, 01 Jun 2020 12:00:20 GMT\r\n",
    )
    async with RawVendor.running(busy, answer()) as vendor:
        with FakeStopwatch().running() as watch:
            async with api(vendor.url) as client:
                await client.read("/a")
    assert watch.waits == [20]
