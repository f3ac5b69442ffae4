"""`syncd plugins`: what is installed, what it offers, and what is broken and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd import plugins
from syncd.cli.output import table

if TYPE_CHECKING:
    from rich.console import Console

    from syncd.cli.context import Cli


def list_plugins(cli: Cli) -> None:
    """Print every plugin.

    Raises:
        PluginError: two connectors share a name, or one was written for another SDK.
    """
    installed = plugins.load()
    data = {
        "plugins": installed.loaded,
        "connectors": [
            {
                "name": connector.name,
                "title": connector.title,
                "provides": sorted(connector.provides),
                "sdk": connector.sdk,
                "limits": connector.limits,
            }
            for connector in installed.connectors.values()
        ],
        "notifiers": [
            {"name": kind.name, "title": kind.title, "sdk": kind.sdk}
            for kind in installed.notifiers.values()
        ],
        "broken": installed.broken,
    }

    def render(console: Console) -> None:
        if installed.loaded:
            rows = [
                (
                    plugin.name,
                    f"{plugin.distribution} {plugin.version}",
                    ", ".join(
                        [
                            f"{installed.connectors[name].title} "
                            f"({', '.join(sorted(installed.connectors[name].provides))})"
                            for name in plugin.connectors
                        ]
                        + [f"{installed.notifiers[n].title} (tells)" for n in plugin.notifiers]
                    ),
                    ", ".join(plugin.guards) or None,
                )
                for plugin in installed.loaded
            ]
            console.print(table("plugin", "installed from", "offers", "guards", rows=rows))
        else:
            console.print("No plugin works; connections need at least one.")
        for broken in installed.broken:
            console.print(f"broken: {broken.name} ({broken.distribution}): {broken.error}")

    cli.output().emit(data, render)
