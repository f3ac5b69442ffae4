"""Bodies are taken in up to a limit that compression cannot evade."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pytest

from syncd.sdk.body import LARGEST_ERROR_BODY, Unreadable, take_in


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def taken(*chunks: bytes, encoding: str = "", limit: int = 100, failed: bool = False):
    return await take_in(parts(*chunks), encoding=encoding, limit=limit, failed=failed)


@pytest.mark.parametrize("chunks", [(), (b"abc",), (b"a", b"", b"bc")])
async def test_a_body_is_whole(chunks):
    assert await taken(*chunks) == b"".join(chunks)


async def test_the_limit_is_inclusive():
    assert len(await taken(b"x" * 100)) == 100
    with pytest.raises(Unreadable, match="more than 100 bytes"):
        await taken(b"x" * 60, b"x" * 41)


@pytest.mark.parametrize("encoding", ["gzip", " GZIP ", "x-gzip"])
async def test_gzip_is_unpacked(encoding):
    assert await taken(gzip.compress(b"abc"), encoding=encoding) == b"abc"


async def test_a_body_of_several_gzip_members_is_whole():
    packed = gzip.compress(b"abc") + gzip.compress(b"def")
    assert await taken(packed, encoding="gzip") == b"abcdef"


async def test_identity_and_empty_bodies_need_no_unpacking():
    assert await taken(b"abc", encoding="identity") == b"abc"
    assert await taken(encoding="gzip") == b""


async def test_a_gzip_bomb_is_stopped_at_the_limit_and_not_in_memory():
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join([bomb.compress(bytes(2**20)) for _ in range(64)]) + bomb.flush()
    assert len(packed) < 2**17
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="once unpacked"):
            await taken(packed, encoding="gzip", limit=2**20)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


async def test_a_bomb_of_many_members_is_stopped_too():
    with pytest.raises(Unreadable, match="once unpacked"):
        await taken(gzip.compress(b"x" * 40) * 3, encoding="gzip", limit=100)


async def test_a_cut_or_damaged_gzip_body_is_not_taken_for_whole():
    packed = gzip.compress(b"abc" * 100)
    with pytest.raises(Unreadable, match="cut short"):
        await taken(packed[:-9], encoding="gzip", limit=1000)
    with pytest.raises(Unreadable, match="damaged"):
        await taken(b"not gzip", encoding="gzip")


async def test_an_encoding_that_was_not_asked_for_is_refused():
    with pytest.raises(Unreadable, match="not asked for"):
        await taken(b"abc", encoding="br")


async def test_a_long_error_is_cut_short_instead_of_refused():
    body = await taken(*[b"x" * 1024] * 100, limit=2**20, failed=True)
    assert LARGEST_ERROR_BODY - 1024 <= len(body) <= LARGEST_ERROR_BODY
