"""Opens what invoices need of a running program: the PSA that keeps them, and each book.

A book is always named or configured; nothing here picks one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from syncd.config.problem import closest
from syncd.core.service.bound_ledger import BoundLedger
from syncd.sdk.connector import Capability
from syncd.sdk.errors import ConfigError, PluginError
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.core.invoicing.rules import LedgerRules
    from syncd.sdk.connector import EventLog


def keeper_name(app: App) -> str:
    """Name of the connection whose invoices are read.

    Raises:
        ConfigError: there is none.
        PluginError: its plugin is broken.
    """
    name = app.settings.invoices.psa
    if name is None:
        return app.psa_name()
    app.settings_of(name)
    return name


def book_names(app: App, name: str | None = None) -> tuple[str, ...]:
    """The books that invoices are carried into, or the one that is named.

    Raises:
        ConfigError: the named one is no book, or has no table in `[invoices]`; or there is none.
    """
    if name is not None:
        rules_of(app, name)
        return (name,)
    found = app.settings.ledgers
    if not found:
        message = f"{app.settings.path.name} names no book that invoices are carried into"
        raise ConfigError(
            message, remedy="add the connection of an accounting system and [invoices.<name>]"
        )
    return found


def is_book(app: App, name: str) -> bool:
    """Whether a connection of that name is an accounting system."""
    found = app.settings.connections.get(name)
    return found is not None and Capability.LEDGER in found.connector.provides


def rules_of(app: App, name: str) -> LedgerRules:
    """The rules of a book.

    Raises:
        ConfigError: there is no such connection, it is no book, or it has no table.
        PluginError: its plugin is broken.
    """
    app.settings_of(name)
    if not is_book(app, name):
        message = f"connection '{name}' is not an accounting system"
        known = list(app.settings.ledgers)
        raise ConfigError(message, remedy=closest(name, known, "name") if known else "name another")
    rules = app.settings.invoices.ledgers.get(name)
    if rules is None:
        message = f"no invoices are carried into '{name}'"
        raise ConfigError(message, remedy=f"add the table [invoices.{name}] to the configuration")
    return rules


@asynccontextmanager
async def open_keeper(app: App, *, log: EventLog | None = None) -> AsyncIterator[InvoiceKeeper]:
    """The PSA, if its connector can tell of invoices.

    Raises:
        ConfigError: it cannot be used, or it knows no invoices.
        ConnectorError: the vendor refused or could not be reached.
    """
    name = keeper_name(app)
    async with app.open(name, log=log) as ports:
        psa: object = ports.psa
        if not isinstance(psa, InvoiceKeeper):
            message = f"connection '{name}' does not tell of finished invoices"
            raise ConfigError(message, remedy="name another PSA: [invoices] psa")
        yield psa


@asynccontextmanager
async def open_ledger(app: App, name: str, *, log: EventLog | None = None) -> AsyncIterator[Ledger]:
    """A book, bound to the organisation that something of it rests on.

    Raises:
        ConfigError: it cannot be used.
        PluginError: its plugin opened no book.
        ConnectorError: the vendor refused or could not be reached.
    """
    connection = await app.connection(name)
    async with app.open(name, log=log) as ports:
        if ports.ledger is None:
            message = f"connection '{name}' opened no book"
            raise PluginError(message, remedy="report this to the plugin's author")
        yield BoundLedger(ports.ledger, app.database, connection)
