"""Endings of one call in one commit; where that fails, each in a commit of its own.

A crash before the commit leaves rows that are `sending`, which are looked up. One ending that
cannot be written must not take the receipts of the others with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from syncd.sdk.errors import StoreError

EndedT = TypeVar("EndedT")
WrittenT = TypeVar("WrittenT")

TOGETHER = 100
"""Most endings of one commit, so that no writer is kept waiting for long."""


async def commit_together(
    ended: Sequence[EndedT], commit: Callable[[Sequence[EndedT]], Awaitable[list[WrittenT]]]
) -> list[WrittenT]:
    """Commit endings; what was written.

    Args:
        ended: all of them.
        commit: writes some of them in one transaction, all or none.

    Raises:
        StoreError: the database cannot serve.
        Exception: one of them cannot be written; the others are.
    """
    written: list[WrittenT] = []
    for first in range(0, len(ended), TOGETHER):
        piece = ended[first : first + TOGETHER]
        try:
            written += await commit(piece)
        except StoreError:
            raise
        except Exception:
            if len(piece) == 1:
                raise
            written += await _each(piece, commit)
    return written


async def _each(
    piece: Sequence[EndedT], commit: Callable[[Sequence[EndedT]], Awaitable[list[WrittenT]]]
) -> list[WrittenT]:
    written: list[WrittenT] = []
    failures: list[Exception] = []
    for one in piece:
        try:
            written += await commit([one])
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, after the others are kept
            failures.append(error)
    if failures:
        raise failures[0]
    return written
