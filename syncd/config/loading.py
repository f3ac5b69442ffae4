"""From `syncd.toml` to settings: every mistake of the file in one answer, or none at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from syncd.config.connections import HEAD, read_connections
from syncd.config.notifiers import NOTIFY, read_notifiers
from syncd.config.problem import ConfigErrors, closest
from syncd.config.reading import read
from syncd.config.secret import SecretMissing, is_reference, resolve
from syncd.config.settings import BillingSettings, InvoiceSettings, Settings
from syncd.config.tables import BillingTable, SyncdTable
from syncd.config.validation import Check
from syncd.config.web import WEB, read_web
from syncd.core.billing.guard_limits import GuardLimits
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability

INVOICES = "invoices"
"""Name of the table of books; its module is imported where there are any."""

_TABLES = ("syncd", HEAD, "billing", INVOICES, NOTIFY, WEB)


def load(path: Path, plugins: Plugins) -> Settings:
    """Read and validate a configuration.

    Args:
        path: of the file.
        plugins: what may be named in it.

    Raises:
        ConfigErrors: every mistake of the file, each with place, reason and remedy.
        ConfigError: the file does not exist or is not a configuration at all.
    """
    path = path.expanduser().absolute()
    reading = read(path)
    check = Check(reading.places, path.parent, reading.lost, list(reading.problems))
    values = reading.values
    for name in values:
        if name not in _TABLES:
            check.add((name,), f"there is no table '{name}'", closest(name, _TABLES))
    host = check.model(SyncdTable, _with_database(check, values), ("syncd",))
    table = _table(check, values, "billing")
    billing = check.model(BillingTable, table, ("billing",))
    usable, unavailable = read_connections(check, values.get(HEAD, {}), plugins)
    notifiers = read_notifiers(check, values.get(NOTIFY, {}), values.get(HEAD), plugins)
    psa = _psa(check, table, values.get(HEAD), plugins)
    invoices = _invoices(check, values, plugins, psa)
    web = read_web(check, _table(check, values, WEB))
    if check.problems or host is None or billing is None:
        ordered = sorted(check.problems, key=lambda problem: problem.line or 0)
        raise ConfigErrors(path.name, ordered)
    return Settings(
        path=path,
        database=host.database,
        timezone=ZoneInfo(host.timezone),
        billing=_billing(billing, psa),
        connections=usable,
        unavailable=unavailable,
        notifiers=notifiers,
        log_format=host.log_format,
        log_level=host.log_level,
        grace_seconds=host.grace_seconds,
        token_key=host.token_key,
        web=web,
        invoices=invoices,
        warnings=tuple(check.warnings),
    )


def database_url(path: Path) -> str:
    """Only the database of a configuration: its tables can be made before any secret is there.

    Raises:
        ConfigErrors: mistakes of the file itself or of its table `[syncd]`.
        ConfigError: the file does not exist or is not a configuration at all.
    """
    path = path.expanduser().absolute()
    reading = read(path)
    check = Check(reading.places, path.parent, reading.lost, list(reading.problems))
    table = {**_with_database(check, reading.values)}
    table.pop("token_key", None)
    host = check.model(SyncdTable, table, ("syncd",))
    if check.problems or host is None:
        raise ConfigErrors(path.name, check.problems)
    return host.database


def _table(check: Check, values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = values.get(name, {})
    if isinstance(table, Mapping):
        return table
    check.add((name,), "is not a table", f"write [{name}] and its settings below it")
    return {}


def _with_database(check: Check, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The table `[syncd]` with the database made absolute and known not to show a password."""
    table = dict(_table(check, values, "syncd"))
    given = table.get("database", "sqlite:///syncd.db")
    path = ("syncd", "database")
    if is_reference(given):
        try:
            table["database"] = given = resolve(given, check.folder).value
        except SecretMissing as error:
            check.add(path, str(error), error.remedy)
            table.pop("database")
            return table
    elif isinstance(given, str) and _has_password(given):
        check.add(
            path,
            "the database URL holds a password in plain text",
            'write database = { env = "SYNCD_DATABASE" } and put the whole URL there',
        )
        table.pop("database")
        return table
    if isinstance(given, str):
        table["database"] = _database_url(check, given)
    return table


