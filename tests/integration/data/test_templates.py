"""Templates: kept without effect, applied to every client on them at once, never over a hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service.csv_text import BadFile
from syncd.core.service.refusals import (
    ClientUnknown,
    DecisionsMoved,
    TemplateConflict,
    TemplateUnknown,
)
from syncd.core.service.template_apply import (
    TemplatePreview,
    apply_template,
    list_templates,
    preview_template,
)
from syncd.core.service.templates import (
    Drawer,
    choose_template_clients,
    export_template,
    save_template,
)
from syncd.core.store.mappings import CONFIGURATIONS, RATES, RULES, DecisionTable, current_decisions
from tests.builders_data import NOW, Office

GOLD = """kind,connection,name,mode,products,product,cost,price,included,valid_from
configuration,rmm,Managed,average,device:server;device:workstation,,,,,
rate,rmm,,,,device:server,2.00,9.00,,2026-11-01
rate,rmm,,,,device:workstation,1.00,4.00,,2026-11-01
rule,rmm,,,,device:workstation,,,5,2026-11-01
"""

LINKS = "connection,account,client,site\nrmm,a,1,\nrmm,b,2,\n"


def drawer(office: Office) -> Drawer:
    return Drawer(
        database=office.database,
        psa=office.psa,
        currency="GBP",
        person="ann",
        now=NOW,
        log=office.log,
    )


async def save(office: Office, text: str, name: str = "gold") -> bool:
    return await save_template(drawer(office), name, text.encode(), f"{name}.csv")


async def put(office: Office, *clients: str, name: str = "gold", off: Sequence[str] = ()) -> Any:
    return await choose_template_clients(drawer(office), name, add=clients, remove=off)


async def apply(office: Office, name: str = "gold", *, replace: bool = False) -> TemplatePreview:
    seen = await preview_template(drawer(office), name, replace=replace)
    await apply_template(drawer(office), name, replace=replace)
    return seen


async def held(office: Office, table: DecisionTable) -> list[dict[str, Any]]:
    async with office.database.reader() as conn:
        return [dict(one.values) for one in (await current_decisions(conn, table)).values()]


async def standing(office: Office) -> dict[str, list[Any]]:
    """Current decisions in short: whose, what, and by which template."""
    rates = [
        (x["client_key"], x["product_id"], x["price"], x["template"])
        for x in await held(office, RATES)
    ]
    rules = [(x["client_key"], x["included"], x["template"]) for x in await held(office, RULES)]
    configurations = [
        (x["account_id"], x["name"], x["template"]) for x in await held(office, CONFIGURATIONS)
    ]
    return {"rates": rates, "rules": rules, "configurations": configurations}


async def uids(office: Office) -> dict[tuple[object, str], str]:
    return {
        (x["account_id"], x["name"]): x["uid"]
        for x in await held(office, CONFIGURATIONS)
        if x["account_id"] is not None
    }


@pytest.fixture
async def linked(office: Office) -> Office:
    """Accounts a and b belong to clients 1 and 2."""
    await office.take("links", LINKS)
    return office


async def test_a_template_comes_out_as_it_went_in(linked: Office) -> None:
    assert await save(linked, GOLD)
    text = await export_template(drawer(linked), "gold")
    assert not await save(linked, text)
    assert await export_template(drawer(linked), "gold") == text
    assert "rate,rmm,,,,device:server,2.00,9.00,2026-11-01," in text.splitlines()


async def test_saving_and_choosing_clients_decides_nothing(linked: Office) -> None:
    before = await linked.version()
    await save(linked, GOLD)
    assert await put(linked, "1", "Globex") == {"1": "Acme Ltd", "2": "Globex"}
    assert await standing(linked) == {"rates": [], "rules": [], "configurations": []}
    assert await linked.version() == before


async def test_applying_writes_accounts_clients_and_the_name_of_the_template(
    linked: Office,
) -> None:
    await save(linked, GOLD)
    await put(linked, "1", "2")
    seen = await apply(linked)
    assert len(seen.edits) == 8
    found = await standing(linked)
    assert sorted(found["configurations"]) == [(1, "Managed", "gold"), (2, "Managed", "gold")]
    assert {(c, p, t) for c, _, p, t in found["rates"]} == {
        (client, price, "gold") for client in "12" for price in (Decimal("9.00"), Decimal("4.00"))
    }
    assert sorted(found["rules"]) == [("1", Decimal(5), "gold"), ("2", Decimal(5), "gold")]
    assert await linked.version() > 0


async def test_applying_again_changes_nothing(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1", "2")
    await apply(linked)
    version = await linked.version()
    again = await apply(linked)
    assert (list(again.edits), again.unchanged, bool(again.pending)) == ([], 8, False)
    assert await linked.version() == version


async def test_a_changed_template_updates_all_clients_and_keeps_every_uid(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1", "2")
    await apply(linked)
    before = await uids(linked)
    await save(linked, GOLD.replace("9.00", "9.50").replace("average", "total"))
    (state,) = await list_templates(drawer(linked))
    assert (state.open_edits, state.obstacle) == (4, "")
    seen = await apply(linked)
    assert sorted(edit.subject for edit in seen.edits) == [
        "'Managed' for account a of rmm",
        "'Managed' for account b of rmm",
        "rmm/device:server for client 1 in GBP from 2026-11-01",
        "rmm/device:server for client 2 in GBP from 2026-11-01",
    ]
    assert await uids(linked) == before
    assert (await list_templates(drawer(linked)))[0].open_edits == 0


async def test_a_configuration_that_comes_back_has_its_old_uid(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    before = await uids(linked)
    await save(linked, GOLD.replace("Managed", "Other"))
    await apply(linked)
    between = await uids(linked)
    assert between.keys() == {(1, "Other")}
    assert set(between.values()).isdisjoint(before.values())
    await save(linked, GOLD)
    await apply(linked)
    assert await uids(linked) == before


async def test_what_a_template_no_longer_says_ends(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    await save(linked, "\n".join(GOLD.splitlines()[:3]) + "\n")
    await apply(linked)
    found = await standing(linked)
    assert [(c, p) for c, _, p, _ in found["rates"]] == [("1", Decimal("9.00"))]
    assert found["rules"] == []


async def test_a_price_from_a_later_day_leaves_the_price_until_then(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    await save(linked, GOLD.replace("9.00,,2026-11-01", "12.00,,2027-01-01"))
    await apply(linked)
    prices = sorted(
        (x["valid_from"], x["price"]) for x in await held(linked, RATES) if x["product_id"] == 1
    )
    assert prices == [("2026-11-01", Decimal("9.00")), ("2027-01-01", Decimal("12.00"))]


async def test_a_price_from_an_earlier_day_ends_the_later_one_of_the_template(
    linked: Office,
) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    await save(linked, GOLD.replace("9.00,,2026-11-01", "8.00,,2026-01-01"))
    await apply(linked)
    prices = [x["price"] for x in await held(linked, RATES) if x["product_id"] == 1]
    assert prices == [Decimal("8.00")]


RATE_HEADER = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from"
DISK_RATE = f"{RATE_HEADER}\nrmm,storage:all,1,1,2,,,GBP,2026-01-01\n"
SERVER_RATE = f"{RATE_HEADER}\nrmm,device:server,1,1,5,,,GBP,2026-11-01\n"


async def test_rows_made_by_hand_for_other_products_stay(linked: Office) -> None:
    await linked.take("rates", DISK_RATE)
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    by_hand = [x for x in await held(linked, RATES) if x["template"] == ""]
    assert [x["product_id"] for x in by_hand] == [3]


@pytest.mark.parametrize("day", ["2026-01-01", "2026-11-01", "2027-03-01"])
async def test_a_rate_made_by_hand_is_in_the_way_and_nothing_is_stored(
    linked: Office, day: str
) -> None:
    await linked.take("rates", SERVER_RATE.replace("2026-11-01", day))
    await save(linked, GOLD)
    await put(linked, "1", "2")
    before = await standing(linked)
    with pytest.raises(TemplateConflict) as refused:
        await preview_template(drawer(linked), "gold", replace=False)
    with pytest.raises(TemplateConflict):
        await apply_template(drawer(linked), "gold", replace=False)
    said = f"rate rmm/device:server for client 1 in GBP from {day}: cost 1.00, price 5.00"
    assert said in str(refused.value)
    assert "--replace" in refused.value.remedy
    assert await standing(linked) == before
    (state,) = await list_templates(drawer(linked))
    assert state.open_edits is None
    assert said in state.obstacle


async def test_replace_ends_what_would_outshine_the_template_and_keeps_history(
    linked: Office,
) -> None:
    await linked.take("rates", SERVER_RATE.replace("2026-11-01", "2026-01-01"))
    await linked.take("rates", SERVER_RATE.replace("2026-11-01", "2027-03-01"))
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked, replace=True)
    server = sorted(
        (x["valid_from"], x["template"]) for x in await held(linked, RATES) if x["product_id"] == 1
    )
    assert server == [("2026-01-01", ""), ("2026-11-01", "gold")]
    assert list((await apply(linked)).edits) == []


async def test_a_template_row_edited_by_hand_is_made_by_hand(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    await linked.take("rates", SERVER_RATE)
    with pytest.raises(TemplateConflict):
        await preview_template(drawer(linked), "gold", replace=False)


CONFIGURATION_HEADER = (
    "connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,position"
)


async def test_a_configuration_made_by_hand_with_a_product_of_the_template_is_in_the_way(
    linked: Office,
) -> None:
    own = f"{CONFIGURATION_HEADER}\nrmm,a,Mine,average,device:server,,,,,0\n"
    await linked.take("configurations", own)
    await save(linked, GOLD)
    await put(linked, "1")
    with pytest.raises(TemplateConflict, match="configuration 'Mine' for account a of rmm"):
        await preview_template(drawer(linked), "gold", replace=False)
    await apply(linked, replace=True)
    assert set(await uids(linked)) == {(1, "Managed")}


async def test_a_configuration_made_by_hand_of_the_same_name_hands_its_uid_over(
    linked: Office,
) -> None:
    own = f"{CONFIGURATION_HEADER}\nrmm,a,Managed,quantity,device:server,,,,,0\n"
    await linked.take("configurations", own)
    before = await uids(linked)
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked, replace=True)
    assert await uids(linked) == before


async def test_a_configuration_made_by_hand_for_other_products_stays(linked: Office) -> None:
    own = f"{CONFIGURATION_HEADER}\nrmm,a,Disks,total,storage:all,,,,,0\n"
    await linked.take("configurations", own)
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    assert set(await uids(linked)) == {(1, "Disks"), (1, "Managed")}


async def test_a_client_off_a_template_keeps_its_decisions(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1", "2")
    await apply(linked)
    before = await standing(linked)
    assert await put(linked, off=["1"]) == {"2": "Globex"}
    await apply(linked)
    assert await standing(linked) == before


async def test_a_client_on_another_template_is_decided_by_that_one_alone(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    await apply(linked)
    before = await uids(linked)
    silver = "\n".join(GOLD.splitlines()[:3]).replace("9.00", "7.00")
    await save(linked, silver + "\n", "silver")
    assert await put(linked, "1", name="silver") == {"1": "Acme Ltd"}
    assert await put(linked, name="gold") == {}
    await apply(linked, "silver")
    found = await standing(linked)
    assert [(p, t) for _, _, p, t in found["rates"]] == [(Decimal("7.00"), "silver")]
    assert found["rules"] == []
    assert await uids(linked) == before


async def test_an_agreed_effect_is_not_applied_to_other_decisions(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    seen = await preview_template(drawer(linked), "gold", replace=False)
    await linked.take("rates", DISK_RATE)
    with pytest.raises(DecisionsMoved):
        await apply_template(drawer(linked), "gold", replace=False, seen=seen)
    assert await uids(linked) == {}


async def test_a_connection_with_a_new_name_is_understood(linked: Office) -> None:
    from syncd.core.store.connections import ensure_connection

    await save(linked, GOLD)
    await put(linked, "1")
    async with linked.database.writer() as conn:
        await ensure_connection(conn, "rmm-new", "acme", formerly="rmm")
    assert "configuration,rmm-new,Managed" in await export_template(drawer(linked), "gold")
    assert len((await apply(linked)).edits) == 4


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("price,rmm,,,,device:server,1,2,,2026-11-01", "'price' is not known"),
        (",rmm,,,,device:server,1,2,,2026-11-01", "the cell is empty"),
        ("rate,rmm,X,,,device:server,1,2,,2026-11-01", "a rate has no name"),
        ("rate,rmn,,,,device:server,1,2,,2026-11-01", "did you mean 'rmm'"),
        ("rate,rmm,,,,device:server,,,,2026-11-01", "decides nothing"),
        ("rate,rmm,,,,device:server,-1,2,,2026-11-01", "-1 is negative"),
        ('rate,rmm,,,,device:server,1,"1,234.50",,2026-11-01', "'1,234.50' is not an amount"),
        ("rate,rmm,,,,device:server,1,200000,,2026-11-01", "more than the 100,000"),
        ("rate,rmm,,,,device:server,1,2,,2026-11-01", "stands on line 3 too"),
        ("rule,rmm,,,,device:server,,,x,2026-11-01", "'x' is not an amount"),
        ("configuration,rmm,Managed,total,storage:all,,,,,", "stands on line 2 already"),
        ("configuration,rmm,Two,total,device:server,,,,,", "in two configurations"),
        ("configuration,rmm,Mix,average,storage:all;device:x,,,,,", "no product 'device:x'"),
        ("configuration,rmm,Bad,peak,storage:all,,,,,", "'peak' is not known"),
    ],
)
async def test_a_bad_row_refuses_the_whole_file(linked: Office, row: str, said: str) -> None:
    with pytest.raises(BadFile) as refused:
        await save(linked, f"{GOLD}{row}\n")
    assert [one.line for one in refused.value.problems] == [6]
    assert said in str(refused.value)
    assert await list_templates(drawer(linked)) == []


async def test_names_and_clients_that_are_not_known_are_refused(linked: Office) -> None:
    with pytest.raises(TemplateUnknown, match="cannot be the name"):
        await save(linked, GOLD, "-x")
    with pytest.raises(TemplateUnknown, match="there is no template 'gold'"):
        await put(linked, "1")
    await save(linked, GOLD)
    with pytest.raises(ClientUnknown, match="'Nobody'"):
        await put(linked, "Nobody")
    with pytest.raises(ClientUnknown, match="2 clients are called"):
        await put(linked, "Twin")
    with pytest.raises(ClientUnknown, match="is not on the template"):
        await put(linked, off=["1"])
    with pytest.raises(BadFile, match="the template has no rows"):
        await save(linked, GOLD.splitlines()[0] + "\n")


async def test_clients_of_another_psa_are_not_on_the_template(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    other = replace(drawer(linked), psa=linked.source)
    assert (await list_templates(other))[0].clients == {}
    assert list((await preview_template(other, "gold", replace=False)).edits) == []


async def test_an_agreed_effect_is_not_that_of_a_template_saved_since(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    seen = await preview_template(drawer(linked), "gold", replace=False)
    await save(linked, GOLD.replace("9.00", "90.00"))
    with pytest.raises(DecisionsMoved):
        await apply_template(drawer(linked), "gold", replace=False, seen=seen)
    assert await uids(linked) == {}


async def test_an_agreed_effect_is_not_that_of_clients_put_on_it_since(linked: Office) -> None:
    await save(linked, GOLD)
    await put(linked, "1")
    seen = await preview_template(drawer(linked), "gold", replace=False)
    await put(linked, "2")
    with pytest.raises(DecisionsMoved):
        await apply_template(drawer(linked), "gold", replace=False, seen=seen)
    assert await uids(linked) == {}
