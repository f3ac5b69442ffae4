"""What docs/billing.md tells the accountant is what the program does: tables run, codes listed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.core.billing import guards
from syncd.core.billing.guards import GuardInput, review
from syncd.core.billing.model import GuardLimits, Line
from syncd.core.billing.quantity import count, pooled
from tests.builders_billing import bill, configuration, licence, one_line, rule, storage
from tests.builders_plan import change, planned, state, whole

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "billing.md").read_text(encoding="utf-8")
CODE = re.compile(r"^[A-Z]+(?:_[A-Z]+)+$")
FROM_THE_SERVICE = {
    "SOURCE_INCOMPLETE",
    "SOURCE_STALE",
    "NO_SNAPSHOT",
    "LATE_SNAPSHOT",
    "RUNNING_MONTH_OFF",
    "MONTH_SEALED",
}


def rows(title: str) -> list[dict[str, str]]:
    """The rows of the table under `*Checked: <title>*`, by column."""
    after = PAGE.split(f"*Checked: {title}*", 1)[1]
    lines = [line for line in after.splitlines()[1:] if line.strip()]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    head, _, *body = table
    assert body
    return [dict(zip(head, cells, strict=True)) for cells in body]


def _numbers(text: str, by: str) -> list[Decimal]:
    return [Decimal(part.strip()) for part in text.split(by)]


def _pair(text: str) -> tuple[Decimal | None, Decimal | None]:
    if text == "-":
        return None, None
    cost, price = _numbers(text, "/")
    return cost, price


@pytest.mark.parametrize("row", rows("quantity"), ids=str)
def test_quantities(row: dict[str, str]):
    names = ("override", "included", "block", "minimum", "maximum")
    given = rule(**{name: row[name] for name in names if row[name]})
    assert count(licence(row["count"]), given).quantity == int(row["billed"])


@pytest.mark.parametrize("row", rows("pool"), ids=str)
def test_pools(row: dict[str, str]):
    given = rule(**{name: row[name] for name in ("included", "minimum") if row[name]})
    usages = [
        (str(n), licence(str(raw)))
        for n, raw in enumerate(_numbers(row["counts of the accounts"], "+"))
    ]
    billed = [count(usage).quantity for usage in pooled(given, usages).values()]
    assert billed == _numbers(row["billed per account"], "+")
    assert sum(billed) == int(row["client"])


def _shown(line: Line, row: dict[str, str]) -> None:
    assert line.quantity == int(row["quantity"])
    assert (line.unit_cost, line.unit_price) == _pair(row["unit cost / price"])
    assert (line.total_cost, line.total_price) == _pair(row["total cost / price"])
    assert (line.residual_cost, line.residual_price) == _pair(row["residual"])


@pytest.mark.parametrize("row", rows("money"), ids=str)
def test_money(row: dict[str, str]):
    keys = ("desktop", "server")
    parts = [part.split(" x ") for part in row["products"].split(" + ")]
    line = one_line(
        configuration(mode=row["mode"], products=keys[: len(parts)]),
        usage={key: int(units) for key, (units, _) in zip(keys, parts, strict=False)},
        rates={
            key: dict(zip(("cost", "price"), rates.split("/"), strict=True))
            for key, (_, rates) in zip(keys, parts, strict=False)
        },
        settings={"unit_scale": int(row["unit decimals"])},
    )
    _shown(line, row)


@pytest.mark.parametrize("row", rows("storage"), ids=str)
def test_storages(row: dict[str, str]):
    cost, price = row["rate"].split("/")
    line = one_line(
        configuration(mode=row["mode"], products=("s3",)),
        usage={"s3": storage(row["GB"], limit_price=row["limit fee"])},
        rates={"s3": {"cost": cost, "price": price}},
    )
    _shown(line, row)


@pytest.mark.parametrize("row", rows("zero"), ids=str)
def test_zero_lines(row: dict[str, str]):
    last = row["last sent as"]
    mode = "average" if last == "never" else last
    existing = {} if last == "never" else {"c1/10": last}
    made = bill(configuration(mode=mode), usage={"desktop": 0}, existing=existing)
    if last == "never":
        assert (row["quantity sent"], made.lines) == ("no line", ())
        return
    (line,) = made.lines
    price = row["unit price sent"]
    assert line.quantity == int(row["quantity sent"])
    assert line.unit_price == (None if price == "-" else Decimal(price))


@pytest.mark.parametrize("row", rows("guards"), ids=str)
def test_guard_cases(row: dict[str, str]):
    units = [int(number) for number in _numbers(row["units"], "to")]
    money = [str(number) for number in _numbers(row["money"], "to")]
    line = change(state(units[1], money[1]), state(units[0], money[0]))
    found = review(whole(planned(line)), GuardInput(), GuardLimits())
    assert {o.rule for o in found} == set(re.findall(r"`(\w+)`", row["held by"]))


def test_the_numbers_of_the_guards_are_the_defaults():
    limits = GuardLimits()
    assert f"more than {limits.line_percent} % **and** by {limits.line_units} or more" in PAGE
    assert f"money of a line changes by more than {limits.line_money}" in PAGE
    client = f"more than {limits.client_percent} % **and** more than {limits.client_money}"
    assert client in PAGE
    assert f"changes by more than {limits.run_percent} %: the whole plan waits" in PAGE


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.partition(":")[0]


def test_every_code_of_the_program_is_on_the_page_and_no_other():
    folder = Path(guards.__file__).parent
    made = {
        text
        for file in folder.glob("*.py")
        if not file.name.startswith("asset")  # docs/mapping.md has the codes of assets
        for text in _texts(ast.parse(file.read_text(encoding="utf-8")))
        if CODE.match(text)
    }
    told = "\n".join(re.findall(r"^\|.*$", PAGE, re.MULTILINE))
    assert set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", told)) == made | FROM_THE_SERVICE
