"""A recurring invoice with every field it has, to be sent back as it was read but for one link.

A save replaces all lines, so fields that this program does not know must survive it: the document
is kept as it came, numbers digit by digit. Nothing of it is computed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from syncd.sdk.http import Answer
from syncd.sdk.records import LinkChange, canonical_json
from syncd_halopsa.wire import broken

Document = dict[str, Any]

CHILDREN = "quantity_subscriptions"
SOURCES = (CHILDREN, "quantity_licences", "quantity_assets", "quantity_users")
PRORATION = "prorata_data"

COMPUTED = frozenset(
    {
        "net_amount",
        "tax_amount",
        "total",
        "net_total",
        "tax_total",
        "revenue",
        "amountdue",
        "amount_remaining",
        "line_totals",
        "invoice_totals",
        "contains_calculated_quantity",
    }
)
"""Amounts that HaloPSA computes; they move with every count and nobody sets them."""

STAMPS = frozenset({"last_modified", "change_seq", "last_change_seq"})
"""What our own save moves as well."""

OWNERS = frozenset({"ihid", "invoice_line_id", "invoicedetailid"})
"""Which invoice or line a row hangs on: HaloPSA fills it in at a save."""

COUNTED = frozenset({"qty_order", "unit_price", "unit_cost"})
"""Figures of a line that follow its subscriptions once it counts any."""

_LONGEST = 20


@dataclass(frozen=True, slots=True)
class WholeInvoice:
    """A recurring invoice as read.

    Attributes:
        number: its id, negative.
        document: every field of it.
    """

    number: int
    document: Document

    @classmethod
    def read(cls, answer: Answer, remote: str) -> WholeInvoice:
        """From an answer.

        Raises:
            ProtocolError: not a recurring invoice with lines, or another one than was asked for.
        """
        try:
            document = _DECODER.decode(answer.body)
            number = _id(document["id"])
            lines = [_id(line["id"]) for line in document["lines"]]
        except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise broken(answer, f"no recurring invoice with its lines: {error!r:.80}") from error
        if number != int(remote) or len(set(lines)) != len(lines):
            raise broken(answer, f"recurring invoice {number} where {remote} was asked for")
        return cls(number, document)

    @property
    def lines(self) -> dict[int, Document]:
        return {_id(line["id"]): line for line in self.document["lines"]}

    def digest(self) -> str:
        """Digest of everything that a person can set."""
        lines = {str(number): _settable(line) for number, line in self.lines.items()}
        header = _without(self.document, {"lines"})
        return hashlib.sha256(canonical_json([_plain(header), _plain(lines)])).hexdigest()

    def shows(self, change: LinkChange) -> bool:
        """Whether the line counts the subscription already, at the price that is wanted."""
        line = self.lines.get(int(change.line))
        wanted = change.price_from_subscription
        return line is not None and any(
            _linked(child, change.subscription)
            and (wanted is None or bool(child.get("use_linked_subscription_price")) == wanted)
            for child in line.get(CHILDREN) or ()
        )

    def with_link(self, change: LinkChange) -> Document:
        """The element of a save: this invoice with one more child, every line in full."""
        return {
            "id": self.number,
            "lines": [
                _with_child(line, change) if number == int(change.line) else line
                for number, line in self.lines.items()
            ],
        }

    def differences(self, after: WholeInvoice, change: LinkChange) -> list[str]:
        """What reads otherwise in `after` beside the link, in words."""
        found = [f"its {name}" for name in _moved(self.document, after.document, {"lines"})]
        there = after.lines
        for number, line in self.lines.items():
            if number not in there:
                found.append(f"line {number} is gone")
                continue
            ours = number == int(change.line)
            left_out = {CHILDREN} if ours else set()
            if ours or _counts(line):
                left_out |= COUNTED if ours else {"qty_order"}
            found += [f"{name} of line {number}" for name in _moved(line, there[number], left_out)]
            if ours and not _kept_children(line, there[number], change.subscription):
                found.append(f"what makes the quantity of line {number}")
        found += [f"line {number} is new" for number in there if number not in self.lines]
        return found


def _number(digits: str) -> Decimal | int:
    """The number exactly; a whole one as such, since HaloPSA refuses 12.0 for an id."""
    value = Decimal(digits)
    whole = abs(value.adjusted()) < _LONGEST and value == value.to_integral_value()
    return int(value) if whole else value


_DECODER = msgspec.json.Decoder(Document, float_hook=_number)


def _id(value: object) -> int:
    return int(str(value))


def _linked(child: Mapping[str, Any], subscription: str) -> bool:
    return str(child.get("licence_id")) == subscription


def _counts(line: Mapping[str, Any]) -> bool:
    return any(line.get(name) for name in SOURCES)


def _with_child(line: Document, change: LinkChange) -> Document:
    """The line with the link: a child more, or the price flag of the one that is there."""
    flag: Document = {}
    if change.price_from_subscription is not None:
        flag = {"use_linked_subscription_price": change.price_from_subscription}
    children = list(line.get(CHILDREN) or ())
    if any(_linked(child, change.subscription) for child in children):
        children = [
            {**child, **flag} if _linked(child, change.subscription) else child
            for child in children
        ]
    else:
        children.append({"licence_id": int(change.subscription), "pro_rata": 0, **flag})
    return {**line, CHILDREN: children}


def _settable(line: Document) -> Document:
    """A line without what follows from counts: its quantity, and parts of periods made of them."""
    left_out = {"qty_order"} if _counts(line) else set()
    kept = _without(line, left_out)
    if kept.get(PRORATION):
        kept[PRORATION] = [row for row in kept[PRORATION] if not row.get("quantity_id")]
    return kept


def _without(document: Document, left_out: set[str]) -> Document:
    return {
        name: value
        for name, value in document.items()
        if name not in left_out
        and name not in COMPUTED
        and name not in OWNERS
        and not name.endswith("_converted")
    }


def _moved(before: Document, after: Document, left_out: set[str]) -> Iterator[str]:
    """Names of fields that do not read as before; a field that is new is not one of them."""
    for name, value in _without(before, left_out | STAMPS).items():
        if name == PRORATION:
            value = _settable({PRORATION: value or []})[PRORATION]
            shown = _settable({PRORATION: after.get(name) or []})[PRORATION]
        else:
            shown = after.get(name)
        if _plain(shown) != _plain(value):
            yield name


def _kept_children(before: Document, after: Document, subscription: str) -> bool:
    """Whether every child is as it was, and the linked one is the only one that may be new."""
    old = {_id(one.get("id") or 0): one for one in before.get(CHILDREN) or ()}
    new = {_id(one.get("id") or 0): one for one in after.get(CHILDREN) or ()}
    more = [one for number, one in new.items() if number not in old]
    return (
        all(
            number in new and (_plain(new[number]) == _plain(one) or _linked(one, subscription))
            for number, one in old.items()
        )
        and len(more) <= 1
        and all(_linked(one, subscription) for one in more)
    )


def _plain(value: Any) -> Any:
    """The value with amounts written in one way, and without what its place says already."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if key not in OWNERS}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value
