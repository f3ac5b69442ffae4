"""The vendor's 33 node classes, what each is counted as, and the products that follow.

A class that the vendor adds later is kept as evidence under `device:other`, is never counted, and
is named in a note until somebody maps it in `products`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from syncd.sdk.records import Product

PRODUCT_KEY: Final = re.compile(r"^device:[a-z0-9][a-z0-9_]{0,39}$")

WORKSTATION: Final = "device:workstation"
SERVER: Final = "device:server"
NETWORK: Final = "device:network"
VM_HOST: Final = "device:vm_host"
VM_GUEST: Final = "device:vm_guest"
MOBILE: Final = "device:mobile"
CLOUD_MONITOR: Final = "device:cloud_monitor"
OTHER: Final = "device:other"

NAMES: Final[dict[str, str]] = {
    WORKSTATION: "Workstation",
    SERVER: "Server",
    NETWORK: "Network device",
    VM_HOST: "VM host",
    VM_GUEST: "VM guest",
    MOBILE: "Mobile device",
    CLOUD_MONITOR: "Cloud monitor",
    OTHER: "Other device",
}

NETWORK_DISCOVERED: Final = "network_discovered"
PROBE: Final = "probe"
UNMANAGED: Final = "unmanaged"
UNKNOWN_CLASS: Final = "unknown_class"

CLASSES: Final[dict[str, tuple[str, str | None]]] = {
    "WINDOWS_WORKSTATION": (WORKSTATION, None),
    "LINUX_WORKSTATION": (WORKSTATION, None),
    "MAC": (WORKSTATION, None),
    "WINDOWS_SERVER": (SERVER, None),
    "LINUX_SERVER": (SERVER, None),
    "MAC_SERVER": (SERVER, None),
    "VMWARE_VM_HOST": (VM_HOST, None),
    "HYPERV_VMM_HOST": (VM_HOST, None),
    "VMWARE_VM_GUEST": (VM_GUEST, None),
    "HYPERV_VMM_GUEST": (VM_GUEST, None),
    "ANDROID": (MOBILE, None),
    "APPLE_IOS": (MOBILE, None),
    "APPLE_IPADOS": (MOBILE, None),
    "CLOUD_MONITOR_TARGET": (CLOUD_MONITOR, None),
    "NMS_SWITCH": (NETWORK, None),
    "NMS_ROUTER": (NETWORK, None),
    "NMS_FIREWALL": (NETWORK, None),
    "NMS_PRIVATE_NETWORK_GATEWAY": (NETWORK, None),
    "NMS_WAP": (NETWORK, None),
    "NMS_APPLIANCE": (NETWORK, None),
    "NMS_OTHER": (NETWORK, None),
    "NMS_DIAL_MANAGER": (NETWORK, None),
    "NMS_IPSLA": (NETWORK, None),
    "NMS_PHONE": (NETWORK, None),
    "NMS_PRINTER": (NETWORK, None),
    "NMS_SCANNER": (NETWORK, None),
    # Seen on the network by a probe: mostly machines that carry an agent of their own.
    "NMS_COMPUTER": (WORKSTATION, NETWORK_DISCOVERED),
    "NMS_SERVER": (SERVER, NETWORK_DISCOVERED),
    "NMS_VM_HOST": (VM_HOST, NETWORK_DISCOVERED),
    "NMS_VIRTUAL_MACHINE": (VM_GUEST, NETWORK_DISCOVERED),
    "NMS_NETWORK_MANAGEMENT_AGENT": (NETWORK, PROBE),
    "UNMANAGED_DEVICE": (OTHER, UNMANAGED),
    "MANAGED_DEVICE": (OTHER, UNMANAGED),
}
"""Node class → product and the reason code it is excluded with by itself, if any.

The classes are the `nodeClass` enumeration of the vendor's API description 2.0.9; the grouping is
ours.
"""

SELF_REPORTING: Final[frozenset[str]] = frozenset(
    name
    for name, (product, reason) in CLASSES.items()
    if product in {WORKSTATION, SERVER, MOBILE} and reason is None
)
"""Classes with an agent or a profile of their own: one that never reported was never installed.

Whether the vendor gives a last contact for all others is not documented, so its absence there
means nothing.
"""


def products(overrides: Iterable[str]) -> tuple[Product, ...]:
    """Every product a connection can count: the standard ones, then those of its overrides."""
    known = dict(NAMES)
    for key in overrides:
        known.setdefault(key, key.partition(":")[2].replace("_", " ").capitalize())
    return tuple(Product(key=key, name=name) for key, name in known.items())
