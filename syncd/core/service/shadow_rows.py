"""Our bill beside what the PSA bills today: the difference in units and money, and why.

Pure: figures in, rows out. What is unknown is unknown in the difference as well and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from syncd.core.billing.arithmetic import ZERO, difference, product, quotient, rounded, total
from syncd.core.billing.wording import amount
from syncd.core.service.shadow_match import Billed

_NAMED = 3


class Why(StrEnum):
    """Why the two sides differ."""

    STOPPED = "stopped"
    ONLY_OURS = "only ours"
    ONLY_PSA = "only PSA"
    JOINED = "joined"
    LEFT = "left"
    EXCLUDED = "excluded"
    RULE = "rule"
    COUNT = "count differs"
    PRICE = "price"
    NOT_LINKED = "not linked"
    UNKNOWN_PRICE = "price unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with a sentence for people."""

    why: Why
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the units behind a line.

    Attributes:
        since: month of the bill that joined and left are counted from; empty without one.
        joined: names of units that count now and did not then.
        left: likewise the other way round.
        excluded: units that are there and do not count.
        ruled: units that rules add or take away.
    """

    since: str = ""
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    excluded: int = 0
    ruled: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class OurSide:
    """What our line comes to.

    Attributes:
        client: PSA client id.
        client_name: for people.
        account: the vendor's id, empty for a row of the PSA alone.
        connection: name of the source, likewise.
        line: key of the line within its bill.
        name: of the line.
        products: names of what it counts.
        units: behind the line.
        money: its price; None where the PSA sets it.
        total_mode: the line is sent as one unit, so that the PSA's units say nothing.
        stopped: codes that keep the bill from being computed.
        facts: of its units.
    """

    client: str
    client_name: str
    account: str = ""
    connection: str = ""
    line: str = ""
    name: str = ""
    products: tuple[str, ...] = ()
    units: Decimal = ZERO
    money: Decimal | None = None
    total_mode: bool = False
    stopped: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """One line of the comparison.

    Attributes:
        client: PSA client id.
        client_name: for people.
        connection: name of the source, empty for what the PSA bills alone.
        account: the vendor's id, likewise.
        line: key of our line, likewise.
        name: of our line, or of the record.
        products: names of what the line counts.
        our_units: None where we have no line or cannot compute it.
        our_money: likewise, and None while nobody knows the PSA's price.
        billed_units: None where the PSA bills nothing, or in units that cannot be compared.
        billed_money: None where the PSA bills nothing or its price is not known.
        units: ours less billed.
        money: likewise.
        not_linked: how much of `billed_money` no recurring line bills.
        records: ids of the PSA's records and lines.
        reasons: why they differ; empty where they do not.
    """

    client: str
    client_name: str
    connection: str
    account: str
    line: str
    name: str
    products: tuple[str, ...]
    our_units: Decimal | None
    our_money: Decimal | None
    billed_units: Decimal | None
    billed_money: Decimal | None
    units: Decimal | None
    money: Decimal | None
    not_linked: Decimal
    records: tuple[str, ...]
    reasons: tuple[Reason, ...]

    @property
    def differs(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTotal:
    """The sums of a client, or of all.

    Attributes:
        client: PSA client id, empty for all.
        client_name: for people.
        live_since: first month of a client that is live (`YYYY-MM`), `live` without a bound, empty
            for one in shadow.
        ours: known money of our lines.
        billed: known money of the PSA.
        difference: ours less billed.
        not_linked: of `billed`, what no recurring line bills.
        unknown: rows whose money is not known on one side.
        differing: rows with a reason.
    """

    client: str
    client_name: str
    live_since: str
    ours: Decimal
    billed: Decimal
    difference: Decimal
    not_linked: Decimal
    unknown: int
    differing: int


def compare(ours: OurSide, billed: Sequence[Billed], scale: int) -> ShadowRow:
    """One line of ours beside everything that bills the same thing in the PSA."""
    stopped = bool(ours.stopped)
    units = total(one.units for one in billed) if billed else None
    if ours.total_mode and units is not None and units != ours.units and units == len(billed):
        units = None
    money = _sum([one.money for one in billed]) if billed else None
    our_money = None if stopped else ours.money
    if our_money is None and not stopped:
        our_money = _estimated(ours.units, billed, scale)
    our_units = None if stopped else ours.units
    loose = total(one.money for one in billed if one.billed_by is None and one.money is not None)
    made = ShadowRow(
        client=ours.client,
        client_name=ours.client_name,
        connection=ours.connection,
        account=ours.account,
        line=ours.line,
        name=ours.name,
        products=ours.products,
        our_units=our_units,
        our_money=our_money,
        billed_units=units,
        billed_money=money,
        units=_less(our_units, units, absent=not billed),
        money=_less(our_money, money, absent=not billed),
        not_linked=loose,
        records=tuple(one.key for one in billed),
        reasons=(),
    )
    return replace(made, reasons=tuple(_reasons(made, ours, billed, scale)))


def alone(client: str, client_name: str, billed: Billed) -> ShadowRow:
    """What the PSA bills of a kind that we count, where we have no line."""
    text = "the PSA bills it, and no line of ours does"
    reasons = [Reason(Why.ONLY_PSA, text)]
    if billed.billed_by is None:
        reasons.append(_loose([billed]))
    return ShadowRow(
        client=client,
        client_name=client_name,
        connection="",
        account="",
        line="",
        name=billed.name,
        products=(),
        our_units=None,
        our_money=None,
        billed_units=billed.units,
        billed_money=billed.money,
        units=-billed.units,
        money=None if billed.money is None else -billed.money,
        not_linked=billed.money or ZERO if billed.billed_by is None else ZERO,
        records=(billed.key,),
        reasons=tuple(reasons),
    )


def add_up(
    rows: Iterable[ShadowRow], *, client: str = "", client_name: str = "", live_since: str = ""
) -> ShadowTotal:
    """The sums of some rows; a side that is unknown counts in neither sum."""
    ours = billed = loose = ZERO
    unknown = differing = 0
    for row in rows:
        differing += row.differs
        loose += row.not_linked
        if row.money is None:
            unknown += 1
            continue
        ours += row.our_money or ZERO
        billed += row.billed_money or ZERO
    return ShadowTotal(
        client=client,
        client_name=client_name,
        live_since=live_since,
        ours=ours,
        billed=billed,
        difference=difference(ours, billed),
        not_linked=loose,
        unknown=unknown,
        differing=differing,
    )


def _reasons(
    row: ShadowRow, ours: OurSide, billed: Sequence[Billed], scale: int
) -> Iterable[Reason]:
    if ours.stopped:
        yield Reason(Why.STOPPED, f"our bill cannot be computed: {', '.join(ours.stopped)}")
    elif not billed:
        if ours.units or ours.money:
            yield Reason(Why.ONLY_OURS, "nothing in the PSA bills it")
        return
    elif row.units:
        yield from _of_units(row.units, ours.facts)
    if not ours.stopped:
        yield from _of_price(row, scale)
    loose = [one for one in billed if one.billed_by is None]
    if loose:
        yield _loose(loose)


def _of_units(moved: Decimal, facts: Facts) -> Iterable[Reason]:
    """What is known of the units, else that the counts differ."""
    found = []
    if facts.joined:
        found.append(Reason(Why.JOINED, f"{_names(facts.joined)} joined since {facts.since}"))
    if facts.left:
        found.append(Reason(Why.LEFT, f"{_names(facts.left)} left since {facts.since}"))
    if facts.excluded and moved < 0:
        there = "is" if facts.excluded == 1 else "are"
        found.append(Reason(Why.EXCLUDED, f"{facts.excluded} {there} there and not counted"))
    if facts.ruled:
        found.append(Reason(Why.RULE, f"rules make it {facts.ruled:+}"))
    yield from found or [Reason(Why.COUNT, f"the counts differ by {moved:+}")]


def _of_price(row: ShadowRow, scale: int) -> Iterable[Reason]:
    """A price per unit that is not the same; with one unit in all, another total."""
    if row.our_money is None or row.billed_money is None:
        if row.our_units or row.billed_units:
            side = "our" if row.our_money is None else "the PSA's"
            yield Reason(Why.UNKNOWN_PRICE, f"{side} price is not known")
        return
    if not row.our_units or not row.billed_units:
        if row.money and not row.units:
            yield Reason(Why.PRICE, f"{amount(row.billed_money)} there, {amount(row.our_money)}")
        return
    own = quotient(row.our_money, row.our_units)
    expected = rounded(product(own, row.billed_units), scale)
    if expected != row.billed_money:
        theirs = rounded(quotient(row.billed_money, row.billed_units), 4)
        text = f"{amount(theirs)} a unit there, {amount(rounded(own, 4))} by ours"
        yield Reason(Why.PRICE, text)


def _loose(billed: Sequence[Billed]) -> Reason:
    keys = ", ".join(one.key for one in billed[:_NAMED])
    more = f" and {len(billed) - _NAMED} more" if len(billed) > _NAMED else ""
    noun = "record" if len(billed) == 1 else "records"
    return Reason(Why.NOT_LINKED, f"no recurring line bills {noun} {keys}{more}")


def _names(found: Sequence[str]) -> str:
    shown = ", ".join(found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)} ({shown}{more})"


def _estimated(units: Decimal, billed: Sequence[Billed], scale: int) -> Decimal | None:
    """Our units at the PSA's own price, where it has one for all that bills the line."""
    prices = {one.unit_price for one in billed}
    if not units:
        return ZERO
    price = prices.pop() if len(prices) == 1 else None
    return None if price is None else rounded(product(price, units), scale)


def _less(ours: Decimal | None, theirs: Decimal | None, *, absent: bool) -> Decimal | None:
    """Ours less theirs; what the PSA does not bill at all is 0, what is unknown stays so."""
    if ours is None:
        return None
    if theirs is None:
        return ours if absent else None
    return difference(ours, theirs)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    return None if None in amounts else total(one for one in amounts if one is not None)
