"""Tenants that a client must survive: names that clash, users of nobody, licences in every state.

They stand beside the companies of the world, under ids of their own.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

from syncd_backup_console.models import NIL

Row = dict[str, Any]

TWINS: Final = "Specimen Twins"
CASED: Final = ("Specimen Case", "SPECIMEN CASE")
RENAMED: Final = "Specimen Before"
STATES: Final = "Specimen States"


def identity(what: str) -> str:
    """A uuid that belongs to a specimen for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"specimen:{what}"))


def companies() -> list[Row]:
    """Two of one name, two that differ in letters only, one renamed, one for licences."""
    named = [
        ("twin-1", TWINS), ("twin-2", TWINS), ("case-1", CASED[0]), ("case-2", CASED[1]),
        ("renamed", "Specimen After"), ("states", STATES), ("nameless", None),
    ]  # fmt: skip
    return [
        {"Id": identity(what), "Name": name, "StorageLimit": -1, "LicenseSettings": 0}
        for what, name in named
    ]


USERS: Final[tuple[tuple[str, str | None], ...]] = (
    ("twin", TWINS), ("case-1", CASED[0]), ("case-2", CASED[1]), ("letters", "specimen  STATES"),
    ("before", RENAMED), ("empty", ""), ("none", None), ("states", STATES),
)  # fmt: skip
"""Login → company as the console writes it."""


def users() -> list[Row]:
    return [
        {"ID": identity(f"user {login}"), "Email": f"specimen.{login}", "Company": company}
        for login, company in USERS
    ]


def licences(now: datetime) -> list[Row]:
    """One licence for each user, and every combination of trial, taken and expired."""
    later = (now + timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%S")
    before = (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.1234567")
    rows = [_licence(f"of {login}", login, later) for login, _ in USERS]
    for trial, taken, expired in product((True, False), repeat=3):
        rows.append(
            {
                **_licence(f"{trial}{taken}{expired}", "states", before if expired else later),
                "IsTrial": trial,
                "IsTaken": taken,
            }
        )
    odd: dict[str, Row] = {
        "no date": {"DateExpired": None},
        "platform date": {"DateExpired": "0001-01-01T00:00:00"},
        "date with zone": {"DateExpired": later + "+00:00"},
        "unknown type": {"LicenseType": "Quantum  Vault"},
        "by login": {"UserID": None},
        "by login, nil": {"UserID": NIL},
        "nobody": {"UserID": None, "User": None},
    }
    rows += [{**_licence(what, "states", later), **changes} for what, changes in odd.items()]
    return rows


def _licence(what: str, login: str, expires: str) -> Row:
    return {
        "ID": identity(f"licence {what}"),
        "Number": 800000,
        "ComputerName": f"SPECIMEN {what}",
        "OperatingSystem": "Windows",
        "IsTrial": False,
        "IsTaken": True,
        "LicenseType": "Ultimate",
        "DateExpired": expires,
        "Transaction": None,
        "User": f"specimen.{login}",
        "UserID": identity(f"user {login}"),
    }
