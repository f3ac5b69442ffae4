"""What tenants can be counted by: SKUs under Microsoft's names, users by rule, devices.

SKUs are never enumerated in code: each GUID that a tenant holds is a product, named by the bundled
table or, where Microsoft is ahead of it, by its part number.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from syncd.sdk.records import Product
from syncd_entra.config import EntraConfig

ASSIGNED: Final = "assigned"
BOUGHT: Final = "bought"
WARNING: Final = "warning"
FREE: Final = "free"
COMMITTED: Final = "committed"

KINDS: Final = {
    ASSIGNED: "assigned seats",
    BOUGHT: "bought seats",
    WARNING: "bought seats in grace",
    FREE: "free seats",
    COMMITTED: "assigned or bought seats, whichever are more",
}
"""Kind of a SKU's product → how its name ends."""

ENTRA_DEVICES: Final = "device:entra"
INTUNE_DEVICES: Final = "device:intune"
SYSTEMS: Final = {
    "windowsCount": ("windows", "Windows"),
    "macOSCount": ("macos", "macOS"),
    "iosCount": ("ios", "iOS"),
    "androidCount": ("android", "Android"),
}
"""Field of Intune's overview → ending of the product's key, and its name."""


class Known(NamedTuple):
    """A SKU of the bundled table.

    Attributes:
        part: part number.
        name: Microsoft's product name.
        hint: `free` or `trial` by that name, else empty.
    """

    part: str
    name: str
    hint: str


@cache
def table() -> dict[str, Known]:
    """The bundled table by GUID: facts of Microsoft's licensing reference, July 2026."""
    text = Path(__file__).with_name("skus.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    return {guid: Known(part, name, hint) for guid, part, name, hint in rows}


def sku_product(guid: str, kind: str) -> str:
    """Key of a SKU's product."""
    return f"sku:{guid}:{kind}"


class Catalogue:
    """The products of one connection, with the SKUs that were met while it is open."""

    def __init__(self, config: EntraConfig) -> None:
        self._found: dict[str, Product] = {}
        for count in config.user_counts:
            self._add(Product(count.product, count.name))
        if "entra" in config.devices:
            self._add(Product(ENTRA_DEVICES, "Devices registered in Entra"))
        if "intune" in config.devices:
            self._add(Product(INTUNE_DEVICES, "Devices enrolled in Intune"))
            for ending, name in SYSTEMS.values():
                self._add(Product(f"{INTUNE_DEVICES}:{ending}", f"{name} devices in Intune"))

    def all(self) -> list[Product]:
        return list(self._found.values())

    def sku(self, guid: str, part: str | None) -> Known:
        """What is known of a SKU; its products are declared when it is first met."""
        known = table().get(guid) or Known(part or guid, part or f"SKU {guid}", "")
        if sku_product(guid, ASSIGNED) not in self._found:
            for kind, ending in KINDS.items():
                self._add(Product(sku_product(guid, kind), f"{known.name}: {ending}"))
        return known

    def _add(self, product: Product) -> None:
        self._found[product.key] = product
