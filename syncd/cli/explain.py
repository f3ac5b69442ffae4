"""`syncd explain`: one number, down to the device."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.bootstrap import App
from syncd.cli.desk import sources_of
from syncd.cli.moments import moment, read_period
from syncd.core.billing.arithmetic import BYTES_PER_GB, quotient
from syncd.core.service.evidence_pack import EvidencePack, amount, why
from syncd.core.service.explain import explain
from syncd.core.service.explanation import (
    DaySpan,
    ExplainedLine,
    ExplainedProduct,
    Explanation,
    Origin,
    Since,
)
from syncd.core.service.sources import Reckoner
from syncd.core.service.steps import plain, volume
from syncd.core.service.term_days import words_of_term
from syncd.core.service.unit_figures import words_of_figures
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import day_start
from syncd.sdk.records import Measure

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.basis import CorrectionBasis, SnapshotBasis
    from syncd.core.store.billed import Approval
    from syncd.core.store.census.records import EvidenceUnit, Moved

MOST_UNITS = 40
"""Units printed for people; `--json` and `--csv` have all of them."""

_MONTH = re.compile(r"\d{4}-\d{2}")


async def explain_number(
    cli: Cli,
    client: str,
    words: Sequence[str],
    *,
    period: str | None,
    as_of: str | None = None,
    csv: Path | None = None,
    internal: bool = False,
) -> None:
    """Print why a client is billed what it is billed, or write it as files.

    Args:
        cli: the command line.
        client: by id or name.
        words: a product, a month, or both in this order.
        period: the month, as an option.
        as_of: what was known then: a day, which means its end, or a moment.
        csv: where to write the evidence; None prints.
        internal: files with costs and what only the house may know.

    Raises:
        ClientUnknown: the client is not exactly one.
        NothingToExplain: no bill and no plan has it.
        ConfigError: a period or moment is not written as one, or there is no PSA, or a file cannot
            be written.
    """
    output = cli.output()
    product, month = _product_and_month(words, period)
    async with App.start(cli.config) as app:
        zone = app.settings.timezone
        now = app.clock()
        found = await explain(
            app.database,
            client,
            product,
            psa_name=app.psa_name(),
            timezone=zone,
            period=read_period(month),
            as_of=read_moment(as_of, zone, now=now),
            reckoner=Reckoner(rules=app.settings.billing, sources=sources_of(app), now=now),
        )
    if csv is None:
        output.emit(found, lambda _console: _show(output, found, zone))
        return
    from syncd.cli.evidence_files import write_pack

    rows = write_pack(EvidencePack(found=found, zone=zone, internal=internal), csv)
    output.emit(
        {"file": str(csv), "client": found.client, "period": found.period, "rows": rows},
        lambda _console: output.say(
            f"{found.client_name}, {found.period}: {rows['lines.csv']:,} rows of lines and "
            f"{rows['units.csv']:,} units in {csv}"
        ),
    )


def _product_and_month(words: Sequence[str], period: str | None) -> tuple[str | None, str | None]:
    """`explain ACME 2026-11` names a month: no product is called like one.

    Raises:
        ConfigError: two months, or two products.
    """
    months = [word for word in words if _MONTH.fullmatch(word)]
    products = [word for word in words if not _MONTH.fullmatch(word)]
    if period is not None:
        months.append(period)
    if len(products) > 1 and not months:
        months.append(products.pop())
    if len(set(months)) > 1 or len(products) > 1:
        message = "more than one month or product was named"
        raise ConfigError(message, remedy="write `syncd explain CLIENT [PRODUCT] [YYYY-MM]`")
    return (products[0] if products else None), (months[0] if months else None)


def read_moment(text: str | None, zone: ZoneInfo, *, now: datetime) -> datetime | None:
    """The moment a person means: the last of a local day, or a local time.

    Raises:
        ConfigError: it is not written as one, or lies ahead.
    """
    if text is None:
        return None
    try:
        if len(text) == len("2026-12-03"):
            day = date.fromisoformat(text)
            found = day_start(day + timedelta(days=1), zone) - timedelta(microseconds=1)
            begins = day_start(day, zone)
        else:
            found = datetime.fromisoformat(text)
            found = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
            begins = found
    except (ValueError, OverflowError) as error:
        message = f"'{text}' is not a day or a moment"
        raise ConfigError(message, remedy="write it like 2026-12-03 or 2026-12-03T14:00") from error
    if begins > now:
        message = f"{text} lies ahead: nobody knows yet what will be known then"
        raise ConfigError(message, remedy="name a day that has come")
    return found


def _show(output: Output, found: Explanation, zone: ZoneInfo) -> None:
    output.say(f"{found.client_name} ({found.client}), {found.period}")
    if found.as_of is not None:
        output.say(f"as it was known on {moment(found.as_of, zone)}")
    if Origin.COMPUTED in found.origins:
        output.say(
            "Computed: nothing was billed or planned. This is what the counts and decisions known "
            "then give, with today's settings and names."
        )
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
    if bill.agreement:
        output.say(f"  under agreement {bill.agreement}")
    if snapshot is not None:
        output.say(f"  proven by {_pull(snapshot, zone)}")
    if one.origin is not Origin.COMPUTED:
        record = "none yet" if one.remote is None else one.remote
        output.say(f"  PSA record {record}, billed by {line.billed_by or 'NOT_LINKED'}")
        output.say(f"  plan {one.plan_id}, key {line.external_key}")
    if one.revision is not None and one.kind is not None:
        output.say(f"  {one.kind.value} bill, revision {one.revision}")
    if one.released is not None:
        output.say(f"  released {_approval(one.released, zone)}")
    for reopening in one.reopened:
        output.say(f"  reopened {_approval(reopening, zone)}")
    for each in line.corrections:
        _show_correction(output, each, bill.currency, zone)
    for item in one.products:
        _show_product(output, item, zone, None if item.snapshot == snapshot else item.snapshot)


def _show_correction(output: Output, one: CorrectionBasis, currency: str, zone: ZoneInfo) -> None:
    money = "unknown" if one.price is None else f"{one.price:+,} {currency}"
    output.say(f"\n  corrects {one.period} by {money}: correction {one.late_change}")
    output.say(f"    accepted on {moment(one.at, zone)} by {one.by}: {one.reason}")
    for item in one.products:
        output.say(
            f"    {item.name} ({item.key}) {plain(item.raw_before)} -> {plain(item.raw_after)}"
        )
        if item.pull is not None:
            shown = moment(item.pull.recorded_at, zone)
            output.say(f"    shown by {_pull(item.pull, zone)}, recorded {shown}")
        for units in (each for each in one.units if each.product == item.key):
            signs = (("+", units.joined), ("-", units.left), ("~", units.resized))
            names = [f"{sign} {name}" for sign, found in signs for name in found]
            for name in _shortened(names):
                output.say(f"      {name}")


def _pull(snapshot: SnapshotBasis, zone: ZoneInfo) -> str:
    late = ", taken after the month" if snapshot.late else ""
    taken = moment(snapshot.taken_at, zone)
    return f"pull {snapshot.seq} of {taken}{late} (id {snapshot.pull_id})"


def _approval(one: Approval, zone: ZoneInfo) -> str:
    return f"on {moment(one.at, zone)} by {one.by}: {one.reason}"


def _show_product(
    output: Output, item: ExplainedProduct, zone: ZoneInfo, snapshot: SnapshotBasis | None
) -> None:
    output.say(f"\n  {item.basis.name} ({item.basis.key})")
    if snapshot is not None:
        of = f"facts of {item.basis.facts_of}, " if item.basis.facts_of else ""
        output.say(f"    {of}proven by {_pull(snapshot, zone)}")
    for step in item.steps:
        output.say(f"    {step}")
    for span in item.days:
        output.say(f"    {_days(span)}: {_quantity(span.quantity, item.measure)}")
    if item.since is not None:
        _show_since(output, item.since, item.measure, zone)
    _show_units(output, "counted", item.counted, item.measure, zone)
    _show_units(output, "not counted", item.excluded, item.measure, zone)
    for part in item.parts:
        _show_units(output, part.basis.name, part.counted, part.measure, zone)


def _show_since(output: Output, since: Since, measure: Measure, zone: ZoneInfo) -> None:
    moves = since.movements
    counted = volume(since.quantity) if measure is Measure.BYTE else plain(since.quantity)
    output.say(f"    since the bill of {since.period} ({counted} counted):")
    lines = [
        *(
            f"+ {_unit(one.unit, measure)}{_on(one, zone)}{_why(one.reason, 'no longer')}"
            for one in moves.joined
        ),
        *(
            f"- {_unit(one.unit, measure)}{_on(one, zone)}{_why(one.reason, 'now')}"
            for one in moves.left
        ),
        *(
            f"~ {_unit(one.unit, measure)}: {_quantity(one.before, measure)} before"
            for one in moves.resized
        ),
    ]
    for line in _shortened(lines) or ["nothing joined and nothing left"]:
        output.say(f"      {line}")


def _show_units(
    output: Output, title: str, units: Sequence[EvidenceUnit], measure: Measure, zone: ZoneInfo
) -> None:
    if not units:
        return
    output.say(f"    {title}: {len(units):,} units")
    lines = [f"{_unit(unit, measure)}{_figures(unit)}{_term(unit, zone)}" for unit in units]
    for line in _shortened(lines):
        output.say(f"      {line}")


def _figures(unit: EvidenceUnit) -> str:
    """What the number of a unit that stands for many was found from."""
    words = words_of_figures(unit.attributes) if unit.quantity != 1 else ""
    return f" ({words})" if words else ""


def _term(unit: EvidenceUnit, zone: ZoneInfo) -> str:
    """Until when it is committed, where its source says so."""
    words = words_of_term(unit.attributes, zone)
    return f", {words}" if words else ""


def _unit(unit: EvidenceUnit, measure: Measure) -> str:
    shown = measure is not Measure.COUNT or unit.quantity != 1
    many = f" x {_quantity(unit.quantity, measure)}" if shown else ""
    reason = f"  [{why(unit)}]" if unit.excluded is not None else ""
    return f"{unit.name} (id {unit.unit}){many}{reason}"


def _quantity(quantity: int, measure: Measure) -> str:
    if measure is Measure.COUNT:
        return f"{quantity:,}"
    if measure is Measure.BYTE:
        return volume(quotient(Decimal(quantity), BYTES_PER_GB))
    return amount(quantity, measure)


def _why(reason: str | None, word: str) -> str:
    return "" if reason is None else f", {word} excluded as {reason}"


def _on(one: Moved, zone: ZoneInfo) -> str:
    """The local day of the pull that first showed it."""
    return "" if one.at is None else f", {one.at.astimezone(zone):%d %b %Y}"


def _days(span: DaySpan) -> str:
    if span.first == span.last:
        return f"{span.first:%d %b}"
    return f"{span.first:%d %b} to {span.last:%d %b}"


def _shortened(lines: Iterable[str]) -> list[str]:
    whole = list(lines)
    if len(whole) <= MOST_UNITS:
        return whole
    return [*whole[:MOST_UNITS], f"and {len(whole) - MOST_UNITS:,} more, see --json or --csv"]
