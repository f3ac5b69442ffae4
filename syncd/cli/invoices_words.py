"""`syncd invoices release|settle|show`: a person's word on documents, and their story."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from syncd.bookkeeping import keeper_name, open_ledger
from syncd.bootstrap import App
from syncd.cli.invoice_story_view import story_data, tell
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.invoicing.wording import shown
from syncd.core.service.invoice_release import release_rows
from syncd.core.service.invoice_settling import Settling
from syncd.core.service.invoice_story import tell_invoice

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.sdk.ledger_port import Ledger

UNKNOWN_EXIT = 5


async def release(cli: Cli, plan: str, *, rows: Sequence[str], reason: str, by: str | None) -> None:
    """Release held rows and print them.

    Raises:
        ReleaseRefused: no reason was given, or nothing of that is held.
        PlanNotFound: there is no such plan.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        done = await release_rows(
            app.database,
            plan,
            rows=rows,
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
        )

    def render(_console: object) -> None:
        output.console.print(
            table(
                "number",
                "client",
                ("effect", "right"),
                "was held for",
                rows=[
                    (
                        row.step.number,
                        row.step.client_name,
                        f"{shown(row.step.effect, signed=True)} {row.step.currency}",
                        ", ".join(one.code for one in row.step.objections),
                    )
                    for row in done.rows
                ],
            )
        )
        output.say(f'\nreleased by {done.by}: "{done.reason}"')
        output.say(f"next: syncd apply {done.record.id}")

    rows_data = [{"key": row.key, "number": row.step.number} for row in done.rows]
    output.emit(
        {"plan": done.record.id, "by": done.by, "reason": done.reason, "rows": rows_data}, render
    )


async def settle(
    cli: Cli, what: str, *, reason: str, give_up: bool, adopt: str, by: str | None
) -> int:
    """Settle what is in doubt and print how it stands.

    Returns:
        the exit code: 0, or 5 while it is still in doubt.

    Raises:
        NothingToSettle: nothing of this name waits for a person.
        SyncdError: see `Settling.settle`.
    """
    output = cli.output()
    async with App.start(cli.config) as app:

        def opened(name: str) -> AbstractAsyncContextManager[Ledger]:
            return open_ledger(app, name)

        settling = Settling(
            database=app.database,
            open_ledger=opened,
            clock=app.clock,
            log=app.log,
            sleep=asyncio.sleep,
        )
        done = await settling.settle(
            what, reason=reason, by=by or current_person(), give_up=give_up, adopt=adopt
        )

    def render(_console: object) -> None:
        output.say(f"{done.name} at '{done.ledger}' is {done.state.replace('_', ' ')}")
        output.say(f"  {done.message}")
        if done.state in {"pending", "unknown"}:
            output.say(
                f"next: syncd plan invoices {done.ledger}, then apply it; the daemon does both"
            )

    output.emit(done, render)
    return UNKNOWN_EXIT if done.doubtful else 0


async def show(cli: Cli, wanted: str) -> None:
    """Print the story of an invoice.

    Raises:
        NothingToExplain: nothing is known under it.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        psa = await app.connection(keeper_name(app))
        stories = await tell_invoice(
            app.database, wanted, psa=psa, ledgers=tuple(app.settings.ledgers)
        )
        zone = app.settings.timezone

    def render(_console: object) -> None:
        for story in stories:
            tell(output, story, zone)

    output.emit({"invoices": [story_data(story) for story in stories]}, render)
