"""`syncd plans`: lists and shows plans, releases what is held, settles what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.adopt import show_adoptions
from syncd.cli.apply import INVOICES
from syncd.cli.asset_view import print_assets
from syncd.cli.desk import billing_desk
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import next_steps, plan_data, signed
from syncd.cli.plan_view import show as draw
from syncd.cli.wire_view import show_links
from syncd.core.service.application import find_plan
from syncd.core.service.refusals import PlanNotFound
from syncd.core.service.release import release_plan
from syncd.core.service.settling import settle_write
from syncd.core.store.invoice_plan_history import InvoicePlanSummary, list_invoice_plans
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plan_history import PlanSummary, list_plans
from syncd.core.store.plans import PlanKind, StoredBill

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli

UNKNOWN_EXIT = 5


async def list_all(cli: Cli, *, limit: int) -> None:
    """Print plans, the newest first: of bills, then of invoices."""
    output = cli.output()
    async with App.start(cli.config) as app:
        async with app.database.reader() as conn:
            found = await list_plans(conn, limit=limit)
            of_invoices = await list_invoice_plans(conn, limit=limit)
        zone = app.settings.timezone

    def render(_console: object) -> None:
        if not found and not of_invoices:
            output.say("no plan was made yet: `syncd plan billing`")
            return
        if found:
            output.console.print(_bill_plans(found, zone))
        if of_invoices:
            output.say("\nof invoices, those that write nothing left out:" if found else "")
            output.console.print(_invoice_plans(of_invoices, zone))

    output.emit({"plans": found, "invoice_plans": of_invoices}, render)


def _bill_plans(found: Sequence[PlanSummary], zone: ZoneInfo) -> object:
    return table(
        "plan", "period", "for", "state", "made", "bills",
        rows=[
            (one.id, one.period, one.kind, one.state, moment(one.made_at, zone), _bills(one))
            for one in found
        ],
    )  # fmt: skip


def _invoice_plans(found: Sequence[InvoicePlanSummary], zone: ZoneInfo) -> object:
    return table(
        "plan", "book", "made", "by", "rows",
        rows=[
            (
                one.id,
                one.book,
                moment(one.made_at, zone),
                one.made_by or None,
                ", ".join(f"{n:,} {state}" for state, n in one.rows.items()),
            )
            for one in found
        ],
    )  # fmt: skip


async def show_plan(cli: Cli, wanted: str) -> None:
    """Print a plan with the fate of each bill.

    Raises:
        PlanNotFound: there is no such plan.
    """
    if wanted.startswith(INVOICES):
        from syncd.cli.invoice_plan import show_stored

        await show_stored(cli, wanted)
        return
    output = cli.output()
    async with App.start(cli.config) as app:
        record = await find_plan(app.database, wanted)
        if record.kind is PlanKind.ADOPTION:
            show_adoptions(output, record)
            return
        if record.kind is PlanKind.ASSETS:
            print_assets(output, record)
            return
        if record.kind is PlanKind.WIRING:
            show_links(output, record, write_links=app.settings.billing.write_links)
            return
        steps = next_steps(record)
        zone = app.settings.timezone

    def render(_console: object) -> None:
        draw(output, record, asset_type_field=None, hints=steps)
        spoken = [bill for bill in record.bills if bill.released_by]
        if spoken:
            names = {bill.key: bill.client_name for bill in record.plan.bills}
            output.say("\nreleased:")
            for bill in spoken:
                when = moment(bill.released_at, zone) if bill.released_at is not None else ""
                output.say(f"  {names[bill.bill_key]}: {_word(bill)} on {when}")

    output.emit(plan_data(record, next_commands=steps), render)


def _bills(one: PlanSummary) -> str:
    if one.kind is PlanKind.WIRING:
        return "links of recurring lines"
    return ", ".join(f"{n} {state}" for state, n in sorted(one.bills.items()))


def _word(bill: StoredBill) -> str:
    return f'"{bill.release_reason}" by {bill.released_by}'


async def release(
    cli: Cli, wanted: str, *, reason: str, clients: Sequence[str], by: str | None
) -> None:
    """Release what is held, print it.

    Raises:
        ReleaseRefused: no reason, or nothing is held there.
        PlanNotFound: there is no such plan.
        ClientUnknown: a client was named that is not exactly one.
    """
    if wanted.startswith(INVOICES):
        message = f"{wanted} is a plan of invoices, not of bills"
        raise PlanNotFound(message, remedy=f"`syncd invoices release {wanted} --why TEXT`")
    output = cli.output()
    async with App.start(cli.config) as app:
        report = await release_plan(
            app.database,
            wanted,
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
            clients=clients,
            psa_name=app.settings.billing.psa,
        )

    def render(_console: object) -> None:
        output.console.print(
            table(
                "client",
                ("writes", "right"),
                ("money", "right"),
                "was held for",
                rows=[
                    (one.client_name, one.writes, signed(one.money), one.held_for)
                    for one in report.bills
                ],
            )
        )
        output.say(f'\nreleased by {report.by}: "{report.reason}"')
        output.say(f"next: syncd apply {report.plan_id}")

    output.emit(report, render)


async def settle(cli: Cli, key: str, *, reason: str, give_up: bool, by: str | None) -> int:
    """Settle a write in doubt, print how it stands.

    Returns:
        the exit code: 0, or 5 while it is still in doubt.

    Raises:
        NothingToSettle: no write of this key waits for a person.
        SyncdError: see `settle_write`.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        async with desk.open_psa() as psa:
            settled = await settle_write(
                app.database,
                key,
                psa=psa,
                psa_connection=desk.psa_connection,
                reason=reason,
                by=by or current_person(),
                give_up=give_up,
                clock=app.clock,
                log=app.log,
            )

    def render(_console: object) -> None:
        about = f"{settled.client_name}, {settled.period}, '{settled.line_name}'"
        output.say(f"{about}: {settled.state.replace('_', ' ')}: {settled.message}")
        if settled.state is OutboxState.PENDING:
            output.say("next: syncd apply latest  (sends it again)")
        elif settled.state is OutboxState.REJECTED:
            output.say(f"next: syncd plan billing --period {settled.period}")

    output.emit(settled, render)
    return UNKNOWN_EXIT if settled.state is OutboxState.NEEDS_REVIEW else 0
