"""The inbox: open issues in the order in which a person should take them, and those of one client.

The gravest first, then the most money, then the oldest; issues of one code stay together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import groupby

from syncd.core.service.clients import find_client
from syncd.core.store.billing_data import BillingData
from syncd.core.store.issues import Issue, IssueSeverity

_GRAVITY = {IssueSeverity.ERROR: 0, IssueSeverity.WARNING: 1}


@dataclass(frozen=True, slots=True)
class ClientNames:
    """What names a client in issues.

    Attributes:
        key: PSA client id.
        name: its name.
        subjects: `<connection>/<account>` of the accounts linked to it.
    """

    key: str
    name: str
    subjects: frozenset[str]


def client_names(data: BillingData, psa_id: int, wanted: str) -> ClientNames:
    """The client that a person named, with its accounts.

    Raises:
        ClientUnknown: it is not exactly one.
    """
    found = find_client(data, psa_id, wanted)
    accounts = (
        data.accounts[account]
        for account, link in data.links.items()
        if link.psa_connection_id == psa_id and link.client_key == found.key
    )
    return ClientNames(
        found.key,
        found.name,
        frozenset(f"{data.connections[one.connection_id].name}/{one.key}" for one in accounts),
    )


def about_client(issue: Issue, client: ClientNames) -> bool:
    """Whether an issue is about a client: by its account, or because the evidence names it."""
    evidence = issue.evidence
    several = evidence.get("clients")
    named = {evidence.get("client"), *(several if isinstance(several, list) else ())}
    return issue.subject in client.subjects or bool({client.key, client.name} & named)


def money_of(issue: Issue) -> Decimal | None:
    """The money that a waiting change would move, None where the evidence names none."""
    return _amount(issue.evidence.get("money"))


def at_stake(issue: Issue) -> Decimal | None:
    """What is billed so far and cannot be billed anew, None where the evidence names none."""
    return _amount(issue.evidence.get("at_stake"))


def _amount(said: object) -> Decimal | None:
    if not isinstance(said, str):
        return None
    try:
        amount = Decimal(said)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def in_groups(issues: Sequence[Issue]) -> list[tuple[Issue, ...]]:
    """Issues of one code together; the groups and the issues within in the order of the inbox."""

    def kind(issue: Issue) -> tuple[int, str]:
        return _GRAVITY[issue.severity], issue.code

    together = [
        tuple(sorted(group, key=_rank)) for _, group in groupby(sorted(issues, key=kind), key=kind)
    ]
    return sorted(together, key=lambda group: _rank(group[0]))


def _rank(issue: Issue) -> tuple[int, Decimal, datetime, str, str]:
    worth = abs(money_of(issue) or at_stake(issue) or Decimal(0))
    return _GRAVITY[issue.severity], -worth, issue.opened_at, issue.code, issue.subject


def told(evidence: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Evidence as names and values for people; what says nothing is left out."""
    lines: list[tuple[str, str]] = []
    for name, value in evidence.items():
        if isinstance(value, Mapping):
            lines += told(value, f"{prefix}{name}.")
        elif isinstance(value, Collection) and not isinstance(value, str | bytes):
            lines += [(f"{prefix}{name}", str(one)) for one in value if one != ""]
        elif value is not None and value is not True and value != "":
            lines.append((f"{prefix}{name}", str(value)))
    return lines
