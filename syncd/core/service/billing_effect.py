"""Two reckonings of the same month side by side: what each client would pay before and after.

Pure: drafts in, differences out. A bill that would stop has no money to compare and is told with
its error instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from syncd.core.billing.model import Line
from syncd.core.service.draft import Draft


class LineFate(StrEnum):
    """What becomes of a line."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEffect:
    """A line that differs.

    Attributes:
        connection: source of the account.
        account: the vendor's id.
        line: `<configuration>/<asset type>`.
        name: for people.
        fate: new, gone or changed.
        units_before: whole units, None where there was no line.
        units_after: likewise.
        price_before: money, None where there was no line or the PSA sets the price.
        price_after: likewise.
        cost_before: likewise.
        cost_after: likewise.
        price_change: after minus before; None where neither is known.
    """

    connection: str
    account: str
    line: str
    name: str
    fate: LineFate
    units_before: int | None
    units_after: int | None
    price_before: Decimal | None
    price_after: Decimal | None
    cost_before: Decimal | None
    cost_after: Decimal | None
    price_change: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEffect:
    """What changes for one client, over all its accounts.

    Attributes:
        client: PSA client id, empty for accounts without one.
        client_name: for people.
        price_before: sum of the bills that can be computed.
        price_after: likewise.
        cost_before: likewise.
        cost_after: likewise.
        price_change: over the bills that can be computed both before and after.
        cost_change: likewise.
        stops: codes of bills that would stop and do not now, with the account.
        mends: codes that stop a bill now and would not.
        stopped: codes that stop a bill before and after.
        lines: those that differ.
    """

    client: str
    client_name: str
    price_before: Decimal
    price_after: Decimal
    cost_before: Decimal
    cost_after: Decimal
    price_change: Decimal
    cost_change: Decimal
    stops: tuple[str, ...]
    mends: tuple[str, ...]
    stopped: tuple[str, ...]
    lines: tuple[LineEffect, ...]

    @property
    def is_nothing(self) -> bool:
        """Neither a line nor an error differs."""
        return not (self.lines or self.stops or self.mends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What changes altogether.

    Attributes:
        clients: those for whom anything changes: bills that would stop, then the largest change
            of the price first.
        untouched: how many were reckoned and come to the same.
        price_before: sum over all that were reckoned.
        price_after: likewise.
        price_change: likewise.
        cost_change: likewise.
        stops: how many clients have a bill that would stop.
    """

    clients: tuple[ClientEffect, ...]
    untouched: int
    price_before: Decimal
    price_after: Decimal
    price_change: Decimal
    cost_change: Decimal
    stops: int


def compare(before: Iterable[Draft], after: Iterable[Draft]) -> Effect:
    """The difference of two reckonings.

    Args:
        before: drafts with the decisions that hold.
        after: drafts of the same accounts with others. An account that changes its client leaves
            the one and comes to the other.
    """
    one = {(draft.client, draft.key): draft for draft in before}
    two = {(draft.client, draft.key): draft for draft in after}
    pairs: dict[str, list[tuple[Draft | None, Draft | None]]] = {}
    for key in sorted(one.keys() | two.keys()):
        pairs.setdefault(key[0], []).append((one.get(key), two.get(key)))
    clients = [_client(client, found) for client, found in pairs.items()]
    changed = sorted(
        (client for client in clients if not client.is_nothing),
        key=lambda one: (not one.stops, -abs(one.price_change), one.client_name.casefold()),
    )
    return Effect(
        clients=tuple(changed),
        untouched=len(clients) - len(changed),
        price_before=_sum(client.price_before for client in clients),
        price_after=_sum(client.price_after for client in clients),
        price_change=_sum(client.price_change for client in clients),
        cost_change=_sum(client.cost_change for client in clients),
        stops=sum(1 for client in clients if client.stops),
    )


def money_of(lines: Iterable[Line]) -> tuple[Decimal, Decimal]:
    """Price and cost of a bill as far as they are ours."""
    found = list(lines)
    return (
        _sum(line.total_price for line in found if line.total_price is not None),
        _sum(line.total_cost for line in found if line.total_cost is not None),
    )


def _client(client: str, pairs: Sequence[tuple[Draft | None, Draft | None]]) -> ClientEffect:
    price = [Decimal(0), Decimal(0), Decimal(0)]
    cost = [Decimal(0), Decimal(0), Decimal(0)]
    stops, mends, stopped = [], [], []
    lines: list[LineEffect] = []
    name = ""
    for before, after in pairs:
        shown = after or before
        assert shown is not None
        name = shown.client_name
        errors = [draft.bill.errors if draft else () for draft in (before, after)]
        told = [
            {f"{code} ({shown.connection.name} {shown.account.key})" for code in codes}
            for codes in errors
        ]
        stops += sorted(told[1] - told[0])
        mends += sorted(told[0] - told[1])
        stopped += sorted(told[0] & told[1])
        old = money_of(before.bill.lines) if before else (Decimal(0), Decimal(0))
        new = money_of(after.bill.lines) if after else (Decimal(0), Decimal(0))
        comparable = not any(errors)
        for sums, a, b in ((price, old[0], new[0]), (cost, old[1], new[1])):
            sums[0] += a
            sums[1] += b
            sums[2] += b - a if comparable else Decimal(0)
        if comparable:
            lines += _lines(shown, before, after)
    return ClientEffect(
        client=client,
        client_name=name,
        price_before=price[0],
        price_after=price[1],
        cost_before=cost[0],
        cost_after=cost[1],
        price_change=price[2],
        cost_change=cost[2],
        stops=tuple(stops),
        mends=tuple(mends),
        stopped=tuple(stopped),
        lines=tuple(lines),
    )


def _lines(shown: Draft, before: Draft | None, after: Draft | None) -> Iterable[LineEffect]:
    old = _by_key(before)
    new = _by_key(after)
    for key in dict.fromkeys((*old, *new)):
        a, b = old.get(key), new.get(key)
        if a is not None and b is not None and _figures(a) == _figures(b):
            continue
        line = b or a
        assert line is not None
        prices = [one.total_price for one in (a, b) if one is not None]
        known = [amount for amount in prices if amount is not None]
        yield LineEffect(
            connection=shown.connection.name,
            account=shown.account.key,
            line=key,
            name=line.name,
            fate=LineFate.NEW if a is None else LineFate.GONE if b is None else LineFate.CHANGED,
            units_before=a.units if a else None,
            units_after=b.units if b else None,
            price_before=a.total_price if a else None,
            price_after=b.total_price if b else None,
            cost_before=a.total_cost if a else None,
            cost_after=b.total_cost if b else None,
            price_change=((b.total_price if b else None) or Decimal(0))
            - ((a.total_price if a else None) or Decimal(0))
            if known
            else None,
        )


def _by_key(draft: Draft | None) -> Mapping[str, Line]:
    return {line.key: line for line in draft.bill.lines} if draft is not None else {}


def _figures(line: Line) -> tuple[object, ...]:
    """Everything of a line that the PSA would see."""
    return (
        line.name,
        line.mode,
        line.asset_type,
        line.units,
        line.quantity,
        line.unit_price,
        line.unit_cost,
        line.total_price,
        line.total_cost,
        line.supplier,
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
