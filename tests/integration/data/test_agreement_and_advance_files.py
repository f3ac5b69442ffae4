"""Columns for agreements and for billing in advance: what is stored, kept and refused."""

from __future__ import annotations

import pytest

from syncd.core.service.csv_text import BadFile
from syncd.core.store.billing_data import AccountChoice, load_billing_data
from tests.builders_data import Office

BILLING = "connection,account,automatic,billing_start,agreement\n"
WITHOUT = "connection,account,automatic,billing_start\n"
CONFIGURATIONS = (
    "uid,connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,"
    "billed_in,position\n"
)
RULES = (
    "connection,product,client,count_method,override,included,block,minimum,maximum,"
    "bill_blocks,pool,included_reasons,valid_from,valid_until,reason\n"
)


async def choices(office: Office) -> dict[str, AccountChoice]:
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    return {one.key: data.choice_for(one.id) for one in data.accounts.values()}


async def refusal(office: Office, sheet: str, content: str) -> str:
    with pytest.raises(BadFile) as raised:
        await office.take(sheet, content)
    return "; ".join(str(one) for one in raised.value.problems)


async def test_an_agreement_is_stored_shown_and_told(office: Office) -> None:
    change = await office.take("billing", BILLING + "rmm,a,,,601\nrmm,b,no,,\n")
    assert [edit.after for edit in change.added] == [
        "billed automatically under agreement 601",
        "billed by hand",
    ]
    assert {key: one.agreement for key, one in (await choices(office)).items()} == {
        "a": "601",
        "b": "",
    }
    assert "rmm,a,Client a,yes,,601" in await office.give("billing")


async def test_a_file_without_the_column_leaves_agreements_as_they_are(office: Office) -> None:
    await office.take("billing", BILLING + "rmm,a,,,601\n")
    await office.take("billing", WITHOUT + "rmm,a,no,\nrmm,b,no,\n")
    found = await choices(office)
    assert (found["a"].automatic, found["a"].agreement) == (False, "601")
    assert found["b"].agreement == ""


async def test_an_empty_cell_ends_the_agreement(office: Office) -> None:
    await office.take("billing", BILLING + "rmm,a,yes,,601\n")
    change = await office.take("billing", BILLING + "rmm,a,yes,,\n")
    assert [edit.after for edit in change.changed] == ["billed automatically"]
    assert (await choices(office))["a"].agreement == ""


async def test_naming_an_agreement_makes_older_plans_stale(office: Office) -> None:
    before = await office.version()
    await office.take("billing", BILLING + "rmm,a,,,601\n")
    assert await office.version() > before


ADVANCE = CONFIGURATIONS + ",rmm,,Devices,average,device:server,,,,,advance,0\n"
PEAK = RULES + "rmm,device:server,{client},peak,,,,,,,,,2026-11-01,{until},\n"


async def test_a_configuration_may_be_billed_in_advance(office: Office) -> None:
    change = await office.take("configurations", ADVANCE)
    (edit,) = change.added
    assert edit.after is not None
    assert "billed in advance" in edit.after


@pytest.mark.parametrize("method", ["peak", "average"])
async def test_advance_beside_a_rule_over_the_month_is_refused_at_saving(
    office: Office, method: str
) -> None:
    rule = PEAK.format(client="", until="").replace("peak", method)
    await office.take("rules", rule)
    words = await refusal(office, "configurations", ADVANCE)
    assert "column billed_in: a month that begins has no peak" in words
    arrears = ADVANCE.replace("advance", "arrears")
    assert (await office.take("configurations", arrears)).edits == 1


async def test_a_rule_over_the_month_beside_an_advance_is_refused_at_saving(
    office: Office,
) -> None:
    await office.take("configurations", ADVANCE)
    words = await refusal(office, "rules", PEAK.format(client="", until=""))
    assert "column count_method: configuration 'Devices' bills this product in advance" in words
    other = PEAK.format(client="", until="").replace("server", "workstation")
    assert (await office.take("rules", other)).edits == 1


async def test_a_rule_that_ends_by_itself_is_left_to_the_run(office: Office) -> None:
    await office.take("rules", PEAK.format(client="", until="2026-11-30"))
    assert (await office.take("configurations", ADVANCE)).edits == 1


async def test_a_rule_of_one_client_does_not_refuse_a_configuration_of_one_account(
    office: Office,
) -> None:
    await office.take("rules", PEAK.format(client="1", until=""))
    own = ADVANCE.replace(",rmm,,", ",rmm,b,")
    assert (await office.take("configurations", own)).edits == 1
    assert "billed_in" in await refusal(office, "configurations", ADVANCE)


async def test_an_unknown_word_is_refused(office: Office) -> None:
    words = await refusal(office, "configurations", ADVANCE.replace("advance", "later"))
    assert "'later' is not known; write one of arrears, advance" in words
