"""How a plan of wiring reads: each link with what the next invoice says now and then, and by hand.

Records for which no line was chosen stand below with the lines that came into question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from syncd.cli.output import table
from syncd.cli.plan_view import plural, signed
from syncd.core.billing.wording import amount

if TYPE_CHECKING:
    from syncd.cli.output import Output
    from syncd.core.store.plans import PlanRecord
    from syncd.sdk.records import InvoiceSide, LinkCandidate, PlannedLink


_NOTHING = "no link is proposed: no record of ours waits for a recurring line"


def wiring_data(record: PlanRecord, *, next_commands: Sequence[str]) -> Mapping[str, Any]:
    """A plan of wiring for `--json`."""
    return {
        "plan": record.id,
        "kind": record.kind,
        "state": record.state,
        "period": record.plan.period,
        "currency": record.plan.currency,
        "made_at": record.plan.made_at,
        "links": record.plan.links,
        "unlinked": record.plan.unlinked,
        "by_hand": [by_hand(link) for link in record.plan.links],
        "next": next_commands,
    }


def show_wiring(output: Output, record: PlanRecord, *, hints: Sequence[str], hand: bool) -> None:
    """Draw a plan of wiring; with `hand` also what a person does instead of `apply`."""
    links, unlinked = record.plan.links, record.plan.unlinked
    output.say(f"plan {record.id}: links of recurring lines, {record.plan.currency}\n")
    if links:
        output.console.print(
            table(
                "client",
                "record",
                "line",
                ("now", "right"),
                ("then", "right"),
                ("effect", "right"),
                "because",
                rows=[
                    (
                        f"{link.client_name} ({link.client})",
                        f"{link.record} ({link.change.subscription})",
                        f"{link.invoice} / {link.line} ({link.change.line})",
                        _side(link.before),
                        _side(link.after),
                        signed(link.money_effect),
                        ", ".join(link.evidence),
                    )
                    for link in links
                ],
            )
        )
    else:
        output.say("no link is proposed" if unlinked else _NOTHING)
    if hand and links:
        output.say("\nby hand in the PSA:")
        for link in links:
            output.say(f"  {by_hand(link)}")
    if unlinked:
        output.say("\nbilled by no recurring line, and none was chosen:")
    for one in unlinked:
        money = "" if one.money is None else f", {one.money:,} {record.plan.currency}"
        output.say(
            f"  {one.client_name}: '{one.record}' ({one.subscription}), {one.quantity}{money}: "
            f"{one.why}"
        )
        for candidate in _candidates(one.candidates):
            output.say(f"    - {candidate}")
    if unlinked:
        output.say(
            "where no line fits, add one to the recurring invoice in the PSA, and look again"
        )
    output.say(f"\n{plural(len(links), 'link')}, {plural(len(unlinked), 'record')} left open")
    for n, hint in enumerate(hints):
        output.say(f"{'next:' if n == 0 else '     '} {hint}")


def show_links(output: Output, record: PlanRecord, *, write_links: bool) -> None:
    """Print a stored plan of wiring, also as data."""
    steps = wiring_steps(record, write_links=write_links)
    output.emit(
        wiring_data(record, next_commands=steps),
        lambda _console: show_wiring(output, record, hints=steps, hand=True),
    )


def wiring_steps(record: PlanRecord, *, write_links: bool) -> list[str]:
    """What to do with a plan of wiring, as commands."""
    steps = []
    if record.plan.links and record.state == "open":
        off = "" if write_links else "  (needs write_links = true in [billing])"
        steps.append(f"syncd apply {record.id}{off}")
    if record.plan.unlinked:
        one = record.plan.unlinked[0]
        steps.append(f"syncd wire {one.client} --link {one.subscription}=LINE  (names the line)")
    return steps


def by_hand(link: PlannedLink) -> str:
    """What a person does in the PSA for one link."""
    price = ", with the subscription's price" if link.change.price_from_subscription else ""
    return (
        f"{link.client_name}: open recurring invoice '{link.invoice}' ({link.change.invoice}), "
        f"line '{link.line}' ({link.change.line}), and let its quantity come from subscription "
        f"'{link.record}' ({link.change.subscription}){price}"
    )


def _side(side: InvoiceSide) -> str:
    price = "?" if side.unit_price is None else amount(side.unit_price)
    total = "" if side.total is None else f"\n= {side.total:,}"
    return f"{side.quantity:f} x {price}{total}"


def _candidates(found: Sequence[LinkCandidate]) -> Iterator[str]:
    """Lines that could be taken, each with what speaks for it; the others by what is against."""
    against: dict[str, list[str]] = {}
    for one in found:
        if one.against:
            against.setdefault(one.against, []).append(one.title)
        else:
            yield f"{one.title}: {', '.join(one.evidence) or 'free'}"
    for why, titles in against.items():
        yield f"{titles[0]}: no, {why}" if len(titles) == 1 else f"{len(titles)} more: no, {why}"
