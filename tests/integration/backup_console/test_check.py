"""`syncd check` on a console: what works, what is missing, what deserves a look."""

from __future__ import annotations

import pytest

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_backup_console import console, desk
from tests.builders_ninjaone import PlainWorld


async def test_a_healthy_console_is_counted_and_told_that_names_join():
    async with desk(console(clients=2, servers=4)) as d:
        result = await d.source.check()
    assert result.ok
    assert result.summary == "2 companies, 3 users and 7 licences can be read"
    assert [(one.name, one.granted) for one in result.permissions] == [
        ("Companies", True), ("Users", True), ("Licenses", True), ("Billing", True),
    ]  # fmt: skip
    (warning,) = result.warnings
    assert warning.startswith("users belong to companies by name here")


async def test_a_console_that_serves_company_ids_is_not_warned_of_names():
    async with desk(console()) as d:
        d.edit("users", lambda row: row.update(CompanyId="x"))
        assert (await d.source.check()).warnings == ()


async def test_only_what_the_settings_need_is_tried():
    async with desk(console(), storage="accounts", computers=True) as d:
        names = [one.name for one in (await d.source.check()).permissions]
        assert names == ["Companies", "Users", "Licenses", "Billing", "Accounts", "Monitoring"]
    async with desk(console(), storage="off") as d:
        names = [one.name for one in (await d.source.check()).permissions]
        assert names == ["Companies", "Users", "Licenses"]


async def test_refused_credentials_are_a_result_that_names_the_settings():
    async with desk(console(), password="another") as d:
        result = await d.source.check()
    assert not result.ok
    assert "user_name and password" in result.error


@pytest.mark.parametrize("name", ["Users", "Billing"])
async def test_a_missing_right_is_named_and_the_others_are_tried(name):
    async with desk(console()) as d:
        d.break_with(Fault(action=Action.STATUS_BEFORE, path=f"/api/{name}$", status=403))
        result = await d.source.check()
    assert not result.ok
    assert [one.name for one in result.permissions if not one.granted] == [name]
    assert len(result.permissions) == 4
    assert "main administrator" in result.error


async def test_names_that_clash_and_own_companies_that_are_not_found_are_warned_of():
    async with desk(
        console(), options={"specimens": True}, internal_companies=["Client 1", "Nobody"]
    ) as d:
        warnings = (await d.source.check()).warnings
    told = [warning.partition(":")[0] for warning in warnings]
    assert told[1:4] == ["AMBIGUOUS_ACCOUNT_NAME", "UNKNOWN_ACCOUNT_NAME", "JOINED_BY_NAME"]
    assert warnings[4].startswith("internal_companies names 'Nobody'")
    assert len(warnings) == 5


async def test_a_console_without_licences_says_so():
    async with desk(PlainWorld()) as d:
        d.console.edits.append(lambda name, rows: rows.clear())
        result = await d.source.check()
    assert result.ok
    assert result.warnings == ("the console has no licence; nothing will be counted",)
