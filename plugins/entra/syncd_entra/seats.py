"""The seats of a tenant's SKUs as units: assigned, bought, in grace, free.

Assigned seats may be one unit with their number, or one unit per user; the other three are numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation
from syncd_entra.evidence import Facts, encode
from syncd_entra.exclusions import Exclusions, Why
from syncd_entra.models import Sku, User
from syncd_entra.products import (
    ASSIGNED,
    BOUGHT,
    FREE,
    WARNING,
    Catalogue,
    Known,
    sku_product,
    table,
)

COMPANY: Final = "company"


class Held(NamedTuple):
    """A SKU of a tenant with what is known about it."""

    row: Sku
    known: Known
    why: Why


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
    ) -> None:
        self._tenant = tenant
        self._catalogue = catalogue
        self._exclusions = exclusions
        self._listed = listed
        self._held: dict[str, Held] = {}
        self._users: Counter[str] = Counter()
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
        why = self._exclusions.sku(guid, row.part or known.part, known.hint)
        if guid not in table():
            self.strangers[guid] = row.part or ""
        held = self._held[guid] = Held(row, known, why)
        return held

    def units(self) -> Iterator[Observation]:
        """Numbers of every SKU; assigned seats only where no users are listed for them."""
        for guid, held in self._held.items():
            row, prepaid = held.row, held.row.prepaid
            usable = prepaid.enabled + prepaid.warning
            numbers = {BOUGHT: prepaid.enabled, FREE: max(0, usable - row.consumed)}
            if prepaid.warning:
                numbers[WARNING] = prepaid.warning
            if not self._by_user(row):
                numbers[ASSIGNED] = row.consumed
            for kind, number in numbers.items():
                yield self._number(guid, held, kind, number, usable)

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

    def _number(self, guid: str, held: Held, kind: str, number: int, usable: int) -> Observation:
        row, prepaid = held.row, held.row.prepaid
        of_company = (row.applies_to or "").lower() == COMPANY
        facts = Facts(
            applies_to=row.applies_to if of_company else None,
            part=row.part,
            status=None if row.status == "Enabled" else row.status,
            why=held.why.words,
        )
        if kind == BOUGHT:
            facts.suspended, facts.locked_out = prepaid.suspended, prepaid.locked_out
        if kind == ASSIGNED:
            facts.over = max(0, row.consumed - usable)
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
