"""Unpacks a gzip file piece by piece into blocks of whole lines, in memory that does not grow.

However well a file is packed, no more than a block and one line of it are held.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from syncd_csp.values import BOM

GZIP: Final = 16 + zlib.MAX_WBITS
BLOCK: Final = 512 * 1024
"""Most unpacked bytes at once."""

LONGEST_LINE: Final = 1024 * 1024
"""Bytes; a line of a bill has some hundreds."""


class Damaged(Exception):
    """The file is not what it should be; the text completes "the file …"."""


class Unpacker:
    """One file; `feed` it what came, `finish` it at its end."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)
        self._began = False
        self._rest = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Blocks of whole lines, newlines included.

        Raises:
            Damaged: it is not gzip, or a line is longer than any can be.
        """
        packed, full = piece, False
        while packed or full:
            if self._member.eof:
                packed = packed.lstrip(b"\0")  # some writers fill a file up
                if not packed:
                    return
                self._member = zlib.decompressobj(GZIP)
            try:
                block = self._member.decompress(packed, BLOCK)
            except zlib.error as error:
                message = "is no gzip file, or is damaged"
                raise Damaged(message) from error
            full = len(block) == BLOCK and not self._member.eof
            packed = self._member.unused_data or self._member.unconsumed_tail
            lines = self._whole(block)
            if lines:
                yield lines

    def finish(self) -> bytes:
        """The last line, where it does not end in a newline; empty otherwise.

        Raises:
            Damaged: the file is cut short.
        """
        if not self._member.eof:
            message = "is cut short"
            raise Damaged(message)
        return bytes(self._rest)

    def _whole(self, block: bytes) -> bytes:
        if block and not self._began:
            self._began = True
            block = block.removeprefix(BOM)
        cut = block.rfind(b"\n") + 1
        if not cut:
            self._rest += block
            if len(self._rest) > LONGEST_LINE:
                message = f"has a line of more than {LONGEST_LINE:,} bytes"
                raise Damaged(message)
            return b""
        lines = bytes(self._rest) + block[:cut] if self._rest else block[:cut]
        self._rest = bytearray(block[cut:])
        return lines
