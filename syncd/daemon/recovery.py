"""What a start mends before it takes up work: runs that a dead process left, and lost plugins."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from syncd.core.service.connection_health import connection_failed
from syncd.core.store.connections import ensure_connection
from syncd.core.store.runs import abandon_runs, running_runs
from syncd.node import is_gone
from syncd.sdk.errors import PluginError

if TYPE_CHECKING:
    from syncd.bootstrap import App


async def recover(app: App) -> None:
    """Mark runs of dead processes as interrupted, and say which connections are lost.

    Raises:
        StoreError: the database cannot serve.
    """
    await _mark_abandoned(app)
    for plugin in app.plugins.loaded:
        app.log(
            "plugin.loaded",
            plugin=plugin.name,
            version=plugin.version,
            n_connectors=len(plugin.connectors),
        )
    for broken in app.plugins.broken:
        app.log("plugin.load_failed", plugin=broken.name, error=broken.error)
    for lost in app.settings.unavailable.values():
        async with app.database.writer() as connection:
            ref = await ensure_connection(connection, lost.name, lost.connector)
        error = PluginError(
            f"connection '{lost.name}' is lost with plugin '{lost.connector}': {lost.reason}",
            remedy="run `syncd plugins`, then mend the plugin and restart",
        )
        await connection_failed(app.database, ref, error, now=app.clock(), log=app.log)


async def _mark_abandoned(app: App) -> None:
    """A run is abandoned when its process on this machine is gone; others are not judged."""
    async with app.database.reader() as reading:
        abandoned = [run for run in await running_runs(reading) if is_gone(run.node)]
    if not abandoned:
        return
    # Not "before now": the clock may stand earlier than when that process began.
    newest = max(run.started_at for run in abandoned)
    async with app.database.writer() as writing:
        for node in sorted({run.node for run in abandoned}):
            await abandon_runs(
                writing, node=node, before=newest + timedelta(microseconds=1), now=app.clock()
            )
    for run in abandoned:
        app.log("run.abandoned", run=run.id, subject=run.subject, kind=run.kind, node=run.node)
