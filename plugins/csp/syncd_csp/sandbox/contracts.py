"""What the clients of the simulated world have bought, and how that lives: terms, ends, new terms.

The seats of people follow the shared world; the rest is made up from the client's number, with
days in the autumn of 2026, so that some of it ends, renews and rolls over while one looks on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from syncd.sdk.sandbox import World, WorldClient
from syncd_csp.sandbox import catalogue
from syncd_csp.sandbox.catalogue import CYCLES, MONTHS, Sku
from syncd_csp.sandbox.names import commerce_id, identity, tenant_id
from syncd_csp.sandbox.seats import Seats, clients_of
from syncd_csp.sandbox.spans import DAY, days, span

TERMS: Final = (("P1Y", "annual"), ("P1M", "monthly"), ("P1Y", "monthly"))
"""Term and billing cycle of a client's main SKU, by its number modulo three."""

LAPSED: Final = date(2026, 10, 14)
"""Last day of the year's term that every sixth client let go; it goes on in the extended term."""

End = Literal["renews", "ends", "extended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A subscription through its whole life.

    Attributes:
        client: who uses it.
        id: GUID.
        sku: what was bought.
        term: ISO duration, empty for usage.
        cycle: `monthly`, `annual`, `triennial` or `none`.
        starts: first day of the first term.
        seats: seats that are wanted on a day, 0 for none.
        final: last day of the last term where it does not renew for ever.
        end: what happens at the end of the running term.
        kind: `seats`, `trial` or `usage`.
        held: a status that stands whatever the day, `suspended` or `pending`.
        parent: id of the subscription it is an add-on of.
        next_seats: seats of the term after the running one, where that is scheduled.
        extended: it is an extended service term.
    """

    client: WorldClient
    id: str
    sku: Sku
    term: str = "P1Y"
    cycle: str = "monthly"
    starts: date
    seats: Callable[[date], int]
    final: date | None = None
    end: End = "renews"
    kind: Literal["seats", "trial", "usage"] = "seats"
    held: str = ""
    parent: str = ""
    next_seats: int | None = None
    extended: bool = False

    @property
    def customer(self) -> str:
        return tenant_id(self.client.id)

    def running(self, day: date) -> bool:
        """Whether it is paid for on that day."""
        gone = self.client.leaves is not None and day >= self.client.leaves
        over = self.final is not None and day > self.final
        return day >= max(self.starts, self.client.arrives) and not gone and not over

    def status(self, day: date) -> str:
        """As Partner Center words it."""
        if self.final is not None and day > self.final:
            return "expired"
        if self.held:
            return self.held
        return "active" if self.kind == "usage" or self.seats(day) else "deleted"

    def term_around(self, day: date) -> tuple[date, date]:
        """First and last day of the running term, of the last one after the end."""
        if self.final is not None:
            day = min(day, self.final)
        return span(self.starts, MONTHS[self.term], day)

    def cycle_around(self, day: date) -> tuple[date, date]:
        """First and last day of what is charged at once."""
        if self.final is not None:
            day = min(day, self.final)
        return span(self.starts, CYCLES[self.cycle], day)

    def raises(self, day: date, within: int) -> Iterator[tuple[date, int]]:
        """Days of the last so many on which seats were added, with their number."""
        for one in days(day - within * DAY, day):
            more = self.seats(one) - self.seats(one - DAY)
            if more > 0 and one > self.starts:
                yield one, more


def contracts(world: World) -> list[Contract]:
    """Everything that anybody bought, in the order of clients."""
    seats = Seats(world)
    made: list[Contract] = []
    for client in clients_of(world):
        made += _of_people(client, seats)
        made += _of_its_own(client, seats)
    return made


def _of_people(client: WorldClient, seats: Seats) -> Iterator[Contract]:
    """Under the ids that the directory names."""
    tenant = tenant_id(client.id)
    for sku in catalogue.PRICED:
        term, cycle = TERMS[client.id % 3] if sku is catalogue.PREMIUM else ("P1Y", "monthly")
        if sku is catalogue.BASIC:
            term = "P1M"
        one = Contract(
            client=client,
            id=commerce_id(tenant, sku.guid),
            sku=sku,
            term=term,
            cycle=cycle,
            starts=_begin(client),
            seats=_wanted(client, sku, seats),
        )
        if sku is catalogue.PREMIUM and client.id % 6 == 0:
            former = replace(
                one,
                id=identity(tenant, f"before {one.id}"),
                term="P1Y",
                cycle="monthly",
                starts=date(LAPSED.year - 2, LAPSED.month, LAPSED.day) + DAY,
                final=LAPSED,
                end="extended",
            )
            yield former
            one = _extension(former, one.id)
        yield one


def _of_its_own(client: WorldClient, seats: Seats) -> Iterator[Contract]:
    """What only Partner Center knows of, by the client's number."""
    tenant, number = tenant_id(client.id), client.id

    def bought(
        sku: Sku, starts: date, seats: int | Callable[[date], int], **facts: Any
    ) -> Contract:
        return Contract(
            client=client,
            id=identity(tenant, f"bought {sku.key} {starts}"),
            sku=sku,
            starts=starts,
            seats=seats if callable(seats) else lambda _: seats,
            **facts,
        )

    if number % 4 == 1:
        main = _wanted(client, catalogue.PREMIUM, seats)
        yield bought(
            catalogue.DEFENDER, _begin(client), lambda day: -(-main(day) // 2),
            parent=commerce_id(tenant, catalogue.PREMIUM.guid),
        )  # fmt: skip
    if number % 5 == 2:
        yield bought(
            catalogue.BI_TRIAL, date(2026, 11, 20), 25, term="P1M", final=date(2026, 12, 19),
            end="ends", kind="trial",
        )  # fmt: skip
    if number % 7 == 3:
        yield bought(catalogue.VISIO, date(2026, 3, 9), 2, held="suspended")
    if number % 7 == 5:
        rolls = bought(catalogue.VISIO, date(2025, 12, 10), 3, final=date(2026, 12, 9),
                       end="extended")  # fmt: skip
        yield rolls
        yield _extension(rolls, identity(tenant, f"extended {rolls.id}"))
    if number % 7 == 6:
        yield bought(
            catalogue.PROJECT, date(2025, 9, 1), 4, final=date(2026, 8, 31), end="ends",
            cycle="annual",
        )  # fmt: skip
    if number % 8 == 2:
        turn = date(2026, 12, 14)
        yield bought(
            catalogue.COPILOT, date(2025, 12, 14), lambda day: 5 if day < turn else 3,
            cycle="annual", next_seats=3,
        )  # fmt: skip
    if number % 8 == 7:
        yield bought(catalogue.PROJECT, date(2024, 12, 2), 6, term="P3Y", cycle="triennial")
    if number % 9 == 4:
        yield bought(catalogue.PHONE, date(2026, 11, 28), 3, held="pending")
    if number % 4 == 0:
        yield bought(catalogue.AZURE, _begin(client), 1, term="", cycle="monthly", kind="usage")


def _begin(client: WorldClient) -> date:
    """The first day of a client, never after the 28th, so that every month has its like."""
    return client.arrives.replace(day=min(client.arrives.day, 28))


def _wanted(client: WorldClient, sku: Sku, seats: Seats) -> Callable[[date], int]:
    return lambda day: seats.bought(client.id, sku, day)


def _extension(former: Contract, key: str) -> Contract:
    """What goes on by itself the day after a term that was neither renewed nor ended."""
    assert former.final is not None
    return replace(
        former,
        id=key,
        sku=former.sku.extended(),
        term="P1M",
        cycle="monthly",
        starts=former.final + DAY,
        final=None,
        end="renews",
        extended=True,
    )
