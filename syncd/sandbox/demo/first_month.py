"""November: from fresh credentials to the first bills, then one client billed by hand."""

from __future__ import annotations

from syncd.sandbox.demo import books, going_live, late_device, seats
from syncd.sandbox.demo.cast import (
    BACKUP,
    BY_HAND,
    HIDDEN,
    MID_DECEMBER,
    NOVEMBER_AFTERNOON,
    NOVEMBER_EVENING,
    PSA_CONNECTOR,
    QUICKBOOKS,
    SOURCE,
    USED,
)
from syncd.sandbox.demo.files import (
    BACKUPS,
    DEVICES,
    SEATS,
    Row,
    configuration_rows,
    fill,
    product_rows,
    rate_rows,
    write,
)
from syncd.sandbox.demo.stage import Stage

FIRST_DAY = "2026-11-01"


def play(stage: Stage) -> None:
    """The acts of the first month in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _credentials(stage)
    _counts(stage)
    _decisions(stage)
    seats.ends_soon(stage)
    going_live.play(stage)
    _nothing_twice(stage)
    late_device.play(stage)
    books.play(stage)
    _by_hand(stage)
    seats.side_by_side(stage)


def _credentials(stage: Stage) -> None:
    stage.step(
        "Sign in and check",
        "QuickBooks wants a person's consent; the others work with credentials of their own. Are\n"
        "they good, and which rights are missing? Read-only.",
    )
    stage.move_to(NOVEMBER_AFTERNOON)
    stage.sign_in(QUICKBOOKS)
    stage.run("check")


def _counts(stage: Stage) -> None:
    stage.step(
        "Pull",
        "Read every device, backup and seat once. A read that cannot be proven changes nothing.",
    )
    stage.run("pull")
    stage.say("the same again in the evening, as every few hours; it counts for the month")
    stage.move_to(NOVEMBER_EVENING)
    stage.hide(HIDDEN)
    stage.run("pull", SOURCE)
    stage.hide()


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
    stage.say("asset types, prices, and a configuration in each mode for devices and for backups;")
    stage.say("of a suite's seats those bill that are assigned or bought, whichever are more")
    sold = ((SOURCE, DEVICES), (BACKUP, BACKUPS), (USED, SEATS))
    for sheet, rows in (
        ("products", [row for name, offer in sold for row in product_rows(name, offer)]),
        (
            "configurations",
            [row for name, offer in sold for row in configuration_rows(name, offer)],
        ),
        (
            "rates",
            [row for name, offer in sold for row in rate_rows(name, offer, valid_from=FIRST_DAY)],
        ),
    ):
        write(stage.folder / f"{sheet}.csv", rows)
        stage.run("map", sheet, "--import", f"{sheet}.csv")
    billing = stage.folder / "billing.csv"
    stage.run("map", "billing", "--export", billing.name, quiet=True)
    fill(billing, _billed_by_hand)
    stage.say(f"{BY_HAND} wants its bills by hand, not by the clock (billing.csv)")
    stage.run("map", "billing", "--import", billing.name)


def _confirm(stage: Stage, row: Row) -> Row:
    """What a person would write into the empty rows: the two clients of one name told apart."""
    if row["client"]:
        return row
    world = stage.world_client_of(row)
    return row if world is None else {**row, "client": str(1000 + world.id)}


def _billed_by_hand(row: Row) -> Row:
    return {**row, "automatic": "no"} if row["account_name"] == BY_HAND else row


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
    books.pay(stage)
    stage.run("pull")
    stage.run("bill", "send", BY_HAND, "--yes")
    stage.claim_no_duplicates(PSA_CONNECTOR)
