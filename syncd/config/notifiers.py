"""From `[notify.<name>]` to who is told of finished runs, with every mistake in one answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syncd.config.problem import closest
from syncd.config.settings import NotifierSettings
from syncd.config.tables import NotifierTable
from syncd.config.validation import Check
from syncd.plugins import Plugins
from syncd.sdk.notices import NoticeKind

NOTIFY = "notify"
"""Name of the table of tables."""

_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_COMMON = frozenset(NotifierTable.model_fields)


def read_notifiers(
    check: Check, tables: Any, connections: Any, plugins: Plugins
) -> dict[str, NotifierSettings]:
    """Notifiers that can be used; one whose plugin is broken is a warning and stays silent."""
    found: dict[str, NotifierSettings] = {}
    if not isinstance(tables, Mapping):
        check.add((NOTIFY,), "is not a table", "write [notify.<name>] and settings below it")
        return found
    taken = connections if isinstance(connections, Mapping) else {}
    for name, values in tables.items():
        path = (NOTIFY, name)
        if not _NAME.match(name):
            check.add(
                path,
                f"'{name}' is not a name for a notifier",
                "use up to 40 lower-case letters, digits and hyphens, beginning with a letter",
            )
        if name in taken:
            check.add(path, f"a connection is called '{name}' too", "rename one of the two")
        if not isinstance(values, Mapping):
            check.add(path, "is not a table", f"write [notify.{name}] and settings below it")
            continue
        one = _read(check, name, values, plugins)
        if one is not None:
            found[name] = one
    return found


def _read(
    check: Check, name: str, values: Mapping[str, Any], plugins: Plugins
) -> NotifierSettings | None:
    path = (NOTIFY, name)
    plugin = values.get("plugin")
    broken = {one.name: one.error for one in plugins.broken}
    if isinstance(plugin, str) and plugin not in plugins.notifiers and plugin in broken:
        reason = f"nobody is told, as plugin '{plugin}' does not load: {broken[plugin]}"
        check.warn((*path, "plugin"), reason, "run `syncd plugins`, then mend the plugin")
        return None
    common = check.model(
        NotifierTable, {key: values[key] for key in values if key in _COMMON}, path
    )
    kind = plugins.notifiers.get(plugin) if isinstance(plugin, str) else None
    if kind is None:
        if isinstance(plugin, str):
            remedy = closest(plugin, list(plugins.notifiers))
            check.add((*path, "plugin"), f"there is no notifier plugin '{plugin}'", remedy)
        return None
    own = {key: values[key] for key in values if key not in _COMMON}
    config = check.model(kind.config, own, path, resting=values.get("enabled") is False)
    if common is None or config is None:
        return None
    return NotifierSettings(
        name=name,
        kind=kind,
        config=config,
        on=frozenset(NoticeKind(one) for one in common.on),
        clients=common.detail == "clients",
        always=common.digest == "always",
        enabled=common.enabled,
    )
