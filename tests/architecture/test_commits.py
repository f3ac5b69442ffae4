"""The store's own walls: one committer, and a pull that imports little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOORS = {"syncd/core/store/database.py", "syncd/core/store/schema.py"}
ENGINES = {
    "syncd/core/store/asking.py",
    "syncd/core/store/engine.py",
    "syncd/core/store/schema.py",
}
PULL_PATH = (
    "syncd.core.store.database",
    "syncd.core.store.connections",
    "syncd.core.store.census",
    "syncd.core.store.census.counts",
    "syncd.core.store.census.evidence",
    "syncd.core.store.census.snapshots",
    "syncd.core.store.census.stage_sqlite",
)
HEAVY = (
    "sqlmodel", "alembic", "psycopg", "pydantic_settings", "apscheduler", "starlette",
    "cryptography", "rich", "syncd.core.store.tables", "syncd.core.store.schema",
)  # fmt: skip


def sources() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "syncd").rglob("*.py"))
    ]


def commits(source: str) -> list[int]:
    """Lines that commit, or that would let the driver commit by itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "begin", "begin_nested"}:
            found.append(node.lineno)
        elif isinstance(node, ast.keyword) and node.arg in {"isolation_level", "autocommit"}:
            found.append(node.value.lineno)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.search(r"\b(COMMIT|END TRANSACTION|AUTOCOMMIT|BEGIN IMMEDIATE)\b", node.value)
        ):
            found.append(node.lineno)
    return found


def test_only_the_database_commits() -> None:
    elsewhere = [
        f"{name}:{line}"
        for name, source in sources()
        if name not in DOORS
        for line in commits(source)
        # A staging begins, which is a word of the census and not of a transaction.
        if "staging.begin()" not in source.splitlines()[line - 1]
    ]
    assert elsewhere == []


def test_the_search_for_commits_finds_them() -> None:
    for source in (
        "async def f(c): await c.commit()",
        "e = engine.begin()",
        "f = connection.commit",
        "c.execute('COMMIT')",
        "create_engine(url, isolation_level='X')",
        "connect(autocommit=True)",
    ):
        assert commits(source), source


def test_only_the_store_opens_an_engine() -> None:
    elsewhere = [
        name
        for name, source in sources()
        if name not in ENGINES and re.search(r"\bcreate_(async_)?engine\(|sqlite3\.connect", source)
    ]
    assert elsewhere == []


def test_a_pull_imports_no_table_class_and_no_tool_it_does_not_use() -> None:
    program = (
        "import sys\n"
        + "".join(f"import {name}\n" for name in PULL_PATH)
        + "from syncd.core.store.database import Database\n"
        + "Database('sqlite:///x.db')\n"
        + f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
