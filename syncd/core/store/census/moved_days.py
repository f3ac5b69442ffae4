"""When the units that two counts differ by joined and left: the pull that first showed it.

Only units that moved are looked up. A unit that came or went by a rule or by a person's word, while
the source told nothing new of it, has no such pull.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from syncd.core.store.asking import fetch
from syncd.core.store.census.records import Moved, Movements
from syncd.core.store.census.selection import among, listed
from syncd.core.store.micros import from_micros

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader


class _Stay(NamedTuple):
    """An interval of a unit, by numbers of pulls."""

    opened: int
    closed: int | None
    counts: bool


async def with_moments(
    connection: Reader,
    account_id: int,
    product_id: int,
    moves: Movements,
    *,
    from_seq: int,
    to_seq: int,
    included: Collection[str] = (),
) -> Movements:
    """The movements, each joined and left unit with the start of the pull that first showed it."""
    units = {moved.unit.unit for moved in (*moves.joined, *moves.left)}
    if not units:
        return moves
    stays: dict[str, list[_Stay]] = {}
    question = (
        "SELECT u.unit, u.opened_pull, u.closed_pull, u.excluded FROM unit_interval u"  # noqa: S608 - values are bound
        " WHERE u.account_id = :account AND u.product_id = :product AND u.period = ''"
        " AND u.opened_pull <= :later AND (u.closed_pull IS NULL OR u.closed_pull > :earlier)"
        f" AND {among(connection, 'u.unit', 'units')} ORDER BY u.unit, u.opened_pull"
    )
    bound = {
        "account": account_id,
        "product": product_id,
        "earlier": from_seq,
        "later": to_seq,
        "units": listed(connection, units),
    }
    for unit, opened, closed, excluded in await fetch(connection, question, bound):
        counts = excluded is None or excluded in included
        stays.setdefault(unit, []).append(_Stay(opened, closed, counts))
    joined = {one.unit.unit: _came(stays.get(one.unit.unit, []), from_seq) for one in moves.joined}
    left = {one.unit.unit: _went(stays.get(one.unit.unit, []), to_seq) for one in moves.left}
    asked = {seq for seq in (*joined.values(), *left.values()) if seq is not None}
    pulls = (
        "SELECT p.seq, p.taken_at FROM pull p JOIN account a ON a.connection_id = p.connection_id"  # noqa: S608 - values are bound
        f" WHERE a.id = :account AND {among(connection, 'p.seq', 'seqs')}"
    )
    bound = {"account": account_id, "seqs": listed(connection, asked)}
    taken = {seq: from_micros(moment) for seq, moment in await fetch(connection, pulls, bound)}

    def at(moved: Moved, shown: dict[str, int | None]) -> Moved:
        return replace(moved, at=taken.get(shown[moved.unit.unit] or 0))

    return Movements(
        joined=tuple(at(one, joined) for one in moves.joined),
        left=tuple(at(one, left) for one in moves.left),
        resized=moves.resized,
    )


def _came(stays: list[_Stay], from_seq: int) -> int | None:
    """The pull with which the unit's last unbroken stay in the count began, after `from_seq`."""
    began: int | None = None
    for stay in reversed(stays):
        if not stay.counts or (began is not None and stay.closed != began):
            break
        began = stay.opened
    return began if began is not None and began > from_seq else None


def _went(stays: list[_Stay], to_seq: int) -> int | None:
    """The pull that ended the unit's last stay in the count, up to `to_seq`."""
    counted = [stay for stay in stays if stay.counts]
    if not counted or counted[-1].closed is None or counted[-1].closed > to_seq:
        return None
    return counted[-1].closed
