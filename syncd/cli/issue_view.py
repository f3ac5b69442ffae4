"""How issues look: grouped by code, folded to the terminal, a shared remedy said once."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.cli.moments import moment, span
from syncd.cli.output import table
from syncd.codes import CODES
from syncd.core.service.issue_inbox import at_stake, money_of, told

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.store.issues import Issue

MOST_OF_A_CODE = 10
"""Issues of one code that are shown; `--code` and `--json` show every one."""

WIDEST = 100
"""Sentences wider than this are hard to read, however wide the terminal is."""


def show_groups(
    output: Output,
    groups: Sequence[Sequence[Issue]],
    *,
    zone: ZoneInfo,
    now: datetime,
    whole: bool,
) -> None:
    """Print the inbox.

    Args:
        output: where.
        groups: in order.
        zone: of moments.
        now: ages are counted from here.
        whole: show every issue of a group.
    """
    if not groups:
        output.say("nothing needs a person")
        return
    for group in groups:
        first = group[0]
        _fold(output, f"{first.severity.upper()} {first.code}{_meaning(first.code)}", "", "  ")
        shown = group if whole else group[:MOST_OF_A_CODE]
        remedies = {issue.remedy for issue in shown}
        for issue in shown:
            _fold(output, f"{issue.id:>4}  {issue.message}", "  ", "        ")
            _fold(output, _facts(issue, zone, now), "        ", "        ")
            if len(remedies) > 1 and issue.remedy:
                _fold(output, f"-> {issue.remedy}", "        ", "           ")
        if len(group) > len(shown):
            output.say(f"        and {len(group) - len(shown):,} more: `--code {first.code}`")
        if len(remedies) == 1 and first.remedy:
            _fold(output, f"-> {first.remedy}", "    ", "       ")
        output.say("")
    count = Counter(issue.severity.value for group in groups for issue in group)
    said = " and ".join(f"{n:,} {name}{'s' if n > 1 else ''}" for name, n in sorted(count.items()))
    _fold(output, f"{said}; `syncd issues NUMBER` shows one with its evidence", "", "  ")


def show_one(output: Output, issue: Issue, zone: ZoneInfo) -> None:
    """Print one issue whole, with its evidence."""
    _fold(output, f"{issue.severity.upper()} {issue.code}{_meaning(issue.code)}", "", "  ")
    _fold(output, issue.message, "  ", "  ")
    if issue.remedy:
        _fold(output, f"-> {issue.remedy}", "  ", "     ")
    closed = "still open" if issue.closed_at is None else moment(issue.closed_at, zone)
    facts = [
        ("subject", issue.subject),
        ("connection", issue.connection),
        ("opened", moment(issue.opened_at, zone)),
        ("last seen", moment(issue.last_seen_at, zone)),
        ("closed", closed),
        *told(issue.evidence),
    ]
    output.say("")
    for name, value in facts:
        if value:
            _fold(output, f"{name}: {value}", "  ", "      ")


def show_history(output: Output, issues: Sequence[Issue], zone: ZoneInfo) -> None:
    """Print the newest issues, closed ones too."""
    if not issues:
        output.say("nothing ever needed a person")
        return
    output.console.print(
        table(
            "id",
            "code",
            "subject",
            "opened",
            "closed",
            "what",
            rows=[
                (
                    issue.id,
                    issue.code,
                    issue.subject,
                    moment(issue.opened_at, zone),
                    issue.closed_at and moment(issue.closed_at, zone),
                    issue.message,
                )
                for issue in issues
            ],
        )
    )


def _meaning(code: str) -> str:
    known = CODES.get(code)
    return "" if known is None else f": {known.meaning}"


def _facts(issue: Issue, zone: ZoneInfo, now: datetime) -> str:
    money, stake = money_of(issue), at_stake(issue)
    currency = issue.evidence.get("currency", "")
    worth = ""
    if money is not None:
        worth = f", {money:+,} {currency}".rstrip()
    elif stake:
        worth = f", {stake:,} {currency} at stake"
    age = span(now - issue.opened_at)
    return f"{issue.subject}{worth}, since {moment(issue.opened_at, zone)} ({age})"


def _fold(output: Output, text: str, first: str, rest: str) -> None:
    width = min(output.console.width, WIDEST)
    output.say(
        textwrap.fill(
            text,
            width,
            initial_indent=first,
            subsequent_indent=rest,
            break_on_hyphens=False,
        )
    )
