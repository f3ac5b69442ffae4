"""What a message is made of: the reader, the news, and the rule that a line is one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from syncd.core.store.issues import Issue
from syncd.core.store.notices import SentBills
from syncd.core.store.runs import RunRecord
from syncd.sdk.notices import NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads.

    Attributes:
        on: kinds that are told.
        clients: names of clients, money and remedies may be told.
        always: a run of billing that needs nobody is told too.
    """

    on: frozenset[NoticeKind]
    clients: bool = False
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingWindow:
    """Automatic bills that are not sent on the last day of their window.

    Attributes:
        period: month to bill.
        last_day: local date after which no automatic run bills it.
        held: accounts whose bill waits for a person.
        missing: accounts without a bill for another reason.
        clients: names of the clients of both.
    """

    period: str
    last_day: date
    held: int
    missing: int
    clients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierNotice:
    """A message that may not have been read.

    Attributes:
        made_at: UTC.
        title: its title, which names no client.
        lines: what it said, empty where this reader may not know it.
    """

    made_at: datetime
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What happened since the last message.

    Attributes:
        runs: that ended.
        issues: open ones that were not told.
        covered: codes and connections of all open issues, told or not: a run that fails for a
            reason that stands in one of them says nothing new.
        sent: bills that were sent by these runs.
        closing: what a window that ends today leaves.
        earlier: messages that may not have been read.
    """

    runs: tuple[RunRecord, ...] = ()
    issues: tuple[Issue, ...] = ()
    covered: frozenset[str] = frozenset()
    sent: tuple[SentBills, ...] = ()
    closing: ClosingWindow | None = None
    earlier: tuple[EarlierNotice, ...] = ()


def one_line(text: str) -> str:
    """The text as one printable line: names come from vendors."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
