"""`syncd explain`: one number, down to the device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.plan import read_period
from syncd.core.service.explain import explain
from syncd.core.service.explanation import (
    DaySpan,
    ExplainedLine,
    ExplainedProduct,
    Explanation,
    Since,
)
from syncd.core.service.steps import plain

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.store.census.records import EvidenceUnit

MOST_UNITS = 40
"""Units printed for people; `--json` has all of them."""


async def explain_number(cli: Cli, client: str, product: str | None, *, period: str | None) -> None:
    """Print why a client is billed what it is billed.

    Raises:
        ClientUnknown: the client is not exactly one.
        NothingToExplain: no bill and no plan has it.
        ConfigError: the period is not written as one, or there is no PSA.
    """
    output = cli.output()
    async with App.start(cli.config) as app:
        found = await explain(
            app.database,
            client,
            product,
            psa_name=app.psa_name(),
            timezone=app.settings.timezone,
            period=read_period(period),
        )
        zone = app.settings.timezone
    output.emit(found, lambda _console: _show(output, found, zone))


def _show(output: Output, found: Explanation, zone: ZoneInfo) -> None:
    output.say(f"{found.client_name} ({found.client}), {found.period}")
    for line in found.lines:
        _show_line(output, line, zone)


def _show_line(output: Output, one: ExplainedLine, zone: ZoneInfo) -> None:
    line, bill, snapshot = one.line, one.bill, one.bill.snapshot
    price = "the PSA's own price" if line.unit_price is None else f"{plain(line.unit_price)} each"
    money = "" if line.total_price is None else f" = {line.total_price:,} {bill.currency}"
    output.say(f"\n{line.name}: {line.quantity:,} at {price}{money}   [{one.status}]")
    output.say(
        f"  configuration '{line.configuration_name}', mode {line.mode}, asset type "
        f"{line.asset_type_name} ({line.asset_type})"
    )
    output.say(f"  account {bill.account} ({bill.account_name}) of {bill.connection}")
    if snapshot is not None:
        late = ", taken after the month" if snapshot.late else ""
        output.say(
            f"  proven by pull {snapshot.seq} of {moment(snapshot.taken_at, zone)}{late}"
            f" (id {snapshot.pull_id})"
        )
    record = "none yet" if one.remote is None else one.remote
    output.say(f"  PSA record {record}, billed by {line.billed_by or 'NOT_LINKED'}")
    output.say(f"  plan {one.plan_id}, key {line.external_key}")
    for item in one.products:
        _show_product(output, item)


def _show_product(output: Output, item: ExplainedProduct) -> None:
    output.say(f"\n  {item.basis.name} ({item.basis.key})")
    for step in item.steps:
        output.say(f"    {step}")
    for span in item.days:
        output.say(f"    {_days(span)}: {span.quantity:,}")
    if item.since is not None:
        _show_since(output, item.since)
    _show_units(output, "counted", item.counted)
    _show_units(output, "not counted", item.excluded)


def _show_since(output: Output, since: Since) -> None:
    moves = since.movements
    output.say(f"    since the bill of {since.period} ({since.quantity:,} counted):")
    lines = [
        *(f"+ {_unit(one.unit)}{_why(one.reason, 'no longer')}" for one in moves.joined),
        *(f"- {_unit(one.unit)}{_why(one.reason, 'now')}" for one in moves.left),
        *(f"~ {_unit(one.unit)}: {one.before:,} before" for one in moves.resized),
    ]
    for line in _shortened(lines) or ["nothing joined and nothing left"]:
        output.say(f"      {line}")


def _show_units(output: Output, title: str, units: Sequence[EvidenceUnit]) -> None:
    if not units:
        return
    output.say(f"    {title}: {len(units):,} units")
    for line in _shortened([_unit(unit) for unit in units]):
        output.say(f"      {line}")


def _unit(unit: EvidenceUnit) -> str:
    many = f" x {unit.quantity:,}" if unit.quantity != 1 else ""
    reason = f"  [{unit.excluded}]" if unit.excluded is not None else ""
    return f"{unit.name} (id {unit.unit}){many}{reason}"


def _why(reason: str | None, word: str) -> str:
    return "" if reason is None else f", {word} excluded as {reason}"


def _days(span: DaySpan) -> str:
    if span.first == span.last:
        return f"{span.first:%d %b}"
    return f"{span.first:%d %b} to {span.last:%d %b}"


def _shortened(lines: Iterable[str]) -> list[str]:
    whole = list(lines)
    if len(whole) <= MOST_UNITS:
        return whole
    return [*whole[:MOST_UNITS], f"and {len(whole) - MOST_UNITS:,} more, see --json"]
