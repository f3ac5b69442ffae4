"""Reads one tenant: SKUs and numbers in one batch, users page by page where they are needed.

Everything that is asked must be answered; the first refusal ends the tenant with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from syncd.sdk.answer import Answer
from syncd.sdk.errors import ConnectorError, ProtocolError, RequestRejected
from syncd.sdk.paging import next_link
from syncd.sdk.records import Observation
from syncd_entra import questions
from syncd_entra.batch import Question, got, number_in
from syncd_entra.client import Door
from syncd_entra.config import EntraConfig
from syncd_entra.exclusions import Exclusions
from syncd_entra.models import (
    Groups,
    Listing,
    Onward,
    Organizations,
    Overview,
    Purchases,
    Row,
    Sku,
    Skus,
    User,
    Users,
)
from syncd_entra.products import ENTRA_DEVICES, INTUNE_DEVICES, SYSTEMS, Catalogue
from syncd_entra.purchases import Bought, by_sku
from syncd_entra.refusals import SIGN_INS as NO_SIGN_INS
from syncd_entra.refusals import Refusal, is_without_intune
from syncd_entra.seats import Seats, user_facts

Answers = Mapping[str, Answer | ConnectorError]
Emit = Callable[[Sequence[Observation]], Awaitable[None]]

NUMBER: Final = "count"
"""Unit of a product that is one number per tenant."""

TURNS: Final = 4
"""Turns of the loop in which a request leaves before anything else is worked on."""

SLICE: Final = 100
"""Users that are worked on in one go."""


@dataclass(slots=True)
class Found:
    """What the read of a tenant came to.

    Attributes:
        seen: units handed over.
        notes: for a person.
        strangers: GUID → part number of SKUs that the bundled table lacks.
        absent: groups of the rules that the tenant does not have.
        without_sign_ins: rules about sign-ins were left out.
    """

    seen: int = 0
    notes: list[str] = field(default_factory=list)
    strangers: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    without_sign_ins: bool = False


class TenantReading:
    """One read of one tenant."""

    def __init__(
        self,
        door: Door,
        config: EntraConfig,
        catalogue: Catalogue,
        *,
        connection: str,
        now: datetime,
        emit: Emit,
    ) -> None:
        self._door = door
        self._tenant = door.tenant.id
        self._config = config
        self._catalogue = catalogue
        self._connection = connection
        self._now = now
        self._emit = emit
        self._listed = config.users == "listed"
        self._sign_ins = self._listed and config.wants_sign_ins
        self._exclusions = Exclusions(
            self._tenant, config.do_not_import, count_free=config.count_free
        )
        self.found = Found()

    async def run(self) -> Found:
        """Read everything and hand it over.

        Raises:
            ConnectorError: anything was refused, not answered or cannot be.
        """
        answers = await self._door.batches.ask(self._first_questions())
        if [one.id.lower() for one in got(answers, "organization", Organizations).rows] != [
            self._tenant
        ]:
            raise self._broken("WRONG_TENANT: Graph answered for another tenant than was asked")
        # A list without any SKU is asked for once more before it is believed.
        rows = await self._skus(answers) or await self._skus(
            await self._door.batches.ask([questions.SKUS])
        )
        seats = Seats(
            self._tenant,
            rows,
            self._catalogue,
            self._exclusions,
            listed=self._listed,
            connection=self._connection,
            purchases=await self._purchases(answers),
        )
        await self._hand_over([*seats.units(), *self._devices(answers)])
        if self._listed:
            await self._users(answers, seats)
            await self._hand_over(list(seats.committed()))
        else:
            await self._hand_over(self._numbers(answers))
        self.found.notes += seats.notes()
        self.found.strangers = seats.strangers
        return self.found

    def _first_questions(self) -> list[Question]:
        asked = questions.seats(self._config) + questions.devices(self._config, self._now)
        if not self._listed:
            return asked + questions.counts(self._config)
        asked.append(questions.users(self._config, sign_ins=self._sign_ins))
        return asked + questions.groups(self._groups())

    def _groups(self) -> list[str]:
        """Groups that matter in this tenant."""
        counted = {count.group for count in self._config.user_counts}
        here = {*counted, *self._exclusions.groups}
        return [group for group in self._config.groups if group in here]

    async def _hand_over(self, units: Sequence[Observation]) -> None:
        self.found.seen += len(units)
        await self._emit(units)

    # numbers

    async def _skus(self, answers: Answers) -> list[Sku]:
        first = got(answers, "skus", Skus)
        async with self._rows(first, Skus, questions.ORGANIZATION) as pages:
            return [row async for page in pages for row in page]

    async def _purchases(self, answers: Answers) -> dict[str, Bought]:
        if not self._config.subscriptions:
            return {}
        first = got(answers, questions.PURCHASES.name, Purchases)
        async with self._rows(first, Purchases, questions.ORGANIZATION) as pages:
            return by_sku([row async for page in pages for row in page])

    def _numbers(self, answers: Answers) -> list[Observation]:
        return [
            self._number(count.product, number_in(answers, count.product), count.name)
            for count in self._config.user_counts
        ]

    def _devices(self, answers: Answers) -> list[Observation]:
        units = []
        if "devices" in answers:
            number = number_in(answers, "devices")
            units.append(self._number(ENTRA_DEVICES, number, "Devices registered in Entra"))
        if "intune" in answers:
            units += self._intune(answers)
        return units

    def _intune(self, answers: Answers) -> list[Observation]:
        try:
            overview = got(answers, "intune", Overview)
        except ConnectorError as error:
            if not is_without_intune(error):
                raise
            overview = Overview(enrolled=0)
        units = [self._number(INTUNE_DEVICES, overview.enrolled, "Devices enrolled in Intune")]
        for name, (ending, title) in SYSTEMS.items():
            number = (overview.by_system or {}).get(name) or 0
            if type(number) is not int:
                raise self._broken("COUNT_UNREADABLE: Intune's overview holds no number")
            units.append(self._number(f"{INTUNE_DEVICES}:{ending}", number, f"{title} devices"))
        if any(unit.quantity < 0 for unit in units):
            raise self._broken("COUNT_UNREADABLE: Intune's overview holds a number below zero")
        return units

    def _number(self, product: str, number: int, name: str) -> Observation:
        code = self._exclusions.tenant().code
        return Observation(self._tenant, product, NUMBER, number, name, excluded=code)

    # users

    async def _users(self, answers: Answers, seats: Seats) -> None:
        groups = await self._members(answers)
        first = await self._first_users(answers)
        seen: set[str] = set()
        async with self._rows(first, Users, questions.USERS) as pages:
            async for users in pages:
                for start in range(0, len(users), SLICE):
                    units = []
                    for user in users[start : start + SLICE]:
                        if user.id in seen:
                            raise self._broken("PAGE_REPEATED: a page gave a user again")
                        seen.add(user.id)
                        within = [name for name, ids in groups.items() if user.id in ids]
                        units += self._units(user, within, seats)
                    await self._hand_over(units)
                    await asyncio.sleep(0)  # the next page, and other tenants, get their turn
        if first.total is not None and first.total != len(seen):
            raise self._broken(f"TOTAL_MISSED: {first.total} users declared, {len(seen)} read")

    def _units(self, user: User, within: Sequence[str], seats: Seats) -> list[Observation]:
        why = self._exclusions.user(user, within)
        units = list(seats.user(user, why))
        for count in self._config.user_counts:
            if count.about_sign_ins and self.found.without_sign_ins:
                continue
            if count.takes(user, within, self._now):
                units.append(
                    Observation(
                        self._tenant,
                        count.product,
                        user.id,
                        1,
                        user.name or user.sign_in_name,
                        user_facts(user, why),
                        why.code,
                    )
                )
        return units

    async def _first_users(self, answers: Answers) -> Users:
        try:
            return got(answers, "users", Users)
        except Refusal as refusal:
            if refusal.reason != NO_SIGN_INS or self._config.without_sign_in_data == "refuse":
                raise
        self.found.without_sign_ins = True
        without = questions.users(self._config, sign_ins=False)
        return got(await self._door.batches.ask([without]), "users", Users)

    async def _members(self, answers: Answers) -> dict[str, set[str]]:
        """Ids of the users in each group that a rule names."""
        there = []
        for name in self._groups():
            found = got(answers, f"group {name}", Groups).rows
            if len(found) > 1:
                raise self._broken(f"AMBIGUOUS_GROUP: {len(found)} groups are called '{name}'")
            if found:
                there.append((name, found[0].id))
            elif name in self._exclusions.own_groups:
                raise self._broken(f"GROUP_NOT_FOUND: there is no group '{name}'")
            else:
                self.found.absent.append(name)
        asked = questions.members(there, self._config.page_size)
        pages = await self._door.batches.ask(asked) if asked else {}
        members = {}
        for name, _ in there:
            first = got(pages, f"members {name}", Groups)
            async with self._rows(first, Groups, questions.GROUPS) as rows:
                ids = {row.id async for page in rows for row in page}
            if first.total is not None and first.total != len(ids):
                raise self._broken(
                    f"TOTAL_MISSED: {first.total} members of '{name}' declared, {len(ids)} read"
                )
            members[name] = ids
        return members

    # pages

    @asynccontextmanager
    async def _rows(
        self, first: Listing[Row], kind: type[Listing[Row]], needs: str
    ) -> AsyncGenerator[AsyncGenerator[Sequence[Row]]]:
        """The rows of the first page, and of those that its links lead to.

        The next page is asked for before the rows of the one at hand are even decoded.
        """
        ahead: asyncio.Task[Answer] | None = None

        async def fetch(link: str | None) -> Listing[Row]:
            nonlocal ahead
            if link is None:
                ahead = asyncio.create_task(self._page(first.next, needs)) if first.next else None
                return first
            assert ahead is not None
            answer = await ahead
            following = answer.decode(Onward).next
            ahead = asyncio.create_task(self._page(following, needs)) if following else None
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return answer.decode(kind)

        rows = next_link(fetch, rows_of=lambda page: page.rows, link_of=lambda page: page.next)
        try:
            async with aclosing(rows):
                yield rows
        finally:
            if ahead is not None:
                ahead.cancel()
                await asyncio.wait({ahead})
                if not ahead.cancelled():
                    ahead.exception()  # what ended the reading is told already

    async def _page(self, link: str, needs: str) -> Answer:
        try:
            return await self._door.api.read(link)
        except RequestRejected as error:
            if error.http_status in {400, 404, 410}:
                raise self._broken(f"LINK_EXPIRED: a next page is gone ({error})") from error
            raise
        except ConnectorError as error:
            raise self._door.named(error, needs) from error

    def _broken(self, what: str) -> ProtocolError:
        return ProtocolError(
            what,
            remedy="former counts stay in force; the next pull asks again",
            connection=self._connection,
        )
