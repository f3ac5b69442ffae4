"""Who plays in the demonstration: connections, their simulators, and the days it visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

SOURCE, BACKUP, USED, BOUGHT, PSA = "ninja", "backup", "m365", "csp", "halo"
PSA_CONNECTOR, DIRECTORY, SELLER = "halopsa", "entra", "csp"
XERO, QUICKBOOKS = "xero", "quickbooks"
NAMES = {
    "ninjaone": SOURCE,
    "backup_console": BACKUP,
    DIRECTORY: USED,
    SELLER: BOUGHT,
    PSA_CONNECTOR: PSA,
    XERO: XERO,
    QUICKBOOKS: QUICKBOOKS,
}
"""Connector -> name of its connection."""

SEATED = {10: "Quayside Legal LLP", 12: "Oakfield Farm Shop"}
"""Clients of the simulated world that buy their Microsoft seats from us."""


def tenant_of(client: int) -> str:
    """The tenant of a client of the simulated world, which both Microsoft simulators derive."""
    return str(uuid5(NAMESPACE_URL, f"sandbox:tenant:{client}"))


SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "ninjaone": {"internal_organisations": ["Bluebird IT (internal)"]},
    "backup_console": {
        "internal_companies": ["Bluebird IT (internal)"],
        "timezone": "Europe/London",
        "schedule": "0 */6 * * *",
    },
    DIRECTORY: {
        # What was bought is told with the ids under which the seller's books hold it.
        "subscriptions": True,
        "tenants": [{"id": tenant_of(key), "name": name} for key, name in SEATED.items()],
    },
    PSA_CONNECTOR: {
        "scope": "read:customers read:assets read:suppliers read:invoices read:softwarelicensing "
        "edit:softwarelicensing edit:invoices"
    },
}
"""The MSP's own devices and backups are counted, excluded and never billed."""

NOVEMBER_AFTERNOON = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
NOVEMBER_EVENING = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SECOND_OF_DECEMBER = datetime(2026, 12, 2, 10, 0, tzinfo=UTC)
FIFTH_OF_DECEMBER = datetime(2026, 12, 5, 11, 0, tzinfo=UTC)
MID_DECEMBER = datetime(2026, 12, 15, 14, 0, tzinfo=UTC)
DECEMBER_EVENING = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
JANUARY_NIGHT = datetime(2027, 1, 1, 0, 20, tzinfo=UTC)
FIRST_OF_JANUARY = datetime(2027, 1, 1, 9, 0, tzinfo=UTC)

PIONEERS = {"1004": "Acme Corp", "1006": "Hartley & Sons Ltd"}
"""Clients that go live first; they have years of records that people made by hand."""

BOOKED = {XERO: "1004", QUICKBOOKS: "1006"}
"""Book -> the client that is kept in it; both have been live for longest."""

HIDDEN = "HSL6-PC03"
"""A device that one evening's read did not show, and nobody noticed."""

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    PSA_CONNECTOR: {"history": tuple(int(key) for key in PIONEERS)},
    SELLER: {
        "currency": "GBP",
        "running": 0,
        "gdap_only": tuple(tenant_of(key) for key in range(1, 51) if key not in SEATED),
    },
}
"""What is set on the simulators."""

TOKEN_KEY_VARIABLE = "SYNCD_DEMO_TOKEN_KEY"  # noqa: S105 - a variable's name

INSTALLATION: Mapping[str, Any] = {"token_key": {"env": TOKEN_KEY_VARIABLE}}
"""QuickBooks is signed in to by a person; what that gives is kept encrypted."""

TABLES: Mapping[str, Mapping[str, Any]] = {
    "invoices": {},
    f"invoices.{XERO}": {},
    f"invoices.{QUICKBOOKS}": {},
}
"""Finished invoices are carried into both books, by the defaults of each."""

BILLING: Mapping[str, Any] = {"write_links": True}
"""Links of recurring lines are written by the program only where somebody says so."""

BY_HAND = "Fern Primary School"
"""The client that is billed when a person says so, and never automatically."""

HELD = 3
"""Exit code of a command that left something for a person."""

LEAKING = 6
"""Exit code of a command that found something billed nowhere."""
