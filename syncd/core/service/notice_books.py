"""What a message says of invoices on their way into the books.

What waits for a release is held; what only a person can settle in the books is told as a failure;
an invoice that is refused before it was sent, and an answer that is looked up by itself, are news.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from syncd.codes import CODES
from syncd.core.service.notice_content import Reader
from syncd.core.service.notice_parts import Part, counted, listed, meaning, named, short
from syncd.core.store.issues import Issue, IssueSeverity
from syncd.core.store.runs import RunRecord
from syncd.sdk.errors import OutcomeUnknown
from syncd.sdk.notices import NoticeKind, NoticeSection

RELEASE, SETTLE, REFUSED, NEWS = "release", "settle", "refused", "other"
"""Places of issues about invoices."""

_OF_ONE: Final = frozenset({"number", "invoice", "key"})
"""Evidence that an issue is about one document; a mapping names its source."""

KIND: Final = "books"
"""Kind of the runs that post."""


def place_of(issue: Issue) -> str | None:
    """Under which heading an issue is told; None where it is not about documents."""
    if issue.code == OutcomeUnknown.code:
        # A bill names no number; a document is looked up before anything is sent again.
        return NEWS if "number" in issue.evidence else None
    known = CODES.get(issue.code)
    if known is None or known.where != "books":
        return None
    error = issue.severity is IssueSeverity.ERROR
    if "documents" in issue.evidence or "row" in issue.evidence:
        return REFUSED if error else RELEASE
    if not error:
        return NEWS
    if issue.evidence.keys() & _OF_ONE:
        return SETTLE
    return NEWS if "source" in issue.evidence else None


def parts_of_books(chosen: Mapping[str, Sequence[Issue]], reader: Reader) -> Iterator[Part]:
    """What issues about invoices ask for, by their places."""
    if waiting := chosen.get(RELEASE):
        yield _release(waiting, reader)
    if parked := chosen.get(SETTLE):
        yield Part(
            NoticeKind.FAILED,
            f"{counted(len(parked), 'document')} to look at",
            listed("Documents that need a person", parked, reader),
            ("syncd issues",),
        )
    if refused := chosen.get(REFUSED):
        verb = "is" if len(refused) == 1 else "are"
        yield Part(
            NoticeKind.DIGEST,
            f"{counted(len(refused), 'invoice')} that {verb} refused",
            listed("Invoices that cannot go into the books as they are", refused, reader),
            ("syncd issues",),
        )


def _release(issues: Sequence[Issue], reader: Reader) -> Part:
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        groups.setdefault((issue.connection, issue.code), []).append(issue)
    lines = []
    for (connection, code), own in groups.items():
        number = counted(_documents(own), "document")
        worth = ", ".join(str(one.evidence["money"]) for one in own if "documents" in one.evidence)
        worth = f": {worth}" if worth and reader.clients else ""
        lines.append(f"{connection}: {number}, {code}{meaning(code)}{worth}{named(own, reader)}")
    # Every round makes a new plan: its name would be an old one when somebody reads it.
    commands = dict.fromkeys(f"syncd plan invoices {connection}" for connection, _ in groups)
    return Part(
        NoticeKind.HELD,
        f"{counted(_documents(issues), 'document')} to release",
        NoticeSection("Documents that wait for a release", short(lines)),
        tuple(commands),
    )


def _documents(issues: Sequence[Issue]) -> int:
    return sum(int(one.evidence.get("documents", 1)) for one in issues)


def posted(runs: Sequence[RunRecord]) -> dict[str, int]:
    """Documents that runs put into the books, by book; books without any are left out."""
    found: dict[str, int] = {}
    for run in runs:
        number = run.counts.get("confirmed", 0) if run.kind == KIND else 0
        if number:
            found[run.subject] = found.get(run.subject, 0) + number
    return found