def _database_url(check: Check, url: str) -> str:
    path = ("syncd", "database")
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgresql", "postgres"} and rest:
        return f"postgresql://{rest}"
    if separator and scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        name = rest[1:]
        if name != ":memory:" and "?" not in name:
            return f"sqlite:///{check.folder / Path(name).expanduser()}"
    shown = f"'{scheme}://…'" if separator else f"'{url}'"
    check.add(
        path,
        f"{shown} is not a database that can be used",
        'write "sqlite:///syncd.db" or "postgresql://user@host/name"',
    )
    return url


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password) or "password=" in url
    except ValueError:
        return True


def _psa(
    check: Check, billing: Mapping[str, Any], connections: Any, plugins: Plugins
) -> str | None:
    """Which connection takes the subscriptions.

    Judged from the file as written, so that a mistake elsewhere in a table hides nothing here.
    """
    path = ("billing", "psa")
    written = {
        name: table
        for name, table in (connections.items() if isinstance(connections, Mapping) else ())
        if isinstance(table, Mapping)
    }
    candidates = [name for name, table in written.items() if _is_psa(table, plugins)]
    named = billing.get("psa")
    if isinstance(named, str):
        if named not in written and () not in check.lost:
            check.add(path, f"there is no connection '{named}'", closest(named, candidates))
        elif named not in candidates and _is_judged(written.get(named, {}), plugins):
            reason = f"connection '{named}' is not a PSA, or is switched off"
            check.add(path, reason, closest(named, candidates))
        return named
    if len(candidates) > 1:
        check.add(
            path,
            f"{' and '.join(candidates)} are both PSA connections",
            f'name the one that bills: psa = "{candidates[0]}"',
        )
    if candidates:
        return str(candidates[0])
    if all(_is_judged(table, plugins) for table in written.values()) and () not in check.lost:
        if billing.get("mode") == "live" or "schedule" in billing:
            check.add(
                path,
                "no connection is a PSA, so nothing can be billed",
                "add the connection of your PSA, or remove `mode` and `schedule`",
            )
        else:
            reason = "no connection is a PSA: counts can be pulled, not billed"
            check.warn(path, reason, "add the connection of your PSA")
    return None


def _invoices(
    check: Check, values: Mapping[str, Any], plugins: Plugins, psa: str | None
) -> InvoiceSettings:
    """The table of books; an installation without any imports nothing of them."""
    connections = values.get(HEAD)
    written = connections.values() if isinstance(connections, Mapping) else ()
    if INVOICES not in values and not any(
        isinstance(table, Mapping) and _provides(table, plugins, Capability.LEDGER)
        for table in written
    ):
        return InvoiceSettings()
    from syncd.config.invoices import read_invoices

    return read_invoices(check, values.get(INVOICES, {}), connections, plugins, psa)


def _provides(table: Mapping[str, Any], plugins: Plugins, what: Capability) -> bool:
    connector = plugins.connectors.get(str(table.get("plugin")))
    return connector is not None and what in connector.provides


def _is_psa(table: Mapping[str, Any], plugins: Plugins) -> bool:
    return _provides(table, plugins, Capability.PSA) and table.get("enabled") is not False


def _is_judged(table: Mapping[str, Any], plugins: Plugins) -> bool:
    """Whether the connector is known, so that it can be said to be no PSA."""
    return str(table.get("plugin")) in plugins.connectors


def _billing(table: BillingTable, psa: str | None) -> BillingSettings:
    """The same settings for the program; a test holds both lists of names together."""
    values = {name: getattr(table, name) for name in type(table).model_fields}
    guards = GuardLimits(**table.guards.model_dump())
    return BillingSettings(**{**values, "psa": psa, "guards": guards})
