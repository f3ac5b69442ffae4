"""`syncd apply` of a plan of invoices: posts documents and says what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd.bookkeeping import keeper_name, open_keeper, open_ledger, rules_of
from syncd.bootstrap import App
from syncd.cli.invoice_plan import release_steps
from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.core.invoicing.wording import shown
from syncd.core.service.invoice_apply import AppliedInvoices, apply_invoices, find_invoice_plan
from syncd.core.service.refusals import PlanStale
from syncd.core.service.runs import run
from syncd.core.store.ledger_documents import DocumentItem, documents_of_plan

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output


async def apply_plan_of_invoices(cli: Cli, wanted: str, *, dry_run: bool) -> int:
    """Apply, print.

    Returns:
        the exit code of what became of it; see `AppliedInvoices.exit_code`.

    Raises:
        SyncdError: see `apply_invoices`.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        record = await find_invoice_plan(app.database, wanted)
        names = {(await app.connection(one)).id: one for one in app.settings.ledgers}
        name = names.get(record.ledger_id)
        if name is None:
            message = f"the book of plan {record.id} is not configured any more"
            raise PlanStale(message, remedy="add its table [invoices.NAME] again, then plan anew")
        rules_of(app, name)
        connection = await app.connection(name)
        psa = await app.connection(keeper_name(app))
        async with (
            run(
                app.database,
                subject=name,
                kind="apply invoices",
                scheduled_for=None,
                clock=app.clock,
                log=app.log,
                node=app.node,
                report=app.report,
            ) as handle,
            open_ledger(app, name) as ledger,
            open_keeper(app) as keeper,
        ):
            with output.progress("posting", "documents settled") as progress:
                applied = await apply_invoices(
                    app.database,
                    record.id,
                    ledger=ledger,
                    ledger_connection=connection,
                    keeper=keeper,
                    psa_connection=psa,
                    max_age_days=app.settings.billing.plan_max_age_days,
                    clock=app.clock,
                    log=app.log,
                    dry_run=dry_run,
                    progress=progress,
                )
            applied.conclude(handle)
        async with app.database.reader() as conn:
            documents = await documents_of_plan(conn, record.id)
    output.emit(
        _data(name, applied, documents, dry_run=dry_run),
        lambda _console: _show(output, name, applied, documents, dry_run=dry_run),
    )
    return applied.exit_code


def _data(
    book: str, applied: AppliedInvoices, documents: list[DocumentItem], *, dry_run: bool
) -> dict[str, Any]:
    done = applied.delivered
    stopped = done.stopped_by if done is not None else None
    return {
        "plan": applied.record.id,
        "ledger": book,
        "dry_run": dry_run,
        "queued": [row.key for row in (*applied.queued.documents, *applied.queued.actions)],
        "stale": [{"row": row.key, "why": why} for row, why in applied.queued.stale],
        "waiting": [{"row": row.key, "why": why} for row, why in applied.queued.waiting],
        "held": applied.held,
        "documents": [
            {
                "number": item.number,
                "client": item.client_name,
                "state": item.state.value,
                "total": str(item.total),
                "currency": item.currency,
                "remote": item.remote,
                "url": item.seen.url if item.seen is not None else "",
                "code": item.code,
                "detail": item.detail,
            }
            for item in documents
        ],
        "posted": None
        if done is None
        else {
            "confirmed": done.documents.confirmed,
            "found_after_a_lost_answer": done.documents.found,
            "differing": done.documents.differing,
            "refused": done.documents.refused,
            "parked": done.documents.parked,
            "waiting": done.waiting,
            "write_calls": done.documents.calls,
            "lookups": done.documents.lookups,
            "told_to_psa": done.psa.delivered,
        },
        "stopped": None
        if stopped is None
        else {"code": stopped.code, "message": str(stopped), "remedy": stopped.remedy},
        "exit_code": applied.exit_code,
    }


def _show(
    output: Output,
    book: str,
    applied: AppliedInvoices,
    documents: list[DocumentItem],
    *,
    dry_run: bool,
) -> None:
    plan = applied.record.id
    if dry_run:
        n = len(applied.queued.documents)
        output.say(f"plan {plan}: {plural(n, 'row')} would be written to '{book}' (dry run)")
        return
    output.say(f"plan {plan} applied to '{book}'\n")
    if documents:
        output.console.print(
            table(
                "number",
                "client",
                ("total", "right"),
                "state",
                "in the books",
                "detail",
                rows=[
                    (
                        item.number,
                        item.client_name,
                        f"{shown(item.total)} {item.currency}",
                        item.state.value.replace("_", " "),
                        item.remote or "-",
                        item.detail,
                    )
                    for item in documents
                ],
            )
        )
    if applied.queued.waiting:
        n, why = len(applied.queued.waiting), applied.queued.waiting[0][1]
        output.warn(f"{plural(n, 'row')} wait: {why}", "`syncd invoices read`")
    for row, why in applied.queued.stale:
        output.warn(f"{row.step.number} was left: {why}", f"`syncd plan invoices {book}`")
    done = applied.delivered
    if done is not None:
        posted = done.documents
        output.say(
            f"\n{plural(posted.confirmed, 'document')} confirmed, "
            f"{plural(posted.calls, 'write call')} made, {posted.found} found after a lost answer, "
            f"{plural(done.psa.delivered, 'invoice')} marked in the PSA"
        )
        if done.stopped_by is not None:
            output.warn(str(done.stopped_by), done.stopped_by.remedy)
        if done.waiting:
            output.say(f"next: syncd apply {plan}  (goes on with what is not settled)")
        if done.refused:
            output.say("next: syncd issues")
    for step in release_steps(applied.record):
        output.say(f"next: {step}")
