"""Renders devices of the world as the vendor's JSON, once per device.

A row is a head (what belongs to the device), the last contact (what moves with the clock) and a
tail (what belongs to its class), so that a moved clock costs nearly nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import msgspec

from syncd.sdk.sandbox import WorldDevice
from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.sandbox.filters import Traits

ORGANISATION_OFFSET: Final = 10
"""Organisation id = this + the world's client id."""

ROLE_OFFSET: Final = 200

FUTURE: Final = "NMS_FUTURE"
"""A class that the vendor's description does not list."""

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "workstation": ("WINDOWS_WORKSTATION",),
    "laptop": ("WINDOWS_WORKSTATION",),
    "mac": ("MAC",),
    "server": ("WINDOWS_SERVER",),
    "linux_server": ("LINUX_SERVER",),
    "vm_host": ("VMWARE_VM_HOST", "HYPERV_VMM_HOST"),
    "vm_guest": ("VMWARE_VM_GUEST", "HYPERV_VMM_GUEST"),
    "switch": ("NMS_SWITCH",),
    "firewall": ("NMS_FIREWALL",),
    "printer": ("NMS_PRINTER",),
    "phone_ios": ("APPLE_IOS", "APPLE_IPADOS"),
    "phone_android": ("ANDROID",),
    "cloud_monitor": ("CLOUD_MONITOR_TARGET",),
    "unmanaged": ("UNMANAGED_DEVICE",),
    "unknown": (FUTURE,),
}
"""World kind → node classes, by turns of the device's id; a node class may be a kind itself."""

ROLES: Final[dict[str, int]] = {
    name: ROLE_OFFSET + n for n, name in enumerate((*sorted(CLASSES), FUTURE), start=1)
}
"""Node class → id of its standard role."""

_AGENTS: Final = frozenset(
    name for name in CLASSES if name.startswith(("WINDOWS_", "LINUX_", "MAC"))
)
_PHONES: Final = frozenset({"ANDROID", "APPLE_IOS", "APPLE_IPADOS"})

_encode = msgspec.json.Encoder().encode


def node_class(device: WorldDevice) -> str:
    choices = KINDS.get(device.kind, (device.kind,))
    return choices[device.id % len(choices)]


def traits(device: WorldDevice) -> Traits:
    return Traits(
        str(ORGANISATION_OFFSET + device.client), node_class(device), device.state.upper()
    )


def last_contact(device: WorldDevice, now: datetime) -> float:
    """Unix seconds: within the last hour, or noon of the last day it was seen."""
    if device.last_seen is not None:
        seen = datetime.combine(device.last_seen, time(12), tzinfo=UTC).timestamp()
        return min(seen, now.timestamp())
    return now.timestamp() - device.id * 7919 % 3600 - device.id % 1000 / 1000


def head(device: WorldDevice, *, detailed: bool) -> bytes:
    """All of a device that does not move with the clock, up to the last contact."""
    made = datetime.combine(device.arrives, time(8), tzinfo=UTC).timestamp()
    shown = node_class(device)
    fields: dict[str, Any] = {
        "id": device.id,
        "uid": f"{device.id:08x}-5eed-4000-8000-{device.id * 2654435761 & 0xFFFFFFFFFFFF:012x}",
        "organizationId": ORGANISATION_OFFSET + device.client,
        "locationId": device.site,
        "nodeClass": shown,
        "nodeRoleId": ROLES.get(shown, ROLE_OFFSET),
        "rolePolicyId": 70 + device.id % 7,
        "approvalStatus": device.state.upper(),
        "displayName": device.name,
        "systemName": device.name,
        "dnsName": f"{device.name.lower().replace(' ', '-')}.example",
        "netbiosName": device.name[:15].upper(),
        "created": made + 0.25,
        "offline": device.last_seen is not None,
    }
    if device.tags:
        fields["tags"] = list(device.tags)
    if detailed and shown in _AGENTS | _PHONES:
        fields["system"] = {
            "name": device.name,
            "manufacturer": "Example Corp",
            "model": "EX-900",
            "serialNumber": device.serial,
            **(
                {
                    "biosSerialNumber": device.serial,
                    "domain": "example",
                    "domainRole": "Member",
                    "virtualMachine": False,
                    "chassisType": "LAPTOP" if device.kind == "laptop" else "DESKTOP",
                }
                if shown in _AGENTS
                else {}
            ),
        }
    return _encode(fields)[:-1]


def contact(device: WorldDevice, now: datetime) -> bytes:
    moment = last_contact(device, now)
    return b',"lastContact":%.3f,"lastUpdate":%.3f' % (moment, moment - 90)


def tail(shown: str, *, detailed: bool) -> bytes:
    """What every device of a class has alike; about 330 bytes for an agent, as in real pages."""
    fields: dict[str, Any] = {"userData": {}}
    if detailed:
        fields["ipAddresses"] = ["192.0.2.17"]
        fields["macAddresses"] = ["02:00:5E:00:53:AF"]
        fields["publicIP"] = "198.51.100.7"
        fields["notes"] = []
        fields["deviceType"] = shown.lower()
        if shown in _AGENTS:
            fields["os"] = {
                "name": "Example OS Professional",
                "architecture": "64-bit",
                "buildNumber": "26100",
                "releaseId": "25H2",
                "needsReboot": False,
            }
            fields["memory"] = {"capacity": 17179869184}
            fields["processors"] = [
                {"name": "Example CPU", "numCores": 8, "clockSpeed": 2800000000}
            ]
    return b"," + _encode(fields)[1:]


def quiet_time(now: datetime) -> datetime:
    """The moment rows are rendered for: full minutes, so that a running clock rarely moves it."""
    return now - timedelta(seconds=now.second, microseconds=now.microsecond)
