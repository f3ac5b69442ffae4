"""The simulated console's state: the lists of the world, with what a test changes by hand.

Nothing is kept between two questions but those changes, so the console follows its world's clock.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import date, datetime
from typing import Any

from syncd.sdk.sandbox import World
from syncd_backup_console.sandbox import specimens, tenancy, volumes

Row = dict[str, Any]
Edit = Callable[[str, list[Row]], None]


class Console:
    """What the console shows at the simulated moment.

    Attributes:
        edits: changes to a list, by its name, made to every answer of it.
        corrections: bytes added to every user's average, by month.
    """

    def __init__(
        self, world: World, *, with_specimens: bool, corrections: MutableMapping[str, int]
    ) -> None:
        self._world = world
        self._with_specimens = with_specimens
        self.edits: list[Edit] = []
        self.corrections = corrections

    def now(self) -> datetime:
        return self._world.now()

    def list(self, name: str) -> list[Row]:
        """A list by its name in the address, in lower case."""
        rows = _LISTS[name](self._world)
        if self._with_specimens and name in _SPECIMENS:
            rows = [*rows, *_SPECIMENS[name](self._world.now())]
        for edit in self.edits:
            edit(name, rows)
        return rows

    def bill(self, day: str | None, company: str | None) -> Row | None:
        """The billing of the month of a day; an empty day is today."""
        asked = datetime.fromisoformat(day).date() if day else self._world.now().date()
        month = volumes.bill(self._world, asked.replace(day=1), self.corrections, company)
        if month is not None:
            for edit in self.edits:
                edit("billing", month["StatisticBilling"])
        return month

    def details(self, user_id: str, day: str | None) -> Row | None:
        month = self.bill(day, None)
        return None if month is None else volumes.details(self._world, user_id, month)


def _packages(world: World) -> list[Row]:
    del world
    return [
        {
            "ID": 27000 + number,
            "Name": f"{100 * (number + 1)} GB",
            "Description": None,
            "Enabled": True,
            "Cost": 30.0,
            "StorageLimit": 100.0 * (number + 1),
            "RestoreLimit": -1.0,
            "UseRestoreLimit": False,
            "isGlacierRestoreLimit": False,
            "GlacierRestoreType": 0,
        }
        for number in range(3)
    ]


def _monitoring(world: World) -> list[Row]:
    """Two plans of every backed-up computer."""
    yesterday = date.fromordinal(world.now().date().toordinal() - 1)
    shown = tenancy.names(world)
    ids = {user["Email"]: user["ID"] for user in tenancy.users(world)}
    return [
        {
            "PlanName": plan,
            "CompanyName": shown[device.client],
            "UserName": login,
            "UserID": ids[login],
            "ComputerName": device.name,
            "BuildVersion": "8.4.0.318",
            "StorageType": "Wasabi",
            "LastStart": f"{yesterday.isoformat()}T22:00:00",
            "NextStart": None,
            "Status": 0,
            "ErrorMessage": "",
            "FilesCopied": 12,
            "FilesFailed": 0,
            "DataCopied": 2**20,
            "Duration": "15 second(s)",
            "DataToBackup": 2**20,
            "TotalData": 2**30,
            "FilesScanned": 3400,
            "FilesToBackup": 12,
            "PlanId": tenancy.identity(world, plan, device.id),
            "PlanType": 3,
            "DetailedReportLink": None,
        }
        for device, login in tenancy.machines(world)
        for plan in ("Files nightly", "Image weekly")
    ]


def _administrators(world: World) -> list[Row]:
    return [
        {
            "AdminID": tenancy.identity(world, "admin", 1),
            "Email": "admin@example.com",
            "FirstName": "",
            "LastName": "",
            "Enabled": True,
            "PermissionsModels": {"Users": 1, "Licenses": 1, "Billing": 1, "Monitiring": 1},
            "LastLogin": "2026-11-30T08:00:00",
            "DateCreated": "2024-01-01T00:00:00",
            "Companies": [],
            "AccessToCompaniesMode": 0,
            "AccountType": "Provider",
        }
    ]


_LISTS: dict[str, Callable[[World], list[Row]]] = {
    "companies": tenancy.companies,
    "users": tenancy.users,
    "licenses": tenancy.licences,
    "accounts": tenancy.accounts,
    "packages": _packages,
    "monitoring": _monitoring,
    "administrators": _administrators,
}
_SPECIMENS: dict[str, Callable[[datetime], list[Row]]] = {
    "companies": lambda _: specimens.companies(),
    "users": lambda _: specimens.users(),
    "licenses": specimens.licences,
}
