"""Every agreed bill, compared completely: lines, errors, warnings and skips."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.model import BillInput, Line, Usage
from tests.builders_billing import bill_input, configuration, licence, rule, storage

_DATA = tomllib.loads(Path(__file__).with_name("golden.toml").read_text(encoding="utf-8"))
COMMON = _DATA["common"]
CASES = _DATA["case"]


def _usage(facts: dict[str, Any]) -> Usage:
    return licence(facts["raw"]) if "raw" in facts else storage(**facts)


def _input(case: dict[str, Any]) -> BillInput:
    return bill_input(
        *(
            configuration(facts["id"], **{name: facts[name] for name in facts if name != "id"})
            for facts in case["configurations"]
        ),
        usage={key: _usage(facts) for key, facts in case["usage"].items()},
        rates=case.get("rates", COMMON["rates"]),
        rules={key: rule(**facts) for key, facts in case.get("rules", {}).items()},
        existing=case.get("existing"),
        kinds=COMMON["kinds"],
        types=case.get("asset_types", COMMON["asset_types"]),
        settings=case.get("settings"),
        site=case.get("site", COMMON["site"]) or None,
        supplier=case.get("supplier"),
        supplier_resolves=case.get("supplier_resolves", True),
    )


def _shown(line: Line) -> dict[str, Any]:
    return {
        "key": line.key,
        "mode": str(line.mode),
        "quantity": line.quantity,
        "unit": (line.unit_cost, line.unit_price),
        "total": (line.total_cost, line.total_price),
        "residual": (line.residual_cost, line.residual_price),
        "supplier": line.supplier,
        "action": line.action,
        "removed": line.removed_by_configuration,
        "price_unset": line.price_unset,
    }


def _expected(facts: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    modes = {entry["id"]: entry["mode"] for entry in case["configurations"]}
    pair = {
        name: tuple(map(Decimal, facts[name])) if name in facts else default
        for name, default in (
            ("unit", (None, None)),
            ("total", (None, None)),
            ("residual", (Decimal(0), Decimal(0))),
        )
    }
    return {
        "key": facts["key"],
        "mode": facts.get("mode") or modes[facts["key"].partition("/")[0]],
        "quantity": facts["quantity"],
        **pair,
        "supplier": facts.get("supplier"),
        "action": facts.get("action", "create"),
        "removed": facts.get("removed", False),
        "price_unset": facts.get("price_unset", False),
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']}: {case['says']}" for case in CASES])
def test_the_bill_is_exactly_as_agreed(case: dict[str, Any]):
    bill = compute_bill(_input(case))
    assert [_shown(line) for line in bill.lines] == [
        _expected(facts, case) for facts in case.get("lines", [])
    ]
    assert list(bill.errors) == case.get("errors", [])
    assert list(bill.warnings) == case.get("warnings", [])
    assert list(bill.skipped) == case.get("skipped", [])


def test_the_table_is_whole():
    assert [case["id"] for case in CASES] == [f"G{n:02d}" for n in range(1, 34)]


@pytest.mark.parametrize("scale", [2, 4])
def test_units_are_sent_with_the_decimals_of_the_setting(scale: int):
    case = next(case for case in CASES if case["id"] == "G04")
    bill = compute_bill(_input({**case, "settings": {"unit_scale": scale}}))
    unit_price = bill.lines[0].unit_price
    assert unit_price is not None
    assert unit_price.as_tuple().exponent == -scale
