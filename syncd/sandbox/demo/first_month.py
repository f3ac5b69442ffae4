"""November: from fresh credentials to the first bills, then one client billed by hand."""

from __future__ import annotations

from syncd.sandbox.demo.cast import (
    BACKUP,
    BY_HAND,
    FIRST_OF_DECEMBER,
    HELD,
    MID_DECEMBER,
    NOVEMBER_EVENING,
    PSA_CONNECTOR,
    SOURCE,
)
from syncd.sandbox.demo.files import (
    BACKUPS,
    DEVICES,
    Row,
    configuration_rows,
    fill,
    product_rows,
    rate_rows,
    write,
)
from syncd.sandbox.demo.stage import Stage


def play(stage: Stage) -> None:
    """The acts of the first month in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _credentials(stage)
    _counts(stage)
    _decisions(stage)
    _first_plan(stage)
    _first_bills(stage)
    _nothing_twice(stage)
    _by_hand(stage)


def _credentials(stage: Stage) -> None:
    stage.step("Check", "Are the credentials good, and which rights are missing? Read-only.")
    stage.move_to(NOVEMBER_EVENING)
    stage.run("check")


def _counts(stage: Stage) -> None:
    stage.step(
        "Pull",
        "Read every device and every backup once. A read that cannot be proven changes nothing.",
    )
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
    stage.say("asset types, a configuration in each mode for devices and for backups, and prices")
    for sheet, rows in (
        ("products", [*product_rows(SOURCE, DEVICES), *product_rows(BACKUP, BACKUPS)]),
        (
            "configurations",
            [*configuration_rows(SOURCE, DEVICES), *configuration_rows(BACKUP, BACKUPS)],
        ),
        (
            "rates",
            [
                *rate_rows(SOURCE, DEVICES, valid_from="2026-11-01"),
                *rate_rows(BACKUP, BACKUPS, valid_from="2026-11-01"),
            ],
        ),
    ):
        write(stage.folder / f"{sheet}.csv", rows)
        stage.run("map", sheet, "--import", f"{sheet}.csv")
    billing = stage.folder / "billing.csv"
    stage.run("map", "billing", "--export", billing.name, quiet=True)
    fill(billing, _billed_by_hand)
    stage.say(f"{BY_HAND} wants its bills by hand, not by the clock (billing.csv)")
    stage.run("map", "billing", "--import", billing.name)
    stage.run("map", "unmapped")


def _confirm(stage: Stage, row: Row) -> Row:
    """What a person would write into the empty rows: the two clients of one name told apart."""
    if row["client"]:
        return row
    world = stage.world_client_of(row)
    return row if world is None else {**row, "client": str(1000 + world.id)}


def _billed_by_hand(row: Row) -> Row:
    return {**row, "automatic": "no"} if row["account_name"] == BY_HAND else row


def _first_plan(stage: Stage) -> None:
    stage.step(
        "Plan",
        "November is over. What would be written, and what does it change in money?\n"
        "First bills are always held: a person looks at them once. The console knows what a month\n"
        "came to only when it is over, so it is read once more.",
    )
    stage.move_to(FIRST_OF_DECEMBER)
    stage.run("pull", BACKUP)
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
    stage.claim_no_duplicates(PSA_CONNECTOR)


def _nothing_twice(stage: Stage) -> None:
    stage.step("Again", "The same month once more: a second run must not write anything.")
    before = stage.statistics(PSA_CONNECTOR)["writes"]
    stage.run("pull")
    stage.run("plan", "billing")
    stage.run("apply", "latest")
    after = stage.statistics(PSA_CONNECTOR)["writes"]
    stage.claim(after == before, f"write calls before {before}, after {after}: nothing was written")


def _by_hand(stage: Stage) -> None:
    stage.step(
        "A bill by hand",
        f"{BY_HAND} asks in mid-December what it owes. November is brought up to date, and the\n"
        "running month stands beside it in records of its own, which bill nothing.",
    )
    stage.move_to(MID_DECEMBER)
    stage.run("pull")
    stage.run("bill", "send", BY_HAND, "--yes")
    stage.claim_no_duplicates(PSA_CONNECTOR)
