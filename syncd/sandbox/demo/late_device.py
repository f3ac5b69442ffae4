"""A read that was complete and wrong: found the day after, corrected, and the month sealed."""

from __future__ import annotations

from syncd.sandbox.demo.cast import HIDDEN, SECOND_OF_DECEMBER, SOURCE
from syncd.sandbox.demo.going_live import NOVEMBER
from syncd.sandbox.demo.stage import Stage


def play(stage: Stage) -> None:
    """The acts in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    _found(stage)
    _corrected(stage)
    _sealed(stage)


def _found(stage: Stage) -> None:
    stage.step(
        "A late device",
        f"A technician finds that {HIDDEN} was hidden from our login on the last evening of\n"
        "November. The bill is sent and final. The pull is voided, with a reason; the bill stays\n"
        "as it is, and what it should have said becomes a proposal with its money.",
    )
    stage.move_to(SECOND_OF_DECEMBER)
    wrong = max(one["seq"] for one in stage.read("pulls", "list", SOURCE) if _is_of_november(one))
    stage.run("pulls", "void", SOURCE, str(wrong), "--reason", "a group was hidden from our login")
    stage.run("plan", "billing", "--client", "Acme Corp", quiet=True)
    stage.run("corrections", "list")


def _is_of_november(pull: dict[str, str]) -> bool:
    return pull["taken_at"] < "2026-12-01"


def _corrected(stage: Stage) -> None:
    stage.step("Correct", "It is accepted: a line of its own on the next bill, with its reason.")
    proposed = stage.read("corrections", "list")["corrections"]
    stage.claim(len(proposed) == 1, "one bill would have been different, and only that one")
    stage.run(
        "corrections",
        "accept",
        str(proposed[0]["id"]),
        "--reason",
        "the device was there all month",
    )


def _sealed(stage: Stage) -> None:
    stage.step(
        "The page of the month",
        "What was sent, what waits, why is the total not that of last month, and what is next?",
    )
    stage.run("month", NOVEMBER)
    stage.run("month", "close", NOVEMBER, "--reason", "invoices compared", quiet=True)
    page = stage.read("month", NOVEMBER)
    stage.claim(bool(page["closed_by"]), "November is sealed: nothing of it is written any more")
