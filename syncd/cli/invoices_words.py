"""`syncd invoices release|settle|show`: a person's word on documents, and their story."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import keeper_name, open_ledger
from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import signed
from syncd.core.service.invoice_release import release_rows
from syncd.core.service.invoice_settling import Settling
from syncd.core.service.invoice_story import DocumentStory, InvoiceStory, tell_invoice

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli
    from syncd.cli.output import Output
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
                        f"{signed(row.step.effect)} {row.step.currency}",
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
            _tell(output, story, zone)

    output.emit({"invoices": [_data(story) for story in stories]}, render)


def _tell(output: Output, story: InvoiceStory, zone: ZoneInfo) -> None:
    one = story.stored.invoice
    output.say(f"{one.kind.value} {one.number} of {one.client_name}, {one.dated}")
    output.say(
        f"  the PSA shows net {one.net}, tax {one.tax}, total {one.total} {one.currency}; "
        f"due {one.due or '-'}; read {moment(story.stored.read_at, zone)}"
    )
    output.say(
        f"  finalised: {one.predicate}; owner: {one.owner.value} {one.owner_detail}".rstrip()
    )
    if one.voided:
        output.say("  the PSA voided it")
    for book, mapping in story.maps.items():
        contacts = mapping.contact_of(one.client, one.currency)
        taxes = sorted({line.tax_code for line in one.lines if not line.text_only})
        said = ", ".join(f"{t or 'none'} -> {mapping.taxes.get(t, ('?', ''))[0]}" for t in taxes)
        if contacts:
            output.say(f"  at '{book}': contact {', '.join(contacts)}; tax {said or '-'}")
    for book, row in story.planned:
        output.say(f"\n  planned for '{book}': {row.step.step.value}, {row.state.value}")
        if row.step.totals is not None:
            totals = row.step.totals
            output.say(f"    predicted net {totals.net}, tax {totals.tax}, total {totals.total}")
        for objection in row.step.objections:
            output.say(f"    {objection.code}: {objection.message}")
        for note in row.step.notes:
            output.say(f"    note: {note}")
    for document in story.documents:
        _tell_document(output, document, zone)


def _tell_document(output: Output, story: DocumentStory, zone: ZoneInfo) -> None:
    item = story.item
    state = item.state.value.replace("_", " ")
    output.say(f"\n  at '{story.ledger}': {item.number} is {state} {item.code or ''}".rstrip())
    output.say(f"    sent net {item.net}, tax {item.tax}, total {item.total} {item.currency}")
    if item.seen is not None:
        seen = item.seen
        output.say(
            f"    the books show net {seen.net}, tax {seen.tax}, total {seen.total}, "
            f"{seen.status.value}, balance {seen.balance} ({seen.remote} {seen.url})".rstrip()
        )
    for difference in story.differences:
        output.say(f"    differs: {difference}")
    for one in story.tries:
        when = moment(one.finished_at, zone)
        output.say(f"    {when} {one.what} {one.n}: {one.outcome} {one.detail}".rstrip())
    for action in story.actions:
        output.say(f"    {action.kind.replace('_', ' ')}: {action.state.value} {action.detail}")
    if not story.tries:
        output.say("    it was there before us: nothing was sent")


def _data(story: InvoiceStory) -> dict[str, Any]:
    return {
        "invoice": story.stored.invoice,
        "digest": story.stored.digest,
        "read_at": story.stored.read_at,
        "planned": [
            {"ledger": book, "plan": row.plan_id, "state": row.state.value, "step": row.step}
            for book, row in story.planned
        ],
        "documents": [
            {
                "ledger": one.ledger,
                "key": one.item.key,
                "number": one.item.number,
                "state": one.item.state.value,
                "code": one.item.code,
                "detail": one.item.detail,
                "sent": one.item.payload,
                "books": one.item.seen,
                "differences": one.differences,
                "tries": one.tries,
                "actions": [
                    {"kind": action.kind, "state": action.state.value, "detail": action.detail}
                    for action in one.actions
                ],
            }
            for one in story.documents
        ],
    }
