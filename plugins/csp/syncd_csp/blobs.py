"""Reads the files of an export and hands their lines on; what breaks off is taken up again.

A file that is cut off is read from its beginning once more, and the lines that were handed on are
left out: it must be the same file, by the tag that its host gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.download import open_download
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RequestRejected,
    TransientError,
)
from syncd.sdk.ports import PurchaseSink
from syncd.sdk.retry import Budget, persist
from syncd_csp.client import POLICY
from syncd_csp.config import CspConfig
from syncd_csp.export import Exports, Ready, broken
from syncd_csp.lines import LineReader
from syncd_csp.unpacking import Damaged, Unpacker

HOST: Final = "the export's host"


class Files:
    """The files of one export.

    Attributes:
        lines: handed on so far.
        undated: of those, lines of which a date could not be read.
    """

    def __init__(
        self,
        exports: Exports,
        ready: Ready,
        context: Context[CspConfig],
        sink: PurchaseSink,
        *,
        document: str,
        product_of: Callable[[str], str],
    ) -> None:
        self._exports = exports
        self._ready = ready
        self._context = context
        self._connection = context.connection
        self._sink = sink
        self._document = document
        self._product_of = product_of
        self.lines = 0
        self.undated = 0

    async def read(self) -> None:
        """Hand every line on.

        Raises:
            ProtocolError: a file is damaged, cut short, or another one than before.
            ConnectorError: a file cannot be read.
        """
        for blob in self._ready.manifest.blobs:
            await self._whole(blob.name)

    async def _whole(self, name: str) -> None:
        progress = _Progress()

        async def attempt(number: int) -> None:
            del number
            try:
                await self._once(name, progress)
            except (AuthError, RequestRejected) as error:
                if progress.renewed:
                    raise self._closed(error) from error
            else:
                return
            # The key lives for a short while: each file may ask the export for another, once.
            progress.renewed = True
            self._ready = await self._exports.renewed(self._ready)
            try:
                await self._once(name, progress)
            except (AuthError, RequestRejected) as error:
                raise self._closed(error) from error

        def announce(error: TransientError, seconds: float, number: int) -> None:
            self._context.log(
                "request.retried",
                method="GET",
                path=HOST,
                reason=error.code,
                wait_ms=round(seconds * 1000),
                attempt=number,
            )

        await persist(attempt, Budget(POLICY), announce)

    def _closed(self, error: ConnectorError) -> ProtocolError:
        """Not the credentials of the connection are refused, but the key that came with a file."""
        return broken(
            f"EXPORT_CLOSED: a file's host answers {error.http_status} to the key that it was"
            " announced with",
            self._connection,
        )

    async def _once(self, name: str, progress: _Progress) -> None:
        address = self._exports.address(self._ready.manifest, name)
        reader = LineReader(self._document, self._product_of)
        unpacker = Unpacker()
        async with open_download(
            address, connection=self._connection, clock=self._context.clock, policy=POLICY
        ) as download:
            tag = download.headers.get("etag", "")
            if progress.tag not in (None, tag):
                raise broken("EXPORT_CHANGED: a file is another one than before", self._connection)
            progress.tag = tag
            try:
                async for piece in download.pieces:
                    for block in unpacker.feed(piece):
                        await self._hand_over(reader, block, progress)
                await self._hand_over(reader, unpacker.finish(), progress)
            except Damaged as damaged:
                raise broken(f"EXPORT_DAMAGED: a file {damaged}", self._connection) from damaged
        self.undated += reader.undated

    async def _hand_over(self, reader: LineReader, block: bytes, progress: _Progress) -> None:
        before = reader.read
        lines = reader.lines(block)
        fresh = lines[max(0, progress.handed - before) :]
        if fresh:
            await self._sink.add(fresh)
            progress.handed += len(fresh)
            self.lines += len(fresh)


class _Progress:
    """How far a file was handed on, over all attempts."""

    __slots__ = ("handed", "renewed", "tag")

    def __init__(self) -> None:
        self.handed = 0
        self.renewed = False
        self.tag: str | None = None
