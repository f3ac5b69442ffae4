"""December: the daemon bills by itself in the night, and what it held is released with a reason."""

from __future__ import annotations

from syncd.sandbox.demo import books, seats
from syncd.sandbox.demo.cast import (
    BACKUP,
    BOOKED,
    BY_HAND,
    DECEMBER_EVENING,
    FIRST_OF_JANUARY,
    JANUARY_NIGHT,
    PSA_CONNECTOR,
)
from syncd.sandbox.demo.overnight import Event
from syncd.sandbox.demo.stage import Stage


def play(stage: Stage) -> None:
    """The acts of the second month in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _month_end(stage)
    _night(stage)
    _morning(stage)
    books.paid(stage)
    _explanation(stage)
    _margin(stage)


def _month_end(stage: Stage) -> None:
    stage.step(
        "A month later",
        "Laptops arrived at Acme Corp and Oakfield, two left Quayside Legal, and Harbour Street\n"
        "Bakery has no device left.",
    )
    stage.move_to(DECEMBER_EVENING)
    stage.run("pull")


def _night(stage: Stage) -> None:
    stage.step(
        "The night of the first",
        "The daemon bills December by itself. The PSA takes its first write and the connection\n"
        "breaks before it answers. Nobody knows what happened, so the record is looked up; it is\n"
        "never sent again blind. Growth passes; the fall to zero waits for a person.",
    )
    stage.move_to(JANUARY_NIGHT)
    stage.break_next(
        PSA_CONNECTOR,
        [{"action": "cut_after", "method": "POST", "path": "(?i)/softwarelicence", "count": 1}],
    )
    done: set[str] = set()
    events = stage.night(until=lambda event: _all_done(event, done))
    stage.break_next(PSA_CONNECTOR, [])
    names = [event.get("event") for event in events]
    stage.claim("change.unknown" in names, "the answer to a write was lost")
    stage.claim("change.resolved" in names, "what became of it was looked up")
    stage.claim_no_duplicates(PSA_CONNECTOR)


def _all_done(event: Event, done: set[str]) -> bool:
    """Whether bills are made and every book had its turn."""
    if event.get("event") == "run.finished":
        done.add(f"{event.get('kind')} of {event.get('connection')}")
    return done >= {"bill of billing", *(f"books of {book}" for book in BOOKED)}


def _morning(stage: Stage) -> None:
    stage.step(
        "The morning after", "What waits for a person, and why? It is released with a reason."
    )
    stage.move_to(FIRST_OF_JANUARY)
    # The night ends with the bills, and may end before every source was read in the new month.
    stage.run("pull", BACKUP, quiet=True)
    stage.run("issues", "--code", "PLAN_HELD")
    stage.run(
        "plans", "release", "latest", "--reason", "the bakery closed its office on 18 December"
    )
    stage.run("apply", "latest")
    stage.say(f"{BY_HAND} is billed by hand: its running month has become the month before")
    stage.run("bill", "send", BY_HAND, "--yes")
    stage.claim_no_duplicates(PSA_CONNECTOR)


def _explanation(stage: Stage) -> None:
    stage.step("Explain", "Why is that number what it is? Down to the device.")
    stage.run("explain", "Acme Corp", "device:workstation", "2026-12")
    stage.run("explain", "Hartley & Sons Ltd", "storage:all", "2026-12")
    stage.say("the same as files for the client, without cost")
    stage.run("explain", "Acme Corp", "--period", "2026-12", "--csv", "acme-2026-12")


def _margin(stage: Stage) -> None:
    stage.step("Margin", "What was earned, whom is it earned with, and what is billed nowhere?")
    stage.run("margin", "2026-12")
    seats.leak(stage, "2026-12")
