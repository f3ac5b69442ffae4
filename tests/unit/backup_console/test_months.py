"""A month's figures: which user and company they belong to, and what does not add up."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from syncd_backup_console.directory import UNASSIGNED, Directory
from syncd_backup_console.models import Bill, ComputerMonth, UserDetails, UserMonth
from syncd_backup_console.months import Month
from syncd_backup_console.products import Catalogue

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Measure, ProductKind
from tests.builders_backup_console import company, config, counted, user

COMPANIES = [company("c1", "Acme"), company("c2", "Bolt")]
USERS = [user("u1", "Acme"), user("u2", "Bolt"), user("u3", "")]
GB = 2**30


def row(user_id="u1", name="Acme", stored=10 * GB, restored=0, limit="0.0"):
    return UserMonth(
        user_id=user_id,
        login=f"{user_id}.login",
        company=name,
        average=stored,
        restored=restored,
        limit=Decimal(limit),
    )


def bill(*rows, average=None, restored=None):
    return Bill(
        average=sum(one.average for one in rows) if average is None else average,
        restored=sum(one.restored for one in rows) if restored is None else restored,
        users=list(rows),
    )


def month(users=USERS, **settings):
    chosen = config(**settings)
    directory = Directory(COMPANIES, users, chosen)
    return Month(directory, Catalogue(chosen), chosen, connection="backup")


def test_storage_restores_and_limits_are_counted_by_user():
    here = month(currency="GBP")
    given = bill(row(restored=3 * GB, limit="30.000001"), row("u2", "Bolt"))
    assert counted(here.users(given)) == {
        ("c1", "storage:all"): 10 * GB,
        ("c1", "restore:all"): 3 * GB,
        ("c1", "limit:all"): 3_000_000_100,
        ("c2", "storage:all"): 10 * GB,
    }
    assert here.notes() == []


def test_an_amount_names_its_currency_and_without_one_no_limit_is_counted():
    (limit,) = month(currency="EUR").users(bill(row(stored=0, limit="30.0")))
    assert msgspec.json.decode(limit.attributes) == {"currency": "EUR"}
    assert month().users(bill(row(stored=0, limit="30.0"))) == []


def test_what_is_nothing_is_no_unit():
    assert month(currency="GBP").users(bill(row(stored=0))) == []


def test_volumes_can_be_switched_off():
    units = month(storage="off", currency="GBP").users(bill(row(restored=GB, limit="30")))
    assert [unit.product for unit in units] == ["limit:all"]


def test_a_user_who_is_gone_is_joined_by_the_company_in_the_bill_and_says_so():
    here = month()
    (unit,) = here.users(bill(row("u9", "Bolt")))
    assert (unit.account, unit.excluded) == ("c2", None)
    assert msgspec.json.decode(unit.attributes) == {"joined": "bill"}
    assert here.notes()[0].startswith("JOINED_BY_NAME: 1 user's month is joined by the company")


def test_a_user_who_moved_is_billed_where_the_month_was():
    here = month([user("u1", "Bolt")])
    (unit,) = here.users(bill(row("u1", "Acme")))
    assert unit.account == "c1"
    assert here.notes()


def test_a_company_renamed_since_is_found_over_its_user():
    here = month()
    (unit,) = here.users(bill(row("u1", "Former Acme")))
    assert (unit.account, here.notes()) == ("c1", [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [(row("u3", ""), "no_company"), (row("u9", "Closed"), "unknown_company")],
)
def test_a_month_of_no_company_is_evidence_and_a_note(given, reason):
    here = month()
    (unit,) = here.users(bill(given))
    assert (unit.account, unit.excluded) == (UNASSIGNED, reason)
    assert here.notes() == [
        "UNASSIGNED_USAGE: counted for nobody, since without a company: 1 " + reason
    ]


def test_a_month_of_no_company_is_noted_when_only_accounts_tell_its_storage():
    here = month(storage="accounts")
    given = bill(row("u3", ""))
    assert here.users(given) == []
    (unit,) = here.computers(given, [details(("A1", "PC", 3), user_id="u3")], {})
    assert (unit.account, unit.excluded) == (UNASSIGNED, "no_company")
    assert here.notes()[0].endswith(": 1 no_company")


def test_totals_may_be_off_by_rounding_and_by_more_with_a_note():
    close = month()
    close.users(bill(row(), row("u2", "Bolt"), average=20 * GB + 2))
    assert close.notes() == []
    apart = month()
    apart.users(bill(row(), average=11 * GB))
    assert apart.notes() == [
        f"TOTAL_MISSED: {11 * GB} bytes stored in total, {10 * GB} by user; the latter count"
    ]


@pytest.mark.parametrize("given", [bill(average=5 * GB), bill(row(stored=0), restored=5 * GB)])
def test_totals_without_users_behind_them_prove_nothing(given):
    with pytest.raises(ProtocolError, match="in total and none of any user"):
        month().users(given)


@pytest.mark.parametrize("limit", ["0.123456789", "1e30", "NaN"])
def test_an_amount_that_is_no_money_is_refused(limit):
    with pytest.raises(ProtocolError, match="limit's price that is no money"):
        month(currency="GBP").users(bill(row(limit=limit)))


def details(*computers, user_id="u1", total=None):
    rows = [ComputerMonth(account=a, computer=c, stored=n) for a, c, n in computers]
    stored = sum(one.stored for one in rows) if total is None else total
    return UserDetails(user_id=user_id, stored=stored, computers=rows)


def test_storage_by_account_is_one_unit_per_computer():
    here = month(storage="accounts")
    given = details(("A1", "PC", 3), ("A1", "PC", 4), ("A1", "SRV", 5), ("A2", None, 6))
    units = here.computers(bill(row()), [given], {"a1": "Wasabi"})
    assert {(one.product, one.unit, one.name): one.quantity for one in units} == {
        ("storage:a1", "u1/pc", "PC"): 7,
        ("storage:a1", "u1/srv", "SRV"): 5,
        ("storage:a2", "u1/", "u1.login"): 6,
    }
    named = {one.key: one for one in here._catalogue.all()}
    assert named["storage:a1"].name == "Backup storage Wasabi"
    assert named["storage:a2"].name == "Backup storage a2"
    assert "storage:all" not in named


def test_computers_that_are_not_all_of_a_user_prove_nothing():
    with pytest.raises(ProtocolError, match="not the user's total"):
        month(storage="accounts").computers(bill(row()), [details(("A1", "PC", 3), total=9)], {})


def test_details_of_another_user_prove_nothing():
    with pytest.raises(ProtocolError, match="another user"):
        month(storage="accounts").computers(bill(row()), [details(user_id="u2")], {})


def test_products_of_a_month_say_so_and_what_they_measure():
    products = {one.key: one for one in Catalogue(config(currency="GBP", computers=True)).all()}
    assert {key: (one.kind, one.measure, one.monthly) for key, one in products.items()} == {
        "computer:all": (ProductKind.LICENCE, Measure.COUNT, False),
        "storage:all": (ProductKind.STORAGE, Measure.BYTE, True),
        "restore:all": (ProductKind.STORAGE, Measure.BYTE, True),
        "limit:all": (ProductKind.STORAGE, Measure.MONEY, True),
    }
