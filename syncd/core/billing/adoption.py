"""Which existing records of the PSA could carry our lines: one for one, and never twice.

Only a key or a code that names exactly one line and one record is certain; a name, however equal,
is shown with its evidence, and what fits several ways is shown and never chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from rapidfuzz import fuzz

from syncd.core.billing.drift import plain_name
from syncd.core.billing.identity import PREFIX
from syncd.core.billing.matching import LEAST_SCORE, RIVAL_DISTANCE, comparable
from syncd.core.billing.plan_input import Style
from syncd.core.billing.wording import amount
from syncd.sdk.period import Period
from syncd.sdk.records import Subscription

RUNNING_MONTH: Final = "(running month)"
"""How the name of a record of the running month ends."""

_TYPE_WEIGHT = 40
_SITE_WEIGHT = 10
_PRICE_WEIGHT = 20
_UNITS_WEIGHT = 20
_NEAR_WEIGHT = 10
_NEAR_PERCENT = 10


class Ground(StrEnum):
    """What a proposal rests on: our key on the record, the code of a product, or looks alone."""

    KEY = "key"
    SKU = "sku"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A line of a bill that has no record yet.

    Attributes:
        key: external key.
        marker: what the PSA's field holds for it.
        client: PSA client id.
        site: PSA site id, None for the whole client.
        name: of the line.
        names: what a record for it may be called.
        codes: what the SKU of a record for it may be.
        asset_type: PSA id.
        units: units behind the line.
        unit_price: price per unit, None where the PSA owns it.
    """

    key: str
    marker: str
    client: str
    site: str | None
    name: str
    asset_type: str
    units: int
    unit_price: Decimal | None
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionProposal:
    """What fits a line.

    Attributes:
        line: the line.
        ground: what it rests on.
        record: the record that is proposed; None where several fit and nothing tells which.
        evidence: for people.
        rivals: the records that fit about as well, where none is proposed.
    """

    line: OpenLine
    ground: Ground
    record: Subscription | None
    evidence: str
    rivals: tuple[Subscription, ...] = ()

    @property
    def certain(self) -> bool:
        """It may be accepted without a look at it."""
        return self.record is not None and self.ground is not Ground.NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    """A line and a record that may carry it; `words` is the evidence, the strongest first."""

    line: OpenLine
    record: Subscription
    score: int
    words: tuple[str, ...]


def propose_adoptions(
    lines: Sequence[OpenLine],
    records: Sequence[Subscription],
    *,
    ours: Iterable[str],
    style: Style,
    period: Period,
) -> tuple[AdoptionProposal, ...]:
    """At most one proposal for a line, and no record in two; in the order of the lines.

    Args:
        lines: without a record; keys are unique.
        records: of the lines' clients, in any order.
        ours: PSA ids of the records that our books name.
        style: one lasting record for a line, or one for each month.
        period: the month that the lines are of.
    """
    taken = frozenset(ours)
    free = [
        one
        for one in sorted(records, key=lambda record: record.key)
        if not reason_against(one, ours=taken, style=style, period=period)
    ]
    marked = [
        one
        for one in sorted(records, key=lambda record: record.key)
        if one.key not in taken and one.active and one.foreign_writer is None
    ]
    found: dict[str, AdoptionProposal] = {}
    spoken: set[str] = set()
    for ground, pool in ((Ground.KEY, marked), (Ground.SKU, free), (Ground.NAME, free)):
        left = [line for line in lines if line.key not in found]
        edges = [
            edge
            for line in left
            for record in pool
            if record.client == line.client
            and record.key not in spoken
            and (edge := _edge(ground, line, record)) is not None
        ]
        for proposal in _settled(ground, edges):
            found[proposal.line.key] = proposal
            held = (proposal.record,) if proposal.record is not None else proposal.rivals
            spoken |= {record.key for record in held}
    return tuple(found[line.key] for line in lines if line.key in found)


def reason_against(
    record: Subscription, *, ours: Iterable[str], style: Style, period: Period
) -> str:
    """Why a record is never given to a line, `CODE: a sentence`; empty for one that may be."""
    about = f"record {record.key} '{record.name}'"
    if record.key in ours:
        return f"ALREADY_OURS: {about} carries another line of ours"
    if record.foreign_writer is not None:
        return f"FOREIGN_WRITER: {about} is kept by {record.foreign_writer}"
    if not record.active:
        return f"PSA_RECORD_INACTIVE: {about} is not active"
    if (record.marker or "").startswith(PREFIX):
        return f"ALREADY_OURS: {about} carries a key of syncd that is not of this line"
    if record.name.rstrip().endswith(RUNNING_MONTH):
        return f"RUNNING_MONTH: {about} holds a month that is not over"
    first, last = period.first_day.isoformat(), period.last_day.isoformat()
    if style is Style.PER_PERIOD:
        if (record.start or "") < first or (record.end or "9999") > last:
            return f"NOT_OF_THE_MONTH: {about} is not of {period} alone"
    elif record.end is not None and record.end < first:
        return f"PSA_RECORD_INACTIVE: {about} ended on {record.end}"
    return ""


