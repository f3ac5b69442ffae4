"""Months over real HTTP: asked for by date, by account, before they begin and after they ended."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from syncd_backup_console.sandbox import tenancy, volumes

from syncd.sdk.period import Period
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_backup_console import NOVEMBER, console, counted, desk

OCTOBER = Period(2026, 10)


def key(world, number):
    return tenancy.identity(world, "company", number)


def stored(world, period):
    """Bytes by company as the simulator holds them."""
    month = volumes.bill(world, period.first_day, {}, None)
    ids = {name: key(world, number) for number, name in tenancy.names(world).items()}
    sums: dict[str, int] = {}
    for row in month["StatisticBilling"]:
        account = ids[row["CompanyName"]]
        sums[account] = sums.get(account, 0) + row["AverageSpace"]
    return sums


def of(sink, product):
    return {
        account: n for (account, which), n in counted(sink.observations).items() if which == product
    }


@pytest.mark.parametrize(
    ("period", "call"), [(NOVEMBER, "GET /api/Billing"), (OCTOBER, "PUT /api/Billing")]
)
async def test_a_month_is_read_with_three_calls(period, call):
    world = console()
    async with desk(world) as d:
        sink, verdicts = await d.pull(period)
        assert d.calls == {
            "POST /api/Provider/Login": 1,
            "GET /api/Companies": 1,
            "GET /api/Users": 1,
            call: 1,
        }
    assert verdicts[f"console {period}"].state is ScopeState.COMPLETE
    assert of(sink, "storage:all") == stored(world, period)
    assert not any(unit.product.startswith("licence:") for unit in sink.observations)


async def test_the_month_that_runs_is_the_one_of_the_settings_zone():
    world = console()
    world.moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    december = Period(2026, 12)
    async with desk(world, timezone="Europe/Berlin") as d:
        _, verdicts = await d.pull(december)
        assert d.calls["GET /api/Billing"] == 1
        assert verdicts["console 2026-12"].state is ScopeState.COMPLETE
    async with desk(world) as d:
        _, verdicts = await d.pull(december)
        assert verdicts["console 2026-12"].reasons == (
            "MONTH_NOT_BEGUN: 2026-12 has not begun in UTC",
        )
        assert "GET /api/Billing" not in d.calls


async def test_a_month_may_be_corrected_when_it_is_over():
    world, corrections = console(), {}
    async with desk(world, options={"corrections": corrections}) as d:
        before, _ = await d.pull(OCTOBER)
        corrections["2026-10"] = 5
        after, _ = await d.pull(OCTOBER)
        november, _ = await d.pull(NOVEMBER)
    users = {unit.unit for unit in before.observations}
    grown = sum(of(after, "storage:all").values()) - sum(of(before, "storage:all").values())
    assert grown == 5 * len(users)
    assert of(november, "storage:all") == stored(world, NOVEMBER)


async def test_storage_by_account_adds_up_to_storage_in_all():
    world = console(clients=4, servers=8)
    async with desk(world, storage="accounts") as d:
        sink, verdicts = await d.pull(OCTOBER)
        users = len(tenancy.users(world))
        assert d.calls["PUT /api/Billing/Details"] == users
        assert d.calls["GET /api/Accounts"] == 1
        products = {one.key: one.name for one in d.source.products()}
    assert verdicts["console 2026-10"].state is ScopeState.COMPLETE
    sums: dict[str, int] = {}
    for (account, product), quantity in counted(sink.observations).items():
        if product.startswith("storage:"):
            sums[account] = sums.get(account, 0) + quantity
    assert sums == stored(world, OCTOBER)
    assert sorted(name for name in products.values() if name.startswith("Backup storage")) == [
        "Backup storage Amazon S3", "Backup storage Wasabi EU",
    ]  # fmt: skip


async def test_only_users_who_store_something_are_asked_for_their_computers():
    def nothing(row):
        if row["CompanyName"] != "Client 3":
            row["AverageSpace"] = 0

    world = console()
    async with desk(world, storage="accounts") as d:
        d.edit("billing", nothing)
        sink, _ = await d.pull(OCTOBER)
        assert d.calls["PUT /api/Billing/Details"] == 1
    assert {account for account, product in counted(sink.observations) if "storage" in product} == {
        key(world, 3)
    }


@pytest.mark.parametrize("nth", [1, 3])
async def test_one_user_whose_details_fail_leaves_the_month_unproven(nth):
    async with desk(console(clients=4), storage="accounts") as d:
        d.break_with(
            Fault(
                action=Action.REPLACE,
                path="/Details",
                nth=nth,
                count=1,
                body="null",
                content_type="application/json",
            )
        )
        sink, verdicts = await d.pull(OCTOBER)
    (verdict,) = verdicts.values()
    assert verdict.state is ScopeState.UNKNOWN
    assert "PUT /api/Billing/Details answered 200 with null" in verdict.reasons[0]
    assert sink.observations == []


async def test_a_question_by_put_is_asked_again_when_it_was_not_answered():
    async with desk(console()) as d:
        d.break_with(
            Fault(action=Action.CUT_AFTER, method="PUT", path="/api/Billing$", count=1),
        )
        _, verdicts = await d.pull(OCTOBER)
        assert d.stopwatch.waits
    assert verdicts["console 2026-10"].state is ScopeState.COMPLETE


async def test_money_of_limits_is_counted_exactly_when_the_currency_is_known():
    world = console(clients=6)
    async with desk(world, currency="GBP") as d:
        sink, _ = await d.pull(OCTOBER)
    assert of(sink, "limit:all") == {key(world, n): 3_000_000_000 for n in (3, 6)}


async def test_two_companies_of_one_name_are_unproven_in_a_month_too():
    def twin(row):
        field = next(name for name in ("Name", "Company", "CompanyName") if name in row)
        row[field] = row[field].replace("Client 2", "Client 1")

    world = console()
    async with desk(world) as d:
        for name in ("companies", "users", "billing"):
            d.edit(name, twin)
        sink, verdicts = await d.pull(OCTOBER)
    assert verdicts["companies named Client 1 2026-10"].state is ScopeState.UNKNOWN
    assert set(of(sink, "storage:all")) == {key(world, 3)}


async def test_a_user_deleted_since_is_joined_by_the_name_in_the_bill():
    def gone(row):
        if row["Company"] == "Client 1":
            row["ID"], row["Company"] = "another", ""

    world = console()
    async with desk(world) as d:
        d.edit("users", gone)
        sink, verdicts = await d.pull(OCTOBER)
    assert of(sink, "storage:all") == stored(world, OCTOBER)
    assert verdicts["console 2026-10"].notes[0].startswith("JOINED_BY_NAME: 1 user's month")
