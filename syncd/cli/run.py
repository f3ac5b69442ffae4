"""`syncd run`: the daemon in the foreground, as systemd and containers want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syncd import log
from syncd.bootstrap import App

if TYPE_CHECKING:
    from syncd.cli.context import Cli


async def run_daemon(cli: Cli) -> None:
    """Be the daemon until a signal comes.

    Raises:
        ConfigError: the configuration cannot be used.
        DaemonRunning: another daemon works with the same database.
        StoreError: the database cannot serve.
    """
    from syncd.daemon.lifecycle import serve

    async with App.start(cli.config) as app:
        log.set_level(app.settings.log_level)
        await serve(app)
