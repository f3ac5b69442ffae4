"""How a plan reads: the changes with their money, what waits and why, and what to do next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.cli.output import table
from syncd.cli.plan_wiring import NOT_LINKED, billed_by, not_linked_money, unlinked, wired_lines
from syncd.codes import CODES
from syncd.core.billing.wording import amount
from syncd.core.service.plan_issues import ERRORS, money_of
from syncd.core.store.plans import PlanBillState, PlanRecord, StoredBill
from syncd.sdk.records import LineState, Objection, PlannedBill, PlannedChange, Severity

if TYPE_CHECKING:
    from syncd.cli.output import Output

_NAMED = 5
_MOST_WARNINGS = 12


def plan_data(
    record: PlanRecord, *, next_commands: Sequence[str], **more: Any
) -> Mapping[str, Any]:
    """A plan for `--json`."""
    fates = {bill.bill_key: bill for bill in record.bills}
    return {
        "plan": record.id,
        "kind": record.kind,
        "state": record.state,
        "period": record.plan.period,
        "currency": record.plan.currency,
        "made_at": record.plan.made_at,
        **more,
        "bills": [_bill_data(bill, fates[bill.key]) for bill in record.plan.bills],
        "objections": record.objections,
        "totals": totals(record),
        "next": next_commands,
    }


def totals(record: PlanRecord) -> dict[str, Any]:
    """Money of the whole plan as far as it is known, and how many bills stand how."""
    bills = [bill for bill in record.plan.bills if not bill.errors]
    before = _sum(bill.total_before for bill in bills if bill.total_after is not None)
    after = _sum(bill.total_after for bill in bills)
    counts: dict[str, int] = {}
    for stored in record.bills:
        counts[stored.state.value] = counts.get(stored.state.value, 0) + 1
    compared = {one.bill_key for one in record.bills if one.state is PlanBillState.SHADOW}
    return {
        "before": before,
        "after": after,
        "effect": after - before,
        "shadow": _sum(
            bill.total_after - (bill.total_before or 0)
            for bill in bills
            if bill.key in compared and bill.total_after is not None
        ),
        "changes": sum(len(bill.changes) for bill in bills),
        "not_linked": _sum(money for bill in bills for money in not_linked_money(bill)),
        "bills": counts,
    }


def show(
    output: Output, record: PlanRecord, *, asset_type_field: str | None, hints: Sequence[str]
) -> None:
    """Draw a plan."""
    currency = record.plan.currency
    output.say(f"plan {record.id}: bills of {record.plan.period} in {currency}\n")
    fates = {bill.bill_key: bill for bill in record.bills}
    quiet = {
        change.key
        for bill in record.plan.bills
        if fates[bill.key].state is not PlanBillState.HELD
        for change in bill.changes
        if _same_figures(change)
    }
    rows = [row for bill in record.plan.bills for row in _rows(bill, fates[bill.key], quiet)]
    drawn = {one.key for bill in record.plan.bills for one in bill.changes} - quiet
    if rows:
        output.console.print(
            table(
                "client",
                "line",
                ("units", "right"),
                ("price", "right"),
                ("effect", "right"),
                "billed by",
                "why",
                rows=rows,
            )
        )
    elif not quiet:
        output.say("nothing is to be written: the PSA says what was counted")
    if quiet:
        output.say(
            f"\n{plural(len(quiet), 'line')} with the figures of the month before: only the period "
            f"becomes {record.plan.period}"
        )
    for title, lines in (
        ("made under an agreement", list(_agreements(record))),
        ("held, until a person releases it", list(_held(record))),
        ("in shadow, computed and never sent", list(_shadow(record))),
        ("stopped", list(_stopped(record))),
        ("worth a look", list(_warnings(record))),
        ("billed by no recurring line (`syncd wire` proposes one)", _few(unlinked(record, drawn))),
    ):
        if lines:
            output.say(f"\n{title}:")
            for line in lines:
                output.say(f"  {line}")
    output.say(f"\n{_summary(record)}")
    if asset_type_field and any(bill.changes for bill in record.plan.bills):
        output.say(f"the asset type goes into the PSA's field `{asset_type_field}`")
    for n, hint in enumerate(hints):
        output.say(f"{'next:' if n == 0 else '     '} {hint}")


def next_steps(record: PlanRecord) -> list[str]:
    """What to do with a plan, as commands."""
    states = {bill.state for bill in record.bills}
    steps = []
    if PlanBillState.ERROR in states:
        steps.append("syncd issues")
    if PlanBillState.HELD in states:
        steps.append(f'syncd plans release {record.id} --reason "what was looked at"')
    if states & {PlanBillState.HELD, PlanBillState.READY, PlanBillState.RELEASED}:
        steps.append(f"syncd apply {record.id}")
    elif PlanBillState.UNCHANGED in states:
        steps.append(f"syncd apply {record.id}  (writes nothing to the PSA, closes the month here)")
    if PlanBillState.SHADOW in states:
        steps.append(f"syncd shadow {record.plan.period}  (what is in shadow, beside the PSA)")
    return steps


def signed(amount: Decimal | None) -> str:
    """The amount with its sign; a question mark where it is not known."""
    return "?" if amount is None else f"{amount:+,}"


def _bill_data(bill: PlannedBill, stored: StoredBill) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(bill, builtin_types=(Decimal,)),
        "state": stored.state,
        "lines": wired_lines(bill, stored),
        "detail": stored.detail,
        "money_effect": money_of(bill),
        "released_by": stored.released_by or None,
        "release_reason": stored.release_reason or None,
        "released_at": stored.released_at,
        "applied_at": stored.applied_at,
    }


def plural(count: int, noun: str) -> str:
    """`1 line`, `1,200 lines`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _same_figures(change: PlannedChange) -> bool:
    """The record stays as it is but for the month it stands for."""
    return change.before == change.after and change.reason.startswith("same figures")


