"""Storage on bills: facts of a month with what is billed with them, in every mode, and when not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text, update

from syncd.core.service.basis import decode_bill
from syncd.core.service.csv_text import BadFile
from syncd.core.service.mapping_csv import Import, import_sheet
from syncd.core.service.reckoning import Sources, reckon
from syncd.core.service.sheets import SHEETS
from syncd.core.service.steps import steps_of
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.service.unmapped import find_unmapped
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanKind
from syncd.core.store.tables import RateRow
from syncd.core.store.unbilled import standing_units
from syncd.sdk.money import to_scaled
from syncd.sdk.period import Period
from syncd.sdk.records import (
    Measure,
    Observation,
    Part,
    Product,
    ProductKind,
    ScopeState,
)
from tests import builders_census as census
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, OCTOBER, Office, rules_of

GB = 2**30


def volume(key: str, name: str, part: Part = Part.WHOLE) -> Product:
    return Product(key, name, ProductKind.STORAGE, Measure.BYTE, True, part)


S3, COLD = volume("s3", "Storage S3"), volume("cold", "Storage cold")
RESTORED = volume("back", "Restored", Part.RESTORED)
LIMIT = Product("cap", "Limits", ProductKind.STORAGE, Measure.MONEY, True, Part.LIMIT, "GBP")
PRODUCTS = (DESKTOP, COLD, S3, RESTORED, LIMIT)


class Shop:
    """An office whose source reports licences now and storage by month."""

    def __init__(self, office: Office) -> None:
        self.office = office

    async def facts(
        self,
        amounts: dict[str, dict[str, int]],
        *,
        period: Period = OCTOBER,
        after_hours: float = 3,
        unproven: tuple[str, ...] = (),
        limit: Product = LIMIT,
    ) -> None:
        """A pull of a month so many hours after its end; negative: before it is over."""
        await census.pull(
            self.office.database,
            self.office.source,
            [
                Observation(account, product, f"user-{account}", quantity, f"user {account}")
                for account, found in amounts.items()
                for product, quantity in found.items()
            ],
            roster=["5", "6"],
            at=period.end(LONDON) + timedelta(hours=after_hours),
            scopes={account: [account] for account in ("5", "6")},
            states=dict.fromkeys(unproven, ScopeState.PARTIAL),
            period=period,
            products=(*PRODUCTS[:-1], limit),
        )

    async def stands(self, *, unproven: tuple[str, ...] = ()) -> None:
        """Both accounts have ten desktops at the end of October."""
        await census.pull(
            self.office.database,
            self.office.source,
            [
                Observation(account, DESKTOP.key, f"d{n}", 1, f"d{n}")
                for account in ("5", "6")
                for n in range(10)
            ],
            roster=["5", "6"],
            at=self.office.month_end(OCTOBER),
            scopes={account: [account] for account in ("5", "6")},
            states=dict.fromkeys(unproven, ScopeState.PARTIAL),
            products=PRODUCTS,
        )

    async def restore_rate(self, product: str, cost: str, price: str) -> None:
        async with self.office.database.writer() as conn:
            product_id = (await census.keys(self.office.database, "product"))[product]
            table = RateRow.__table__
            await conn.execute(
                update(table)
                .where(table.c.product_id == product_id)
                .values(restore_cost=Decimal(cost), restore_price=Decimal(price))
            )

    async def october(self) -> StoredPlan:
        self.office.clock.moment = OCTOBER.end(LONDON) + timedelta(hours=9)
        return await self.office.plan(OCTOBER)


@pytest.fixture
async def shop(database: Database) -> Shop:
    """Accounts 5 and 6, of clients 1001 and 1002; S3 costs 0.023 and sells for 0.03 a GB."""
    office = await Office.open(database)
    shop = Shop(office)
    await shop.stands()
    for account, client in (("5", "1001"), ("6", "1002")):
        await office.link(account, client)
    await office.asset_type(DESKTOP.key, "10")
    for product in (S3, COLD):
        await office.asset_type(product.key, "20")
        await office.rate(product.key, "0.023", "0.03")
    await office.rate(DESKTOP.key, "2.00", "5.00")
    return shop


def bill(plan: StoredPlan, account: str):
    return next(one for one in plan.plan.bills if one.account == account)


def line(plan: StoredPlan, account: str):
    (change,) = bill(plan, account).changes
    return change.fields


def basis(plan: StoredPlan, account: str):
    stored = next(one for one in plan.record.bills if one.bill_key.endswith(f":{account}"))
    return decode_bill(stored.basis)


FULL = {S3.key: 600 * GB, LIMIT.key: to_scaled(Decimal(30))}


async def test_total_is_the_limit_and_every_gigabyte(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    await shop.facts({"5": FULL})
    plan = await shop.october()
    sent = line(plan, "5")
    assert (sent.quantity, sent.unit_price, sent.unit_cost) == (
        1,
        Decimal("48.00"),
        Decimal("13.80"),
    )
    (made,) = basis(plan, "5").lines
    (item,) = made.products
    assert (item.facts_of, item.method, item.raw) == ("2026-10", "month", 600)
    assert item.snapshot is not None
    assert item.snapshot.taken_at == OCTOBER.end(LONDON) + timedelta(hours=3)
    assert [(part.key, part.raw, part.price) for part in item.parts] == [("cap", 30, 30)]
    told = steps_of(item, made, "GBP", measure=Measure.BYTE)
    assert "Limits: 30 GBP, a fixed price" in told
    assert any(step.startswith("price: 600 x 0.03 = 18 GBP") for step in told)
    assert "price with what follows the storage: 48 GBP" in told


async def test_average_rounds_gigabytes_up_and_money_not(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "average", [S3.key])
    await shop.facts({"5": {S3.key: GB * 1001 // 4}})
    sent = line(await shop.october(), "5")
    assert (sent.quantity, sent.unit_price, sent.unit_cost) == (
        251,
        Decimal("0.0299"),
        Decimal("0.0229"),
    )


async def test_quantity_sends_gigabytes_alone_and_says_what_it_drops(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "quantity", [S3.key])
    await shop.facts({"5": {**FULL, S3.key: 199 * GB // 2, RESTORED.key: 3 * GB}})
    plan = await shop.october()
    sent = line(plan, "5")
    assert (sent.quantity, sent.unit_price) == (100, None)
    assert "QUANTITY_ONLY_DROPS_FEES:s3" in bill(plan, "5").warnings


async def test_restored_volume_has_a_rate_of_its_own_and_is_shown(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    await shop.restore_rate(S3.key, "0.05", "0.10")
    await shop.facts({"5": {**FULL, RESTORED.key: 12 * GB}})
    plan = await shop.october()
    assert line(plan, "5").unit_price == Decimal("49.20")
    (item,) = basis(plan, "5").lines[0].products
    restored = next(part for part in item.parts if part.part == "restored")
    assert (restored.raw, restored.price, restored.cost) == (12, Decimal("1.20"), Decimal("0.60"))
    told = steps_of(item, basis(plan, "5").lines[0], "GBP", measure=Measure.BYTE)
    assert "Restored: 12 GB (12,884,901,888 bytes) x 0.10 restore price = 1.20 GBP" in " ".join(
        told
    )


async def test_licences_and_storage_share_a_total_each_with_its_own_pull(shop: Shop) -> None:
    await shop.office.configure("c1", "All", "total", [DESKTOP.key, S3.key], asset_type_key="15")
    await shop.facts({"5": FULL})
    plan = await shop.october()
    assert line(plan, "5").unit_price == Decimal("98.00")
    made = basis(plan, "5")
    desktops, storage = made.lines[0].products
    assert made.snapshot is not None
    assert storage.snapshot is not None
    assert (desktops.snapshot, desktops.facts_of) == (None, "")
    assert made.snapshot.taken_at < OCTOBER.end(LONDON) < storage.snapshot.taken_at


async def test_parts_go_with_the_first_storage_product_of_the_configurations(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "average", [S3.key, COLD.key])
    await shop.facts({"5": {S3.key: 100 * GB, COLD.key: 100 * GB, LIMIT.key: 30 * 10**8}})
    plan = await shop.october()
    parts = {item.key: item.parts for one in basis(plan, "5").lines for item in one.products}
    assert [part.key for part in parts["s3"]] == ["cap"]
    assert parts["cold"] == ()
    assert line(plan, "5").unit_price == Decimal("0.18")


async def test_facts_read_before_the_month_was_over_are_not_billed(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    await shop.facts({"5": FULL, "6": FULL}, after_hours=-1)
    assert bill(await shop.october(), "5").errors == ("NO_SNAPSHOT",)
    await shop.facts({"5": FULL, "6": FULL}, unproven=("5",))
    plan = await shop.october()
    assert bill(plan, "5").errors == ("SOURCE_INCOMPLETE",)
    assert bill(plan, "6").errors == ()


async def test_a_later_pull_of_the_month_corrects_it(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    await shop.facts({"5": FULL})
    await shop.facts({"5": {**FULL, S3.key: 700 * GB}}, after_hours=5)
    await shop.facts({"5": {**FULL, S3.key: 1 * GB}}, after_hours=6, unproven=("5",))
    assert line(await shop.october(), "5").unit_price == Decimal("51.00")


async def test_what_was_known_then_is_billed_when_a_month_is_replayed(shop: Shop) -> None:
    office = shop.office
    await office.configure("c1", "Backup", "total", [S3.key])
    await shop.facts({"5": FULL})
    await shop.facts({"5": {**FULL, S3.key: 700 * GB}}, after_hours=50)
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-10-01")
        totals = []
        for as_of in (None, OCTOBER.end(LONDON) + timedelta(hours=9)):
            made = await reckon(
                conn,
                data,
                psa_id=office.psa_connection.id,
                sources=Sources(active=office.active),
                period=OCTOBER,
                timezone=LONDON,
                rules=office.settings,
                as_of=as_of,
            )
            draft = next(
                one for one in made.drafts(sorted(data.accounts)) if one.account.key == "5"
            )
            totals.append(draft.bill.lines[0].total_price)
    assert totals == [Decimal("51.00"), Decimal("48.00")]


async def test_a_month_that_was_not_proven_stops_only_bills_with_storage(shop: Shop) -> None:
    office = shop.office
    async with office.database.reader() as conn:
        account = await conn.scalar(text("SELECT id FROM account WHERE key = '6'"))
    await office.configure("c1", "Backup", "total", [DESKTOP.key, S3.key], asset_type_key="15")
    await office.configure("c2", "Desktops", "total", [DESKTOP.key], account_id=account)
    await shop.facts({}, unproven=("5", "6"))
    plan = await shop.october()
    assert bill(plan, "5").errors == ("SOURCE_INCOMPLETE",)
    assert bill(plan, "6").errors == ()
    assert line(plan, "6").unit_price == Decimal("50.00")


async def test_storage_alone_does_not_wait_for_what_stands(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    shop.office.policy(max_age_hours=1)
    await shop.facts({"5": FULL})
    plan = await shop.october()
    assert "SOURCE_STALE" not in rules_of(plan.record.objections)
    made = basis(plan, "5")
    assert made.snapshot is not None
    assert made.snapshot.taken_at > OCTOBER.end(LONDON)


async def test_a_pool_shares_what_is_included_among_storages(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    await shop.office.link("6", "1001")
    await shop.office.rule(S3.key, included=Decimal(500))
    await shop.facts({"5": {S3.key: 400 * GB}, "6": {S3.key: 300 * GB}})
    plan = await shop.october()
    money = [line(plan, account).unit_price for account in ("6",)]
    assert (bill(plan, "5").changes, money) == ((), [Decimal("6.00")])
    (item,) = basis(plan, "6").lines[0].products
    assert [share.raw for share in item.pool] == [400, 300]


async def test_limits_in_another_currency_are_never_billed(shop: Shop) -> None:
    await shop.office.configure("c1", "Backup", "total", [S3.key])
    dollars = Product("cap", "Limits", ProductKind.STORAGE, Measure.MONEY, True, Part.LIMIT, "USD")
    await shop.facts({"5": FULL, "6": {S3.key: GB}}, limit=dollars)
    plan = await shop.october()
    assert bill(plan, "5").errors == ("CURRENCY_MISMATCH:cap",)
    assert bill(plan, "6").errors == ()


async def test_the_running_month_is_billed_from_its_newest_facts(shop: Shop) -> None:
    office = shop.office
    await office.configure("c1", "Backup", "total", [S3.key])
    await shop.facts({"5": FULL}, period=NOVEMBER, after_hours=-24 * 20)
    office.clock.moment = NOVEMBER.end(LONDON) - timedelta(days=20, hours=-2)
    plan = await office.plan(NOVEMBER, kind=PlanKind.RUNNING)
    assert line(plan, "5").unit_price == Decimal("48.00")


async def test_facts_of_months_show_what_is_unmapped_and_parts_do_not(shop: Shop) -> None:
    await shop.facts({"5": {**FULL, COLD.key: GB}}, period=Period(2026, 9), after_hours=2)
    await shop.facts({"5": FULL})
    await shop.office.configure("c1", "Desktops", "total", [DESKTOP.key])
    async with shop.office.database.reader() as conn:
        assert len(await standing_units(conn, since=OCTOBER)) == 4
        assert len(await standing_units(conn)) == 2
    found = await find_unmapped(shop.office.database, today=NOVEMBER.first_day)
    assert {one.product for one in found.unconfigured} == {"s3", "cap"}
    assert found.products == []


async def test_parts_are_refused_in_a_configuration(shop: Shop) -> None:
    office = shop.office
    await shop.facts({"5": FULL})
    options = Import(
        file="c.csv", psa=office.psa_connection, currency="GBP", confirmed_by="ann", dry_run=False
    )
    content = (
        "connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,position\n"
        "source-eu,,Backup,total,s3;cap,,,,,1\n"
    )
    with pytest.raises(BadFile, match="cap is billed with the account's first storage product"):
        await import_sheet(
            office.database,
            SHEETS["configurations"],
            content.encode(),
            options,
            now=office.clock(),
            log=office.log,
        )
