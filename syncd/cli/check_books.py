"""What `syncd check` asks for invoices: rights at the PSA, and which organisation a book is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bookkeeping import open_keeper
from syncd.core.service.bound_ledger import OtherOrganisation, require_bound
from syncd.core.store.connections import find_connection
from syncd.core.store.ledger_golive import attested
from syncd.sdk.errors import ConfigError, ConnectorError, PluginError, StoreError
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger, TaxKeeper
from syncd.sdk.ledger_records import LedgerBook, TaxMode
from syncd.sdk.usage_records import CheckResult

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.sdk.connector import Ports


async def try_books(app: App, name: str, ports: Ports) -> list[CheckResult]:
    """Findings about invoices of one connection; none where it has to do with none.

    Raises:
        ConnectorError: the vendor refused or could not be reached.
    """
    found: list[CheckResult] = []
    psa: object = ports.psa
    if app.settings.ledgers and name == app.settings.invoices.psa and psa is not None:
        if isinstance(psa, InvoiceKeeper):
            found.append(await psa.check_invoices())
            found.append(await _modules(app, psa))
        else:
            words = f"connection '{name}' does not tell of finished invoices"
            found.append(CheckResult(ok=False, summary="", error=words))
    if ports.ledger is not None:
        checked = await ports.ledger.check()
        found.append(checked)
        if checked.ok:
            found.append(await _organisation(app, name, ports.ledger))
    return found


async def _modules(app: App, keeper: InvoiceKeeper) -> CheckResult:
    """Whether the PSA's own bookkeeping could carry the same invoices."""
    modules = await keeper.bookkeeping()
    if modules == ():
        return CheckResult(ok=True, summary="own bookkeeping is off")
    if modules:
        said = f"own bookkeeping is on ({', '.join(modules)}): what it carries is refused here"
        return CheckResult(ok=True, summary="", warnings=(said,))
    books = [name for name in app.settings.ledgers if not await _attested(app, name)]
    if not books:
        return CheckResult(ok=True, summary="nobody else carries invoices, by a person's word")
    said = (
        f"it cannot be told whether own bookkeeping is on: invoices for {', '.join(books)} are "
        'refused until `syncd invoices attest NAME --why "…"`'
    )
    return CheckResult(ok=True, summary="", warnings=(said,))


def _no_database(app: App) -> bool:
    """A SQLite file that is not there yet is not made by a check."""
    file = app.settings.database.removeprefix("sqlite:///")
    return app.database.dialect == "sqlite" and not Path(file).exists()


async def _attested(app: App, name: str) -> bool:
    if _no_database(app):
        return False
    try:
        await app.database.require_schema()
        async with app.database.reader() as conn:
            psa = await find_connection(conn, app.settings.invoices.psa or "")
            ledger = await find_connection(conn, name)
            if psa is None or ledger is None:
                return False
            return await attested(conn, psa.id, ledger.id)
    except StoreError:
        return False  # the finding of the database says so already


async def _organisation(app: App, name: str, ledger: Ledger) -> CheckResult:
    """Which organisation it is, and whether it is the one that decisions were made for."""
    book = await ledger.book()
    other = await _another(app, name, book)
    if other is not None:
        return other
    warnings: list[str] = []
    if book.own_numbers is False:
        warnings.append(
            f"{book.name} numbers documents itself, and invoices keep their own numbers: switch "
            "custom numbers on there"
        )
    if book.tax_mode is TaxMode.DELEGATED and await _keeps_tax_out(app):
        warnings.append(
            f"{book.name} computes tax itself, and connection '{app.settings.invoices.psa}' does"
            " not write it back: the PSA never shows that tax unless its settings let it"
        )
    lock = f", closed up to {book.locked_until}" if book.locked_until is not None else ""
    return CheckResult(
        ok=True,
        summary=f"{book.name} ({book.key}), {book.currency}{lock}",
        warnings=tuple(warnings),
    )


async def _keeps_tax_out(app: App) -> bool:
    """Whether the PSA says that it writes no tax of the books; what it cannot say is no warning."""
    try:
        async with open_keeper(app) as keeper:
            return isinstance(keeper, TaxKeeper) and not keeper.writes_tax
    except (ConfigError, ConnectorError, PluginError):
        return False  # the finding of that connection says so already


async def _another(app: App, name: str, book: LedgerBook) -> CheckResult | None:
    """The refusal of an organisation that is not the one the connection's decisions are about."""
    if _no_database(app):
        return None
    try:
        await app.database.require_schema()
        async with app.database.reader() as conn:
            connection = await find_connection(conn, name)
        if connection is not None:
            await require_bound(app.database, connection, book)
    except StoreError:
        return None  # the finding of the database says so already
    except OtherOrganisation as error:
        return CheckResult(ok=False, summary="", error=f"{error}; {error.remedy}")
    return None
