"""Which recurring line could bill a record that none counts yet: proposals, with their evidence.

A line that counts anything else is never proposed, and of two lines that fit alike none is chosen:
a wrong link is a wrong invoice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.core.billing.arithmetic import difference, product, rounded
from syncd.core.billing.drift import plain_name
from syncd.core.billing.wiring import MONTHLY, title_of, wire
from syncd.sdk.records import (
    InvoiceSide,
    LinkCandidate,
    LinkChange,
    PlannedLink,
    RecurringLine,
    Subscription,
    UnlinkedRecord,
)

SAME_ITEM, SAME_NAME, ALIKE_NAME, SAME_QUANTITY, SAME_PRICE = 100, 80, 40, 10, 5
"""What a piece of evidence weighs."""

ENOUGH = ALIKE_NAME + SAME_QUANTITY
"""Least weight of a line that is chosen; a quantity or a price alone proves nothing."""

MARGIN = SAME_QUANTITY
"""How much the chosen line must outweigh every other one."""

_LETTERS = 3
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAsk:
    """One client whose records are to be linked.

    Attributes:
        client: PSA client id.
        name: of the client, for people.
        records: lasting records of ours, as the PSA shows them.
        priced: ids of those whose price is ours, so that the line is to take it from them.
        recurring: all recurring lines of the client.
        chosen: record id -> line id, where a person named the line.
        money_scale: decimals of totals.
    """

    client: str
    name: str
    records: Sequence[Subscription]
    priced: frozenset[str]
    recurring: Sequence[RecurringLine]
    chosen: Mapping[str, str]
    money_scale: int


@dataclass(frozen=True, slots=True)
class _Weighed:
    line: RecurringLine
    weight: int
    evidence: tuple[str, ...]


def propose_links(ask: LinkAsk) -> tuple[list[PlannedLink], list[UnlinkedRecord]]:
    """Links for the records that no line counts, and the records for which none was chosen."""
    open_records = [
        one for one in ask.records if one.active and wire(one, ask.recurring).line is None
    ]
    usable = [line for line in ask.recurring if not obstacle(line)]
    weighed = {one.key: _weighed(one, usable) for one in open_records}
    best = {one.key: _best(one, weighed[one.key], ask) for one in open_records}
    claims = Counter(found.line.key for found, _ in best.values() if found)
    links: list[PlannedLink] = []
    unlinked: list[UnlinkedRecord] = []
    for record in sorted(open_records, key=lambda one: (one.name.casefold(), one.key)):
        found, why = best[record.key]
        if found is not None and claims[found.line.key] > 1:
            why = f"other records fit {title_of(found.line)} as well"
            found = None
        if found is None:
            unlinked.append(_left(record, weighed[record.key], why, ask))
        else:
            links.append(_link(record, found, ask))
    return links, unlinked


def obstacle(line: RecurringLine) -> str:
    """Why a line cannot take a link, in words; empty when it can."""
    if line.subscriptions:
        return "it counts another record"
    if line.counts_other:
        return "it counts assets, users or licences"
    if not line.active:
        return "it is inactive"
    if line.cycle is not None and line.cycle != MONTHLY:
        return f"it is invoiced {line.cycle}"
    return ""


def _weighed(record: Subscription, lines: Sequence[RecurringLine]) -> list[_Weighed]:
    """Lines that anything speaks for, the weightiest first."""
    found = []
    for line in lines:
        evidence = dict(_evidence(record, line))
        if evidence:
            found.append(_Weighed(line, sum(evidence.values()), tuple(evidence)))
    return sorted(found, key=lambda one: (-one.weight, one.line.invoice, one.line.key))


def _evidence(record: Subscription, line: RecurringLine) -> Iterator[tuple[str, int]]:
    if record.item is not None and record.item == line.item:
        yield f"same product ({line.item})", SAME_ITEM
    ours, theirs = plain_name(record.name), plain_name(line.name)
    if ours and ours == theirs:
        yield "same name", SAME_NAME
    elif _words(ours) and _words(theirs) and _nested(_words(ours), _words(theirs)):
        yield f"name like '{line.name}'", ALIKE_NAME
    if record.quantity and line.quantity == record.quantity:
        yield f"same quantity ({record.quantity})", SAME_QUANTITY
    if record.unit_price and line.unit_price == record.unit_price:
        yield "same price", SAME_PRICE


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in name.split() if len(word) >= _LETTERS)


def _nested(one: frozenset[str], other: frozenset[str]) -> bool:
    return one <= other or other <= one


def _best(
    record: Subscription, weighed: Sequence[_Weighed], ask: LinkAsk
) -> tuple[_Weighed | None, str]:
    """The line to link, or why there is none."""
    named = ask.chosen.get(record.key)
    if named is not None:
        line = next((one for one in ask.recurring if one.key == named), None)
        if line is None:
            return None, f"line {named} is on no recurring invoice of the client"
        against = obstacle(line)
        if against:
            return None, f"{title_of(line)} cannot take it: {against}"
        return _Weighed(line, 0, ("named by a person",)), ""
    if not weighed:
        return None, "no free line of a recurring invoice looks like it"
    first, *rest = weighed
    if first.weight < ENOUGH:
        return None, "what speaks for a line is not enough to choose it"
    if rest and first.weight - rest[0].weight < MARGIN:
        return None, "several lines fit alike"
    return first, ""


def _link(record: Subscription, found: _Weighed, ask: LinkAsk) -> PlannedLink:
    line = found.line
    takes_price = True if record.key in ask.priced else None
    price = record.unit_price if takes_price else line.unit_price
    before = _side(line.quantity, line.unit_price, ask)
    after = _side(Decimal(record.quantity), price, ask)
    effect = None
    if before.total is not None and after.total is not None:
        effect = difference(after.total, before.total)
    return PlannedLink(
        change=LinkChange(
            key=f"{line.invoice}/{line.key}/{record.key}",
            invoice=line.invoice,
            line=line.key,
            subscription=record.key,
            observed="",
            price_from_subscription=takes_price,
        ),
        client=ask.client,
        client_name=ask.name,
        record=record.name,
        invoice=line.invoice_name or line.invoice,
        line=line.name,
        evidence=found.evidence,
        before=before,
        after=after,
        money_effect=effect,
        chosen_by="person" if record.key in ask.chosen else "evidence",
    )


def _left(
    record: Subscription, weighed: Sequence[_Weighed], why: str, ask: LinkAsk
) -> UnlinkedRecord:
    fits = {one.line.key: one.evidence for one in weighed}
    lines = [
        *(one.line for one in weighed),
        *(line for line in ask.recurring if line.key not in fits and not obstacle(line)),
        *(line for line in ask.recurring if obstacle(line)),
    ]
    money = _side(Decimal(record.quantity), record.unit_price, ask).total
    return UnlinkedRecord(
        client=ask.client,
        client_name=ask.name,
        subscription=record.key,
        record=record.name,
        quantity=record.quantity,
        money=money,
        why=why,
        candidates=tuple(
            LinkCandidate(
                invoice=line.invoice,
                line=line.key,
                title=title_of(line),
                evidence=fits.get(line.key, ()),
                against=obstacle(line),
            )
            for line in lines[:_SHOWN]
        ),
    )


def _side(quantity: Decimal, price: Decimal | None, ask: LinkAsk) -> InvoiceSide:
    total = None if price is None else rounded(product(price, quantity), ask.money_scale)
    return InvoiceSide(quantity=quantity, unit_price=price, total=total)
