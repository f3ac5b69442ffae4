"""How many bytes a simulated user keeps and restores in a month, and what the console charges.

Volumes follow from the client, the day and the seed alone, so that a month that is over always has
the same figures, unless somebody corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from syncd.sdk.sandbox import World, WorldClient
from syncd_backup_console.sandbox import tenancy

GIB: Final = 2**30
RATE: Final = Decimal("0.03")
"""Per GB stored, as the console charges the MSP's customer."""

_EPOCH: Final = date(2025, 1, 1)

Row = dict[str, Any]


def stored(seed: int, user: int, day: date) -> int:
    """Bytes at the end of a day: a size of the user's own that grows a little every day."""
    begin = (40 + (seed * 31 + user * 53) % 400) * GIB
    return begin + max((day - _EPOCH).days, 0) * (user % 7) * GIB // 10


def average(seed: int, user: int, first: date, last: date) -> int:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return sum(stored(seed, user, day) for day in days) // len(days)


def restored(seed: int, user: int, first: date) -> int:
    """Every fifth user restores something in a month."""
    turn = (seed + user + first.month) % 5
    return (first.month + user % 9) * GIB // 2 if turn == 0 else 0


def bill(
    world: World, first: date, corrections: Mapping[str, int], company: str | None
) -> Row | None:
    """The console's billing of the month that begins on `first`; None before it begins.

    Args:
        world: whose clients.
        first: first day of the month.
        corrections: bytes added to the average of each user, by month.
        company: only users of this company.
    """
    today = world.now().date()
    if first > today:
        return None
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = min(following - timedelta(days=1), today)
    late = corrections.get(f"{first:%Y-%m}", 0)
    rows = [
        _row(world, client, position, first, last, late)
        for client in world.clients()
        if client.arrives <= last
        for position in range(len(tenancy.logins(client)))
    ]
    chosen = [row for row in rows if company in (None, "", row["CompanyName"])]
    return {
        "CurrentSpaceUsed": sum(row["AverageSpace"] for row in chosen),
        "AverageSpaceUsed": sum(row["AverageSpace"] for row in chosen),
        "TotalRestore": sum(row["TotalVolumeRestore"] for row in chosen),
        "StatisticBilling": chosen,
    }


def details(world: World, user_id: str, month: Row) -> Row | None:
    """A user's month by computer; None for a user who is not in it."""
    row = next((one for one in month["StatisticBilling"] if one["UserId"] == user_id), None)
    if row is None:
        return None
    computers: list[str | None] = [
        device.name for device, login in tenancy.machines(world) if login == row["Email"]
    ]
    computers = computers or [None]
    share, rest = divmod(row["AverageSpace"], len(computers))
    account = next(
        user["DestinationList"][0]["AccountID"]
        for user in tenancy.users(world)
        if user["ID"] == user_id
    )
    return {
        "TotalBackupBytes": row["AverageSpace"],
        "TotalRestoreBytes": row["TotalVolumeRestore"],
        "UserID": user_id,
        "UserDetailList": [
            {
                "Computer": computer,
                "SizeBackup": share + (rest if number == 0 else 0),
                "SizeRestore": row["TotalVolumeRestore"] if number == 0 else 0,
                "Prefix": None,
                "AccountID": account,
                "Destination": "Cloud Account (bucket)",
            }
            for number, computer in enumerate(computers)
        ],
    }


def _row(
    world: World, client: WorldClient, position: int, first: date, last: date, late: int
) -> Row:
    user = tenancy.user_number(client, position)
    held = average(world.seed, user, max(first, client.arrives), last) + late
    back = restored(world.seed, user, first)
    # Up to six decimals, as the console's own arithmetic leaves them.
    storage = (RATE * held / GIB).quantize(Decimal("0.000001"))
    limit = Decimal("30.0") if client.id % 3 == 0 and position == 0 else Decimal("0.0")
    restore = (RATE * back / GIB).quantize(Decimal("0.0001"))
    return {
        "UserId": tenancy.identity(world, "user", user),
        "Email": tenancy.logins(client)[position],
        "FirstName": "",
        "LastName": "",
        "CompanyName": tenancy.names(world)[client.id],
        "AverageSpace": held,
        "TotalVolumeRestore": back,
        "PlanCost": limit,
        "StorageCost": storage,
        "RestoreCost": restore,
        "TotalCost": limit + storage + restore,
        "LicensesUsed": position + 1,
    }
