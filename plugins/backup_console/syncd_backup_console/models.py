"""The console's records, decoded straight from the bytes with only the fields that are used.

What decides a count has no default: a field that is missing is a broken contract and never a no.
The spelling of names is the vendor's, `ID` here and `Id` there.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import field

NIL = "00000000-0000-0000-0000-000000000000"
"""What the console's platform writes for an id that is not set."""


class Company(msgspec.Struct, gc=False):
    """A customer of the MSP."""

    id: str = field(name="Id")
    name: str | None = field(name="Name")


class User(msgspec.Struct, gc=False):
    """A backup user, who belongs to a company by its name.

    Attributes:
        company_id: not documented; used where a console serves it.
    """

    id: str = field(name="ID")
    login: str | None = field(name="Email")
    company: str | None = field(name="Company")
    company_id: str | None = field(name="CompanyId", default=None)


class Licence(msgspec.Struct, gc=False):
    """A licence, which names a user and no company.

    Attributes:
        taken: activated on a computer.
        kind: any text; the vendor adds types.
        expires: date and time, mostly without a zone.
        user: login of the user.
    """

    id: str = field(name="ID")
    trial: bool = field(name="IsTrial")
    taken: bool = field(name="IsTaken")
    kind: str = field(name="LicenseType")
    expires: str | None = field(name="DateExpired")
    user: str | None = field(name="User")
    user_id: str | None = field(name="UserID")
    number: int | None = field(name="Number", default=None)
    computer: str | None = field(name="ComputerName", default=None)
    system: str | None = field(name="OperatingSystem", default=None)


class UserMonth(msgspec.Struct, gc=False):
    """A user's figures of a month: bytes, and money as charged to the customer.

    Attributes:
        average: bytes stored, average of the month.
        restored: bytes restored in the month.
        limit: price of the user's storage limit.
    """

    user_id: str = field(name="UserId")
    login: str | None = field(name="Email")
    company: str | None = field(name="CompanyName")
    average: int = field(name="AverageSpace")
    restored: int = field(name="TotalVolumeRestore")
    limit: Decimal = field(name="PlanCost")


class Bill(msgspec.Struct, gc=False):
    """The console's own billing of a month.

    Attributes:
        average: bytes stored by all users, average of the month.
        restored: bytes restored by all users.
    """

    average: int = field(name="AverageSpaceUsed")
    restored: int = field(name="TotalRestore")
    users: list[UserMonth] = field(name="StatisticBilling")


class ComputerMonth(msgspec.Struct, gc=False):
    """What one computer of a user keeps in one storage account."""

    account: str = field(name="AccountID")
    computer: str | None = field(name="Computer")
    stored: int = field(name="SizeBackup")


class UserDetails(msgspec.Struct, gc=False):
    """A user's month by computer and storage account."""

    user_id: str = field(name="UserID")
    stored: int = field(name="TotalBackupBytes")
    computers: list[ComputerMonth] = field(name="UserDetailList")


class StorageAccount(msgspec.Struct, gc=False):
    """Where backups are kept."""

    id: str = field(name="AccountID")
    name: str | None = field(name="DisplayName", default=None)


class PlanRun(msgspec.Struct, gc=False):
    """The last run of a backup plan on a computer."""

    computer: str | None = field(name="ComputerName")
    user_id: str | None = field(name="UserID")
    user: str | None = field(name="UserName")


def normal_id(text: str | None) -> str:
    """An id as it is compared: lower case; empty where none is set."""
    cleaned = (text or "").strip().lower()
    return "" if cleaned == NIL else cleaned
