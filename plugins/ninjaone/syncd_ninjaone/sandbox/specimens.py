"""Devices that a client must survive: every class and state, absent fields, odd serials.

They belong to three organisations of their own: two of one name, and one without any device.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.sandbox.rows import FUTURE, ROLES

ORGANISATIONS: Final[tuple[dict[str, Any], ...]] = (
    {"id": 1, "name": "Specimen Ltd", "description": None, "nodeApprovalMode": "MANUAL"},
    {"id": 2, "name": "Empty Ltd", "description": "", "nodeApprovalMode": "AUTOMATIC"},
    {"id": 3, "name": "Specimen Ltd", "nodeApprovalMode": "REJECT"},
)

STATES: Final = ("APPROVED", "PENDING", "STAGED", "DECOMMISSIONED")


def devices(now: datetime) -> list[dict[str, Any]]:
    """Rows in ascending order of ids, all below 1000, with gaps."""
    fresh = (now - timedelta(minutes=5)).timestamp()
    old = (now - timedelta(days=90)).timestamp()
    rows: list[dict[str, Any]] = []

    def add(org: int, node_class: str | None, **fields: Any) -> None:
        rows.append(
            {
                "id": 100 + len(rows) * 3,
                "organizationId": org,
                "nodeClass": node_class,
                "nodeRoleId": ROLES.get(node_class or ""),
                "approvalStatus": "APPROVED",
                "displayName": f"SPECIMEN-{len(rows)}",
                "lastContact": fresh,
                **fields,
            }
        )

    for name in (*sorted(CLASSES), FUTURE):
        add(1, name)
    for state in STATES:
        add(1, "WINDOWS_WORKSTATION", approvalStatus=state)
    add(1, None, displayName=None, systemName=None, lastContact=None, tags=None, system=None)
    rows.append({"id": 100 + len(rows) * 3, "organizationId": 1, "nodeClass": "LINUX_SERVER"})
    add(1, "WINDOWS_SERVER", lastContact=old, tags=["Spare"])
    add(1, "WINDOWS_SERVER", lastContact=old)
    add(1, "CLOUD_MONITOR_TARGET", lastContact=None)
    for serial in ("SN-TWICE", "sn-twice ", "0", "0", "System Serial Number"):
        add(1, "WINDOWS_WORKSTATION", system={"serialNumber": serial})
    add(3, "WINDOWS_WORKSTATION", system={"serialNumber": "SN-TWICE"})
    add(3, "MAC", system={"serialNumber": None, "biosSerialNumber": "System Serial Number"})
    return rows
