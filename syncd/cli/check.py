"""`syncd check`: tries configuration, database, credentials and rights, and changes nothing.

All connections are tried at once; one that fails never stops the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.check_notifiers import try_notifier
from syncd.cli.output import table
from syncd.config.schedule import early_days
from syncd.sdk.connector import Ports
from syncd.sdk.errors import (
    AuthError,
    PermissionMissing,
    PluginError,
    StoreError,
    SyncdError,
    VendorUnavailable,
)
from syncd.sdk.ports import AssetKeeper
from syncd.sdk.records import CheckResult, Permission
from syncd.telling import notifier_settings

if TYPE_CHECKING:
    from rich.console import Console

    from syncd.cli.context import Cli
    from syncd.config.settings import ConnectionSettings, NotifierSettings

PATIENCE_SECONDS = 60.0
"""How long one connection may take to answer a check."""

_WORST_FIRST = (2, 4, 7, 5, 6, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one connection, or the database, did.

    Attributes:
        name: of the connection, or `database`.
        connector: what it speaks to.
        ok: it can be used.
        summary: one line.
        permissions: rights that were tried.
        warnings: what deserves a look.
        error: why it cannot be used.
        remedy: what to do about it.
        code: stable name of the error.
        exit_code: 0, or that of the error.
    """

    name: str
    connector: str
    ok: bool
    summary: str = ""
    permissions: tuple[Permission, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    remedy: str = ""
    code: str | None = None
    exit_code: int = 0


async def check_all(cli: Cli, name: str | None) -> int:
    """Check everything, or one connection, and print it.

    Returns:
        the exit code: that of the gravest failure, 0 when all is well.

    Raises:
        ConfigError: the configuration cannot be used, or there is no such connection.
    """
    async with App.start(cli.config, need_schema=False) as app:
        if name is not None and name in app.settings.notifiers:
            telling = [notifier_settings(app, name)]
        else:
            telling = [n for n in app.settings.notifiers.values() if n.enabled and name is None]
        if name is not None:
            chosen: list[ConnectionSettings] = [] if telling else [app.settings_of(name)]
        else:
            chosen = [found for found in app.settings.connections.values() if found.enabled]
        database, *connections = await asyncio.gather(
            _database(app),
            *(_connection(app, found) for found in chosen),
            *(_notifier(app, found) for found in telling),
        )
        if name is None:
            connections += _lost(app)
        warnings = _warnings(app, chosen) + await _sign_ins(app, chosen, database)
        resting = [n for n, found in app.settings.connections.items() if not found.enabled]
        data = {
            "config": str(app.settings.path),
            "mode": app.settings.billing.mode,
            "billing": app.settings.billing_words,
            "database": database,
            "connections": connections,
            "switched_off": resting if name is None else [],
            "warnings": warnings,
        }
        shown = _Shown(app, database, connections, warnings, resting if name is None else [])
        cli.output().emit(data, shown.render)
    codes = {finding.exit_code for finding in (database, *connections)}
    return next((code for code in _WORST_FIRST if code in codes), 0)


async def _database(app: App) -> Finding:
    url, place = app.settings.database, app.database.place
    if app.database.dialect == "sqlite" and not _is_there(url):
        return Finding(
            name="database", connector="sqlite", ok=True, summary="is made at the first use"
        )
    try:
        await app.database.require_schema()
    except SyncdError as error:
        return _failed("database", app.database.dialect, error)
    return Finding(name="database", connector=app.database.dialect, ok=True, summary=place)


async def _connection(app: App, settings: ConnectionSettings) -> Finding:
    name, connector = settings.name, settings.connector.name
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), app.open(name) as ports:
            results = [await port.check() for port in (ports.usage, ports.psa) if port is not None]
            results += await _agreements(app, name, ports)
            results += await _assets(app, ports)
            results += await _books(app, name, ports)
    except SyncdError as error:
        return _failed(name, connector, error)
    except TimeoutError:
        message = f"{name} did not answer within {PATIENCE_SECONDS:.0f} s"
        return _failed(name, connector, VendorUnavailable(message, remedy="try again later"))
    except Exception as error:  # noqa: BLE001 - isolation: shown by name, the others go on
        message = f"the check of {name} failed: {type(error).__name__} in plugin '{connector}'"
        return _failed(name, connector, PluginError(message, remedy="tell the plugin's author"))
    return _judged(name, connector, results)


async def _notifier(app: App, settings: NotifierSettings) -> Finding:
    try:
        result = await try_notifier(app, settings)
    except SyncdError as error:
        return _failed(settings.name, settings.kind.name, error)
    return _judged(settings.name, settings.kind.name, [result])


