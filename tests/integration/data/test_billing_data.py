"""What decides a bill: validity on the first day, the client before the default, replay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.references import ReferenceKind
from tests.builders_data import NOW, Office

RATES = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"
RULES = (
    "connection,product,client,count_method,override,included,block,minimum,maximum,"
    "bill_blocks,pool,included_reasons,valid_from,valid_until,reason\n"
)
CONFIGURATIONS = (
    "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
    "position\n"
)


async def load(office: Office, day: str = "2026-11-01", **given: object) -> BillingData:
    async with office.database.reader() as conn:
        return await load_billing_data(conn, period_first_day=day, **given)  # type: ignore[arg-type]


def product(data: BillingData, key: str = "device:server") -> int:
    return next(one.id for one in data.products.values() if one.key == key)


def account(data: BillingData, key: str) -> int:
    return next(one.id for one in data.accounts.values() if one.key == key)


async def test_the_rate_of_the_first_day_prices_the_whole_month(office: Office) -> None:
    await office.take(
        "rates",
        RATES
        + "rmm,device:server,,1,10,,,,2026-01-01\n"
        + "rmm,device:server,,1,20,,,,2026-11-02\n"
        + "rmm,device:server,,1,30,,,,2026-12-01\n",
    )
    prices = {}
    for day in ("2025-12-01", "2026-01-01", "2026-11-01", "2026-12-01"):
        data = await load(office, day)
        prices[day] = [str(rate.price) for rate in data.rates_for(product(data), "1")]
    assert prices == {
        "2025-12-01": [],
        "2026-01-01": ["10.00"],
        "2026-11-01": ["10.00"],
        "2026-12-01": ["30.00"],
    }


async def test_a_clients_rate_replaces_the_default_of_its_currency_as_a_whole(
    office: Office,
) -> None:
    await office.take(
        "rates",
        RATES
        + "rmm,device:server,,1,10,,,GBP,2026-01-01\n"
        + "rmm,device:server,,2,12,,,EUR,2026-01-01\n"
        + "rmm,device:server,1,,0,,,GBP,2026-01-01\n",
    )
    data = await load(office)
    own, other = (data.rates_for(product(data), client) for client in ("1", "2"))
    assert [(rate.currency, rate.cost, str(rate.price)) for rate in own] == [
        ("EUR", 2, "12.00"),
        ("GBP", None, "0.00"),
    ]
    assert [(rate.currency, str(rate.price)) for rate in other] == [
        ("EUR", "12.00"),
        ("GBP", "10.00"),
    ]
    assert len({rate.version for rate in (*own, *other)}) == 3


async def test_a_rule_holds_from_its_first_to_its_last_day_and_then_the_former_again(
    office: Office,
) -> None:
    await office.take(
        "rules",
        RULES
        + "rmm,device:server,,,,5,,,,,,spare;trial,2026-01-01,,\n"
        + "rmm,device:server,,peak,,,,10,,,no,,2026-06-01,2026-08-01,a commitment\n"
        + "rmm,device:server,1,,,1,,,,,,,2026-01-01,,\n",
    )
    found = {}
    for day in ("2025-12-01", "2026-05-01", "2026-06-01", "2026-08-01", "2026-09-01"):
        data = await load(office, day)
        rule = data.rule_for(product(data), "2")
        found[day] = None if rule is None else (rule.count_method, rule.pool)
        own = data.rule_for(product(data), "1")
        assert own is None or own.included == 1
    assert found == {
        "2025-12-01": None,
        "2026-05-01": ("point_in_time", True),
        "2026-06-01": ("peak", False),
        "2026-08-01": ("peak", False),
        "2026-09-01": ("point_in_time", True),
    }
    rule = (await load(office)).rule_for(product(await load(office)), "2")
    assert rule is not None
    assert (rule.included_reasons, rule.minimum) == (("spare", "trial"), None)


async def test_an_account_with_configurations_of_its_own_uses_only_those(office: Office) -> None:
    await office.take(
        "configurations",
        CONFIGURATIONS
        + ",rmm,,Second,total,storage:all,,,,,2\n"
        + ",rmm,,First,average,device:server,,,,,1\n"
        + ",rmm,b,Own,quantity,device:workstation,20,,psa,psa,0\n",
    )
    data = await load(office)
    names = [one.name for one in data.configurations_for(account(data, "a"))]
    assert names == ["First", "Second"]
    (own,) = data.configurations_for(account(data, "b"))
    assert (own.name, own.products, own.asset_type_key) == ("Own", ("device:workstation",), "20")


async def test_a_decision_ended_today_still_decides_what_was_known_yesterday(
    office: Office,
) -> None:
    links = "connection,account,client,site\n"
    await office.take("links", links + "rmm,a,1,\n", now=NOW)
    await office.take("links", links + "rmm,a,2,\n", now=NOW + timedelta(days=1))
    await office.take("links", links + "rmm,a,,\n", prune=True, now=NOW + timedelta(days=2))
    seen = []
    for days in (-1, 0, 1, 2):
        data = await load(office, as_of=NOW + timedelta(days=days))
        seen.append([link.client_key for link in data.links.values()])
    assert seen == [[], ["1"], ["2"], []]
    assert (await load(office)).links == {}


async def test_accounts_of_one_client_are_found_in_a_fixed_order(office: Office) -> None:
    await office.take("links", "connection,account,client,site\nrmm,b,1,\nrmm,a,1,12\n")
    data = await load(office)
    assert data.accounts_of_client(office.psa.id, "1") == (account(data, "a"), account(data, "b"))
    assert data.accounts_of_client(office.psa.id, "2") == ()
    assert data.references.name(office.psa.id, ReferenceKind.SITE, "12") == "Depot"
    assert data.data_version == await office.version() == 1


@pytest.mark.parametrize("sheet", ["links", "products"])
async def test_versions_change_with_every_edit(office: Office, sheet: str) -> None:
    contents = {
        "links": ("connection,account,client,site\nrmm,a,{}\n", ("1,", "2,")),
        "products": ("connection,product,asset_type\nrmm,device:server,{}\n", ("10", "20")),
    }
    template, values = contents[sheet]
    versions = []
    for value in values:
        await office.take(sheet, template.format(value))
        data = await load(office)
        held = data.links if sheet == "links" else data.asset_types
        versions += [one.version for one in held.values()]
    assert len(set(versions)) == 2
    assert await office.version() == 2
