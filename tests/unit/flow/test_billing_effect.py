"""The comparison of two reckonings: differences per client and line, and bills that would stop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncd.core.billing.model import Bill, Line, Mode
from syncd.core.service.billing_effect import Effect, LineFate, compare
from syncd.core.service.draft import Draft
from syncd.core.service.ledger import AccountBooks
from syncd.core.store.decisions import SourceAccount, SourceConnection

SOURCE = SourceConnection(id=1, uid="0a0a0a0a", name="rmm", connector="acme")


def line(key: str = "c1/10", units: int = 2, price: str | None = "10.00", **more: Any) -> Line:
    whole: dict[str, Any] = {
        "key": key,
        "configuration": key.partition("/")[0],
        "name": f"line {key}",
        "asset_type": key.rpartition("/")[2],
        "mode": Mode.AVERAGE,
        "quantity": units,
        "units": units,
        "unit_cost": Decimal(1),
        "unit_price": None if price is None else Decimal(price) / (units or 1),
        "total_cost": Decimal(units),
        "total_price": None if price is None else Decimal(price),
        "residual_cost": Decimal(0),
        "residual_price": Decimal(0),
        "supplier": None,
        "action": "update",
        **more,
    }
    return Line(**whole)


def draft(
    *lines: Line, client: str = "1", account: str = "a", errors: tuple[str, ...] = ()
) -> Draft:
    return Draft(
        account=SourceAccount(
            id=1, connection_id=1, key=account, name=account, absent_since=None, removed=None
        ),
        connection=SOURCE,
        link=None,
        client=client,
        client_name=f"Client {client}",
        client_active=True,
        site=None,
        snapshot=None,
        books=AccountBooks(),
        data=None,
        bill=Bill(lines=lines, errors=errors, warnings=(), skipped=()),
    )


def one(effect: Effect) -> Any:
    (client,) = effect.clients
    return client


def test_the_same_bill_is_no_difference() -> None:
    found = compare([draft(line())], [draft(line())])
    assert (found.clients, found.untouched, found.price_change) == ((), 1, Decimal(0))
    assert found.price_before == found.price_after == Decimal("10.00")


def test_a_changed_price_is_told_by_client_and_by_line() -> None:
    found = compare([draft(line(price="10.00"))], [draft(line(price="12.50"))])
    assert one(found).price_change == found.price_change == Decimal("2.50")
    (changed,) = one(found).lines
    assert (changed.fate, changed.price_before, changed.price_after, changed.price_change) == (
        LineFate.CHANGED,
        Decimal("10.00"),
        Decimal("12.50"),
        Decimal("2.50"),
    )


def test_a_changed_cost_alone_is_a_difference_of_the_cost() -> None:
    found = compare([draft(line())], [draft(line(total_cost=Decimal(9)))])
    assert (found.price_change, found.cost_change) == (Decimal(0), Decimal(7))
    assert one(found).lines[0].cost_after == Decimal(9)


def test_new_and_gone_lines_are_told_as_such() -> None:
    found = compare([draft(line("c1/10"))], [draft(line("c2/10", 5, "20.00"))])
    assert [(x.line, x.fate, x.units_before, x.units_after) for x in one(found).lines] == [
        ("c1/10", LineFate.GONE, 2, None),
        ("c2/10", LineFate.NEW, None, 5),
    ]
    assert one(found).price_change == Decimal("10.00")


def test_a_line_at_the_psas_price_differs_in_units_and_its_money_is_not_known() -> None:
    found = compare(
        [draft(line(units=2, price=None, total_cost=None))],
        [draft(line(units=3, price=None, total_cost=None))],
    )
    (changed,) = one(found).lines
    assert (changed.units_before, changed.units_after, changed.price_change) == (2, 3, None)


def test_a_bill_that_would_stop_has_no_difference_of_money_and_is_told_with_its_code() -> None:
    found = compare([draft(line())], [draft(errors=("CURRENCY_MISMATCH:x",))])
    assert one(found).stops == ("CURRENCY_MISMATCH:x (rmm a)",)
    assert (one(found).price_change, one(found).lines, found.stops) == (Decimal(0), (), 1)


def test_a_bill_that_would_go_again_is_told_with_the_code_that_is_gone() -> None:
    found = compare([draft(errors=("SITE_NOT_MAPPED",))], [draft(line())])
    assert one(found).mends == ("SITE_NOT_MAPPED (rmm a)",)
    assert one(found).stops == ()


def test_a_bill_that_stays_stopped_is_no_difference() -> None:
    found = compare([draft(errors=("NO_SNAPSHOT",))], [draft(errors=("NO_SNAPSHOT",))])
    assert (found.clients, found.untouched, found.stops) == ((), 1, 0)


def test_a_stopped_account_does_not_hide_the_difference_of_another_of_the_client() -> None:
    stopped = draft(account="b", errors=("NO_SNAPSHOT",))
    found = compare([draft(line(price="10.00")), stopped], [draft(line(price="11.00")), stopped])
    assert one(found).price_change == Decimal("1.00")
    assert one(found).stopped == ("NO_SNAPSHOT (rmm b)",)


def test_an_account_that_changes_its_client_leaves_one_and_comes_to_the_other() -> None:
    found = compare([draft(line(), client="1")], [draft(line(), client="2")])
    assert {x.client: x.price_change for x in found.clients} == {
        "1": Decimal("-10.00"),
        "2": Decimal("10.00"),
    }
    assert found.price_change == Decimal(0)


def test_bills_that_would_stop_come_first_and_then_the_largest_movers_of_either_sign() -> None:
    before = [draft(line(price="50.00"), client=key) for key in "1234"]
    after = [
        draft(line(price="51.00"), client="1"),
        draft(line(price="20.00"), client="2"),
        draft(line(price="60.00"), client="3"),
        draft(client="4", errors=("BILL_FAILED:X",)),
    ]
    assert [x.client for x in compare(before, after).clients] == ["4", "2", "3", "1"]
