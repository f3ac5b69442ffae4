"""`syncd month`: the page of a month on the terminal, as JSON or CSV, and the word to seal it."""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.bootstrap import App
from syncd.cli.desk import sources_of
from syncd.cli.map_files import write_file
from syncd.cli.moments import read_period
from syncd.cli.month_view import show_page
from syncd.cli.person import current_person
from syncd.core.billing.month_difference import CAUSES
from syncd.core.service.applied import HELD_EXIT, PARTIAL_EXIT
from syncd.core.service.csv_text import escape
from syncd.core.service.evidence_pack import BOM, money
from syncd.core.service.month_closing import close_month
from syncd.core.service.month_page import ClientMonth, ClientState, MonthPage
from syncd.core.service.month_reading import read_month
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.cli.context import Cli

_CLOSE = "close"


async def show_or_close(
    cli: Cli, words: Sequence[str], *, csv: Path | None, reason: str, by: str | None
) -> int:
    """Print the page of a month, or seal it first.

    Returns:
        the exit code: 3 while anything is held, 6 while anything failed.

    Raises:
        ConfigError: a word is not understood, or the file cannot be written.
        PeriodNotOver: a month is to be sealed that goes on.
        MonthNotClosable: something of it is open, or it was sealed before.
    """
    output = cli.output()
    closing, period = _read(words)
    if (reason or by) and not closing:
        message = "--reason and --by belong to `syncd month close`"
        raise ConfigError(message, remedy="leave them out, or write `syncd month close PERIOD`")
    async with App.start(cli.config) as app:
        billing, zone = app.settings.billing, app.settings.timezone
        month = period or last_finished(app.clock(), zone)
        common: dict[str, Any] = {
            "psa": await app.connection(app.psa_name()),
            "period": month,
            "timezone": zone,
            "rules": billing,
            "sources": sources_of(app),
            "clock": app.clock,
        }
        if closing:
            page = await close_month(
                app.database, **common, log=app.log, by=by or current_person(), reason=reason
            )
        else:
            page = await read_month(app.database, **common)
    if csv is not None:
        write_file(csv, _csv(page))
        output.note(f"{len(page.clients):,} clients in {csv}")
    else:
        output.emit(page_data(page), lambda _console: show_page(output, page, sealed=closing))
    return exit_code(page)


def exit_code(page: MonthPage) -> int:
    """3 while anything is held, 6 while a bill could not be made or is not whole, else 0."""
    if page.held:
        return HELD_EXIT
    broken = {ClientState.FAILED, ClientState.UNFINISHED}
    return PARTIAL_EXIT if any(one.state in broken for one in page.clients) else 0


def _read(words: Sequence[str]) -> tuple[bool, Period | None]:
    closing = bool(words) and words[0] == _CLOSE
    rest = list(words[1:] if closing else words)
    if len(rest) > 1:
        message = f"'{' '.join(words)}' is more than one month"
        raise ConfigError(message, remedy="write `syncd month 2026-11`")
    return closing, read_period(rest[0] if rest else None)


def page_data(page: MonthPage) -> dict[str, Any]:
    """The page as `--json` prints it, with its sums."""
    data: dict[str, Any] = msgspec.to_builtins(page, builtin_types=(Decimal,))
    split = msgspec.to_builtins(page.split, builtin_types=(Decimal,))
    return {
        **data,
        "clients": [_client_data(one) for one in page.clients],
        "total": page.price,
        "total_before": page.before,
        "change": page.price - page.before,
        "split": {**split, "missing": page.missing},
        "states": [msgspec.to_builtins(one, builtin_types=(Decimal,)) for one in page.sums],
        "not_linked_money": sum((one.not_linked for one in page.not_linked), Decimal(0)),
        "movers": [one.client for one in page.movers],
        "obstacles": list(page.obstacles),
        "exit_code": exit_code(page),
    }


def _client_data(one: ClientMonth) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(one, builtin_types=(Decimal,))
    return {**data, "change": one.change}


def _csv(page: MonthPage) -> str:
    target = io.StringIO(newline="")
    writer = csv_format.writer(target, lineterminator="\r\n")
    writer.writerow(
        [
            "month", "client", "name", "state", "currency", "before", "now", "change",
            *CAUSES, "missing", "not_linked", "unknown_lines", "plan", "detail", "next",
        ]
    )  # fmt: skip
    for one in page.clients:
        writer.writerow(
            [
                page.period,
                escape(one.client),
                escape(one.name),
                one.state.value,
                page.currency,
                money(one.before),
                money(one.price),
                money(one.change),
                *(money(getattr(one.split, cause)) for cause in CAUSES),
                money(one.missing),
                money(one.not_linked),
                one.unknown,
                one.plan,
                escape(one.detail),
                escape(one.next),
            ]
        )
    return BOM + target.getvalue()