def _edge(ground: Ground, line: OpenLine, record: Subscription) -> _Edge | None:
    if ground is Ground.KEY:
        if record.marker != line.marker:
            return None
        return _Edge(line=line, record=record, score=0, words=("it carries the line's own key",))
    if ground is Ground.SKU:
        code = _code(line, record)
        if not code or _contradicted(line, record):
            return None
        words = (f"SKU {record.sku} is {code}", *_looks(line, record).words)
        return _Edge(line=line, record=record, score=0, words=words)
    edge = _looks(line, record)
    named = any(word.startswith("name") for word in edge.words)
    return edge if named or _same_type(line, record) else None


def _code(line: OpenLine, record: Subscription) -> str:
    """The code of the line that the record's SKU is, however it is written."""
    sku = plain_name(record.sku or "")
    return next((code for code in line.codes if sku and plain_name(code) == sku), "")


def _contradicted(line: OpenLine, record: Subscription) -> bool:
    """A code at another site, or on another asset type, proves nothing."""
    elsewhere = None not in {record.site, line.site} and record.site != line.site
    return elsewhere or (record.asset_type is not None and not _same_type(line, record))


def _same_type(line: OpenLine, record: Subscription) -> bool:
    return record.asset_type is not None and record.asset_type == line.asset_type


def _looks(line: OpenLine, record: Subscription) -> _Edge:
    """How alike the two are, and in what."""
    score, words = 0, []
    alike = _alike((line.name, *line.names), record.name)
    if alike >= LEAST_SCORE:
        score += alike
        words.append("name equal" if alike == 100 else f"name {alike} % alike")
    if _same_type(line, record):
        score += _TYPE_WEIGHT
        words.append("asset type equal")
    if record.site is not None and record.site == line.site:
        score += _SITE_WEIGHT
        words.append("site equal")
    elif None not in {record.site, line.site}:
        score -= _SITE_WEIGHT
        words.append(f"another site ({record.site})")
    if record.quantity == line.units:
        score += _UNITS_WEIGHT
        words.append("units equal")
    elif abs(record.quantity - line.units) * 100 <= line.units * _NEAR_PERCENT:
        score += _NEAR_WEIGHT
        words.append(f"units near ({record.quantity} and {line.units})")
    if line.unit_price is not None and record.unit_price == line.unit_price:
        score += _PRICE_WEIGHT
        words.append(f"price equal ({amount(line.unit_price)})")
    return _Edge(line=line, record=record, score=score, words=tuple(words))


def _alike(ours: Sequence[str], theirs: str) -> int:
    """The best score of any name, 0 to 100."""
    forms = [form for form in comparable(theirs).forms if form]
    return max(
        (
            int(fuzz.ratio(own, form))
            for name in ours
            for own in comparable(name).forms
            if own
            for form in forms
        ),
        default=0,
    )


def _settled(ground: Ground, edges: Sequence[_Edge]) -> Iterator[AdoptionProposal]:
    """Pairs that are each other's only choice, one after the other; then what stays ambiguous."""
    left = list(edges)
    while True:
        pairs = [edge for edge in left if _beyond_doubt(edge, left)]
        # Two lines may each want one record alone: then neither has it.
        wanted = Counter(edge.record.key for edge in pairs)
        pairs = [edge for edge in pairs if wanted[edge.record.key] == 1]
        if not pairs:
            break
        for edge in pairs:
            yield AdoptionProposal(
                line=edge.line,
                ground=ground,
                record=edge.record,
                evidence=", ".join(edge.words),
            )
        lines = {edge.line.key for edge in pairs}
        records = {edge.record.key for edge in pairs}
        left = [e for e in left if e.line.key not in lines and e.record.key not in records]
    by_line: dict[str, list[_Edge]] = {}
    for edge in left:
        by_line.setdefault(edge.line.key, []).append(edge)
    for open_edges in by_line.values():
        best = max(edge.score for edge in open_edges)
        close = [edge for edge in open_edges if best - edge.score <= RIVAL_DISTANCE]
        yield AdoptionProposal(
            line=open_edges[0].line,
            ground=ground,
            record=None,
            evidence="ambiguous: "
            + "; ".join(f"{edge.record.key} ({', '.join(edge.words)})" for edge in close),
            rivals=tuple(edge.record for edge in close),
        )


def _beyond_doubt(edge: _Edge, edges: Sequence[_Edge]) -> bool:
    """Nothing else fits its line or its record about as well."""
    return all(
        edge.score - other.score > RIVAL_DISTANCE
        for other in edges
        if other is not edge
        and (other.line.key == edge.line.key or other.record.key == edge.record.key)
    )
