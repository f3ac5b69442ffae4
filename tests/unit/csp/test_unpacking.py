"""A packed file is unpacked in whole lines, however it is cut and however well it is packed."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_csp import unpacking
from syncd_csp.unpacking import Damaged, Unpacker

LINES = st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=40)


def unpacked(packed: bytes, size: int) -> list[bytes]:
    one = Unpacker()
    blocks = [
        block
        for start in range(0, len(packed), size)
        for block in one.feed(packed[start : start + size])
    ]
    return [*blocks, one.finish()]


@given(LINES, st.integers(1, 50), st.integers(1, 64), st.booleans())
def test_what_was_packed_comes_out_in_whole_lines(
    lines: list[bytes], size: int, block: int, ended: bool
) -> None:
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unpacking, "BLOCK", block)
        blocks = unpacked(gzip.compress(text), size)
    assert b"".join(blocks) == text.removeprefix(b"\xef\xbb\xbf")
    assert all(one.endswith(b"\n") for one in blocks[:-1])


@given(st.lists(LINES, min_size=1, max_size=4), st.integers(1, 50))
def test_members_one_after_the_other_are_one_file(members: list[list[bytes]], size: int) -> None:
    texts = [b"".join(line + b"\n" for line in lines) for lines in members]
    packed = b"".join(map(gzip.compress, texts)) + b"\0" * 7
    assert b"".join(unpacked(packed, size)) == b"".join(texts).removeprefix(b"\xef\xbb\xbf")


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert unpacked(gzip.compress(b"\xef\xbb\xbf{}\n"), 5) == [b"{}\n", b""]


@given(st.integers(0, 40))
def test_a_file_that_is_cut_short_is_never_taken_for_whole(kept: int) -> None:
    packed = gzip.compress(b"{}\n" * 20)
    with pytest.raises(Damaged):
        unpacked(packed[: min(kept, len(packed) - 1)], 7)


def test_what_is_no_gzip_is_refused() -> None:
    with pytest.raises(Damaged, match="no gzip"):
        unpacked(b"<?xml version='1.0'?><Error/>", 100)


def test_a_damaged_file_is_refused() -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 50, 0))
    packed[500] ^= 0xFF
    with pytest.raises(Damaged):
        unpacked(bytes(packed), 64)


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, unpacking.GZIP)
    packed = packer.compress(b"x" * (64 * 1024 * 1024)) + packer.flush()
    one = Unpacker()
    with pytest.raises(Damaged, match="line of more than"):
        list(one.feed(packed))
