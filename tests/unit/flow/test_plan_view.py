"""A plan reads well in 80 columns, says what waits and why, and ends with the next command."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.cli.output import Output, write_json
from syncd.cli.plan_view import next_steps, plan_data, show
from syncd.core.store.plans import PlanBillState, PlanRecord, PlanState, StoredBill
from syncd.sdk.records import (
    ChangeKind,
    LineState,
    Objection,
    Plan,
    PlannedBill,
    PlannedChange,
    SubscriptionFields,
)

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)


def state(quantity: int, price: str | None = "5.00") -> LineState:
    unit = None if price is None else Decimal(price)
    total = None if unit is None else unit * quantity
    return LineState(quantity, unit, None, total, None)


def change(
    name: str, before: LineState | None, after: LineState, why: str = "12 -> 14 units", **more: Any
) -> PlannedChange:
    known = after.total_price is not None
    old = before.total_price if before is not None and before.total_price is not None else 0
    return PlannedChange(
        key=f"syncd:k:{name}",
        kind=ChangeKind.CREATE if before is None else ChangeKind.UPDATE,
        remote=None if before is None else "9001",
        client_name="Acme Ltd",
        line_name=name,
        before=before,
        after=after,
        money_effect=Decimal(after.total_price or 0) - old if known else None,
        reason=why,
        fields=SubscriptionFields(
            "1001", None, name, after.quantity, after.unit_price, None, "10", None, None, None, None
        ),
        **more,
    )


def bill(*changes: PlannedChange, key: str = "u:5", errors: tuple[str, ...] = ()) -> PlannedBill:
    return PlannedBill(
        key=key,
        connection="source-eu",
        account=key[2:],
        client="1001",
        client_name="Acme Ltd",
        changes=changes,
        unchanged=0,
        total_before=Decimal("60.00"),
        total_after=None if errors else Decimal("70.00"),
        first_bill=False,
        errors=errors,
    )


def record(*bills: tuple[PlannedBill, PlanBillState], objections: tuple[Objection, ...] = ()):
    return PlanRecord(
        id="2026-10-3",
        kind="billing",
        state=PlanState.OPEN,
        data_version=1,
        digest="",
        plan=Plan("2026-10", "GBP", NOW, tuple(one for one, _ in bills)),
        bills=tuple(
            StoredBill(
                id=n,
                plan_id="2026-10-3",
                bill_key=one.key,
                account_id=n,
                state=fate,
                detail="",
                released_by="",
                release_reason="",
                released_at=None,
                applied_at=None,
                basis="",
            )
            for n, (one, fate) in enumerate(bills)
        ),
        objections=objections,
    )


@pytest.fixture
def drawn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def draw(made: PlanRecord) -> str:
        monkeypatch.setenv("COLUMNS", "80")
        show(Output(), made, asset_type_field="udf7", hints=next_steps(made))
        return capsys.readouterr().out

    return draw


def test_a_change_shows_units_price_money_and_what_bills_it(drawn: Any) -> None:
    made = record(
        (
            bill(change("Workstations", state(12), state(14), billed_by="Monthly / Devices (7)")),
            PlanBillState.READY,
        )
    )
    out = drawn(made)
    for shown in ("Acme Ltd", "(1001)", "12 -> 14", "5.00", "+10.00", "Monthly /", "udf7"):
        assert shown in out, shown
    assert "1 change, 60.00 -> 70.00 (+10.00 GBP)" in out
    assert out.rstrip().endswith("syncd apply 2026-10-3")
    assert max(len(line) for line in out.splitlines()) <= 80


def test_a_line_that_nothing_bills_is_marked_with_its_money(drawn: Any) -> None:
    made = record(
        (
            bill(change("Servers", None, state(2), "first bill", warnings=("NOT_LINKED:10.00",))),
            PlanBillState.READY,
        )
    )
    out = drawn(made)
    assert "NOT_LINKED" in out
    assert "10.00 GBP of it is billed by no recurring line yet" in out


def test_what_is_held_says_why_and_how_to_release_it(drawn: Any) -> None:
    made = record(
        (bill(change("Workstations", state(12), state(0))), PlanBillState.HELD),
        objections=(Objection("FELL_TO_ZERO", "falls from 12 units to 0", bill="u:5"),),
    )
    out = drawn(made)
    assert "Acme Ltd: falls from 12 units to 0 [FELL_TO_ZERO]" in out
    assert 'syncd plans release 2026-10-3 --reason "what was looked at"' in out


def test_a_bill_that_stops_says_why(drawn: Any) -> None:
    out = drawn(record((bill(errors=("ASSET_TYPE_MISSING:device:vm",)), PlanBillState.ERROR)))
    assert "a product in use has no asset type (device:vm) [ASSET_TYPE_MISSING]" in " ".join(
        out.split()
    )
    assert "next: syncd issues" in out


def test_lines_that_only_move_to_the_next_month_are_counted_not_listed(drawn: Any) -> None:
    same = change("Servers", state(2), state(2), "same figures, period 2026-09 -> 2026-10")
    out = drawn(record((bill(same), PlanBillState.READY)))
    assert "1 line with the figures of the month before" in out
    assert "Servers" not in out


def test_money_that_is_not_known_is_a_question_mark(drawn: Any) -> None:
    made = record((bill(change("X", state(1, None), state(2, None))), PlanBillState.READY))
    row = next(line for line in drawn(made).splitlines() if "1 -> 2" in line)
    assert "?" in row
    assert "the PSA's" in row


def test_bills_in_shadow_are_shown_as_such_with_what_would_hold_them(drawn: Any) -> None:
    made = record((bill(change("X", state(1), state(2))), PlanBillState.SHADOW))
    first = dataclasses.replace(made.bills[0], detail="FIRST_BILL")
    out = drawn(dataclasses.replace(made, bills=(first,)))
    assert "1 bill of clients that are not live" in out
    assert "1 FIRST_BILL" in out
    assert "syncd shadow 2026-10" in out
    assert "syncd apply" not in out


def test_a_plan_without_changes_says_so(drawn: Any) -> None:
    out = drawn(record((bill(), PlanBillState.UNCHANGED)))
    assert "nothing is to be written" in out


def test_bills_that_stay_as_they_are_say_why_once(drawn: Any) -> None:
    sealed = [
        msgspec.structs.replace(bill(key=key), warnings=("MONTH_SEALED",)) for key in ("u:5", "u:6")
    ]
    text = drawn(record(*((one, PlanBillState.FROZEN) for one in sealed)))
    assert text.count("MONTH_SEALED (A person sealed the month") == 1
    assert "udf7" not in text


def test_the_same_is_there_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    made = record((bill(change("Workstations", state(12), state(14))), PlanBillState.HELD))
    write_json(plan_data(made, next_commands=next_steps(made)))
    data = json.loads(capsys.readouterr().out)
    assert data["plan"] == "2026-10-3"
    assert data["totals"]["effect"] == "10.00"
    (one,) = data["bills"]
    assert (one["state"], one["money_effect"]) == ("held", "10.00")
    assert one["changes"][0]["after"]["quantity"] == 14
    assert data["next"][-1] == "syncd apply 2026-10-3"


def test_first_bills_are_named_in_one_sentence(drawn: Any) -> None:
    keys = ("u:5", "u:6")
    made = record(
        *(
            (bill(change(f"X{key}", None, state(1), "first bill"), key=key), PlanBillState.HELD)
            for key in keys
        ),
        objections=tuple(Objection("FIRST_BILL", "first bill of it", bill=key) for key in keys),
    )
    assert "first bill of it" not in drawn(made)


def test_lines_without_a_write_that_nothing_bills_count_with_their_money(drawn: Any) -> None:
    import msgspec

    whole = msgspec.structs.replace(bill(), warnings=("NOT_LINKED:c1/10:44.00", "NOT_LINKED:c1/11"))
    out = drawn(record((whole, PlanBillState.UNCHANGED)))
    assert "44.00 GBP of it is billed by no recurring line yet" in " ".join(out.split())
    assert "Acme Ltd: line c1/10, 44.00" in out
    assert "Acme Ltd: line c1/11" in out


def test_what_stops_many_bills_is_said_once(drawn: Any) -> None:
    bills = [
        (bill(key=f"u:{n}", errors=("NO_SNAPSHOT",)), PlanBillState.ERROR) for n in range(1, 8)
    ]
    other = (bill(key="u:9", errors=("SITE_NOT_MAPPED",)), PlanBillState.ERROR)
    said = " ".join(drawn(record(*bills, other)).split())
    assert said.count("[NO_SNAPSHOT]") == 1
    assert "7 bills: " in said
    assert "Acme Ltd, account 5; and 2 more, see --json" in said
    assert "Acme Ltd, account 9: " in said
