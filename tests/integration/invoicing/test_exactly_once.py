"""For any sequence of lost answers, crashes, restarts and retries: one live document, none lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from syncd.core.store.database import Database
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from tests.books_machine import at_most_one, run_seed
from tests.builders_intake import document

SEED = os.environ.get("SEED")
SEEDS = [int(SEED)] if SEED else list(range(int(os.environ.get("SEEDS", "500"))))
CHUNK = 25


@pytest.mark.parametrize("first", range(0, len(SEEDS), CHUNK))
async def test_an_invoice_never_has_two_live_documents_and_never_none(
    first: int, sqlite_url: str
) -> None:
    database = Database(sqlite_url)
    try:
        for seed in SEEDS[first : first + CHUNK]:
            try:
                await run_seed(database, seed)
            except BaseException:
                print(f"\nreplay it: make nightly SEED={seed}")  # noqa: T201 - for the person
                raise
    finally:
        await database.dispose()


async def test_a_seed_holds_on_either_database(database: Database) -> None:
    for seed in (3, 17):
        await run_seed(database, seed)


@pytest.mark.parametrize("field", ["marker", "number"])
def test_the_machine_notices_what_stands_twice(field: str) -> None:
    first, second = document("N1", marker="one"), document("N2", marker="two")
    at_most_one([first, second])
    pair = [msgspec.structs.replace(one, **{field: "the same"}) for one in (first, second)]
    with pytest.raises(AssertionError, match=f"one {field}"):
        at_most_one(pair)
    gone = msgspec.structs.replace(pair[1], status=EntryStatus.VOIDED)
    at_most_one([pair[0], gone])
    if field == "number":
        at_most_one([pair[0], msgspec.structs.replace(pair[1], marker="")])
        at_most_one([pair[0], msgspec.structs.replace(pair[1], kind=DocumentKind.CREDIT)])


def test_the_nightly_target_replays_the_seed_that_it_is_given() -> None:
    """What it would run, of its last lines; `-n` runs nothing."""
    told = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    found = subprocess.run(
        ["make", "-n", "nightly", "SEED=7"],
        cwd=Path(__file__).parents[3],
        env=told,
        capture_output=True,
        text=True,
        check=True,
    )
    command = found.stdout.replace("\\\n", " ").split("SEED=7 ")[1]
    assert "-n 0 " in command
    assert "tests/integration/invoicing/test_exactly_once.py" in command
