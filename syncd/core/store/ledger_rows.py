"""Lines and ledger rows of an account, kept as the JSON that the database made of them.

A month reads a hundred thousand of them and mostly needs the mode that each line was last sent
with; whoever wants more walks over the rows, which makes them then and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar, overload

import msgspec

from syncd.core.store.types import from_micros
from syncd.sdk.money import from_scaled
from syncd.sdk.records import SubscriptionFields, canonical_json

LINE_COLUMNS = "uid, connection_id, account_id, configuration_uid, asset_type_key, part, created_at"
RECORD_COLUMNS = (
    "line_uid, period, mode, key, psa_connection_id, account_id, remote, state, content_hash,"
    " sent, sent_period, total_price, total_cost, updated_at"
)


class RecordStatus(StrEnum):
    """Whether the PSA still has the record, as far as we last saw."""

    LIVE = "live"
    GONE = "gone"


class StoredLine(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """A line's identity.

    Attributes:
        uid: part of the external key.
        connection_id: source connection.
        account_id: whose line.
        configuration_uid: the configuration it belongs to.
        asset_type_key: a field, not the identity: it may change.
        part: empty, or the name of a line beside the main one (`rounding`).
    """

    uid: str
    connection_id: int
    account_id: int
    configuration_uid: str
    asset_type_key: str
    part: str = ""

    @property
    def slot(self) -> tuple[str, str, str]:
        """What the line is within its account at present."""
        return (self.configuration_uid, self.asset_type_key, self.part)


class LedgerRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What we know and sent of the PSA record behind an external key.

    Attributes:
        key: external key.
        line_uid: the line.
        psa_connection_id: where it is.
        account_id: whose line.
        period: the month it is for where each month has its own record, else empty.
        remote: the PSA's id.
        status: see `RecordStatus`.
        mode: the line's mode when it was last sent; empty while `sent` is None.
        content_hash: of the last write that was delivered; likewise.
        sent: that write; None for a record that was adopted and not written yet.
        sent_period: the month it was for; likewise empty.
        total_price: the line's money then, None when unknown.
        total_cost: likewise.
        units: units behind the line where they differ from the quantity sent.
        products: keys of the products that had units on the line.
        updated_at: UTC.
    """

    key: str
    line_uid: str
    psa_connection_id: int
    account_id: int
    period: str
    remote: str | None
    status: RecordStatus
    mode: str
    content_hash: str
    sent: SubscriptionFields | None
    sent_period: str
    total_price: Decimal | None
    total_cost: Decimal | None
    updated_at: datetime
    units: int | None = None
    products: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the record as we sent it, for people."""
        return "adopted record" if self.sent is None else self.sent.name

    @property
    def billed(self) -> int:
        """Units that it bills as far as we know; of an adopted one we know nothing yet."""
        if self.units is not None:
            return self.units
        return 0 if self.sent is None else self.sent.quantity


class Mark(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Which line a ledger row is of, for which month, and the mode it was last sent in."""

    line_uid: str
    period: str
    mode: str


class _Row(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A row of `RECORD_COLUMNS`, which begin like a `Mark`."""

    line_uid: str
    period: str
    mode: str
    key: str
    psa_connection_id: int
    account_id: int
    remote: str | None
    state: str
    content_hash: str
    sent: str
    sent_period: str
    total_price: int | None
    total_cost: int | None
    updated_at: int


class _Line(StoredLine, frozen=True, kw_only=True, gc=False, array_like=True):
    """A row of `LINE_COLUMNS`."""

    created_at: int = 0


class _Sent(msgspec.Struct, frozen=True):
    """The column `sent`: the write, and what stood behind it."""

    fields: SubscriptionFields | None
    units: int | None
    products: tuple[str, ...]


_Item = TypeVar("_Item")

_LINES = msgspec.json.Decoder(list[_Line])
_MARKS = msgspec.json.Decoder(list[Mark])
_ROWS = msgspec.json.Decoder(list[_Row])
_SENT = msgspec.json.Decoder(_Sent)

_STATUS = {status.value: status for status in RecordStatus}

_amount = lru_cache(maxsize=8192)(from_scaled)
"""A price that many clients pay is built once."""

_moment = lru_cache(maxsize=64)(from_micros)
"""Records written by one run have one moment."""


class Rows(Sequence[_Item]):
    """Rows of one account; each walk over them makes them anew."""

    __slots__ = ("_decode", "_text")

    def __init__(self, text: str, decode: Callable[[bytes], list[_Item]]) -> None:
        # As UTF-8, which takes the least room.
        self._text = text.encode()
        self._decode = decode

    def __iter__(self) -> Iterator[_Item]:
        return iter(self._decode(self._text))

    def __len__(self) -> int:
        return len(self._decode(self._text))

    def __bool__(self) -> bool:
        return self._text != b"[]"

    @overload
    def __getitem__(self, place: int) -> _Item: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[_Item]: ...
    def __getitem__(self, place: int | slice) -> _Item | Sequence[_Item]:
        return self._decode(self._text)[place]


class LineRows(Rows[StoredLine]):
    """Lines of one account, the oldest first."""

    __slots__ = ()

    def __init__(self, text: str = "[]") -> None:
        """From JSON of `LINE_COLUMNS`."""
        super().__init__(text, _lines)

    @property
    def slots(self) -> dict[str, tuple[str, str, str]]:
        """The slot of each line, by uid."""
        return {line.uid: line.slot for line in _LINES.decode(self._text)}


class LedgerRows(Rows[LedgerRecord]):
    """Ledger rows of one account, by key."""

    __slots__ = ()

    def __init__(self, text: str = "[]") -> None:
        """From JSON of `RECORD_COLUMNS`."""
        super().__init__(text, _records)

    @property
    def marks(self) -> list[Mark]:
        """What the bill of a month needs of them."""
        return _MARKS.decode(self._text)


def record_of(row: Sequence[Any]) -> LedgerRecord:
    """From the values of `RECORD_COLUMNS`."""
    return _record(_Row(*row))


def sent_text(record: LedgerRecord) -> str:
    """The column `sent` of a record."""
    return canonical_json(_Sent(record.sent, record.units, record.products)).decode()


def _lines(text: bytes) -> list[StoredLine]:
    found = _LINES.decode(text)
    found.sort(key=attrgetter("created_at", "uid"))
    return list[StoredLine](found)


def _records(text: bytes) -> list[LedgerRecord]:
    rows = _ROWS.decode(text)
    rows.sort(key=attrgetter("key"))
    return [_record(row) for row in rows]


def _record(row: _Row) -> LedgerRecord:
    sent = _SENT.decode(row.sent)
    price, cost = row.total_price, row.total_cost
    return LedgerRecord(
        key=row.key,
        line_uid=row.line_uid,
        psa_connection_id=row.psa_connection_id,
        account_id=row.account_id,
        period=row.period,
        remote=row.remote,
        status=_STATUS[row.state],
        mode=row.mode,
        content_hash=row.content_hash,
        sent=sent.fields,
        sent_period=row.sent_period,
        total_price=None if price is None else _amount(price),
        total_cost=None if cost is None else _amount(cost),
        updated_at=_moment(row.updated_at),
        units=sent.units,
        products=sent.products,
    )
