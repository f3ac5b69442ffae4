"""What the client asks with: a date that lies in its month everywhere, and reads at one time."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from syncd_backup_console.client import _moment, together

from syncd.sdk.errors import AuthError, PermissionMissing, VendorUnavailable
from syncd.sdk.period import Period


@pytest.mark.parametrize("period", [Period(2026, 2), Period(2026, 10), Period(2026, 12)])
def test_a_months_last_day_is_asked_for_by_a_moment_of_that_month_in_every_zone(period):
    moment = datetime.fromisoformat(_moment(period.last_day))
    for hours in range(-12, 15):
        local = moment.astimezone(timezone(timedelta(hours=hours)))
        assert (local.year, local.month) == (period.year, period.month), hours


def test_a_moment_says_its_zone():
    moment = datetime.fromisoformat(_moment(date(2026, 10, 31)))
    assert moment == datetime(2026, 10, 31, 9, 30, tzinfo=UTC)


async def value(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def failing(error: Exception) -> int:
    raise error


async def test_reads_at_the_same_time_come_back_in_order():
    assert await together(value(1), value(2), value(3)) == [1, 2, 3]


async def test_refused_credentials_come_before_every_other_failure():
    for refusal in (AuthError("no"), PermissionMissing("no right")):
        with pytest.raises(type(refusal)):
            await together(failing(VendorUnavailable("away")), failing(refusal))


async def test_one_failure_ends_the_other_reads_with_its_own_error():
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(VendorUnavailable, match="away"):
        await together(slow(), failing(VendorUnavailable("away")))
    assert ended.is_set()


async def test_a_defect_is_not_dressed_up():
    with pytest.raises(ZeroDivisionError):
        await together(value(1), failing(ZeroDivisionError()))
