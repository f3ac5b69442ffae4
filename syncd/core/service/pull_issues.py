"""What a pull leaves for a person: scopes not proven, accounts that vanished, notes of the source.

Issues of a scope that this pull did not prove stay as they are: not looking is not a finding.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.records import ScopeVerdict

if TYPE_CHECKING:
    from syncd.core.store.census.records import Gap, PullResult
    from syncd.core.store.connections import ConnectionRef

PULL_INCOMPLETE: Final = "PULL_INCOMPLETE"
ACCOUNT_DISAPPEARED: Final = "ACCOUNT_DISAPPEARED"
ACCOUNT_REMOVED: Final = "ACCOUNT_REMOVED"

_LISTED = 5

_REMEDIES: Final = {
    "DUPLICATE_UNIT": "Two different facts were read for one unit: look at it in the vendor's "
    "console, then run `syncd pull {name}`.",
    "UNDECLARED_ACCOUNT": "Units came for an account that the list of accounts lacks: check that "
    "the credentials may see every account, then run `syncd pull {name}`.",
}
_RETRY: Final = (
    "Former counts stay in force. Run `syncd pull {name}` again; if it repeats, compare with the "
    "vendor's console: the reasons are in `syncd issues --json`."
)

_VANISHED = text(
    "SELECT a.key, a.name, a.removed_pull, "
    "EXISTS (SELECT 1 FROM client_link l WHERE l.account_id = a.id AND l.superseded_at IS NULL) "
    "AS linked FROM account a WHERE a.connection_id = :connection "
    "AND (a.absent_since_pull IS NOT NULL OR a.removed_pull IS NOT NULL) ORDER BY a.key"
)
_MARKED: Final = '%"note":true%'
"""How the stored evidence of an issue looks that came from a note."""
_NOTED = text(
    "SELECT DISTINCT code FROM issue WHERE closed_at IS NULL AND connection = :connection "
    "AND evidence LIKE :marked"
)

_LIKE = text(
    "SELECT subject FROM issue WHERE closed_at IS NULL AND connection = :connection "
    "AND code = :code AND evidence LIKE :evidence"
)
_NOT_LIKE = text(
    "SELECT subject FROM issue WHERE closed_at IS NULL AND connection = :connection "
    "AND code = :code AND evidence NOT LIKE :evidence"
)


def code_of(reason: str) -> str:
    """The code that a reason begins with: `PAGE_REPEATED` of `PAGE_REPEATED: after=1041`."""
    return reason.partition(":")[0].strip()


def unproven_reasons(gaps: Sequence[Gap]) -> dict[str, list[str]]:
    """Distinct reasons by scope; the empty scope holds those of single accounts."""
    found: dict[str, dict[str, None]] = {}
    for gap in gaps:
        if gap.account_key is None:
            found.setdefault(gap.scope, {}).update(dict.fromkeys(gap.reason.split("; ")))
    for gap in gaps:
        told = gap.account_key is None or gap.scope in found
        if not told and code_of(gap.reason) != ACCOUNT_DISAPPEARED:
            found.setdefault("", {})[gap.reason] = None
    return {scope: list(reasons) for scope, reasons in found.items()}


async def sync_pull_issues(
    book: IssueBook,
    connection: ConnectionRef,
    result: PullResult,
    verdicts: Sequence[ScopeVerdict],
    period: str = "",
) -> None:
    """Open and close what this pull says, inside of the caller's transaction.

    Args:
        book: of the connection.
        connection: whose pull it was.
        result: what it proved.
        verdicts: of the source.
        period: the month that was pulled; its issues are kept apart from those of what stands now
            and of other months.
    """
    unproven = unproven_reasons(result.gaps)
    pulled = _Pulled(connection.name, period)
    await book.replace(
        PULL_INCOMPLETE,
        {
            pulled.subject(scope): _incomplete(pulled, scope, reasons, result.gaps)
            for scope, reasons in unproven.items()
        },
        keep=await _of_other_months(book, period, PULL_INCOMPLETE),
    )
    if not period:
        await _sync_vanished(book, connection)
    await _sync_notes(book, pulled, verdicts, unproven)


@dataclass(frozen=True, slots=True)
class _Pulled:
    """What was pulled: a connection as it stands, or its facts of a month."""

    name: str
    period: str

    @property
    def title(self) -> str:
        return f"{self.name} for {self.period}" if self.period else self.name

    @property
    def words(self) -> str:
        """How the same is pulled again."""
        return f"{self.name} --period {self.period}" if self.period else self.name

    @property
    def evidence(self) -> dict[str, str]:
        return {"period": self.period} if self.period else {}

    def subject(self, scope: str) -> str:
        return "/".join(part for part in (self.name, self.period, scope) if part)


async def _of_other_months(book: IssueBook, period: str, code: str) -> set[str]:
    """Open subjects that this pull says nothing about: of other months, and of what stands."""
    asked = {"connection": book.connection, "code": code}
    any_month, month = '%"period":"%', f'%"period":"{period}"%'
    if period:
        rows = await book.conn.execute(_NOT_LIKE, asked | {"evidence": month})
    else:
        rows = await book.conn.execute(_LIKE, asked | {"evidence": any_month})
    return set(rows.scalars())


def _incomplete(
    pulled: _Pulled, scope: str, reasons: Sequence[str], gaps: Sequence[Gap]
) -> Finding:
    accounts = sorted(
        gap.account_key
        for gap in gaps
        if gap.account_key is not None and (gap.scope == scope if scope else gap.reason in reasons)
    )
    why = "; ".join(reasons[:_LISTED])
    if len(reasons) > _LISTED:
        why += f"; and {len(reasons) - _LISTED} more reasons"
    what = f"'{scope}'" if scope else "every account"
    kept = "facts" if pulled.period else "counts"
    whom = f", so {len(accounts)} accounts keep their former {kept}" if accounts else ""
    known = (_REMEDIES[code] for code in map(code_of, reasons) if code in _REMEDIES)
    return Finding(
        message=f"The last pull of {pulled.title} did not prove {what}{whom}: {why}.",
        remedy=next(known, _RETRY).format(name=pulled.words),
        evidence={"scope": scope, "reasons": reasons, "accounts": accounts, **pulled.evidence},
    )


async def _sync_vanished(book: IssueBook, connection: ConnectionRef) -> None:
    name = connection.name
    disappeared: dict[str, Finding] = {}
    removed: dict[str, Finding] = {}
    for row in await book.conn.execute(_VANISHED, {"connection": connection.id}):
        subject = f"{name}/{row.key}"
        if row.removed_pull is None:
            disappeared[subject] = Finding(
                message=f"Account {row.key} ({row.name}) of {name} is missing from the vendor's "
                "list; its counts are kept until a second complete pull confirms it.",
                remedy=f"If the client has not left, check what the credentials may see; then run "
                f"`syncd pull {name}`.",
                severity=IssueSeverity.WARNING,
                evidence={"account": row.key},
            )
        elif row.linked:
            removed[subject] = Finding(
                message=f"Account {row.key} ({row.name}) of {name} is gone from the vendor, "
                "confirmed by two complete pulls; its counts are 0 and its lines will be held.",
                remedy="Release the held lines of the next plan if the client has left; after "
                f"that `syncd map unlink {name} {row.key}`.",
                evidence={"account": row.key},
            )
    await book.replace(ACCOUNT_DISAPPEARED, disappeared)
    await book.replace(ACCOUNT_REMOVED, removed)


async def _sync_notes(
    book: IssueBook, pulled: _Pulled, verdicts: Sequence[ScopeVerdict], unproven: Collection[str]
) -> None:
    findings: dict[str, dict[str, Finding]] = {}
    for verdict in verdicts:
        by_code: dict[str, list[str]] = {}
        for note in verdict.notes:
            by_code.setdefault(code_of(note), []).append(note.partition(":")[2].strip())
        for code, details in by_code.items():
            findings.setdefault(code, {})[pulled.subject(verdict.scope)] = Finding(
                message=f"{pulled.title} reports for '{verdict.scope}': "
                f"{'; '.join(details) or code}.",
                remedy=f"See {code} in the documentation of the connector and of the errors; they "
                "say whether what is listed is counted, and what to do.",
                severity=IssueSeverity.WARNING,
                evidence={
                    "note": True,
                    "scope": verdict.scope,
                    "details": details,
                    **pulled.evidence,
                },
            )
    unseen = {pulled.subject(scope) for scope in unproven}
    asked = {"connection": pulled.name, "marked": _MARKED}
    noted = (await book.conn.execute(_NOTED, asked)).scalars().all()
    for code in sorted({*findings, *noted}):
        others = await _of_other_months(book, pulled.period, code)
        await book.replace(code, findings.get(code, {}), keep=unseen | others)
