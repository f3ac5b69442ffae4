"""Which licences count: in use, paid, unexpired, of a user who belongs to a company.

Every other licence is kept as evidence with the first reason that applies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.directory import INTERNAL, NO_COMPANY, UNASSIGNED, Directory, Place
from syncd_backup_console.evidence import Facts, encode
from syncd_backup_console.models import Licence, PlanRun, normal_id
from syncd_backup_console.products import COMPUTERS, Catalogue

TRIAL: Final = "trial"
NOT_TAKEN: Final = "not_taken"
EXPIRED: Final = "expired"
NO_USER: Final = "no_user"
UNKNOWN_USER: Final = "unknown_user"

BY_LOGIN: Final = "login"

GONE: Final = (
    "a user who is not in the list of users; release it in the console if that user is gone"
)


class Usage:
    """What is in use now, assessed at one moment."""

    def __init__(
        self,
        directory: Directory,
        catalogue: Catalogue,
        config: BackupConsoleConfig,
        *,
        now: datetime,
        connection: str,
    ) -> None:
        self._directory = directory
        self._catalogue = catalogue
        self._trials = config.include_trials
        self._zone = config.zone
        self._now = now
        self._connection = connection
        self._ends: dict[str, bool] = {}
        self._by_login = 0
        self._unassigned: Counter[str] = Counter()
        self._strangers = 0

    def licences(self, licences: Sequence[Licence]) -> list[Observation]:
        """One observation per licence.

        Raises:
            ProtocolError: a date that is none.
        """
        return [self._licence(licence) for licence in licences]

    def computers(self, runs: Sequence[PlanRun]) -> list[Observation]:
        """One observation per user and computer that has a plan."""
        found: dict[tuple[str, str], PlanRun] = {}
        for run in runs:
            if run.computer:
                owner = normal_id(run.user_id) or (run.user or "").casefold()
                found.setdefault((owner, run.computer.casefold()), run)
        units = []
        for (owner, computer), run in found.items():
            place, joined = self._place(run.user_id, run.user)
            facts = Facts(joined=joined, user=run.user)
            reason = self._noted(place)
            unit = f"{owner}/{computer}"
            name = run.computer or computer
            units.append(
                Observation(place.account, COMPUTERS, unit, 1, name, encode(facts), reason)
            )
        return units

    def reasons(self) -> list[str]:
        """Why nothing is proven: whoever is missing may belong to any company."""
        if not self._strangers:
            return []
        return [f"UNKNOWN_USER: {_units(self._strangers)} {GONE}"]

    def notes(self) -> list[str]:
        """What is in use and counted nowhere, and what was joined by a name."""
        notes = []
        if self._by_login:
            notes.append(f"JOINED_BY_NAME: {_units(self._by_login)} the user by login, not by id")
        if self._unassigned:
            why = ", ".join(f"{n} {reason}" for reason, n in sorted(self._unassigned.items()))
            notes.append(f"UNASSIGNED_USAGE: counted for nobody, since without a company: {why}")
        return notes

    def _licence(self, licence: Licence) -> Observation:
        place, joined = self._place(licence.user_id, licence.user)
        reason = self._standing(licence)
        if reason is None:
            reason = self._noted(place)
            self._by_login += joined is not None
        facts = Facts(
            expires=licence.expires,
            joined=joined,
            number=licence.number,
            os=licence.system,
            user=licence.user,
        )
        return Observation(
            place.account,
            self._catalogue.licence(licence.kind),
            normal_id(licence.id),
            1,
            licence.computer or f"licence {licence.number or licence.id}",
            encode(facts),
            reason,
        )

    def _standing(self, licence: Licence) -> str | None:
        """Why the licence itself does not count."""
        if licence.trial and not self._trials:
            return TRIAL
        if not licence.taken:
            return NOT_TAKEN
        if licence.expires and self._over(licence.expires):
            return EXPIRED
        return None

    def _place(self, user_id: str | None, login: str | None) -> tuple[Place, str | None]:
        """Where the user belongs, and how that was found out where not by the id."""
        if normal_id(user_id):
            return self._directory.user(user_id) or Place(UNASSIGNED, UNKNOWN_USER), None
        if not (login or "").strip():
            return Place(UNASSIGNED, NO_USER), None
        place = self._directory.login(login)
        return (place, BY_LOGIN) if place else (Place(UNASSIGNED, UNKNOWN_USER), None)

    def _noted(self, place: Place) -> str | None:
        """The reason of a place, with what wants a person's eye counted."""
        if place.reason == UNKNOWN_USER:
            self._strangers += 1
        elif place.reason not in (None, INTERNAL):
            self._unassigned[place.reason or NO_COMPANY] += 1
        return place.reason

    def _over(self, expires: str) -> bool:
        over = self._ends.get(expires)
        if over is None:
            over = self._ends[expires] = self._ended(expires)
        return over

    def _ended(self, expires: str) -> bool:
        try:
            end = datetime.fromisoformat(expires)
        except ValueError:
            end = None
        if end is None:
            raise ProtocolError(
                f"{self._connection}: the expiry of a licence is no date",
                remedy="nothing was changed; if it stays, the vendor changed its interface",
                connection=self._connection,
            )
        if end.year == 1:
            return False  # the platform's way to write that no date is set
        if end.tzinfo is None:
            end = end.replace(tzinfo=self._zone)
        return end <= self._now


def _units(count: int) -> str:
    return "1 unit in use names" if count == 1 else f"{count} units in use name"
