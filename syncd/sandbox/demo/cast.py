"""Who plays in the demonstration: connections, their simulators, and the days it visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SOURCE, BACKUP, PSA = "ninja", "backup", "halo"
PSA_CONNECTOR = "halopsa"
NAMES = {"ninjaone": SOURCE, "backup_console": BACKUP, PSA_CONNECTOR: PSA}
"""Connector -> name of its connection."""

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "ninjaone": {"internal_organisations": ["Bluebird IT (internal)"]},
    "backup_console": {
        "internal_companies": ["Bluebird IT (internal)"],
        "timezone": "Europe/London",
        "schedule": "0 */6 * * *",
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
MID_DECEMBER = datetime(2026, 12, 15, 14, 0, tzinfo=UTC)
DECEMBER_EVENING = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
JANUARY_NIGHT = datetime(2027, 1, 1, 0, 20, tzinfo=UTC)
FIRST_OF_JANUARY = datetime(2027, 1, 1, 9, 0, tzinfo=UTC)

PIONEERS = {"1004": "Acme Corp", "1006": "Hartley & Sons Ltd"}
"""Clients that go live first; they have years of records that people made by hand."""

HIDDEN = "HSL6-PC03"
"""A device that one evening's read did not show, and nobody noticed."""

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    PSA_CONNECTOR: {"history": tuple(int(key) for key in PIONEERS)}
}
"""What is set on the simulators."""

BILLING: Mapping[str, Any] = {"write_links": True}
"""Links of recurring lines are written by the program only where somebody says so."""

BY_HAND = "Fern Primary School"
"""The client that is billed when a person says so, and never automatically."""

HELD = 3
"""Exit code of a command that left something for a person."""
