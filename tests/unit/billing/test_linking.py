"""Which recurring line is proposed for a record: evidence decides, doubt is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.billing.linking import LinkAsk, propose_links
from syncd.sdk.records import PlannedLink, RecurringLine, Subscription, UnlinkedRecord
from tests.builders_plan import record, recurring

D = Decimal


def free(key: str, name: str, **more: Any) -> RecurringLine:
    whole = {"price_from_subscription": False, "quantity": D(10), **more}
    return msgspec.structs.replace(recurring("", key=key, name=name, **whole), subscriptions=())


def ours(key: str = "900", name: str = "Managed: Workstation", **more: Any) -> Subscription:
    return record(key, name=name, quantity=10, unit_price=D("5.00"), **more)


def asked(
    *lines: RecurringLine, records: tuple[Subscription, ...] = (), **more: Any
) -> tuple[list[PlannedLink], list[UnlinkedRecord]]:
    plain: dict[str, Any] = {
        "client": "482",
        "name": "Acme",
        "records": records or (ours(),),
        "priced": frozenset({"900"}),
        "recurring": lines,
        "chosen": {},
        "money_scale": 2,
    }
    return propose_links(LinkAsk(**{**plain, **more}))


CHOSEN: dict[str, tuple[RecurringLine, tuple[str, ...]]] = {
    "the same name": (free("1", "managed workstation", quantity=D(3)), ("same name",)),
    "the same product": (
        free("1", "Seats", item="51", quantity=D(3)),
        ("same product (51)",),
    ),
    "a name like it and the same quantity": (
        free("1", "Workstation managed by us"),
        ("name like 'Workstation managed by us'", "same quantity (10)"),
    ),
}


@pytest.mark.parametrize("why", CHOSEN)
def test_a_line_is_chosen_for(why: str) -> None:
    line, evidence = CHOSEN[why]
    (link,), left = asked(line, free("2", "Retainer", quantity=D(1)), records=(ours(item="51"),))
    assert (link.change.line, link.evidence, left) == ("1", evidence, [])


REFUSED: dict[str, RecurringLine] = {
    "it counts another record": recurring("77", key="1", name="Managed Workstation"),
    "it counts assets, users or licences": free("1", "Managed Workstation", counts_other=True),
    "it is inactive": free("1", "Managed Workstation", active=False),
    "it is invoiced yearly": free("1", "Managed Workstation", cycle="yearly"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_line_is_never_proposed_when(why: str) -> None:
    links, (left,) = asked(REFUSED[why])
    assert links == []
    assert [one.against for one in left.candidates] == [why]
    links, (left,) = asked(REFUSED[why], chosen={"900": "1"})
    assert links == []
    assert why in left.why


def test_a_quantity_or_a_price_alone_proves_nothing():
    links, (left,) = asked(free("1", "Retainer", unit_price=D("5.00")))
    assert links == []
    assert left.why == "what speaks for a line is not enough to choose it"
    assert left.candidates[0].evidence == ("same quantity (10)", "same price")


def test_of_two_lines_that_fit_alike_none_is_chosen():
    twins = [free(key, "Managed Workstation", quantity=D(3)) for key in ("1", "2")]
    links, (left,) = asked(*twins)
    assert (links, left.why) == ([], "several lines fit alike")


def test_the_quantity_decides_between_two_lines_of_one_name():
    (link,), _ = asked(
        free("1", "Managed Workstation", quantity=D(3)), free("2", "Managed Workstation")
    )
    assert link.change.line == "2"


def test_a_line_that_two_records_want_goes_to_neither():
    links, left = asked(
        free("1", "Managed Workstation"), records=(ours(), ours("901", "managed WORKSTATION"))
    )
    assert links == []
    assert len(left) == 2
    assert "other records fit" in left[0].why


def test_a_record_that_is_linked_or_inactive_is_left_alone():
    assert asked(recurring("900")) == ([], [])
    assert asked(free("1", "x"), records=(ours(active=False),)) == ([], [])


def test_the_effect_is_that_of_the_next_invoice():
    line = free("1", "Managed Workstation", quantity=D(8), unit_price=D("4.00"))
    (link,), _ = asked(line)
    assert (link.before.total, link.after.total) == (D("32.00"), D("50.00"))
    assert link.money_effect == D("18.00")
    assert link.change.price_from_subscription is True


def test_where_the_price_is_the_psas_the_line_keeps_its_own():
    line = free("1", "Managed Workstation", unit_price=D("4.00"))
    (link,), _ = asked(line, priced=frozenset())
    assert link.change.price_from_subscription is None
    assert link.after.unit_price == D("4.00")


def test_an_unknown_price_makes_no_effect():
    (link,), _ = asked(free("1", "Managed Workstation", unit_price=None))
    assert (link.before.total, link.money_effect) == (None, None)


def test_a_line_that_a_person_names_must_be_the_clients():
    _, (left,) = asked(free("1", "x"), chosen={"900": "12"})
    assert left.why == "line 12 is on no recurring invoice of the client"
