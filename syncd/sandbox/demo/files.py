"""The spreadsheets of the demonstration: what an MSP would fill in after exporting them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What an MSP sells of the counts of one source.

    Attributes:
        asset_types: product -> default asset type, by the PSA's names.
        rates: product -> cost and price, and for storage those of a restored GB.
        configurations: how products become lines, for every account of the source.
    """

    asset_types: Mapping[str, str]
    rates: Mapping[str, tuple[str, ...]]
    configurations: tuple[Row, ...]


DEVICES = Offer(
    asset_types={
        "device:workstation": "Workstation",
        "device:server": "Server",
        "device:network": "Network device",
        "device:vm_host": "VM host",
        "device:vm_guest": "VM guest",
        "device:mobile": "Mobile",
        "device:cloud_monitor": "Cloud monitor",
    },
    rates={
        "device:workstation": ("1.85", "4.50"),
        "device:mobile": ("0.60", "2.00"),
        "device:server": ("4.10", "12.50"),
        "device:vm_host": ("5.00", "18.00"),
        # An explicit 0 is a free product; an empty cell would hold the bill.
        "device:vm_guest": ("0.00", "0.00"),
        "device:network": ("0.95", "3.00"),
        "device:cloud_monitor": ("0.10", "0.75"),
    },
    configurations=(
        {
            "name": "Managed endpoints",
            "mode": "average",
            "products": "device:workstation;device:mobile",
            "asset_type": "Workstation",
        },
        {
            "name": "Managed servers",
            "mode": "total",
            "products": "device:server;device:vm_host;device:vm_guest",
            "asset_type": "Server",
        },
        {
            "name": "Network and monitors",
            "mode": "quantity",
            "products": "device:network;device:cloud_monitor",
            "asset_type": "Network device",
        },
    ),
)
"""Devices, one configuration in each mode."""

BACKUPS = Offer(
    asset_types={
        "licence:Desktop": "Backup",
        "licence:Server": "Backup",
        "licence:VM Server": "Backup",
        "storage:all": "Backup",
    },
    rates={
        "licence:Desktop": ("2.40", "6.00"),
        "licence:Server": ("7.20", "15.00"),
        "licence:VM Server": ("9.00", "19.50"),
        "storage:all": ("0.011", "0.03", "0.005", "0.01"),
    },
    configurations=(
        {
            "name": "Backup licences",
            "mode": "average",
            "products": "licence:Desktop;licence:Server",
            "asset_type": "",
        },
        {
            "name": "Virtual machine backup",
            "mode": "quantity",
            "products": "licence:VM Server",
            "asset_type": "VM host",
        },
        {
            "name": "Backup storage",
            "mode": "total",
            "products": "storage:all",
            "asset_type": "",
        },
    ),
)
"""Backups, one configuration in each mode; the storage carries restores and limits with it."""

PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
"""Microsoft's GUID of Microsoft 365 Business Premium."""

COMMITTED = f"sku:{PREMIUM}:committed"
"""Its seats that are assigned or bought, whichever are more."""

SEATS = Offer(
    asset_types={},
    rates={COMMITTED: ("24.72", "29.00")},
    configurations=(
        {
            "name": "Microsoft 365 Business Premium",
            "mode": "average",
            "products": COMMITTED,
            "asset_type": "Workstation",
        },
    ),
)
"""Seats of the one suite that this MSP sells on; of its numbers it bills the committed one."""


def fill(path: Path, edit: Callable[[Row], Row]) -> int:
    """Rewrite each row of an exported file; how many changed."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or ())
        rows = list(reader)
    edited = [edit(dict(row)) for row in rows]
    _write(path, columns, edited)
    return sum(before != after for before, after in zip(rows, edited, strict=True))


def write(path: Path, rows: list[Row]) -> None:
    """Write rows that all have the same columns."""
    _write(path, list(rows[0]), rows)


def product_rows(connection: str, offer: Offer = DEVICES) -> list[Row]:
    """Product -> asset type, as `syncd map products --import` reads it."""
    return [
        {"connection": connection, "product": product, "asset_type": name}
        for product, name in offer.asset_types.items()
    ]


def configuration_rows(connection: str, offer: Offer = DEVICES) -> list[Row]:
    """The configurations, for all accounts of a connection."""
    return [
        {
            "uid": "",
            "connection": connection,
            "account": "",
            **row,
            "supplier": "",
            "price_owner": "",
            "cost_owner": "",
            "position": str(position),
        }
        for position, row in enumerate(offer.configurations, 1)
    ]


def rate_rows(connection: str, offer: Offer = DEVICES, *, valid_from: str) -> list[Row]:
    """Cost and price of every product."""
    return [
        {
            "connection": connection,
            "product": product,
            "client": "",
            "cost": cost,
            "price": price,
            "restore_cost": restored[0] if restored else "",
            "restore_price": restored[1] if restored else "",
            "currency": "GBP",
            "valid_from": valid_from,
        }
        for product, (cost, price, *restored) in offer.rates.items()
    ]


def read(path: Path) -> list[Row]:
    """The rows of a file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: list[str], rows: list[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