def _rows(
    bill: PlannedBill, stored: StoredBill, quiet: Collection[str]
) -> Iterator[Sequence[object]]:
    title = f"{bill.client_name} ({bill.client}){f', {bill.site}' if bill.site else ''}"
    for change in bill.changes:
        if change.key in quiet:
            continue
        yield (
            f"{title}\n{stored.state.value}" if title else "",
            change.line_name,
            _units(change.before, change.after),
            _price(change.after),
            signed(change.money_effect),
            billed_by(change),
            change.reason,
        )
        title = ""


def _units(before: LineState | None, after: LineState) -> str:
    new = after.quantity if after.units is None else after.units
    if before is None:
        return f"{new:,}"
    old = before.quantity if before.units is None else before.units
    return f"{old:,} -> {new:,}" if old != new else f"{new:,}"


def _price(after: LineState) -> str:
    return "the PSA's" if after.unit_price is None else amount(after.unit_price)


def _agreements(record: PlanRecord) -> Iterator[str]:
    for bill in record.plan.bills:
        if bill.agreement:
            yield f"{bill.client_name}, account {bill.account}: {bill.agreement}"


def _held(record: PlanRecord) -> Iterator[str]:
    names = {bill.key: bill.client_name for bill in record.plan.bills}
    waiting = {b.bill_key for b in record.bills if b.state is PlanBillState.HELD}
    holding = [one for one in record.objections if one.severity is Severity.HOLD]
    first = [names[one.bill] for one in holding if one.rule == "FIRST_BILL" and one.bill in waiting]
    if len(first) > 1:
        yield f"{len(first)} first bills: {', '.join(dict.fromkeys(first))} [FIRST_BILL]"
    for one in holding:
        if one.bill is None and waiting:
            yield f"the whole plan: {_sentence(one)}"
        elif one.bill in waiting and not (one.rule == "FIRST_BILL" and len(first) > 1):
            yield f"{names[one.bill]}: {_sentence(one)}"


def _shadow(record: PlanRecord) -> Iterator[str]:
    """How many bills are of clients that are not live, and what a person would be asked of them."""
    found = [bill for bill in record.bills if bill.state is PlanBillState.SHADOW]
    if not found:
        return
    yield f"{plural(len(found), 'bill')} of clients that are not live (`syncd golive`)"
    rules: dict[str, int] = {}
    for bill in found:
        for rule in filter(None, bill.detail.split(", ")):
            rules[rule] = rules.get(rule, 0) + 1
    if rules:
        said = ", ".join(f"{n} {rule}" for rule, n in sorted(rules.items()) if rule.isupper())
        if said:
            yield f"live, these would wait for a person: {said}"


def _sentence(one: Objection) -> str:
    return f"{one.message} [{one.rule}]"


def _stopped(record: PlanRecord) -> Iterator[str]:
    """Each reason with whom it stops; what stops many is said once."""
    by_reason: dict[str, list[str]] = {}
    for bill in record.plan.bills:
        for error in bill.errors:
            code, _, detail = error.partition(":")
            meaning = ERRORS.get(code, ("it cannot be billed", ""))[0]
            reason = f"{meaning}{f' ({detail})' if detail else ''} [{code}]"
            by_reason.setdefault(reason, []).append(f"{bill.client_name}, account {bill.account}")
    for reason, whom in by_reason.items():
        if len(whom) == 1:
            yield f"{whom[0]}: {reason}"
        else:
            more = f"; and {len(whom) - _NAMED} more, see --json" if len(whom) > _NAMED else ""
            yield f"{len(whom)} bills: {reason}: {'; '.join(whom[:_NAMED])}{more}"


def _warnings(record: PlanRecord) -> Iterator[str]:
    found = [
        f"{bill.client_name}: {code}{_meaning(code)}"
        for bill in record.plan.bills
        for code in (
            *(code for code in bill.warnings if code.partition(":")[0] != NOT_LINKED),
            *(
                f"{change.line_name}: {code}"
                for change in bill.changes
                for code in change.warnings
                if code.partition(":")[0] != NOT_LINKED
            ),
        )
    ]
    yield from _few(dict.fromkeys(found))


def _meaning(code: str) -> str:
    """What a bare code of a bill's life says, since nothing beside it does."""
    known = CODES.get(code)
    return f" ({known.meaning.rstrip('.')})" if known and known.where == "bill life" else ""


def _few(found: Iterable[str]) -> list[str]:
    """The first of them, and how many more there are."""
    lines = list(found)
    if len(lines) <= _MOST_WARNINGS:
        return lines
    return [*lines[:_MOST_WARNINGS], f"and {len(lines) - _MOST_WARNINGS} more, see --json"]


def _summary(record: PlanRecord) -> str:
    money = totals(record)
    counts = ", ".join(
        f"{n} {state.replace('_', ' ')}" for state, n in sorted(money["bills"].items())
    )
    said = (
        f"{plural(money['changes'], 'change')}, {money['before']:,} -> {money['after']:,} "
        f"({money['effect']:+,} {record.plan.currency}); bills: {counts or 'none'}"
    )
    if money["shadow"]:
        said += f"\n{money['shadow']:+,} {record.plan.currency} of it is in shadow and is not sent"
    if money["not_linked"]:
        said += f"\n{money['not_linked']:,} {record.plan.currency} of it is billed by no recurring"
        said += " line yet (NOT_LINKED)"
    return said


def _sum(amounts: Iterator[Decimal | None] | Any) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
