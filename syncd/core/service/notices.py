"""What a message says: pure composition from what happened to what one reader may know.

A reader of counts sees numbers, codes and names of connections; one of clients also sees their
names, money and remedies. Units, devices and users are never named: nothing here reads the free
text of an issue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from syncd.codes import CODES
from syncd.core.service.notice_books import parts_of_books, place_of, posted
from syncd.core.service.notice_content import ClosingWindow, News, Reader, one_line
from syncd.core.service.notice_parts import Part, counted, listed, short
from syncd.core.store.issues import Issue, IssueSeverity
from syncd.core.store.runs import RunRecord, RunStatus
from syncd.sdk.errors import AuthError, OutcomeUnknown, PermissionMissing, SignInExpired
from syncd.sdk.notices import Notice, NoticeKind, NoticeSection

# Written here again, as their own modules bring tables that a pull does not load.
PLAN_HELD: Final = "PLAN_HELD"
AUTO_WINDOW_MISSED: Final = "AUTO_WINDOW_MISSED"
LATE_CHANGE: Final = "LATE_CHANGE"
SIGN_IN_ENDS: Final = "SIGN_IN_ENDS"

SIGN_INS: Final = frozenset({SignInExpired.code, SIGN_IN_ENDS})
CREDENTIALS: Final = frozenset({AuthError.code, PermissionMissing.code}) | SIGN_INS
UNKNOWN: Final = frozenset({OutcomeUnknown.code, "LINK_UNKNOWN", "LINK_NEVER_ARRIVED"})

BILLING_KINDS: Final = frozenset({"bill", "plan", "apply", "deliver"})
"""Kinds of runs that a reader who always wants a word hears of."""


def compose(news: News, reader: Reader, *, notice_id: str, now: datetime) -> Notice | None:
    """The one message about the news, or None where nothing needs this reader.

    Args:
        news: what happened.
        reader: who reads.
        notice_id: of the message.
        now: UTC.
    """
    parts = [part for part in _parts(news, reader) if part.kind in reader.on]
    quiet = reader.always and any(_of_billing(run) for run in news.runs)
    if not parts and not quiet:
        return None
    title = "; ".join(part.needs for part in parts) or _all_well(news)
    sections = [part.section for part in parts]
    if NoticeKind.DIGEST in reader.on or quiet:
        sections += _sent(news, reader)
    sections += _earlier(news)
    commands = dict.fromkeys(one for part in parts for one in part.commands)
    if commands:
        sections.append(NoticeSection("What to do next", tuple(commands)))
    if not sections:
        sections = [NoticeSection("Runs", tuple(_run_line(run) for run in news.runs))]
    kinds = tuple(dict.fromkeys(part.kind for part in parts)) or (NoticeKind.DIGEST,)
    clean = tuple(
        NoticeSection(one.heading, tuple(one_line(line) for line in one.lines)) for one in sections
    )
    return Notice(notice_id, f"syncd: {one_line(title)}", clean, kinds, now)


def _parts(news: News, reader: Reader) -> Iterator[Part]:
    chosen: dict[str, list[Issue]] = {}
    for issue in news.issues:
        chosen.setdefault(_place_of(issue), []).append(issue)
    if held := chosen.get("held"):
        yield _held(held, reader)
    if refused := chosen.get("credentials"):
        yield _credentials(refused)
    if news.closing is not None:
        yield _closing(news.closing, reader)
    if missed := chosen.get("window"):
        yield Part(
            NoticeKind.WINDOW,
            f"{counted(len(missed), 'automatic bill')} missed",
            listed("Days 1 to 3 are over without a bill", missed, reader),
            ("syncd bill send", "syncd issues --code AUTO_WINDOW_MISSED"),
        )
    if unknown := chosen.get("unknown"):
        yield Part(
            NoticeKind.FAILED,
            f"{counted(len(unknown), 'write')} of unknown outcome",
            listed("Not known whether it was written", unknown, reader),
            ("syncd issues",),
        )
    yield from parts_of_books(chosen, reader)
    failed = chosen.get("failed", [])
    runs = [_run_line(run) for run in news.runs if _failed_anew(run, news)]
    if failed or runs:
        section = listed("Failed", failed, reader)
        section = NoticeSection(section.heading, short([*runs, *section.lines]))
        n = len(failed) + len(runs)
        needs = f"{n} failure{'' if n == 1 else 's'} to look at"
        yield Part(NoticeKind.FAILED, needs, section, ("syncd issues", "syncd runs"))
    if late := chosen.get("late"):
        yield _late(late, reader)
    if other := chosen.get("other"):
        yield Part(
            NoticeKind.DIGEST,
            f"{counted(len(other), 'issue')} to look at",
            listed("Also open", other, reader),
            ("syncd issues",),
        )


def _place_of(issue: Issue) -> str:
    """Under which heading an issue is told."""
    code = issue.code
    if (place := place_of(issue)) is not None:
        return place
    if code == PLAN_HELD:
        return "held"
    if code in CREDENTIALS:
        return "credentials"
    if code == AUTO_WINDOW_MISSED:
        return "window"
    if code == LATE_CHANGE:
        return "late"
    if code in UNKNOWN:
        return "unknown"
    # What a person has to map or decide is no failure, however long it stops a bill.
    known = CODES.get(code)
    decided = known is not None and known.where in {"mapping", "renewal", "bill life"}
    return "failed" if issue.severity is IssueSeverity.ERROR and not decided else "other"


def _held(issues: Sequence[Issue], reader: Reader) -> Part:
    lines: list[str] = []
    plans = dict.fromkeys(str(issue.evidence.get("plan", "")) for issue in issues)
    for plan in plans:
        own = [issue for issue in issues if str(issue.evidence.get("plan", "")) == plan]
        rules = Counter(rule for issue in own for rule in issue.evidence.get("rules", ()))
        why = ", ".join(f"{rule} {n}" for rule, n in sorted(rules.items()))
        lines.append(
            f"plan {plan}: {counted(len(own), 'bill')} held" + (f" ({why})" if why else "")
        )
        if reader.clients:
            lines += [_held_line(issue) for issue in own]
    if reader.clients:
        lines = [*(f"together {one}" for one in _totals(issues, "money")), *lines]
    commands = tuple(
        command
        for plan in plans
        if plan
        for command in (f"syncd plans show {plan}", f"syncd plans release {plan} --reason TEXT")
    )
    needs = f"{counted(len(issues), 'held bill')} to release"
    return Part(NoticeKind.HELD, needs, NoticeSection("Held", short(lines)), commands)


def _held_line(issue: Issue) -> str:
    rules = ", ".join(issue.evidence.get("rules", ()))
    worth = _money(issue.evidence.get("money"), issue.evidence.get("currency"))
    who = issue.evidence.get("client") or "the plan as a whole"
    return f"{who}: {worth or 'money unknown'} ({rules}); {issue.remedy}"


def _credentials(issues: Sequence[Issue]) -> Part:
    names = sorted({issue.connection for issue in issues})
    lines = [f"{issue.connection}: {issue.code}" for issue in issues]
    refused = any(issue.code != SIGN_IN_ENDS for issue in issues)
    sign_ins = {issue.connection for issue in issues if issue.code in SIGN_INS}
    return Part(
        NoticeKind.CREDENTIALS,
        f"renew the credentials of {', '.join(names)}",
        NoticeSection("Credentials refused" if refused else "Sign-ins end soon", short(lines)),
        tuple(f"syncd {'login' if name in sign_ins else 'check'} {name}" for name in names),
    )


def _closing(window: ClosingWindow, reader: Reader) -> Part:
    n = window.held + window.missing
    left = f"{window.held} wait for a person, {window.missing} are not made"
    lines = [f"{window.period}: automatic bills end with {window.last_day}; {left}"]
    if reader.clients:
        lines += window.clients
    return Part(
        NoticeKind.WINDOW,
        f"{n} automatic bill{'' if n == 1 else 's'} of {window.period} to send by "
        f"{window.last_day}",
        NoticeSection("The window of automatic bills closes", short(lines)),
        ("syncd month", "syncd issues"),
    )


def _late(issues: Sequence[Issue], reader: Reader) -> Part:
    if reader.clients:
        lines = [
            f"{issue.evidence.get('client', '')}, {issue.evidence.get('period', '')}: "
            + (_money(issue.evidence.get("price_change"), issue.evidence.get("currency")) or "?")
            for issue in issues
        ]
    else:
        months = Counter(str(issue.evidence.get("period", "")) for issue in issues)
        lines = [f"{month}: {n}" for month, n in sorted(months.items())]
    return Part(
        NoticeKind.DIGEST,
        f"{counted(len(issues), 'late change')} to decide",
        NoticeSection("Facts that arrived after a final bill", short(lines)),
        ("syncd corrections list",),
    )


def _sent(news: News, reader: Reader) -> list[NoticeSection]:
    lines = []
    for one in news.sent:
        line = f"{one.bills} bill{'' if one.bills == 1 else 's'} of {one.period}"
        if reader.clients:
            worth = "money known to the PSA alone" if one.money is None else f"{one.money:,}"
            line += f": {worth}" + ("" if one.money is None else f" {one.currency}")
        lines.append(line)
    lines += [f"{counted(n, 'document')} into {book}" for book, n in posted(news.runs).items()]
    return [NoticeSection("Sent", tuple(lines))] if lines else []


def _earlier(news: News) -> list[NoticeSection]:
    lines: list[str] = []
    for one in news.earlier:
        lines.append(f"{one.made_at:%Y-%m-%d %H:%M} UTC: {one.title}")
        lines += [f"… {line}" for line in one.lines]
    if not lines:
        return []
    return [NoticeSection("Earlier messages that may not have arrived", short(lines))]


def _all_well(news: News) -> str:
    bills = sum(one.bills for one in news.sent)
    said = f"{counted(bills, 'bill')} sent, " if bills else ""
    documents = sum(posted(news.runs).values())
    said += f"{counted(documents, 'document')} sent, " if documents else ""
    return f"{said}nothing new needs you"


def _of_billing(run: RunRecord) -> bool:
    """Whether the run did something about bills or documents; a look that found nothing did not."""
    return bool(posted([run])) or (run.kind in BILLING_KINDS and any(run.counts.values()))


def _failed_anew(run: RunRecord, news: News) -> bool:
    if run.status is not RunStatus.FAILED:
        return False
    return run.error_code not in news.covered and run.subject not in news.covered


def _run_line(run: RunRecord) -> str:
    code = f": {run.error_code}" if run.error_code else ""
    return f"{run.kind} of {run.subject} {run.status}{code}"


def _totals(issues: Iterable[Issue], key: str) -> list[str]:
    totals: dict[str, Decimal] = {}
    for issue in issues:
        amount = _decimal(issue.evidence.get(key))
        if amount is not None:
            currency = str(issue.evidence.get("currency", ""))
            totals[currency] = totals.get(currency, Decimal(0)) + amount
    return [f"{total:+,} {currency}" for currency, total in sorted(totals.items())]


def _money(amount: object, currency: object) -> str:
    found = _decimal(amount)
    return "" if found is None else f"{found:+,} {currency}"


def _decimal(amount: object) -> Decimal | None:
    try:
        return None if amount is None else Decimal(str(amount))
    except InvalidOperation:
        return None
