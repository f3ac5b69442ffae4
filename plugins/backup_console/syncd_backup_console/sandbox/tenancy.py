"""Derives a console's companies, users and licences from the shared world, always the same.

A device that is backed up holds a licence on the day it is there; ids follow from the world's ids
and the seed, so that a second look at the same day shows the same console.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

from syncd.sdk.sandbox import World, WorldClient, WorldDevice

KINDS: Final = {
    "server": ("Server", 1),
    "linux_server": ("Server", 1),
    "vm_host": ("VM Server", 1),
    "workstation": ("Desktop", 2),
    "laptop": ("Desktop", 3),
    "mac": ("Desktop", 3),
}
"""World kind → licence type, and every how many of them one is backed up."""

SYSTEMS: Final = {"linux_server": "Linux", "mac": "macOS"}

TRIAL_EVERY: Final = 23
EXPIRED_EVERY: Final = 41
SPARE_LICENCES: Final = 3
"""Licences in the pool that nobody has taken."""

Row = dict[str, Any]


def identity(world: World, what: str, number: int) -> str:
    """A uuid that belongs to a thing of the world for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{world.seed}:{what}:{number}"))


def names(world: World) -> dict[int, str]:
    """Company name by the client's id; the console refuses a name twice, so a twin has a number."""
    seen: dict[str, int] = {}
    shown: dict[int, str] = {}
    for client in world.clients():
        number = seen[client.name] = seen.get(client.name, 0) + 1
        shown[client.id] = client.name if number == 1 else f"{client.name} {number}"
    return shown


def companies(world: World) -> list[Row]:
    shown = names(world)
    return [
        {
            "Id": identity(world, "company", client.id),
            "Name": shown[client.id],
            "StorageLimit": -1 if client.id % 2 else 107374182400 * client.id,
            "LicenseSettings": client.id % 3,
            "Destinations": [{"DestinationId": identity(world, "destination", client.id)}],
        }
        for client in world.clients()
    ]


def logins(client: WorldClient) -> list[str]:
    """The client's backup users: one for servers, one more for workplaces of larger clients."""
    stem = "".join(
        letter for letter in client.name.lower() if letter.isalnum() and letter.isascii()
    )
    every = [f"{stem}{client.id}.servers", f"{stem}{client.id}.desktops"]
    return every if client.id % 2 == 0 else every[:1]


def user_number(client: WorldClient, position: int) -> int:
    return client.id * 10 + position


def users(world: World) -> list[Row]:
    shown = names(world)
    return [
        {
            "ID": identity(world, "user", user_number(client, position)),
            "Email": login,
            "FirstName": "",
            "LastName": "",
            "NotificationEmails": [f"{login}@example.com"],
            "Company": shown[client.id],
            "Enabled": True,
            "LicenseManagmentMode": 2,
            "DestinationList": [
                {
                    "ID": identity(world, "userdestination", user_number(client, position)),
                    "CurrentVolume": 0,
                    "PackageID": 27000 + client.id % 3,
                    "AccountID": storage_account(world, client),
                    "AccountDisplayName": "Cloud storage",
                    "Destination": f"bucket-{client.id}",
                    "DestinationDisplayName": "Cloud Account",
                }
            ],
            "SpaceUsed": 745908 + client.id,
        }
        for client in world.clients()
        for position, login in enumerate(logins(client))
    ]


def storage_account(world: World, client: WorldClient) -> str:
    return identity(world, "account", client.id % 2)


def accounts(world: World) -> list[Row]:
    return [
        {
            "ResellerAccountID": None,
            "AccountID": identity(world, "account", number),
            "DateCreated": "2024-02-01T08:15:30.4433333",
            "DisplayName": name,
            "StorageType": kind,
            "Destinations": [],
        }
        for number, (name, kind) in enumerate((("Wasabi EU", "Wasabi"), ("Amazon S3", "AmazonS3")))
    ]


def licences(world: World) -> list[Row]:
    """Licences of backed-up devices in the order of the devices, then those nobody has taken."""
    clients = {client.id: client for client in world.clients()}
    today = world.now().date()
    rows = [
        _licence(world, clients[device.client], device, kind, today)
        for device, kind in _backed_up(world)
    ]
    return [*rows, *(_spare(world, number, today) for number in range(SPARE_LICENCES))]


def machines(world: World) -> Iterator[tuple[WorldDevice, str]]:
    """Devices that are backed up, with the login of their user."""
    clients = {client.id: client for client in world.clients()}
    for device, kind in _backed_up(world):
        yield device, logins(clients[device.client])[_position(clients[device.client], kind)]


def _backed_up(world: World) -> Iterator[tuple[WorldDevice, str]]:
    here = {client.id for client in world.clients()}
    for device in world.devices():
        kind, every = KINDS.get(device.kind, ("", 0))
        present = device.client in here and device.state == "approved"
        if every and present and device.id % every == 0:
            yield device, kind


def _position(client: WorldClient, kind: str) -> int:
    return int(kind == "Desktop") if len(logins(client)) == 2 else 0


def _licence(world: World, client: WorldClient, device: WorldDevice, kind: str, today: date) -> Row:
    position = _position(client, kind)
    expired = device.id % EXPIRED_EVERY == 0
    return {
        "ID": identity(world, "licence", device.id),
        "Number": device.id,
        "ComputerName": device.name,
        "OperatingSystem": SYSTEMS.get(device.kind, "Windows"),
        "IsTrial": device.id % TRIAL_EVERY == 0,
        "IsTaken": True,
        "LicenseType": kind,
        "DateExpired": _moment(_renewal(device, today, years=-1 if expired else 0)),
        "Transaction": identity(world, "transaction", device.id),
        "User": logins(client)[position],
        "UserID": identity(world, "user", user_number(client, position)),
    }


def _spare(world: World, number: int, today: date) -> Row:
    return {
        "ID": identity(world, "spare", number),
        "Number": 900000 + number,
        "ComputerName": None,
        "OperatingSystem": None,
        "IsTrial": False,
        "IsTaken": False,
        "LicenseType": "Server",
        "DateExpired": _moment(date(today.year + 1, 1, 1)),
        "Transaction": None,
        "User": None,
        "UserID": None,
    }


def _renewal(device: WorldDevice, today: date, *, years: int) -> date:
    """The next anniversary of the device's arrival, years later; leap days fall on the 28th."""
    this_year = date(today.year, device.arrives.month, min(device.arrives.day, 28))
    return this_year.replace(year=today.year + (this_year <= today) + years)


def _moment(day: date) -> str:
    """A date and time as the console writes it, without a zone."""
    return datetime.combine(day, datetime.min.time(), tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S")
