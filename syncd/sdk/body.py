"""Takes in the body of an answer: never more bytes than allowed, counted after decompression.

Nothing here trusts a length that the vendor declares.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable

LARGEST_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read; its status says what matters."""

GZIP = 16 + zlib.MAX_WBITS


class Unreadable(Exception):
    """An answer came whose body cannot be taken in; the text completes "the vendor …"."""


async def take_in(
    stream: AsyncIterable[bytes], *, encoding: str, limit: int, failed: bool
) -> bytes:
    """The whole body, decompressed.

    Args:
        stream: the bytes as they come over the wire.
        encoding: the answer's `Content-Encoding`, empty if it has none.
        limit: most bytes, before and after decompression.
        failed: the answer is an error: cut a long body short instead of refusing it.

    Raises:
        Unreadable: too large, damaged, or in an encoding that was not asked for.
    """
    if failed:
        limit = min(limit, LARGEST_ERROR_BODY)
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > limit:
            if failed:
                break
            raise Unreadable(f"answered more than {limit} bytes, which is refused")
        parts.append(part)
    body = parts[0] if len(parts) == 1 else b"".join(parts)
    encoding = encoding.strip().lower()
    if not body or encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Unreadable("answered in a compression that was not asked for")
    return _inflate(body, limit)


def _inflate(packed: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while packed:
        unpacker = zlib.decompressobj(GZIP)
        try:
            part = unpacker.decompress(packed, limit + 1 - size)
        except zlib.error as error:
            raise Unreadable("answered a damaged compressed body") from error
        size += len(part)
        if size > limit:
            raise Unreadable(f"answered more than {limit} bytes once unpacked, which is refused")
        if not unpacker.eof:
            raise Unreadable("answered a compressed body that is cut short")
        parts.append(part)
        packed = unpacker.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)
