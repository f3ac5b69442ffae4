"""The seats of a tenant's SKUs as units: assigned, bought, in grace, free, committed.

Assigned seats may be one unit with their number, or one unit per user; the others are numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation
from syncd_entra.evidence import Facts, encode
from syncd_entra.exclusions import Exclusions, Why
from syncd_entra.models import Sku, User
from syncd_entra.products import (
    ASSIGNED,
    BOUGHT,
    COMMITTED,
    FREE,
    WARNING,
    Catalogue,
    Known,
    sku_product,
    table,
)
from syncd_entra.purchases import ENABLED, NOTHING, Bought
from syncd_entra.purchases import WARNING as IN_GRACE

COMPANY: Final = "company"
ON_TRIAL: Final = "trial"
"""Ends the unit of seats on trial beside bought ones."""


class Held(NamedTuple):
    """A SKU of a tenant with what is known about it."""

    row: Sku
    known: Known
    why: Why
    bought: Bought

    @property
    def paid(self) -> int:
        """Seats bought and usable, those on trial beside them left out."""
        return self.row.prepaid.enabled - self.trial(ENABLED)

    @property
    def grace(self) -> int:
        return self.row.prepaid.warning - self.trial(IN_GRACE)

    def trial(self, state: str) -> int:
        """Seats on trial beside paid ones, never more than there are in that state."""
        if not self.bought.paid:
            return 0
        prepaid = self.row.prepaid
        there = prepaid.enabled if state == ENABLED else prepaid.warning
        return min(there, self.bought.trial.get(state, 0))


class Seats:
    """The SKUs of one tenant in one read.

    Attributes:
        strangers: GUID → part number of SKUs that the bundled table lacks.
    """

    def __init__(
        self,
        tenant: str,
        rows: Iterable[Sku],
        catalogue: Catalogue,
        exclusions: Exclusions,
        *,
        listed: bool,
        connection: str,
        purchases: Mapping[str, Bought] | None = None,
    ) -> None:
        """Take the rows of a tenant.

        Args:
            tenant: id.
            rows: of its SKUs.
            catalogue: learns the products.
            exclusions: that hold in the tenant.
            listed: users are listed, so that assigned seats are theirs.
            connection: for messages.
            purchases: GUID of a SKU → its subscriptions, where they were read.

        Raises:
            ProtocolError: a row is another tenant's, comes twice or counts below zero.
        """
        self._tenant = tenant
        self._catalogue = catalogue
        self._exclusions = exclusions
        self._listed = listed
        self._held: dict[str, Held] = {}
        self._purchases = purchases or {}
        self._users: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self.strangers: dict[str, str] = {}
        for row in rows:
            self._take(row, connection)

    def _take(self, row: Sku, connection: str) -> None:
        guid = row.sku.lower()
        prepaid = row.prepaid
        if row.key.lower() != f"{self._tenant}_{guid}" or guid in self._held:
            raise ProtocolError(
                "WRONG_TENANT: Graph answered with a SKU of another tenant, or with one twice",
                remedy="nothing was changed; something between us and Microsoft mixes answers up",
                connection=connection,
            )
        if min(row.consumed, prepaid.enabled, prepaid.warning, prepaid.suspended) < 0:
            raise ProtocolError(
                f"COUNT_UNREADABLE: SKU {guid} has a number of seats below zero",
                remedy="nothing was changed; if it stays, ask Microsoft",
                connection=connection,
            )
        self._hold(guid, row)

    def _hold(self, guid: str, row: Sku) -> Held:
        known = self._catalogue.sku(guid, row.part)
        bought = self._purchases.get(guid, NOTHING)
        why = self._exclusions.sku(
            guid, row.part or known.part, known.hint, on_trial=bought.only_trials
        )
        if guid not in table():
            self.strangers[guid] = row.part or ""
        held = self._held[guid] = Held(row, known, why, bought)
        return held

    def units(self) -> Iterator[Observation]:
        """Numbers of every SKU; assigned seats only where no users are listed for them."""
        for guid, held in self._held.items():
            row, prepaid = held.row, held.row.prepaid
            usable = prepaid.enabled + prepaid.warning
            numbers = {BOUGHT: held.paid, FREE: max(0, usable - row.consumed)}
            if prepaid.warning:
                numbers[WARNING] = held.grace
            if not self._by_user(row):
                numbers[ASSIGNED] = row.consumed
                numbers[COMMITTED] = max(row.consumed, held.paid + held.grace)
            for kind, number in numbers.items():
                yield self._number(guid, held, kind, number, row.consumed)
            if held.bought.trial:
                yield from self._on_trial(guid, held)

    def committed(self) -> Iterator[Observation]:
        """Assigned or bought seats, whichever are more, once all users are listed."""
        for guid, held in self._held.items():
            if self._by_user(held.row):
                used = self._counted[guid]
                number = max(used, held.paid + held.grace)
                yield self._number(guid, held, COMMITTED, number, used)
        for guid in sorted(self._counted.keys() - self._held.keys()):
            why, used = self._unlisted(guid), self._counted[guid]
            name = self._catalogue.sku(guid, None).name
            facts = encode(Facts(assigned=used, bought=0, why=why.words))
            product = sku_product(guid, COMMITTED)
            yield Observation(self._tenant, product, guid, used, name, facts, why.code)

    def _on_trial(self, guid: str, held: Held) -> Iterator[Observation]:
        why = self._exclusions.trial(held.why)
        for kind, state in ((BOUGHT, ENABLED), (WARNING, IN_GRACE)):
            if number := held.trial(state):
                facts = encode(Facts(part=held.row.part, why=why.words))
                yield Observation(
                    self._tenant,
                    sku_product(guid, kind),
                    f"{guid}:{ON_TRIAL}",
                    number,
                    f"{held.known.name} (trial)",
                    facts,
                    why.code,
                )

    def user(self, user: User, why: Why) -> Iterator[Observation]:
        """The seats of a listed user."""
        facts = user_facts(user, why)
        for licence in user.licences:
            guid = licence.sku.lower()
            held = self._held.get(guid)
            if held is not None and not self._by_user(held.row):
                continue
            self._users[guid] += 1
            of_sku = held.why if held is not None else self._unlisted(guid)
            first = why if why.code else of_sku
            self._counted[guid] += why.code is None
            yield Observation(
                self._tenant,
                sku_product(guid, ASSIGNED),
                user.id,
                1,
                user.name or user.sign_in_name,
                facts if first is why else encode(user_struct(user, first)),
                first.code,
            )

    def notes(self) -> Sequence[str]:
        """Where the users that were listed and Graph's own count differ."""
        if not self._listed:
            return ()
        differ = [
            f"{held.known.name} has {held.row.consumed} by count and {self._users[guid]} by user"
            for guid, held in self._held.items()
            if self._by_user(held.row) and held.row.consumed != self._users[guid]
        ]
        return [f"ASSIGNED_DIFFERS: {'; '.join(differ)}"] if differ else ()

    def _unlisted(self, guid: str) -> Why:
        """A licence of a SKU that the tenant's list lacks: Graph's lists agree only in time."""
        known = self._catalogue.sku(guid, None)
        if guid not in table():
            self.strangers[guid] = ""
        return self._exclusions.sku(guid, known.part, known.hint)

    def _by_user(self, row: Sku) -> bool:
        return self._listed and (row.applies_to or "").lower() != COMPANY

    def _number(self, guid: str, held: Held, kind: str, number: int, used: int) -> Observation:
        row, prepaid = held.row, held.row.prepaid
        usable = prepaid.enabled + prepaid.warning
        of_company = (row.applies_to or "").lower() == COMPANY
        facts = Facts(
            applies_to=row.applies_to if of_company else None,
            part=row.part,
            status=None if row.status == "Enabled" else row.status,
            why=held.why.words,
        )
        if kind == BOUGHT:
            facts.suspended, facts.locked_out = prepaid.suspended, prepaid.locked_out
            facts.purchases = sorted(held.bought.ids) or None
            facts.term = held.bought.term
        if kind == ASSIGNED:
            facts.over = max(0, row.consumed - usable)
        if kind == COMMITTED:
            facts.assigned, facts.bought = used, held.paid + held.grace
        return Observation(
            self._tenant,
            sku_product(guid, kind),
            guid,
            number,
            held.known.name,
            encode(facts),
            held.why.code,
        )


def user_struct(user: User, why: Why) -> Facts:
    """A listed user's facts."""
    return Facts(
        enabled=bool(user.enabled),
        type=None if user.kind == "Member" else user.kind or "none",
        user=user.sign_in_name,
        why=why.words,
    )


def user_facts(user: User, why: Why) -> bytes:
    """The same, as they are kept."""
    return encode(user_struct(user, why))
