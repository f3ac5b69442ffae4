"""The walls of the house that an import checker cannot see, held by reading the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = (ROOT / "syncd", ROOT / "plugins")

LINE_BUDGET = 350
OVER_BUDGET: dict[str, str] = {}
"""Files above the budget, each with the reason why it stays whole."""

VENDORS = re.compile(
    r"ninja|halo(?!w)|xero|quickbooks|msp360|cloudberry|entra\b|partner.?center", re.IGNORECASE
)
VENDORLESS = ("core", "daemon", "sdk", "config")

BORN_WITH_A_CLOCK = {"syncd/bootstrap.py"}
"""Where real time is read; everything else is handed a clock."""

WALL_CLOCKS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("time", "gmtime"), ("time", "localtime"),
}  # fmt: skip

FORBIDDEN_NAMES = {"utils.py", "helpers.py", "manager.py", "base.py", "misc.py", "common.py"}


def files(*folders: str) -> list[Path]:
    chosen = [ROOT / folder for folder in folders] if folders else list(CODE)
    return sorted(
        path
        for folder in chosen
        for path in folder.rglob("*.py")
        if "__pycache__" not in path.parts and "versions" not in path.parts
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(source(path), filename=str(path))))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def test_the_host_names_no_vendor() -> None:
    named = [
        f"{name_of(path)}:{n}: {line.strip()}"
        for path in files(*(f"syncd/{part}" for part in VENDORLESS))
        for n, line in enumerate(source(path).splitlines(), 1)
        if VENDORS.search(line)
    ]
    assert named == []


def test_a_file_stays_within_the_line_budget() -> None:
    lengths = {name_of(path): len(source(path).splitlines()) for path in files()}
    over = {name: n for name, n in lengths.items() if n > LINE_BUDGET}
    assert {name: n for name, n in over.items() if name not in OVER_BUDGET} == {}
    assert set(OVER_BUDGET) - set(over) == set(), "it fits now: take it off the list"


def test_a_file_is_a_noun_and_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in files()
        if path.name in FORBIDDEN_NAMES
        or (source(path).strip() and not ast.get_docstring(ast.parse(source(path))))
    ]
    assert silent == []


def test_time_is_handed_in() -> None:
    called = [
        f"{name_of(path)}:{node.lineno}: {ast.unparse(node.func)}"
        for path in files()
        if name_of(path) not in BORN_WITH_A_CLOCK and "sandbox" not in path.parts
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (ast.unparse(node.func.value).rpartition(".")[2], node.func.attr) in WALL_CLOCKS
    ]
    assert called == []


def test_billing_knows_no_float() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in files("syncd/core/billing")
        for node in nodes(path)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div))
    ]
    assert found == [], "use Decimal and syncd.sdk.money.divide"


def test_a_plugin_sees_only_the_sdk_and_the_hookspecs() -> None:
    foreign = [
        f"{name_of(path)}:{line}: {module}"
        for path in files("plugins")
        for line, module in imported(path)
        if module.partition(".")[0] == "syncd"
        and not module.startswith(("syncd.sdk", "syncd.hookspecs"))
    ]
    assert foreign == []


def test_httpx_and_apscheduler_have_one_importer_each() -> None:
    homes = {"httpx": "syncd/sdk/", "apscheduler": "syncd/daemon/alarm.py"}
    strangers = [
        f"{name_of(path)}:{line}: {module}"
        for path in files()
        for line, module in imported(path)
        if (home := homes.get(module.partition(".")[0])) is not None
        and not name_of(path).startswith(home)
    ]
    assert strangers == []


def test_only_the_store_commits() -> None:
    doors = {"syncd/core/store/database.py", "syncd/core/store/schema.py"}
    elsewhere = [
        name_of(path)
        for path in files("syncd")
        if name_of(path) not in doors
        and re.search(r"\.commit\(|\bCOMMIT\b|AUTOCOMMIT", source(path))
    ]
    assert elsewhere == []


def test_a_module_of_commands_imports_next_to_nothing() -> None:
    allowed = {"__future__", "typing", "pathlib", "typer", "syncd.cli.context", "datetime", "enum"}
    heavy = [
        f"{name_of(path)}: {module}"
        for path in files("syncd/cli")
        if path.name.startswith("commands_")
        for node in ast.parse(source(path)).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
        if module not in allowed
    ]
    assert heavy == []
