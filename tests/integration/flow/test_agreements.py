"""Bills in accordance with the client's agreement: held while it does not cover the month."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from syncd.core.service.basis import decode_bill
from syncd.core.service.explain import explain
from syncd.core.service.stored_plan import StoredPlan
from syncd.core.store.database import Database
from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.records import Objection
from tests.builders_agreements import ContractPsa, contract, name_agreement, office_under
from tests.builders_month import DESKTOP, LONDON, NOVEMBER, OCTOBER, SERVER, Office, rules_of

HELD = "AGREEMENT_NOT_ACTIVE"


def about_agreement(stored: StoredPlan) -> list[Objection]:
    return [one for one in stored.record.objections if one.rule == HELD]


async def test_an_agreement_that_covers_the_month_holds_nothing_and_is_named(
    database: Database,
) -> None:
    office, psa = await office_under(database, contract())
    stored = await office.plan()
    assert not about_agreement(stored)
    (bill,) = stored.record.plan.bills
    assert bill.agreement == "Care (601, 2026-01-01 to open end)"
    assert decode_bill(stored.record.bills[0].basis).agreement == bill.agreement
    assert psa.asked == [frozenset({"1001"})]


NOT_ACTIVE: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"ends": "2026-09-30"}, "ended on 2026-09-30, before 2026-10"),
    "expired at the month's end": ({"ends": "2026-10-30"}, "ended on 2026-10-30, within 2026-10"),
    "not started": ({"starts": "2026-11-01"}, "starts on 2026-11-01, after 2026-10"),
    "not invoiced": ({"invoiced": False}, "is marked not to be invoiced"),
    "closed": ({"active": False}, "is closed in the PSA"),
    "another client's": ({"client": "1002"}, "is not known to the PSA for this client"),
    "unknown": ({"key": "602"}, "is not known to the PSA for this client"),
}


@pytest.mark.parametrize("case", NOT_ACTIVE)
async def test_an_agreement_that_is_not_active_holds_the_bill(
    sqlite_database: Database, case: str
) -> None:
    values, words = NOT_ACTIVE[case]
    office, _ = await office_under(sqlite_database, contract(**values))
    (found,) = about_agreement(await office.plan())
    assert found.message.endswith(words)
    assert "of Acme Ltd" in found.message


async def test_held_is_an_issue_with_a_remedy_and_gone_once_the_agreement_is_renewed(
    database: Database,
) -> None:
    office, psa = await office_under(database, contract())
    await office.bill()
    psa.contracts = [contract(ends="2026-11-15")]
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    held = await office.plan()
    assert rules_of(held.record.objections) == {HELD}
    issue = (await office.issues())["PLAN_HELD source-eu/5"]
    assert "ended on 2026-11-15, within 2026-11" in issue.message
    assert "syncd map billing" in issue.remedy
    psa.contracts = [contract(ends="2027-11-15")]
    ready = await office.plan()
    assert ready.record.objections == ()
    assert "PLAN_HELD" not in await office.codes()
    assert (await office.apply(ready.id)).exit_code == 0


async def test_nothing_is_asked_where_no_account_names_an_agreement(database: Database) -> None:
    office, psa = await office_under(database, contract(), named="")
    stored = await office.plan()
    assert psa.asked == []
    assert stored.record.plan.bills[0].agreement == ""


async def test_a_psa_that_knows_no_agreements_holds_only_the_bills_that_name_one(
    database: Database,
) -> None:
    office = await Office.open(database)
    counts = {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 3}}
    await office.usual(accounts={"5": "1001", "6": "1002"}, counts=counts)
    await name_agreement(office, "601")
    stored = await office.plan()
    (found,) = about_agreement(stored)
    assert found.message.endswith(
        "could not be read: the plugin of the PSA does not read agreements"
    )
    assert len(stored.record.plan.bills) == 2
    assert all(bill.changes for bill in stored.record.plan.bills)


async def test_a_missing_right_holds_and_says_what_to_grant(database: Database) -> None:
    office, _ = await office_under(database, refused=True)
    (found,) = about_agreement(await office.plan())
    assert "grant read:contracts" in found.message


async def test_a_psa_that_does_not_answer_stops_the_planning(sqlite_database: Database) -> None:
    office, psa = await office_under(sqlite_database)

    class Silent(ContractPsa):
        async def agreements(self, *, clients: Any) -> Any:
            if clients:
                raise VendorUnavailable("psa: no answer")
            yield []

    office.psa = Silent(clock=psa.clock)
    with pytest.raises(VendorUnavailable):
        await office.plan()


async def test_naming_another_agreement_is_a_change_that_a_person_looks_at(
    database: Database,
) -> None:
    office, psa = await office_under(database, contract())
    await office.bill()
    psa.contracts.append(contract(key="602", name="Better care"))
    await name_agreement(office, "602")
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    (found,) = (await office.plan()).record.objections
    assert found.rule == "CHANGED_SINCE_LAST_BILL"
    assert found.message.endswith("a change of agreement")


async def test_the_agreement_is_written_only_where_the_psa_has_a_field_for_it(
    database: Database,
) -> None:
    office, psa = await office_under(database, contract())
    await office.bill()
    assert {one.fields.agreement for one in psa.history} == {None}
    psa.agreement_field = "contract"
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    await office.plan()
    for change in (await office.plan()).record.plan.bills[0].changes:
        assert change.fields.agreement == "601"


async def test_an_agreement_that_somebody_took_off_a_record_is_a_drift(
    sqlite_database: Database,
) -> None:
    office, psa = await office_under(sqlite_database, contract(), agreement_field="contract")
    await office.bill()
    assert not (await office.plan(OCTOBER)).record.objections
    for key, record in psa.records.items():
        psa.records[key] = msgspec.structs.replace(record, agreement=None)
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 10, SERVER.key: 2}})
    drifts = [one for one in (await office.plan()).record.objections if one.rule == "PSA_DRIFT"]
    assert all("agreement sent as 601, now None" in one.message for one in drifts)
    assert len(drifts) == 2


async def test_an_explanation_names_the_agreement_as_it_was(database: Database) -> None:
    office, psa = await office_under(database, contract(ends="2026-12-31"))
    await office.bill()
    psa.contracts = [contract(name="Renamed")]
    found = await explain(database, "1001", None, psa_name="psa", timezone=LONDON)
    assert {one.bill.agreement for one in found.lines} == {"Care (601, 2026-01-01 to 2026-12-31)"}


async def test_two_accounts_are_read_in_one_call(sqlite_database: Database) -> None:
    office = await Office.open(sqlite_database)
    psa = ContractPsa(clock=office.clock, contracts=[contract()])
    office.psa = psa
    counts = {"5": {DESKTOP.key: 10}, "6": {DESKTOP.key: 3}}
    await office.usual(accounts={"5": "1001", "6": "1002"}, counts=counts)
    await name_agreement(office, "601", account_id=1)
    await name_agreement(office, "700", account_id=2)
    stored = await office.plan()
    assert psa.asked == [frozenset({"1001", "1002"})]
    assert len(about_agreement(stored)) == 1


async def test_an_agreement_that_ends_with_the_month_does_not_cover_an_advance(
    database: Database,
) -> None:
    office, _ = await office_under(database, contract(ends="2026-10-31"))
    assert not about_agreement(await office.plan())
    await office.configure(
        "c1", "Managed", "average", [DESKTOP.key, SERVER.key], billed_in="advance"
    )
    (found,) = about_agreement(await office.plan())
    assert found.message.endswith("ended on 2026-10-31, before 2026-11")
