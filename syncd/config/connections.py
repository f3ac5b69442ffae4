"""From `[connections.<name>]` to connection settings, with the rules that hold between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from syncd.config.problem import PLACEHOLDER, closest
from syncd.config.settings import ConnectionSettings, UnavailableConnection
from syncd.config.tables import ConnectionTable, LimitsTable
from syncd.config.validation import Check
from syncd.plugins import Plugins
from syncd.sdk.address import check_base_url, is_loopback
from syncd.sdk.connector import Capability, Connector, RateLimit

_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_COMMON = frozenset(ConnectionTable.model_fields)

HEAD = "connections"
"""Name of the table of tables."""


def read_connections(
    check: Check, tables: Any, plugins: Plugins
) -> tuple[dict[str, ConnectionSettings], dict[str, UnavailableConnection]]:
    """Connections that can be used, and those whose plugin is broken."""
    usable: dict[str, ConnectionSettings] = {}
    unavailable: dict[str, UnavailableConnection] = {}
    if not isinstance(tables, Mapping):
        check.add((HEAD,), "is not a table", "write [connections.<name>] and settings below it")
        return usable, unavailable
    for name, values in tables.items():
        if not _NAME.match(name):
            check.add(
                (HEAD, name),
                f"'{name}' is not a name for a connection",
                "use up to 40 lower-case letters, digits and hyphens, beginning with a letter",
            )
        if not isinstance(values, Mapping):
            check.add(
                (HEAD, name), "is not a table", f"write [connections.{name}] and settings below it"
            )
            continue
        found = _read(check, name, values, plugins)
        if isinstance(found, ConnectionSettings):
            usable[name] = found
        elif found is not None:
            unavailable[name] = found
    _require_distinct_history(check, tables)
    return usable, unavailable


def _read(
    check: Check, name: str, values: Mapping[str, Any], plugins: Plugins
) -> ConnectionSettings | UnavailableConnection | None:
    path = (HEAD, name)
    plugin = values.get("plugin")
    broken = {found.name: found.error for found in plugins.broken}
    if isinstance(plugin, str) and plugin not in plugins.connectors and plugin in broken:
        return UnavailableConnection(name=name, connector=plugin, reason=broken[plugin])
    resting = values.get("enabled") is False
    common = check.model(
        ConnectionTable, {key: values[key] for key in values if key in _COMMON}, path
    )
    connector = plugins.connectors.get(plugin) if isinstance(plugin, str) else None
    if connector is None:
        if isinstance(plugin, str):
            remedy = closest(plugin, list(plugins.connectors))
            for failed, error in broken.items():
                remedy += f"; plugin '{failed}' is installed and does not load: {error}"
            check.add((*path, "plugin"), f"there is no connector '{plugin}'", remedy)
        return None
    bad_urls = _check_urls(check, name, connector, values)
    own = {key: values[key] for key in values if key not in _COMMON}
    config = check.model(connector.config, own, path, resting=resting, known_bad=bad_urls)
    if common is None or config is None:
        return None
    found = ConnectionSettings(
        name=name,
        connector=connector,
        config=config,
        schedule=common.schedule,
        limits=_limits(connector.limits, common.limits),
        enabled=common.enabled,
        formerly=common.formerly,
        export_assets=common.export_assets,
        overwrite_asset_type=common.overwrite_asset_type,
    )
    if found.export_assets and Capability.USAGE not in connector.provides:
        check.add(
            (*path, "export_assets"),
            f"'{connector.name}' counts nothing that could be exported",
            "set it on a source; its units become assets of the PSA",
        )
    if not resting:
        _check_resolved_urls(check, found, bad_urls)
    return found


def _check_urls(
    check: Check, name: str, connector: Connector[Any], values: Mapping[str, Any]
) -> frozenset[str]:
    """Names of settings whose URL is a mistake, noted; references are left to the connector."""
    bad: set[str] = set()
    for setting in connector.urls:
        url = values.get(setting)
        if not isinstance(url, str) or PLACEHOLDER in url:
            continue
        reason = _url_mistake(url)
        if reason:
            remedy = "write it like https://host.example"
            check.add((HEAD, name, setting), reason, remedy)
            bad.add(setting)
    return frozenset(bad)


def _check_resolved_urls(check: Check, found: ConnectionSettings, known: frozenset[str]) -> None:
    """URLs that came by reference or as a default, which the text of the file does not show."""
    for setting, url in found.urls.items():
        if setting in known:
            continue
        try:
            check_base_url(url)
        except ValueError as error:
            check.add((HEAD, found.name, setting), str(error), "write it like https://host.example")


def _url_mistake(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"'{url}' is not a URL"
    if parts.username or parts.password:
        return "the URL holds a user name or password"
    if parts.scheme not in {"http", "https"} or not host or port == 0 or " " in url:
        return f"'{url}' is not a URL"
    if parts.scheme == "http" and not is_loopback(url):
        return f"'{url}' is not encrypted, and its host is not this machine"
    if parts.query or parts.fragment:
        return f"'{url}' has a query or a fragment"
    return ""


def _limits(known: RateLimit, override: LimitsTable) -> RateLimit:
    return RateLimit(
        calls=known.calls if override.calls is None else override.calls,
        window_seconds=(
            known.window_seconds if override.window_seconds is None else override.window_seconds
        ),
        concurrency=known.concurrency if override.concurrency is None else override.concurrency,
    )


def _require_distinct_history(check: Check, tables: Mapping[str, Any]) -> None:
    """No two connections may claim the history of one name."""
    claimed: dict[str, str] = {}
    for name, values in tables.items():
        formerly = values.get("formerly") if isinstance(values, Mapping) else None
        if not isinstance(formerly, str):
            continue
        path = (HEAD, name, "formerly")
        if formerly in tables:
            check.add(
                path,
                f"'{formerly}' is itself a connection of this file",
                f"rename that connection, or remove `formerly` from '{name}'",
            )
        elif formerly in claimed:
            check.add(
                path,
                f"connection '{claimed[formerly]}' claims to be the former '{formerly}' as well",
                "leave `formerly` on one of the two",
            )
        claimed.setdefault(formerly, name)
