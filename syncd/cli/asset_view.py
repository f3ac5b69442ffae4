"""How a plan of assets reads: what is done at each client, what waits, and what it costs whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.billing.wording import amount
from syncd.core.store.plans import APPLICABLE, PlanBillState

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.store.plans import PlanRecord
    from syncd.sdk.records import AssetEffect, AssetPlan

SHOWN = 40
"""Most units that are printed one by one; `--json` has all of them."""


def asset_data(record: PlanRecord, *, next_commands: Sequence[str]) -> Mapping[str, Any]:
    """A plan of assets for `--json`."""
    content = _content(record)
    by_key = {bill.bill_key: bill for bill in record.bills}
    return {
        "plan": record.id,
        "kind": record.kind,
        "state": record.state,
        "period": record.plan.period,
        "currency": record.plan.currency,
        "made_at": record.plan.made_at,
        "clients": [
            {
                "client": bill.client,
                "client_name": bill.client_name,
                "state": by_key[bill.key].state,
                "held_for": by_key[bill.key].detail,
                "total_before": bill.total_before,
                "total_after": bill.total_after,
            }
            for bill in record.plan.bills
        ],
        "assets": content.planned,
        "held": content.held,
        "effects": content.effects,
        "unproven": content.unproven,
        "unchanged": content.unchanged,
        "types_kept": content.types_kept,
        "next": next_commands,
    }


def show_assets(output: Output, record: PlanRecord, *, hints: Sequence[str]) -> None:
    """Draw a plan of assets."""
    content = _content(record)
    output.say(f"plan {record.id}: assets, {record.plan.currency}\n")
    if record.plan.bills:
        _clients(output, record, content)
    if content.planned:
        rows = [
            (
                one.client_name,
                f"{one.name} ({one.connection} {one.unit})",
                one.action,
                one.remote or "",
                one.reason,
            )
            for one in content.planned[:SHOWN]
        ]
        output.say("")
        output.console.print(table("client", "unit", "action", "asset", "because", rows=rows))
        _more(output, len(content.planned))
    if content.effects:
        output.say("\nlines of recurring invoices that count these assets:")
        output.console.print(
            table(
                "client",
                "line",
                ("now", "right"),
                ("then", "right"),
                ("effect", "right"),
                "note",
                rows=[_effect(one) for one in content.effects],
            )
        )
    elif any(one.change is not None for one in content.planned):
        output.say("\nno line of a recurring invoice counts differently afterwards")
    if content.held:
        output.say("\nleft as they are until somebody says what they are:")
        for held in content.held[:SHOWN]:
            output.say(
                f"  {held.client_name}: {held.name} ({held.connection} {held.unit}): "
                f"{held.code}: {held.why}"
            )
        _more(output, len(content.held))
    if content.unproven:
        output.say(f"\nnot proven by their newest pull: {', '.join(content.unproven)}")
    kept = f", {plural(content.types_kept, 'type')} left alone" if content.types_kept else ""
    output.say(
        f"\n{plural(len(content.planned), 'asset')} planned, {len(content.held)} left, "
        f"{content.unchanged} as they should be{kept}"
    )
    for n, hint in enumerate(hints):
        output.say(f"{'next:' if n == 0 else '     '} {hint}")


def print_assets(output: Output, record: PlanRecord) -> None:
    """Print a stored plan of assets, also as data."""
    steps = asset_steps(record)
    output.emit(
        asset_data(record, next_commands=steps),
        lambda _console: show_assets(output, record, hints=steps),
    )


def asset_steps(record: PlanRecord) -> list[str]:
    """What to do with a plan of assets, as commands."""
    steps = []
    if any(bill.state is PlanBillState.HELD for bill in record.bills):
        steps.append(f'syncd plans release {record.id} --reason "..."')
    if any(bill.state in {*APPLICABLE, PlanBillState.HELD} for bill in record.bills):
        steps.append(f"syncd apply {record.id}")
    held = next((one for one in _content(record).held if one.code.startswith("ASSET_")), None)
    if held is not None:
        unit = f"{held.connection}/{held.unit}"
        steps.append(f"syncd assets --link {unit}=ASSET  (or {unit}=new)")
    return steps


def _clients(output: Output, record: PlanRecord, content: AssetPlan) -> None:
    states = {bill.bill_key: bill for bill in record.bills}
    actions: dict[str, Counter[str]] = {}
    for one in content.planned:
        actions.setdefault(one.client, Counter())[one.action] += 1
    rows = []
    for bill in record.plan.bills:
        money = None
        if bill.total_before is not None and bill.total_after is not None:
            money = bill.total_after - bill.total_before
        does = ", ".join(f"{n} {action}" for action, n in sorted(actions[bill.client].items()))
        stored = states[bill.key]
        rows.append((bill.client_name, does, signed(money), stored.state, stored.detail))
    output.console.print(table("client", "assets", ("money", "right"), "state", "why", rows=rows))


def _effect(one: AssetEffect) -> tuple[str, ...]:
    price = "?" if one.unit_price is None else amount(one.unit_price)
    before = "?" if one.before is None else f"{one.before:f} x {price}"
    after = "?" if one.after is None else f"{one.after:f} x {price}"
    name = f"{one.invoice} / {one.line}"
    return one.client_name, name, before, after, signed(one.money_effect), one.note


def _more(output: Output, total: int) -> None:
    if total > SHOWN:
        output.say(f"  and {total - SHOWN} more (`--json` shows all)")


def _content(record: PlanRecord) -> AssetPlan:
    content = record.plan.assets
    assert content is not None, "a plan of assets has its content"
    return content
