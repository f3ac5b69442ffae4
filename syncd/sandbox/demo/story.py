"""The month end that the demonstration plays, act by act, with claims that are checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from syncd.sandbox.demo.files import (
    Row,
    configuration_rows,
    fill,
    product_rows,
    rate_rows,
    read,
    write,
)
from syncd.sandbox.demo.stage import Stage

SOURCE, PSA = "ninja", "halo"
SOURCE_CONNECTOR, PSA_CONNECTOR = "ninjaone", "halopsa"

NOVEMBER_EVENING = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DECEMBER_EVENING = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
FIRST_OF_JANUARY = datetime(2027, 1, 1, 9, 0, tzinfo=UTC)
SETTINGS = {SOURCE_CONNECTOR: {"internal_organisations": ["Bluebird IT (internal)"]}}
"""The MSP's own devices are counted, excluded and never billed."""

HELD = 3


def play(stage: Stage) -> None:
    """All acts in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _credentials(stage)
    _counts(stage)
    _decisions(stage)
    _first_plan(stage)
    _first_bills(stage)
    _nothing_twice(stage)
    _next_month(stage)
    _lost_answer(stage)
    _explanation(stage)
    _at_a_glance(stage)


def _credentials(stage: Stage) -> None:
    stage.step("Check", "Are the credentials good, and which rights are missing? Read-only.")
    stage.move_to(NOVEMBER_EVENING)
    stage.run("check")


def _counts(stage: Stage) -> None:
    stage.step("Pull", "Read every device once. A read that cannot be proven changes nothing.")
    stage.run("pull")


def _decisions(stage: Stage) -> None:
    stage.step(
        "Map",
        "Which account is which client, which product which asset type, and at what price?\n"
        "An id proof is accepted at once; a name is only a proposal that a person confirms.",
    )
    stage.run("map", "refresh")
    stage.run("map", "propose", "--accept-ids")
    links = stage.folder / "links.csv"
    stage.run("map", "links", "--export", links.name, quiet=True)
    confirmed = fill(links, lambda row: _confirm(stage, row))
    stage.say(f"{confirmed} more links confirmed in a spreadsheet (links.csv)")
    stage.run("map", "links", "--import", links.name)
    stage.say("asset types, three billing configurations and prices come from spreadsheets too")
    for sheet, rows in (
        ("products", product_rows(SOURCE)),
        ("configurations", configuration_rows(SOURCE)),
        ("rates", rate_rows(SOURCE, valid_from="2026-11-01")),
    ):
        write(stage.folder / f"{sheet}.csv", rows)
        stage.run("map", sheet, "--import", f"{sheet}.csv")
    stage.run("map", "unmapped")


def _confirm(stage: Stage, row: Row) -> Row:
    """What a person would write into the empty rows: the two clients of one name told apart."""
    if row["client"]:
        return row
    world = stage.world_client_of(row["account"])
    if world is None or world.internal:
        return row
    return {**row, "client": str(1000 + world.id)}


def _first_plan(stage: Stage) -> None:
    stage.step(
        "Plan",
        "November is over. What would be written, and what does it change in money?\n"
        "First bills are always held: a person looks at them once.",
    )
    stage.move_to(FIRST_OF_DECEMBER)
    stage.run("plan", "billing", expect=HELD)


def _first_bills(stage: Stage) -> None:
    stage.step("Release and apply", "The plan was read; now it is released with a reason and sent.")
    stage.run("apply", "latest", expect=HELD)
    stage.claim(
        stage.statistics(PSA_CONNECTOR)["writes"] == 0, "while everything is held, nothing is sent"
    )
    stage.run("plans", "release", "latest", "--reason", "first month, compared with the invoices")
    stage.run("apply", "latest")
    stage.claim(stage.statistics(PSA_CONNECTOR)["writes"] > 0, "the subscriptions were written")
    _no_duplicates(stage)


def _nothing_twice(stage: Stage) -> None:
    stage.step("Again", "The same month once more: a second run must not write anything.")
    before = stage.statistics(PSA_CONNECTOR)["writes"]
    stage.run("pull")
    stage.run("plan", "billing")
    stage.run("apply", "latest")
    after = stage.statistics(PSA_CONNECTOR)["writes"]
    stage.claim(after == before, f"write calls before {before}, after {after}: nothing was written")


def _next_month(stage: Stage) -> None:
    stage.step(
        "A month later",
        "Laptops arrived at Acme Corp and Oakfield, two left Quayside Legal, and Harbour Street\n"
        "Bakery has no device left. Growth passes; the fall to zero waits for a person.",
    )
    stage.move_to(DECEMBER_EVENING)
    stage.run("pull")
    stage.move_to(FIRST_OF_JANUARY)
    stage.run("plan", "billing", expect=HELD)


def _lost_answer(stage: Stage) -> None:
    stage.step(
        "A lost answer",
        "The PSA takes the first write and the connection breaks before it answers. Nobody knows\n"
        "what happened, so the record is looked up; it is never sent again blind.",
    )
    stage.break_next(
        PSA_CONNECTOR,
        [{"action": "cut_after", "method": "POST", "path": "(?i)/softwarelicence", "count": 1}],
    )
    stage.run("apply", "latest", expect=HELD)
    stage.break_next(PSA_CONNECTOR, [])
    _no_duplicates(stage)
    stage.run("issues")
    stage.run(
        "plans", "release", "latest", "--reason", "the bakery closed its office on 18 December"
    )
    stage.run("apply", "latest")


def _explanation(stage: Stage) -> None:
    stage.step("Explain", "Why is that number what it is? Down to the device.")
    stage.run("explain", "Acme Corp", "device:workstation")


def _at_a_glance(stage: Stage) -> None:
    stage.step("Status", "What is fresh, what ran, what needs a person?")
    stage.run("status")
    found: list[dict[str, Any]] = stage.read("issues")
    waiting = [one for one in found if one["code"] in {"OUTCOME_UNKNOWN", "DUPLICATE_IN_PSA"}]
    stage.claim(not waiting, "no write is left in doubt")
    stage.claim(
        all(
            row["client"]
            for row in read(stage.folder / "links.csv")
            if "internal" not in row["account_name"].lower()
        ),
        "every account but the MSP's own is linked to a client",
    )


def _no_duplicates(stage: Stage) -> None:
    markers = stage.psa_markers(PSA_CONNECTOR)
    stage.claim(
        len(markers) == len(set(markers)),
        f"{len(markers)} records at the PSA carry our key, each key once",
    )
