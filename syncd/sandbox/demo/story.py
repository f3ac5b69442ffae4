"""The month end that the demonstration plays, act by act, with claims that are checked."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.demo import first_month, second_month
from syncd.sandbox.demo.files import read
from syncd.sandbox.demo.stage import Stage


def play(stage: Stage) -> None:
    """All acts in order.

    Raises:
        ClaimFailed: something the demonstration says is not true.
    """
    first_month.play(stage)
    second_month.play(stage)
    _at_a_glance(stage)


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
            if stage.world_client_of(row) is not None
        ),
        "every account but the MSP's own is linked to a client",
    )
