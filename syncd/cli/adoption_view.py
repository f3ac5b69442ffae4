"""How adoptions read: what fits a line and why, what is never adopted, and the plan of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncd.cli.output import table
from syncd.cli.plan_view import plural
from syncd.core.billing.wording import amount
from syncd.core.service.adoption_plan import basis_of, worth

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.billing.adoption import AdoptionProposal
    from syncd.core.service.adoption import Adoptable, AdoptionView
    from syncd.core.store.plans import PlanRecord

_SHOWN = 60


def view_data(view: AdoptionView) -> dict[str, Any]:
    """The proposals for `--json`."""
    proposals = {one.line.key: one for one in view.proposals}
    return {
        "period": str(view.period),
        "currency": view.currency,
        "lines": [_data(line, proposals.get(key)) for key, line in view.lines.items()],
        "untouchable": view.untouchable,
        "stopped": view.stopped,
    }


def show_view(output: Output, view: AdoptionView) -> None:
    """Draw what could be adopted."""
    output.say(
        f"lines of {view.period} without a record in the PSA: {len(view.lines):,}; "
        f"units and money in {view.currency}: ours / the record's\n"
    )
    proposals = {one.line.key: one for one in view.proposals}
    rows = [_row(line, proposals.get(key)) for key, line in view.lines.items()]
    if rows:
        output.console.print(
            table(
                "client",
                "line",
                "record",
                ("units", "right"),
                ("money", "right"),
                "evidence",
                rows=rows[:_SHOWN],
            )
        )
    if len(rows) > _SHOWN:
        output.say(f"and {len(rows) - _SHOWN:,} more; `--json` or `--export FILE` show all")
    for title, told in (
        ("never adopted", view.untouchable),
        ("lines not known, so nothing is proposed", view.stopped),
    ):
        if told:
            output.say(f"\n{title}:")
            for sentence in told[:_SHOWN]:
                output.say(f"  {sentence}")
    output.say(f"\n{summary(view)}")


def summary(view: AdoptionView) -> str:
    """How many lines have a certain record, a likely one, several, or none."""
    certain = sum(one.certain for one in view.proposals)
    several = sum(one.record is None for one in view.proposals)
    likely = len(view.proposals) - certain - several
    return (
        f"{certain:,} certain, {likely:,} by looks, {several:,} ambiguous, "
        f"{len(view.lines) - len(view.proposals):,} without a candidate"
    )


def show_plan(output: Output, record: PlanRecord, steps: Sequence[str]) -> None:
    """Draw a plan of adoptions."""
    output.say(f"plan {record.id}: {plural(len(record.bills), 'record')} to adopt\n")
    output.console.print(
        table("client", "line", "record", "state", "evidence", rows=list(_planned(record)))
    )
    output.say("\nonly our key is written; id, price, units and links of the records stay")
    for n, step in enumerate(steps):
        output.say(f"{'next:' if n == 0 else '     '} {step}")


def _planned(record: PlanRecord) -> Iterator[Sequence[object]]:
    bills = {bill.key: bill for bill in record.plan.bills}
    for stored in record.bills:
        basis, bill = basis_of(stored.basis), bills[stored.bill_key]
        state = stored.state.value + (f": {stored.detail}" if stored.detail else "")
        title = f"{basis.seen.key} {basis.seen.name}"
        yield bill.client_name, bill.changes[0].line_name, title, state, basis.evidence


def _row(line: Adoptable, proposal: AdoptionProposal | None) -> Sequence[object]:
    record = proposal.record if proposal is not None else None
    evidence = "nothing fits"
    if proposal is not None:
        evidence = f"{proposal.ground}: {proposal.evidence}"
        if record is not None and record.marker not in {None, line.open.marker}:
            evidence += f"; our key replaces '{record.marker}'"
    return (
        f"{line.client_name} ({line.open.client})",
        line.line.name,
        "" if record is None else f"{record.key} {record.name}",
        f"{line.open.units:,}" + ("" if record is None else f" / {record.quantity:,}"),
        _money(line.line.total_price)
        + ("" if record is None else f" / {_money(worth(record.unit_price, record.quantity))}"),
        evidence,
    )


def _money(value: Decimal | None) -> str:
    return "?" if value is None else amount(value)


def _data(line: Adoptable, proposal: AdoptionProposal | None) -> dict[str, Any]:
    record = proposal.record if proposal is not None else None
    return {
        "key": line.key,
        "client": line.open.client,
        "client_name": line.client_name,
        "connection": line.connection,
        "account": line.account,
        "line": line.line.key,
        "line_name": line.line.name,
        "units": line.open.units,
        "unit_price": line.open.unit_price,
        "money": line.line.total_price,
        "ground": None if proposal is None else proposal.ground.value,
        "certain": proposal is not None and proposal.certain,
        "evidence": "" if proposal is None else proposal.evidence,
        "record": None
        if record is None
        else {
            "id": record.key,
            "name": record.name,
            "units": record.quantity,
            "unit_price": record.unit_price,
            "money": worth(record.unit_price, record.quantity),
            "replaces": record.marker if record.marker != line.open.marker else None,
        },
        "rivals": [] if proposal is None else [one.key for one in proposal.rivals],
    }
