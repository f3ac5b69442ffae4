"""The one place that builds real objects: settings, plugins, database, clock and log.

Everything else gets them as arguments. A command that needs no database imports no driver.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd import config, log, plugins
from syncd.config.problem import closest
from syncd.config.settings import ConnectionSettings, Settings
from syncd.node import this_node
from syncd.plugins import Plugins
from syncd.sdk.address import is_loopback
from syncd.sdk.connector import Context, EventLog, Ports
from syncd.sdk.errors import ConfigError, PluginError, SyncdError
from syncd.sdk.period import require_utc

if TYPE_CHECKING:
    from syncd.core.service.tokens import Vault
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ports import SourceHints
    from syncd.sdk.records import RunReport

NOW_VARIABLE = "SYNCD_NOW"
"""A moment from which the clock counts, for demonstrations against simulators on loopback."""

Clock = Callable[[], datetime]


class App:
    """A running program.

    Attributes:
        settings: the validated configuration.
        plugins: what is installed.
        database: opened lazily; closed when the block ends.
        clock: current time in UTC.
        log: where events go.
        node: name of this process in run rows.
        told: called after every finished run; where there are none, notifiers are told at the end.
    """

    def __init__(self, settings: Settings, plugins: Plugins, database: Database) -> None:
        self.settings = settings
        self.plugins = plugins
        self.database = database
        self.clock: Clock = _clock(settings)
        self.log: EventLog = log.event
        self.node = this_node()
        self.told: list[Callable[[], None]] = []
        self._ran = False

    @classmethod
    @asynccontextmanager
    async def start(cls, config_path: Path, *, need_schema: bool = True) -> AsyncIterator[App]:
        """Build everything, and close it at the end.

        Args:
            config_path: of `syncd.toml`.
            need_schema: require the tables; a SQLite file that is not there yet is made.

        Raises:
            ConfigError: the configuration or the plugins cannot be used.
            SchemaOutdated: the database belongs to another version.
            StoreError: the database cannot serve.
        """
        from syncd.core.store.database import Database

        installed = plugins.load()
        settings = config.load(config_path, installed)
        log.set_format(settings.log_format)
        database = Database(settings.database)
        try:
            app = cls(settings, installed, database)
            if need_schema:
                _make_when_absent(settings.database)
                await database.require_schema()
            # What start-up made lives to the end; the collector need not look at it again.
            gc.freeze()
            try:
                yield app
            except Exception:
                await app._tell()
                raise
            await app._tell()
        finally:
            await database.dispose()

    def report(self, report: RunReport) -> None:
        """Tell the plugins that a run ended."""
        self.plugins.run_finished(report, self.log)
        self._ran = True
        for call in self.told:
            call()

    async def _tell(self) -> None:
        """The end of a command: notifiers hear of its runs; the daemon tells by itself."""
        if self._ran and not self.told and self.settings.notifiers:
            from syncd.telling import tell_by_hand

            await tell_by_hand(self)

    def psa_name(self) -> str:
        """Name of the connection that takes the subscriptions.

        Raises:
            ConfigError: there is none.
            PluginError: its plugin is broken.
        """
        name = self.settings.billing.psa
        if name is None:
            for lost in self.settings.unavailable.values():
                message = f"no PSA can be used; connection '{lost.name}' is lost: {lost.reason}"
                raise PluginError(message, remedy="run `syncd plugins`")
            message = f"{self.settings.path.name} has no connection to a PSA, so nothing is billed"
            raise ConfigError(message, remedy="add the connection of your PSA")
        self.settings_of(name)
        return name

    def settings_of(self, name: str) -> ConnectionSettings:
        """Settings of a connection that can be used.

        Raises:
            ConfigError: there is none of that name, or it is switched off.
            PluginError: its plugin is broken.
        """
        found = self.settings.connections.get(name)
        lost = self.settings.unavailable.get(name)
        if lost is not None:
            message = (
                f"connection '{name}' is unavailable: plugin '{lost.connector}': {lost.reason}"
            )
            raise PluginError(
                message, remedy="run `syncd plugins`, then mend or upgrade the plugin"
            )
        if found is None:
            message = f"there is no connection '{name}'"
            known = list(self.settings.connections)
            remedy = closest(name, known, "name") if known else "add it to the configuration"
            raise ConfigError(message, remedy=remedy)
        if not found.enabled:
            message = f"connection '{name}' is switched off"
            raise ConfigError(message, remedy=f"set enabled = true in [connections.{name}]")
        return found

    @asynccontextmanager
    async def open(
        self, name: str, hints: SourceHints | None = None, *, log: EventLog | None = None
    ) -> AsyncIterator[Ports]:
        """Open a connection to its vendor.

        Args:
            name: of the connection.
            hints: memory of earlier pulls for a source that asks.
            log: where the connector's events go, the program's log when None.

        Raises:
            ConfigError: it cannot be used; see `settings_of`.
            PluginError: the connector failed in a way it should not.
            ConnectorError: the vendor refused or could not be reached.
        """
        settings = self.settings_of(name)
        context = self.context(name, hints, log=log)
        async with AsyncExitStack() as stack:
            try:
                ports = await stack.enter_async_context(settings.connector.open(context))
            except SyncdError:
                raise
            except Exception as error:
                message = f"connection '{name}' does not open: {type(error).__name__} in its plugin"
                raise PluginError(
                    message, remedy=f"report this to the author of '{settings.connector.name}'"
                ) from error
            yield ports

    def context(
        self, name: str, hints: SourceHints | None = None, *, log: EventLog | None = None
    ) -> Context[Any]:
        """What a connector gets when the connection is opened; see `open`.

        Raises:
            ConfigError: it cannot be used; see `settings_of`.
        """
        settings = self.settings_of(name)
        return Context(
            connection=name,
            config=settings.config,
            limits=settings.limits,
            clock=self.clock,
            log=self.log if log is None else log,
            hints=hints,
            vault=self.vault(name),
            zone=self.settings.timezone,
        )

    def vault(self, name: str) -> Vault | None:
        """The tokens of a connection; None where no key for them is configured."""
        if self.settings.token_key is None:
            return None
        from syncd.core.service.tokens import Vault
        from syncd.core.store.token_keys import TokenKeys

        keys = TokenKeys(self.settings.token_key.get_secret_value())
        return Vault(self.database, partial(self.connection, name), keys, clock=self.clock)

    async def connection(self, name: str) -> ConnectionRef:
        """The connection as the database knows it, made or renamed at its first use.

        Raises:
            ConfigError: it cannot be used, or its history belongs to another connector.
        """
        from syncd.core.store.connections import ensure_connection, find_connection

        settings = self.settings_of(name)
        wanted = settings.connector.name
        async with self.database.reader() as reading:
            found = await find_connection(reading, name)
            if found is not None and found.connector == wanted and settings.formerly is None:
                return found
        async with self.database.writer() as writing:
            return await ensure_connection(writing, name, wanted, formerly=settings.formerly)


def _clock(settings: Settings) -> Clock:
    """The real clock, or one that counts from `SYNCD_NOW`.

    Raises:
        ConfigError: the variable is set and a connection leaves this machine, where a wrong date
            would be billed.
    """
    given = os.environ.get(NOW_VARIABLE)
    if not given:
        return lambda: datetime.now(UTC)
    for name, connection in settings.connections.items():
        for setting, url in connection.urls.items():
            if url and not is_loopback(url):
                message = (
                    f"{NOW_VARIABLE} is set, and [connections.{name}] {setting} leaves this machine"
                )
                raise ConfigError(message, remedy=f"unset {NOW_VARIABLE}: it is for simulators")
    try:
        start = require_utc(datetime.fromisoformat(given))
    except ValueError as error:
        message = f"{NOW_VARIABLE} is '{given}', which is not a moment with its zone"
        raise ConfigError(message, remedy="write it like 2026-11-01T03:00:00+00:00") from error
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)


def _make_when_absent(url: str) -> None:
    """Make a SQLite file at its first use; one that is there is never changed in passing."""
    file = url.removeprefix("sqlite:///")
    if file != url and not Path(file).exists():
        from syncd.core.store import schema

        schema.upgrade(url)
