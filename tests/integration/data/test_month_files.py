"""Columns for first and last months: what is stored, kept, shown as an effect, and refused."""

from __future__ import annotations

import pytest

from syncd.core.service.csv_text import BadFile
from syncd.core.store.billing_data import AccountChoice, BillingData, load_billing_data
from tests.builders_data import Office

BILLING = "connection,account,automatic,billing_start,billing_end,first_month,last_month\n"
CONFIGURATIONS = (
    "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
    "position,proration_owner,first_month,last_month\n"
)
TEMPLATE = (
    "kind,connection,name,mode,products,first_month,last_month\n"
    "configuration,rmm,Devices,{mode},device:server,by_days,free\n"
)


async def data(office: Office) -> BillingData:
    async with office.database.reader() as conn:
        return await load_billing_data(conn, period_first_day="2026-11-01")


async def choice(office: Office, account: str = "a") -> AccountChoice:
    found = await data(office)
    return next(found.choice_for(one.id) for one in found.accounts.values() if one.key == account)


async def refusal(office: Office, sheet: str, content: str) -> str:
    with pytest.raises(BadFile) as raised:
        await office.take(sheet, content)
    return "; ".join(str(one) for one in raised.value.problems)


async def test_days_and_policies_are_stored_told_and_given_back(office: Office) -> None:
    row = "rmm,a,,2026-11-12,2027-03-20,by_days,free\n"
    change = await office.take("billing", BILLING + row)
    assert [edit.after for edit in change.added] == [
        (
            "billed automatically from 2026-11 on until 2027-03-20, the first month by days, "
            "the last month free"
        )
    ]
    found = await choice(office)
    assert (found.start, found.end) == ("2026-11-12", "2027-03-20")
    assert (found.first_month, found.last_month) == ("by_days", "free")
    assert (await office.take("billing", await office.give("billing"))).edits == 0


async def test_a_file_from_before_the_columns_leaves_them_as_they_are(office: Office) -> None:
    await office.take("billing", BILLING + "rmm,a,,2026-11-12,2027-03-20,by_days,\n")
    await office.take(
        "billing", "connection,account,automatic,billing_start\nrmm,a,no,2026-11-12\n"
    )
    found = await choice(office)
    assert (found.automatic, found.end, found.first_month) == (False, "2027-03-20", "by_days")


async def test_a_last_day_before_the_first_and_an_unknown_policy_are_refused(
    office: Office,
) -> None:
    said = await refusal(office, "billing", BILLING + "rmm,a,,2026-11-12,2026-11-11,daily,\n")
    assert "2026-11-11 is before 2026-11-12" in said
    assert "'daily' is not known" in said


@pytest.mark.parametrize(
    ("mode", "owner", "told"),
    [("quantity", "", "sends no price of ours"), ("average", "psa", "would take off twice")],
)
async def test_a_choice_that_a_configuration_cannot_follow_is_refused_from_both_sides(
    office: Office, mode: str, owner: str, told: str
) -> None:
    wrong = f"{CONFIGURATIONS},rmm,,Devices,{mode},device:server,,,,,0,{owner},,\n"
    chosen = BILLING + "rmm,a,,2026-11-12,,by_days,\n"
    await office.take("configurations", wrong)
    assert told in await refusal(office, "billing", chosen)
    assert (await office.take("billing", chosen.replace("by_days", "full"))).edits == 1
    right = f"{CONFIGURATIONS},rmm,,Devices,average,device:server,,,,,0,,,\n"
    await office.take("configurations", right)
    await office.take("billing", chosen)
    assert told in await refusal(office, "configurations", wrong)


async def test_a_configuration_that_contradicts_itself_is_refused(office: Office) -> None:
    row = ",rmm,,Devices,{},device:server,,,,,0,{},by_days,\n"
    said = await refusal(office, "configurations", CONFIGURATIONS + row.format("quantity", ""))
    assert "sends no price of ours" in said
    said = await refusal(office, "configurations", CONFIGURATIONS + row.format("average", "psa"))
    assert "would take off twice" in said


async def test_configurations_keep_the_columns_that_a_file_does_not_have(office: Office) -> None:
    row = ",rmm,,Devices,average,device:server,,,,,0,,by_days,free\n"
    await office.take("configurations", CONFIGURATIONS + row)
    head = CONFIGURATIONS.replace(",proration_owner,first_month,last_month", "")
    await office.take("configurations", head + ",rmm,,Devices,average,device:server,,,,,5\n")
    ((one,),) = (await data(office)).shared_configurations.values()
    assert (one.position, one.first_month, one.last_month) == (5, "by_days", "free")
    assert (await office.take("configurations", await office.give("configurations"))).edits == 0


async def test_a_template_carries_policies_and_is_refused_like_a_file(office: Office) -> None:
    from syncd.core.service.template_apply import apply_template
    from syncd.core.service.templates import Drawer, choose_template_clients, save_template
    from tests.builders_data import NOW

    drawer = Drawer(
        database=office.database,
        psa=office.psa,
        currency="GBP",
        person="ann",
        now=NOW,
        log=office.log,
    )
    with pytest.raises(BadFile, match="sends no price of ours"):
        await save_template(drawer, "gold", TEMPLATE.format(mode="quantity").encode(), "gold.csv")
    await save_template(drawer, "gold", TEMPLATE.format(mode="average").encode(), "gold.csv")
    await office.take("links", "connection,account,client,site\nrmm,a,1,\n")
    await choose_template_clients(drawer, "gold", add=["1"], remove=[])
    await apply_template(drawer, "gold", replace=False)
    ((one,),) = (await data(office)).own_configurations.values()
    assert (one.first_month, one.last_month, one.template) == ("by_days", "free", "gold")
