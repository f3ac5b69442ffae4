"""`syncd corrections`: what came after a final bill, and what a person says to it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from syncd.bootstrap import App
from syncd.cli.moments import moment
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.cli.plan_view import plural, signed
from syncd.core.service.correction_views import (
    CorrectionView,
    State,
    find_correction,
    list_corrections,
)
from syncd.core.service.corrections import (
    accept_corrections,
    dismiss_corrections,
    settle_corrections,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.core.service.late_content import LateUnits

_MOST_UNITS = 10


async def list_them(cli: Cli, clients: Sequence[str], *, everything: bool) -> None:
    """Print the corrections.

    Raises:
        ClientUnknown: a client was named that is not exactly one.
        ConfigError: no PSA is configured.
    """
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        found = await list_corrections(app.database, psa.id, clients=clients, everything=everything)
    output = cli.output()
    output.emit(
        {"corrections": [as_data(one) for one in found]},
        lambda _console: _show(output, found, every=everything),
    )


async def show_one(cli: Cli, number: int) -> None:
    """Print one with everything behind it.

    Raises:
        CorrectionRefused: there is none of this number.
    """
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        one = await find_correction(app.database, psa.id, number)
        zone = app.settings.timezone
    output = cli.output()
    output.emit(as_data(one), lambda _console: _show_one(output, one, zone))


async def accept_them(cli: Cli, ids: Sequence[int], *, reason: str, by: str | None) -> None:
    """Accept, print what the next bills carry.

    Raises:
        CorrectionRefused: one of them cannot be accepted; then none is.
    """
    async with App.start(cli.config) as app:
        done = await accept_corrections(
            app.database,
            ids,
            psa_connection=await app.connection(app.psa_name()),
            currency=app.settings.billing.currency,
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
        )
    _done(cli, done, "the next bill of each account carries it: syncd plan billing")


async def dismiss_them(cli: Cli, ids: Sequence[int], *, reason: str, by: str | None) -> None:
    """Dismiss, print.

    Raises:
        CorrectionRefused: somebody decided one of them before; then none is dismissed.
    """
    async with App.start(cli.config) as app:
        done = await dismiss_corrections(
            app.database,
            ids,
            psa_connection=await app.connection(app.psa_name()),
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
        )
    _done(cli, done, "the bills stay as they are; other facts are raised again")


async def settle_them(cli: Cli, ids: Sequence[int], *, reason: str, by: str | None) -> None:
    """Settle, print.

    Raises:
        CorrectionRefused: nothing says that one of them is on no recurring line.
    """
    async with App.start(cli.config) as app:
        done = await settle_corrections(
            app.database,
            ids,
            psa_connection=await app.connection(app.psa_name()),
            reason=reason,
            by=by or current_person(),
            clock=app.clock,
            log=app.log,
        )
    _done(cli, done, "kept as adjusted by hand; its record goes back to nothing with the next bill")


def as_data(one: CorrectionView) -> dict[str, Any]:
    """A correction for programs; amounts and counts as text."""
    return {
        "id": one.id,
        "client": one.client,
        "client_name": one.client_name,
        "connection": one.connection,
        "account": one.account,
        "period": one.period,
        "what": what(one),
        "lines": one.lines,
        "units": one.units,
        "unproven": one.unproven,
        "price": one.price,
        "cost": one.cost,
        "currency": one.currency,
        "state": one.state.name.lower(),
        "billed_in": one.billed_in,
        "found_at": one.found_at,
        "decided_by": one.by,
        "reason": one.reason,
    }


def what(one: CorrectionView) -> str:
    """The counts that differ, as billed and as known, such as `Servers 12 -> 14`."""
    if one.unproven:
        return f"nothing proves the month any more ({one.unproven})"
    return "; ".join(item.said for line in one.lines for item in line.products)


def _show(output: Output, found: Sequence[CorrectionView], *, every: bool) -> None:
    if not found:
        rest = "there is no correction, and there never was one"
        waits = "no bill waits for a correction; `--all` shows those that were decided"
        output.say(rest if every else waits)
        return
    output.console.print(
        table(
            ("id", "right"),
            "client",
            "month",
            "what",
            "units",
            ("money", "right"),
            "state",
            rows=[
                (
                    one.id,
                    one.client_name,
                    one.period,
                    what(one),
                    "; ".join(_named(one.units)) or "-",
                    _money(one.price, one.currency),
                    _state(one),
                )
                for one in found
            ],
        )
    )
    waiting = [one for one in found if one.state is State.OPEN]
    if waiting:
        output.say(f"{plural(len(waiting), 'correction')} {_wait(waiting)} for a word:")
        output.say(f"next: syncd corrections accept {waiting[0].id} --reason TEXT")
        output.say(f"      syncd corrections dismiss {waiting[0].id} --reason TEXT")


def _wait(waiting: Sequence[CorrectionView]) -> str:
    return "waits" if len(waiting) == 1 else "wait"


def _show_one(output: Output, one: CorrectionView, zone: ZoneInfo) -> None:
    output.say(f"{one.id}: {one.client_name} ({one.client}), {one.period}: {_state(one)}")
    found = "" if one.found_at is None else f", found {moment(one.found_at, zone)}"
    output.say(f"  account {one.account} of {one.connection}{found}")
    output.say(f"  price {_money(one.price, one.currency)}, cost {_money(one.cost, one.currency)}")
    if one.by:
        output.say(f"  by {one.by}: {one.reason}")
    if one.unproven:
        output.say(f"  {what(one)}")
    for line in one.lines:
        output.say(f"  {line.name}: {_money(line.price_change, one.currency)}")
        for item in line.products:
            pull = "" if item.pull is None else (
                f", pull {item.pull.seq} of {moment(item.pull.taken_at, zone)}, recorded "
                f"{moment(item.pull.recorded_at, zone)}"
            )  # fmt: skip
            output.say(f"    {item.said} ({item.key}){pull}")
            for name in _named([each for each in one.units if each.product == item.key]):
                output.say(f"      {name}")


def _named(units: Sequence[LateUnits]) -> list[str]:
    """Names with what happened, no more than a screen takes."""
    names = [
        f"{sign} {name}"
        for one in units
        for sign, found in (("+", one.joined), ("-", one.left), ("~", one.resized))
        for name in found
    ]
    more = sum(one.n for one in units) - len(names[:_MOST_UNITS])
    return [*names[:_MOST_UNITS], *([f"and {more:,} more"] if more > 0 else [])]


def _state(one: CorrectionView) -> str:
    if one.billed_in:
        return f"billed in {', '.join(one.billed_in)}"
    return one.state.value


def _money(value: Decimal | None, currency: str) -> str:
    return "unknown" if value is None else f"{signed(value)} {currency}"


def _done(cli: Cli, done: Sequence[CorrectionView], then: str) -> None:
    output = cli.output()

    def render(_console: object) -> None:
        for one in done:
            output.say(
                f"{one.id}: {one.client_name}, {one.period}, {what(one)}, "
                f"{_money(one.price, one.currency)}: {_state(one)}"
            )
        output.say(then)

    output.emit({"corrections": [as_data(one) for one in done]}, render)
