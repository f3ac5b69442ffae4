"""The page for the first of the month: what was sent, what waits, and why the total moved.

Plain data that is printed, written as JSON, and kept as it stood when a month is sealed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from syncd.core.billing.arithmetic import ZERO, difference, total
from syncd.core.billing.month_difference import Split

MOST_MOVERS = 10


class ClientState(StrEnum):
    """How the bill of a client stands; of several accounts the one that needs a person most."""

    FAILED = "failed"
    HELD = "held"
    UNFINISHED = "unfinished"
    NOT_PLANNED = "not planned"
    WAITING = "waiting"
    SHADOW = "in shadow"
    RESTING = "resting"
    SENT = "sent"

    @property
    def open(self) -> bool:
        """Somebody still has to do something before the month can be sealed."""
        return self in _OPEN


_OPEN = frozenset(
    {
        ClientState.FAILED,
        ClientState.HELD,
        ClientState.UNFINISHED,
        ClientState.NOT_PLANNED,
        ClientState.WAITING,
    }
)


class ClientMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One client in a month.

    Attributes:
        client: PSA client id; `<connection>/<account>` of an account without a client.
        name: for people.
        state: how its bill stands.
        detail: why, in words.
        plan: the plan that has its bill, empty without one.
        price: money of the month, sent or planned; None where no bill could be made.
        before: money of the month before, None where it had no bill.
        unknown: lines whose money is the PSA's own, and in no sum.
        not_linked: money that no recurring line of the PSA bills.
        missing: signed money of the month before that no bill of this one takes up yet.
        split: why `price` is not `before`.
        next: the command to go on with, empty where nothing is to do.
    """

    client: str
    name: str
    state: ClientState
    detail: str = ""
    plan: str = ""
    price: Decimal | None = None
    before: Decimal | None = None
    unknown: int = 0
    not_linked: Decimal = ZERO
    missing: Decimal = ZERO
    split: Split = Split()
    next: str = ""

    @property
    def change(self) -> Decimal:
        """Now minus before; it is the split and what is missing together."""
        return difference(self.price or ZERO, self.before or ZERO)


class SourceMonth(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source is proven for a month.

    Attributes:
        name: of the connection.
        complete_until: moment up to which every linked account is proven; None where one is not.
        accounts: linked accounts.
        behind: those of them whose count is older than the newest pull, or not proven at all.
        rests: it is switched off, or its plugin is broken.
    """

    name: str
    complete_until: datetime | None
    accounts: int
    behind: int = 0
    rests: bool = False


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something beside the bills that a person should see.

    Attributes:
        code: of the issue.
        message: one sentence.
        next: the command to go on with.
    """

    code: str
    message: str
    next: str


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """The clients of one state together."""

    state: ClientState
    clients: int
    price: Decimal
    before: Decimal


class MonthPage(msgspec.Struct, frozen=True, kw_only=True):
    """A month at a glance.

    Attributes:
        period: the month, `YYYY-MM`.
        previous: the month that it is compared with.
        currency: of the money; bills in another one are told as notes.
        made_at: UTC.
        clients: by name.
        sources: connections that count.
        early: invoices due, or made, before the counts they are to bill.
        late: facts that arrived after a bill of this month, and that nobody decided upon.
        notes: what else stands beside the sums.
        closed_by: who sealed it, empty while it is open.
        closed_at: when.
    """

    period: str
    previous: str
    currency: str
    made_at: datetime
    clients: tuple[ClientMonth, ...]
    sources: tuple[SourceMonth, ...]
    early: tuple[Note, ...] = ()
    late: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()
    closed_by: str = ""
    closed_at: datetime | None = None

    @property
    def billed(self) -> tuple[ClientMonth, ...]:
        """Clients whose money counts: a client in shadow is not billed by us."""
        return tuple(one for one in self.clients if one.state is not ClientState.SHADOW)

    @property
    def price(self) -> Decimal:
        return total(one.price or ZERO for one in self.billed)

    @property
    def before(self) -> Decimal:
        return total(one.before or ZERO for one in self.billed)

    @property
    def missing(self) -> Decimal:
        return total(one.missing for one in self.billed)

    @property
    def split(self) -> Split:
        whole = Split()
        for one in self.billed:
            whole = whole.plus(one.split)
        return whole

    @property
    def not_linked(self) -> tuple[ClientMonth, ...]:
        return tuple(one for one in self.billed if one.not_linked)

    @property
    def sums(self) -> tuple[Sum, ...]:
        """One row per state that has a client, the most urgent first."""
        return tuple(
            _sum(state, [one for one in self.clients if one.state is state])
            for state in ClientState
            if any(one.state is state for one in self.clients)
        )

    @property
    def movers(self) -> tuple[ClientMonth, ...]:
        """Clients whose money moved most."""
        moved = [one for one in self.billed if one.change]
        moved.sort(key=lambda one: (-abs(one.change), one.name.casefold(), one.client))
        return tuple(moved[:MOST_MOVERS])

    @property
    def exceptions(self) -> tuple[ClientMonth, ...]:
        """Clients that need a person, the most urgent state first."""
        order = list(ClientState)
        waiting = [one for one in self.clients if one.state.open]
        return tuple(sorted(waiting, key=lambda one: (order.index(one.state), -abs(one.change))))

    @property
    def held(self) -> bool:
        return any(one.state is ClientState.HELD for one in self.clients)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why the month cannot be sealed, one sentence each; empty when it can."""
        found = [
            f"{len(names)} {'client is' if len(names) == 1 else 'clients are'} {state}: "
            f"{_some(names)}"
            for state in ClientState
            if state.open and (names := [one.name for one in self.clients if one.state is state])
        ]
        found += [note.message for note in self.late]
        return tuple(found)


def _sum(state: ClientState, clients: Iterable[ClientMonth]) -> Sum:
    rows = list(clients)
    return Sum(
        state=state,
        clients=len(rows),
        price=total(one.price or ZERO for one in rows),
        before=total(one.before or ZERO for one in rows),
    )


def _some(names: list[str], most: int = 3) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
