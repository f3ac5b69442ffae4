"""Who is to go live, as people write it: every mistake at once, and nothing is changed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from syncd.core.service.clients import choose_client
from syncd.core.service.csv_text import BadFile, Problem, read_rows
from syncd.core.service.refusals import ClientUnknown, GoLiveRefused
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.golive import GoLiveBook, GoLiveWord, load_golive
from syncd.core.store.references import ReferenceEntry, ReferenceKind
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

COLUMNS: Final = ("client",)
OPTIONAL: Final = ("client_name", "from", "reason")
"""Columns of a list: a client by its id or exact name, and what differs from the command line."""

_REMEDY: Final = "mend the file and run the command again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A client that is to go live, as somebody wrote it.

    Attributes:
        client: id or name.
        period: first month that is billed by us (`YYYY-MM`), or what stands there instead.
        reason: why, or empty.
        line: of a file; 0 for the command line.
    """

    client: str
    period: str
    reason: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A client that can go live.

    Attributes:
        client: PSA client id.
        client_name: for people.
        period: first month that is billed by us.
        reason: why, or empty.
        before: its word so far, None where there is none.
    """

    client: str
    client_name: str
    period: Period
    reason: str
    before: GoLiveWord | None

    @property
    def changes(self) -> bool:
        """Whether that says anything new."""
        before = self.before
        return before is None or not before.live or before.from_period != str(self.period)


def read_asks(text: str, file: str, *, period: str | None, reason: str) -> list[Ask]:
    """The clients of a list.

    Args:
        text: CSV with the column `client`, and `from` and `reason` where rows differ.
        file: its name, for messages.
        period: first month of rows that name none.
        reason: of rows that name none.

    Raises:
        BadFile: the text is no such CSV.
    """
    try:
        rows = read_rows(text, file, required=COLUMNS, optional=OPTIONAL)
    except BadFile as error:
        error.remedy = _REMEDY
        raise
    return [
        Ask(
            client=row.cells["client"].strip(),
            period=row.cells.get("from", "").strip() or period or "",
            reason=row.cells.get("reason", "").strip() or reason,
            line=row.line,
        )
        for row in rows
    ]


async def choose_golive(
    database: Database,
    asks: Sequence[Ask],
    *,
    psa_connection: ConnectionRef,
    mode: str,
    file: str = "",
) -> tuple[Choice, ...]:
    """Check every client that is to go live, before anything is changed.

    Args:
        database: where links are.
        asks: the clients.
        psa_connection: where they are.
        mode: of the installation.
        file: name of the list, empty for the command line.

    Raises:
        BadFile: rows of the list are wrong; all of them are named.
        GoLiveRefused: likewise for the command line.
    """
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="0001-01-01")
        book = await load_golive(conn, psa_connection.id, mode=mode)
    checked = _Checked(data=data, psa_id=psa_connection.id, book=book)
    for ask in asks:
        checked.add(ask)
    if checked.problems and file:
        bad = BadFile(file, checked.problems)
        bad.remedy = _REMEDY
        raise bad
    if checked.problems:
        said = "; ".join(one.reason for one in checked.problems)
        remedies = dict.fromkeys(one.remedy for one in checked.problems)
        raise GoLiveRefused(f"nobody went live: {said}", remedy="; ".join(remedies))
    return tuple(checked.choices)


@dataclass(slots=True, kw_only=True)
class _Checked:
    """Asks that were looked at, with everything that is wrong."""

    data: BillingData
    psa_id: int
    book: GoLiveBook
    choices: list[Choice] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, ask: Ask) -> None:
        try:
            entry = exact_client(self.data, self.psa_id, ask.client)
        except ClientUnknown as error:
            self._wrong(ask, "client", str(error), error.remedy)
            return
        period = self._period(ask)
        if entry.key in self.seen:
            self._wrong(ask, "client", f"{entry.name} ({entry.key}) is named twice", "name it once")
            return
        self.seen.add(entry.key)
        if not self.data.accounts_of_client(self.psa_id, entry.key):
            reason = f"no account is linked to {entry.name} ({entry.key}): nothing would be billed"
            self._wrong(ask, "client", reason, "link one first: `syncd map propose`")
        elif not entry.active:
            reason = f"the PSA shows {entry.name} ({entry.key}) as inactive"
            self._wrong(
                ask, "client", reason, "make it active in the PSA, then `syncd map refresh`"
            )
        elif period is not None:
            self.choices.append(
                Choice(
                    client=entry.key,
                    client_name=entry.name,
                    period=period,
                    reason=ask.reason,
                    before=self.book.words.get(entry.key),
                )
            )

    def _period(self, ask: Ask) -> Period | None:
        if not ask.period:
            reason = f"no first month is named for {ask.client}"
            self._wrong(ask, "from", reason, "write --from 2026-11, or a column `from`")
            return None
        try:
            return Period.parse(ask.period)
        except ValueError:
            reason = f"'{ask.period}' is not a month"
            self._wrong(ask, "from", reason, "write a month like 2026-11")
            return None

    def _wrong(self, ask: Ask, column: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(ask.line, column, reason, remedy))


def exact_client(data: BillingData, psa_id: int, wanted: str) -> ReferenceEntry:
    """The client with this id or exactly this name; part of a name is a hint, never an answer.

    Raises:
        ClientUnknown: there is none, or several have the name.
    """
    known = data.references.of(psa_id, ReferenceKind.CLIENT)
    plain = wanted.strip().casefold()
    if not plain:
        raise ClientUnknown("no client is named", remedy="name it by its id in the PSA")
    foreign = next((one for one in data.accounts.values() if one.key == wanted), None)
    if wanted not in known and foreign is not None:
        name = data.connections[foreign.connection_id].name
        message = f"'{wanted}' is an account of {name}, not a client of the PSA"
        raise ClientUnknown(message, remedy="name clients by their id in the PSA")
    linked = {link.client_key for link in data.links.values() if link.psa_connection_id == psa_id}
    entry = choose_client(known, linked, wanted)
    if entry.key != wanted and entry.name.strip().casefold() != plain:
        message = f"no client has the id or the name '{wanted}'"
        raise ClientUnknown(message, remedy=f"did you mean {entry.key} ({entry.name})?")
    return entry
