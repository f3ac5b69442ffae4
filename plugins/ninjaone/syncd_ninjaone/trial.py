"""What `syncd check` tries: the token, the roster, and whether ids of devices ascend.

Reads at most two short pages of devices and, when internal organisations are named, the roster.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from syncd.sdk.errors import AuthError, PermissionMissing
from syncd.sdk.records import CheckResult, Permission
from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.client import NinjaOneClient
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.roster import Roster

SAMPLE: Final = 100
"""Devices read to see whether ids ascend."""

RIGHT: Final = "monitoring"
NEEDED_FOR: Final = "reading organisations and devices: without it nothing can be counted"


async def run(client: NinjaOneClient, config: NinjaOneConfig) -> CheckResult:
    """Try a connection; refused credentials and missing rights are results, not errors.

    Raises:
        ConnectorError: the vendor could not be asked, or does not answer as it should.
    """
    try:
        warnings = [*_unknown_classes(config), *await _roster_warnings(client, config)]
        ordered = await _ids_ascend(client)
    except PermissionMissing as error:
        return _refused(
            f"{error}; edit the API application and tick the scope Monitoring", granted=False
        )
    except AuthError as error:
        host = urlsplit(config.base_url).hostname
        return _refused(
            f"{error}; check client_id and client_secret, and that the application was made on "
            f"{host}: another region refuses it in the same words"
        )
    permission = Permission(name=RIGHT, granted=True, needed_for=NEEDED_FOR)
    if ordered is False and config.id_ranges == "on":
        return CheckResult(
            ok=False,
            summary="organisations and devices can be read, but not in ranges of ids",
            permissions=(permission,),
            warnings=tuple(warnings),
            error='ids of devices do not ascend here; set id_ranges = "off" and chains = 1',
        )
    return CheckResult(
        ok=True,
        summary=f"organisations and devices can be read; {_ORDER[ordered]}",
        permissions=(permission,),
        warnings=tuple(warnings),
    )


_ORDER: Final = {
    True: "ids of devices ascend, so id_ranges may be on",
    False: "ids of devices do not ascend, so id_ranges must stay off",
    None: "too few devices to tell whether id_ranges may be on",
}


def _refused(error: str, *, granted: bool | None = None) -> CheckResult:
    tried = () if granted is None else (Permission(RIGHT, granted, NEEDED_FOR),)
    return CheckResult(ok=False, summary="nothing can be read", permissions=tried, error=error)


async def _roster_warnings(client: NinjaOneClient, config: NinjaOneConfig) -> list[str]:
    if not (config.internal_organisations or config.split_by_location):
        found = await client.organisations(0, 1)
        return [] if found else ["the instance has no organisation yet; nothing will be counted"]
    roster = await Roster.read(client, config)
    return [
        f"internal_organisations names '{entry}', which no organisation answers to; if it was "
        "renamed, its devices are counted now"
        for entry in roster.unmatched()
    ] + [
        f"split_by_location names '{entry}', which no organisation answers to; nothing of it is "
        "split"
        for entry in roster.unsplit()
    ]


def _unknown_classes(config: NinjaOneConfig) -> list[str]:
    return [
        f"products names the class {key}, which this version does not know; it is used as written"
        for key in config.products
        if ":" not in key and key not in CLASSES
    ]


async def _ids_ascend(client: NinjaOneClient) -> bool | None:
    """Whether `after` is a plain ascending id, shown on real pages; None with too few devices."""
    ids = [device.id for device in await client.devices(0, SAMPLE)]
    if len(ids) < 3:
        return None
    middle = len(ids) // 2
    rest = [device.id for device in await client.devices(ids[middle], SAMPLE)]
    expected = ids[middle + 1 :]
    return ids == sorted(set(ids)) and rest[: len(expected)] == expected
