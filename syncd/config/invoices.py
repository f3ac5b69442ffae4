"""The table `[invoices]`, and in it one table for each book that invoices are carried into.

A ledger connection without its table is not used for invoices: there is never a default book.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from syncd.config.problem import closest
from syncd.config.settings import InvoiceSettings
from syncd.config.tables import ScheduleText, exact
from syncd.config.validation import Check
from syncd.core.invoicing.rules import LedgerRules
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability

INVOICES = "invoices"
"""Name of the table."""

Cents = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1, decimal_places=2)]
Moved = Literal["hold", "void-and-reissue", "credit"]


class InvoicesTable(BaseModel):
    """Where finished invoices are read, and when a daemon carries them on."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    psa: str | None = Field(
        default=None, description="Connection whose invoices are read; that of billing if not set."
    )
    schedule: ScheduleText = Field(
        default="every 15m",
        description="When the daemon reads, plans and posts invoices: cron in UTC, or `every 15m`.",
    )
    history_days: StrictInt = Field(
        default=400,
        ge=1,
        le=3660,
        description="How far back documents of a book are matched by `syncd invoices link`.",
    )


class LedgerTable(BaseModel):
    """How documents of one book are made, and what is done when something moved.

    A ledger connection without this table is not used for invoices.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    prefix: str = Field(
        default="",
        max_length=10,
        pattern=r"^[!-~]*$",
        description="Put before each number; empty keeps the number as the client knows it.",
    )
    approved: StrictBool = Field(
        default=False,
        description="`true`: documents are in the books at once rather than drafts, where the "
        "system knows drafts.",
    )
    approval: Literal["", "by_hand", "automatic"] = Field(
        default="",
        description="`by_hand` holds every document until a person released it; `automatic` does "
        "not. Empty is automatic only where documents arrive as drafts.",
    )
    tolerance: Cents = Field(
        default=Decimal("0.00"),
        description="By how much the total predicted for the books may differ from the PSA's.",
    )
    rounding_limit: Cents = Field(
        default=Decimal("0.00"),
        description="The largest difference that one named rounding line evens out; 0.00: none.",
    )
    rounding_account: str = Field(
        default="",
        description="Account of that line, key or code; its item, where the books name items.",
    )
    rounding_tax: str = Field(default="", description="Tax code of that line, key of the book.")
    zero_total: Literal["hold", "skip", "post"] = Field(
        default="hold",
        description="An invoice whose total is 0 waits for a release (`hold`), is left out "
        "(`skip`), or is written (`post`).",
    )
    negative_invoice: Literal["hold", "credit"] = Field(
        default="hold",
        description="An invoice with a negative total is refused until the PSA has a credit note "
        "in its place (`hold`), or is carried as one (`credit`).",
    )
    on_void: Moved = Field(
        default="hold",
        description="What is proposed when the PSA voided or deleted a posted invoice: nothing, "
        "until a person says what (`hold`), a void (`void-and-reissue`), or a credit note of the "
        "whole (`credit`).",
    )
    on_edit: Moved = Field(
        default="hold",
        description="What is proposed when the PSA changed a posted invoice: nothing, until a "
        "person says what (`hold`), a void and the document anew (`void-and-reissue`), or a "
        "credit note of what was taken away (`credit`).",
    )
    basis: Literal["exclusive", "inclusive", "no_tax"] = Field(
        default="exclusive",
        description="Amounts of lines are before tax (`exclusive`), with it (`inclusive`), or "
        "know none (`no_tax`); told on each document.",
    )
    create_contacts: StrictBool = Field(
        default=False,
        description="Propose contacts that an invoice needs and the book does not have.",
    )
    create_items: StrictBool = Field(
        default=False, description="Propose items that an invoice needs and the book does not have."
    )
    payments: Literal["to_psa", "off"] = Field(
        default="to_psa",
        description="Payments of the book are recorded in the PSA (`to_psa`), or left alone "
        "(`off`).",
    )
    overlap_minutes: StrictInt = Field(
        default=60,
        ge=5,
        le=1440,
        description="How far before the last read the next one begins.",
    )
    read_back_days: StrictInt = Field(
        default=400, ge=1, le=3660, description="How long posted documents are compared."
    )
    drop_zero_lines: StrictBool = Field(
        default=False,
        description="Leave lines without words and money away, never one that says something.",
    )
    due_from: Literal["psa", "terms"] = Field(
        default="psa",
        description="Due date as the PSA states it (`psa`), or as the book derives it from mapped "
        "terms (`terms`), where it has terms.",
    )


def read_invoices(
    check: Check, table: Any, connections: Any, plugins: Plugins, psa: str | None
) -> InvoiceSettings:
    """The settings; mistakes are added to `check`.

    Args:
        check: gets mistakes.
        table: `[invoices]` as written, empty where there is none.
        connections: `[connections]` as written, so that a mistake there hides nothing here.
        plugins: what connections can name.
        psa: connection that takes the subscriptions, the default.
    """
    if not isinstance(table, Mapping):
        check.add((INVOICES,), "is not a table", "write [invoices] and its settings below it")
        return InvoiceSettings()
    written = {
        name: one
        for name, one in (connections.items() if isinstance(connections, Mapping) else ())
        if isinstance(one, Mapping)
    }
    books = {
        name: values
        for name, values in table.items()
        if isinstance(values, Mapping) and name not in InvoicesTable.model_fields
    }
    common = check.model(
        InvoicesTable, {name: table[name] for name in table if name not in books}, (INVOICES,)
    )
    rules: dict[str, LedgerRules] = {}
    for name, values in books.items():
        _check_connection(check, name, written, plugins)
        made = check.model(LedgerTable, values, (INVOICES, name))
        if made is not None:
            _check_rounding(check, name, made)
            rules[name] = LedgerRules(**made.model_dump())
    _tell_unused(check, books, written, plugins)
    named = table.get("psa")
    source = named if isinstance(named, str) else psa
    if isinstance(named, str):
        _check_psa(check, named, written, plugins)
    elif books and psa is None and () not in check.lost:
        reason = "no connection is a PSA, so there are no invoices to carry into books"
        check.add((INVOICES,), reason, "add the connection of your PSA")
    if common is None:
        return InvoiceSettings()
    return InvoiceSettings(
        psa=source, schedule=common.schedule, history_days=common.history_days, ledgers=rules
    )


def _check_connection(
    check: Check, name: str, written: Mapping[str, Mapping[str, Any]], plugins: Plugins
) -> None:
    path = (INVOICES, name)
    candidates = [one for one, values in written.items() if _has(values, plugins, "ledger")]
    if name not in written:
        if () not in check.lost:
            known = closest(name, candidates) if candidates else "add it, or remove this table"
            check.add(path, f"there is no connection '{name}'", known)
    elif name not in candidates and _judged(written[name], plugins):
        reason = f"connection '{name}' is not an accounting system"
        check.add(path, reason, closest(name, candidates))
    elif written[name].get("enabled") is False:
        reason = f"connection '{name}' is switched off: no invoices are carried into it"
        check.warn(path, reason, f"set enabled = true in [connections.{name}]")


def _check_psa(
    check: Check, name: str, written: Mapping[str, Mapping[str, Any]], plugins: Plugins
) -> None:
    path = (INVOICES, "psa")
    candidates = [
        one
        for one, values in written.items()
        if _has(values, plugins, "psa") and values.get("enabled") is not False
    ]
    if name not in written:
        if () not in check.lost:
            check.add(path, f"there is no connection '{name}'", closest(name, candidates))
    elif name not in candidates and _judged(written[name], plugins):
        reason = f"connection '{name}' is not a PSA, or is switched off"
        check.add(path, reason, closest(name, candidates))


def _check_rounding(check: Check, name: str, table: LedgerTable) -> None:
    """A rounding line stands on an account under a tax code, or is not allowed at all."""
    given = (table.rounding_account, table.rounding_tax)
    if table.rounding_limit > 0 and not all(given):
        missing = [
            f"rounding_{what}"
            for what, value in zip(("account", "tax"), given, strict=True)
            if not value
        ]
        check.add(
            (INVOICES, name, "rounding_limit"),
            f"a rounding line needs {' and '.join(missing)} too",
            "name them, or leave rounding_limit away",
        )
    elif any(given) and not table.rounding_limit:
        check.add(
            (INVOICES, name, "rounding_account" if given[0] else "rounding_tax"),
            "is never used: rounding_limit allows no rounding line",
            'add rounding_limit = "0.02", or remove it',
        )


def _tell_unused(
    check: Check,
    books: Mapping[str, Any],
    written: Mapping[str, Mapping[str, Any]],
    plugins: Plugins,
) -> None:
    for name, values in written.items():
        if name in books or values.get("enabled") is False or not _has(values, plugins, "ledger"):
            continue
        reason = f"no invoices are carried into '{name}'"
        check.warn(("connections", name), reason, f"add the table [invoices.{name}]")


def _has(values: Mapping[str, Any], plugins: Plugins, what: str) -> bool:
    connector = plugins.connectors.get(str(values.get("plugin")))
    return connector is not None and Capability(what) in connector.provides


def _judged(values: Mapping[str, Any], plugins: Plugins) -> bool:
    """Whether the connector is known, so that it can be said what it is not."""
    return str(values.get("plugin")) in plugins.connectors
