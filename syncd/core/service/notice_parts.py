"""Parts of a message: a section with what it asks for, and the ways in which issues are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from syncd.codes import CODES
from syncd.core.service.notice_content import Reader
from syncd.core.store.issues import Issue
from syncd.sdk.notices import NoticeKind, NoticeSection

LONGEST_LIST: Final = 20
"""Lines of a section; what is more is counted."""

_NAMED: Final = 5
"""Clients of a line."""


@dataclass(frozen=True, slots=True)
class Part:
    """One section with what it asks for.

    Attributes:
        kind: who is told is chosen by it.
        needs: what it asks for, for the title.
        section: what it says.
        commands: what to type next.
    """

    kind: NoticeKind
    needs: str
    section: NoticeSection
    commands: tuple[str, ...] = ()


def listed(heading: str, issues: Sequence[Issue], reader: Reader) -> NoticeSection:
    """Issues by code and connection, with the clients that they name where they may be told."""
    groups: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        groups.setdefault((issue.code, issue.connection), []).append(issue)
    lines = []
    for (code, connection), own in groups.items():
        line = f"{connection}: {code}" if connection else code
        line += f" {len(own)}" if len(own) > 1 else ""
        lines.append(line + meaning(code) + named(own, reader))
    return NoticeSection(heading, short(lines))


def meaning(code: str) -> str:
    """What a code means, to be put behind it; empty where nobody knows it."""
    known = CODES.get(code)
    return "" if known is None else f", {known.meaning}"


def named(issues: Sequence[Issue], reader: Reader) -> str:
    """The clients that issues name, in brackets, where this reader may know them."""
    if not reader.clients:
        return ""
    names = [str(one.evidence["client"]) for one in issues if one.evidence.get("client")]
    found = list(dict.fromkeys(names))
    if not found:
        return ""
    return f" ({', '.join(found[:_NAMED])}{', …' if len(found) > _NAMED else ''})"


def short(lines: Sequence[str]) -> tuple[str, ...]:
    """No more lines than a person reads."""
    if len(lines) <= LONGEST_LIST:
        return tuple(lines)
    return (*lines[:LONGEST_LIST], f"… and {len(lines) - LONGEST_LIST} more lines")


def counted(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
