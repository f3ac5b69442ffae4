"""What a plan of wiring says: links that may be written, and records for which none was chosen.

A link lets one line of a recurring invoice take its quantity from one subscription of ours.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from syncd.sdk.recurring_records import LinkChange


class InvoiceSide(msgspec.Struct, frozen=True):
    """What the next invoice's line says, as it is or as it would be.

    Attributes:
        quantity: units.
        unit_price: None when unknown.
        total: net amount, None when unknown.
    """

    quantity: Decimal
    unit_price: Decimal | None
    total: Decimal | None


class PlannedLink(msgspec.Struct, frozen=True):
    """One link of a plan.

    Attributes:
        change: what would be written.
        client: PSA client id.
        client_name: for people.
        record: name of the subscription.
        invoice: name of the recurring invoice.
        line: name of its line.
        evidence: why this line, in words.
        before: the next invoice's line as it stands.
        after: the same once the link is there.
        money_effect: after minus before, None when unknown.
        chosen_by: `evidence`, or `person` where somebody named the line.
    """

    change: LinkChange
    client: str
    client_name: str
    record: str
    invoice: str
    line: str
    evidence: tuple[str, ...]
    before: InvoiceSide
    after: InvoiceSide
    money_effect: Decimal | None
    chosen_by: str = "evidence"


class LinkCandidate(msgspec.Struct, frozen=True):
    """A recurring line that might bill a record.

    Attributes:
        invoice: id of the recurring invoice.
        line: id of the line.
        title: both, for people.
        evidence: what speaks for it, in words; empty when nothing does.
        against: why it cannot take the link, empty when it can.
    """

    invoice: str
    line: str
    title: str
    evidence: tuple[str, ...] = ()
    against: str = ""


class UnlinkedRecord(msgspec.Struct, frozen=True):
    """A record of ours that no recurring line counts, and that a person has to place.

    Attributes:
        client: PSA client id.
        client_name: for people.
        subscription: id of the record.
        record: its name.
        quantity: its units.
        money: what it is worth per invoice, None when unknown.
        why: why no line was chosen.
        candidates: lines that might bill it, those with evidence first.
    """

    client: str
    client_name: str
    subscription: str
    record: str
    quantity: int
    money: Decimal | None
    why: str
    candidates: tuple[LinkCandidate, ...] = ()
