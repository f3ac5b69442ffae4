"""What a console can count: licence types as they come, and the volumes and money of a month.

Licence types are never enumerated: the vendor adds them, and each distinct text is a product.
"""

from __future__ import annotations

from typing import Final

from syncd.sdk.records import Measure, Part, Product, ProductKind
from syncd_backup_console.config import BackupConsoleConfig

STORAGE_ALL: Final = "storage:all"
RESTORE_ALL: Final = "restore:all"
LIMIT_ALL: Final = "limit:all"
COMPUTERS: Final = "computer:all"


class Catalogue:
    """The products of one connection, with those that were met while it is open."""

    def __init__(self, config: BackupConsoleConfig) -> None:
        self._found: dict[str, Product] = {}
        if config.computers:
            self._add(Product(COMPUTERS, "Computers with a backup plan"))
        if config.storage == "all":
            self._add(_volume(STORAGE_ALL, "Backup storage"))
        if config.storage != "off":
            self._add(_volume(RESTORE_ALL, "Restored volume", Part.RESTORED))
        if config.currency is not None:
            self._add(
                Product(
                    LIMIT_ALL,
                    "Storage limits",
                    kind=ProductKind.STORAGE,
                    measure=Measure.MONEY,
                    monthly=True,
                    part=Part.LIMIT,
                    currency=config.currency,
                )
            )

    def all(self) -> list[Product]:
        return list(self._found.values())

    def licence(self, kind: str) -> str:
        """Key of the product of a licence type; blanks around and within count once."""
        name = " ".join(kind.split())
        key = f"licence:{name}"
        if key not in self._found:
            self._add(Product(key, f"{name} licence"))
        return key

    def storage(self, account: str, name: str | None) -> str:
        """Key of the product of a storage account."""
        key = f"storage:{account}"
        if key not in self._found:
            self._add(_volume(key, f"Backup storage {name or account}"))
        return key

    def _add(self, product: Product) -> None:
        self._found[product.key] = product


def _volume(key: str, name: str, part: Part = Part.WHOLE) -> Product:
    return Product(
        key, name, kind=ProductKind.STORAGE, measure=Measure.BYTE, monthly=True, part=part
    )
