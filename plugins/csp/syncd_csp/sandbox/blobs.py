"""Files of gzipped lines, packed while they are sent: nothing of a file is ever held whole.

Made-up lines are packed once as a block that stands for itself, and the block is sent as often as
it is needed; the checksum at the end of the file is counted along.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

GZIP: Final = 16 + zlib.MAX_WBITS
_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LEVEL: Final = 6


def packed(lines: Iterable[bytes], member_lines: int) -> Iterator[bytes]:
    """A file of these lines.

    Args:
        lines: without their ends.
        member_lines: lines of one gzip member, 0 for one member in all; a member may be empty.
    """
    rest = iter(lines)
    while True:
        batch = list(islice(rest, member_lines)) if member_lines else rest
        packer = zlib.compressobj(_LEVEL, wbits=GZIP)
        for line in batch:
            if piece := packer.compress(line + b"\n"):
                yield piece
        yield packer.flush()
        if not member_lines or not batch:
            return


def repeated(block: Sequence[bytes], count: int) -> Iterator[bytes]:
    """A file of `count` lines, the block again and again from its beginning."""
    whole, rest = divmod(count, len(block))
    plain = b"".join(line + b"\n" for line in block)
    tail = b"".join(line + b"\n" for line in islice(block, rest))
    yield _HEAD
    body, checksum = _standing_alone(plain), 0
    for _ in range(whole):
        checksum = zlib.crc32(plain, checksum)
        yield body
    checksum = zlib.crc32(tail, checksum)
    yield _standing_alone(tail)
    yield zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS).flush()
    size = whole * len(plain) + len(tail)
    yield struct.pack("<II", checksum, size % 2**32)


def _standing_alone(plain: bytes) -> bytes:
    """Packed so that it can follow, and be followed by, anything packed in the same way."""
    packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush(zlib.Z_FULL_FLUSH)


def pieces(stream: Iterable[bytes], largest: int) -> Iterator[bytes]:
    """The same bytes in pieces of the largest size, the last one smaller."""
    held = b""
    for part in stream:
        held += part
        while len(held) >= largest:
            yield held[:largest]
            held = held[largest:]
    if held:
        yield held


def cut(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes without their last dozen, as of a file that was not written to its end."""
    held = b""
    for part in stream:
        held += part
        if len(held) > 12:
            yield held[:-12]
            held = held[-12:]