async def _agreements(app: App, name: str, ports: Ports) -> list[CheckResult]:
    """Agreements that accounts name, where the database can tell; it has a finding of its own."""
    from syncd.core.service.agreement_trial import try_agreements

    if ports.psa is None or (
        app.database.dialect == "sqlite" and not _is_there(app.settings.database)
    ):
        return []
    try:
        await app.database.require_schema()
    except StoreError:
        return []  # the finding of the database says so already
    found = await try_agreements(app.database, name, ports.psa)
    return [] if found is None else [found]


async def _assets(app: App, ports: Ports) -> list[CheckResult]:
    """What keeping assets needs, where a source exports any."""
    psa = ports.psa
    if psa is None or not app.settings.asset_sources or not isinstance(psa, AssetKeeper):
        return []
    return [await psa.check_assets()]


async def _books(app: App, name: str, ports: Ports) -> list[CheckResult]:
    """What carrying invoices needs of a book, or of the PSA that keeps them."""
    if ports.ledger is None and (ports.psa is None or not app.settings.ledgers):
        return []
    from syncd.cli.check_books import try_books

    return await try_books(app, name, ports)


async def _sign_ins(app: App, chosen: Sequence[ConnectionSettings], database: Finding) -> list[str]:
    """Warnings about stored tokens, where the database can tell."""
    from syncd.cli.check_sign_ins import sign_in_warnings

    made = app.database.dialect != "sqlite" or _is_there(app.settings.database)
    return await sign_in_warnings(app, chosen) if database.ok and made else []


def _judged(name: str, connector: str, results: Sequence[CheckResult]) -> Finding:
    permissions = tuple(right for result in results for right in result.permissions)
    refused = [result for result in results if not result.ok]
    missing = any(not right.granted for right in permissions)
    kind = PermissionMissing if missing else AuthError
    error = "; ".join(result.error or "credentials or rights are refused" for result in refused)
    return Finding(
        name=name,
        connector=connector,
        ok=not refused,
        summary="; ".join(result.summary for result in results if result.summary),
        permissions=permissions,
        warnings=tuple(text for result in results for text in result.warnings),
        error=error or None,
        code=kind.code if refused else None,
        exit_code=kind.exit_code if refused else 0,
    )


def _failed(name: str, connector: str, error: SyncdError) -> Finding:
    return Finding(
        name=name,
        connector=connector,
        ok=False,
        error=str(error),
        remedy=error.remedy,
        code=error.code,
        exit_code=error.exit_code,
    )


def _lost(app: App) -> list[Finding]:
    return [
        _failed(lost.name, lost.connector, PluginError(lost.reason, remedy="run `syncd plugins`"))
        for lost in app.settings.unavailable.values()
    ]


def _warnings(app: App, chosen: Sequence[ConnectionSettings]) -> list[str]:
    found = [str(problem) for problem in app.settings.warnings]
    for settings in chosen:
        if settings.due is None:
            continue
        early = early_days(settings.due, app.settings.timezone, app.clock())
        if early is not None:
            day, gap = early
            hours = gap.total_seconds() / 3600
            found.append(
                f"[connections.{settings.name}] schedule: on {day} the last pull begins "
                f"{hours:.1f} h before midnight in {app.settings.timezone.key}, and later arrivals "
                "miss that day; add one in the last 6 hours of the local day (cron is in UTC)"
            )
    return found


@dataclass(slots=True)
class _Shown:
    """The findings as people read them."""

    app: App
    database: Finding
    connections: Sequence[Finding]
    warnings: Sequence[str]
    resting: Sequence[str]

    def render(self, console: Console) -> None:
        settings = self.app.settings
        console.print(f"{settings.path}: valid, mode {settings.billing.mode}", soft_wrap=True)
        console.print(f"billing: {settings.billing_words}", soft_wrap=True)
        findings = (self.database, *self.connections)
        rows = [
            (found.name, found.connector, "ok" if found.ok else "FAILED", _detail(found))
            for found in findings
        ]
        console.print(table("checked", "by", "result", "detail", rows=rows))
        for found in findings:
            for right in found.permissions:
                if not right.granted:
                    console.print(
                        f"missing right: {found.name} {right.name}, needed for {right.needed_for}"
                    )
            if found.remedy:
                console.print(f"what to do: {found.name}: {found.remedy}")
            for text in found.warnings:
                console.print(f"warning: {found.name}: {text}")
        for text in self.warnings:
            console.print(f"warning: {text}")
        if self.resting:
            console.print(f"switched off, not tried: {', '.join(self.resting)}")


def _detail(found: Finding) -> str:
    return found.summary if found.ok else found.error or ""


def _is_there(url: str) -> bool:
    return Path(url.removeprefix("sqlite:///")).exists()
