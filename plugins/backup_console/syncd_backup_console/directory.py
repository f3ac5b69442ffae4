"""Which company a user belongs to: by id where the console serves one, by name where it does not.

The console joins users to companies by the company's name. A name that two companies share, or
that no company has, leaves the companies it may mean unproven instead of counting them short.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from syncd.sdk.records import Account
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.models import Company, User, normal_id

UNASSIGNED: Final = "unassigned"
"""Account of what belongs to no company, kept as evidence and never counted."""

NO_COMPANY: Final = "no_company"
AMBIGUOUS: Final = "ambiguous_company"
UNKNOWN: Final = "unknown_company"
INTERNAL: Final = "internal_company"

_NAMED: Final = 3
"""Names in a message before it says how many more there are."""


class Place(NamedTuple):
    """Where something belongs.

    Attributes:
        account: key of the company, or `UNASSIGNED`.
        reason: why it is not counted there, None if it is.
    """

    account: str
    reason: str | None = None


class Doubt(NamedTuple):
    """Companies that cannot be proven, and why."""

    scope: str
    accounts: tuple[str, ...]
    reason: str


class Directory:
    """The companies and users of one read, joined."""

    def __init__(
        self, companies: Sequence[Company], users: Iterable[User], config: BackupConsoleConfig
    ) -> None:
        self._names: dict[str, str] = {}
        exact: defaultdict[str, list[str]] = defaultdict(list)
        loose: defaultdict[str, list[str]] = defaultdict(list)
        for company in companies:
            key = normal_id(company.id)
            name = (company.name or "").strip()
            if key and key not in self._names:
                self._names[key] = name or f"company {key}"
                exact[name].append(key)
                loose[_folded(name)].append(key)
        self._exact, self._loose = exact, loose
        self._internal = self._matching(config.internal_companies)
        self._settled: set[str] = set()
        self._respelt: Counter[str] = Counter()
        self._shared: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self._users: dict[str, Place] = {}
        self._logins: defaultdict[str, list[str]] = defaultdict(list)
        for user in users:
            self._users[normal_id(user.id)] = self.place(user.company, user.company_id)
            if user.login:
                self._logins[user.login.strip().casefold()].append(normal_id(user.id))

    @property
    def doubtful(self) -> bool:
        """Whether a second look at the lists could explain something."""
        return bool(self._unknown)

    def accounts(self) -> list[Account]:
        """Every company, and the account of what belongs to none."""
        known = [Account(key=key, name=name) for key, name in self._names.items()]
        return [*known, Account(key=UNASSIGNED, name="(belongs to no company)")]

    def user(self, user_id: str | None) -> Place | None:
        """Where the user with this id belongs; None when there is no such user."""
        return self._users.get(normal_id(user_id))

    def login(self, login: str | None) -> Place | None:
        """Where the only user with this login belongs; None when there is none, or several."""
        found = self._logins.get((login or "").strip().casefold(), ())
        return self._users[found[0]] if len(found) == 1 else None

    def exactly(self, name: str | None) -> Place | None:
        """The one company with exactly this name; None when there is none, or several."""
        found = self._exact.get((name or "").strip(), ())
        return self._at(found[0]) if name and len(found) == 1 else None

    def place(
        self, name: str | None, company_id: str | None = None, *, gone: bool = False
    ) -> Place:
        """Where something belongs that names its company; what is odd about it is remembered.

        Args:
            name: of the company, as the console writes it.
            company_id: where the console serves it.
            gone: the user is gone, and with it perhaps the company; a company that was only
                renamed keeps its users.
        """
        if (key := normal_id(company_id)) in self._names:
            return self._at(key)
        wanted = (name or "").strip()
        if not wanted:
            return Place(UNASSIGNED, NO_COMPANY)
        found = self._exact.get(wanted) or self._loose.get(_folded(wanted), [])
        if len(found) == 1:
            self._respelt[wanted] += wanted not in self._exact
            return self._at(found[0])
        if found:
            self._shared[wanted] += 1
        elif not gone:
            self._unknown[wanted] += 1
        return Place(UNASSIGNED, AMBIGUOUS if found else UNKNOWN)

    def doubts(self) -> list[Doubt]:
        """Companies whose counts cannot be known from what was read."""
        shared = {
            name: tuple(self._exact.get(name) or self._loose[_folded(name)])
            for name in sorted(self._shared)
        }
        doubts = [
            Doubt(
                f"companies named {name}",
                keys,
                f"AMBIGUOUS_ACCOUNT_NAME: {len(keys)} companies are called '{name}' and"
                f" {_users(self._shared[name])} it: give each a name of its own",
            )
            for name, keys in shared.items()
        ]
        taken = {key for keys in shared.values() for key in keys}
        if self._unknown:
            # A company that was renamed alone has lost its users for us, all of them.
            idle = tuple(key for key in self._names if key not in self._settled | taken)
            doubts.append(Doubt("unknown company names", idle, self._strange(idle)))
        return doubts

    def notes(self) -> list[str]:
        """What was joined all the same and wants a person's eye."""
        notes = []
        if +self._respelt:
            names = +self._respelt
            notes.append(
                f"JOINED_BY_NAME: {_users(names.total())} their company in other letters than it"
                f" has, e.g. {_listed(names)}"
            )
        return notes

    def unmatched(self, entries: Iterable[str]) -> list[str]:
        """Ids and names that no company answers to."""
        return [entry for entry in entries if not self._matching([entry])]

    def _matching(self, entries: Iterable[str]) -> frozenset[str]:
        wanted = {entry for given in entries for entry in (given.strip(), normal_id(given))}
        return frozenset(
            key for key, name in self._names.items() if key in wanted or name in wanted
        )

    def _at(self, key: str) -> Place:
        self._settled.add(key)
        return Place(key, INTERNAL if key in self._internal else None)

    def _strange(self, idle: Sequence[str]) -> str:
        named = f"{_users(self._unknown.total())} a company that is not in the list"
        meant = f"; it may be one of {len(idle)} companies without users" if idle else ""
        return f"UNKNOWN_ACCOUNT_NAME: {named}: {_listed(self._unknown)}{meant}"


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _users(count: int) -> str:
    return "1 user names" if count == 1 else f"{count} users name"


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(f"'{name}'" for name in ordered[:_NAMED]) + more
