"""The QuickBooks connector keeps every rule of the kit for books, against its simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.sandbox import REFRESH_TOKEN, SANDBOX, SECRET, VERIFIER
from syncd_quickbooks.sandbox.app import Simulator
from syncd_quickbooks.sandbox.hand import Hand

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import LedgerDocument
from syncd.sdk.testing.fakes import NOON
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.ledger_after import AfterPosting
from tests.builders_quickbooks_books import UNLIMITED, document, settings, sold
from tests.builders_quickbooks_company import customers
from tests.builders_tokens import MemoryVault


class QuickBooksRules(AfterPosting):
    """A British company: four customers, one of them archived, one name held by a vendor."""

    connector = CONNECTOR
    secrets = (SECRET, REFRESH_TOKEN, VERIFIER)
    token_path = "/tokens/bearer$"
    write_path = "/batch$"
    look_path = "/query$"
    act_path = "/(batch|invoice|creditmemo|payment)$"
    options: ClassVar[Mapping[str, Any]] = {}
    simulator: ClassVar[Simulator]

    def vendor(self) -> Application:
        world = customers()
        world.clock.set(NOON)
        app: Any = SANDBOX.build(world, {**UNLIMITED, **self.options})
        type(self).simulator = app.state.simulator
        vendor: Application = app
        return vendor

    def config(self, base_url: str) -> Mapping[str, Any]:
        return settings(base_url)

    def vault(self) -> MemoryVault:
        return MemoryVault(REFRESH_TOKEN)

    @property
    def hand(self) -> Hand:
        return self.simulator.hand

    def documents(self) -> Sequence[LedgerDocument]:
        day = NOON.date()
        return [
            document(1, dated=day, due=day + timedelta(days=30)),
            document(2, [sold("2.5", "19.99")] * 3, client=2, dated=day, due=day),
            document(3, [sold(10, "0.015", "6"), sold(1, "9.00", "4")], dated=day),
        ]

    def bad(self) -> LedgerDocument:
        return document(9, contact="999", dated=NOON.date())

    def credit_note(self) -> LedgerDocument:
        lines = [sold(1, "5.00")]
        return document(8, lines, kind=DocumentKind.CREDIT, due=None, dated=NOON.date())

    def someone_else_uses(self, number: str) -> str:
        return self.hand.invoice("102", number, "77.00", **self._dated)

    def forget_attempts(self) -> None:
        self.hand.forget_requests()

    def close_books(self, document: LedgerDocument) -> None:
        self.hand.close_books(document.dated)

    def somebody_pays(self, remote: str, amount: Decimal) -> str:
        return self.hand.pay(remote, amount)

    def somebody_edits(self, remote: str) -> None:
        self.hand.edit(remote, DueDate=date(2027, 1, 31).isoformat())

    def long_ago(self) -> datetime:
        """The feed goes back thirty days."""
        return NOON - timedelta(days=10)

    @property
    def _dated(self) -> dict[str, str]:
        return {"TxnDate": NOON.date().isoformat()}


class TestQuickBooks(QuickBooksRules):
    """As a company is by default: refused duplicates, its memory of requests, many zones."""


class TestQuickBooksThatForgets(QuickBooksRules):
    """No memory of requests, duplicates allowed, faults in the other casing and with status 200."""

    options: ClassVar[Mapping[str, Any]] = {
        "replay": "off",
        "duplicates": "allowed",
        "casing": "both",
        "void_code": "6000",
        "inactive_code": "2500",
        "rotation": "daily",
        "cdc_order": "oldest",
        "deleted_suffix": False,
    }


class TestQuickBooksByItems(QuickBooksRules):
    """Requests are remembered item by item, and what is void loses its note."""

    options: ClassVar[Mapping[str, Any]] = {
        "batch_replay": "items",
        "void_note": "replace",
        "batch_order": "kept",
        "replay_other": "same",
        "rotation": "overlap",
    }


class TestQuickBooksInAmerica(QuickBooksRules):
    """Pseudo codes, dollars, no second currency, and a total of tax that is stated and kept."""

    options: ClassVar[Mapping[str, Any]] = {"us": True}

    def config(self, base_url: str) -> Mapping[str, Any]:
        return settings(base_url, tax="us_own_total")

    def documents(self) -> Sequence[LedgerDocument]:
        given: dict[str, Any] = {"currency": "USD", "dated": NOON.date(), "due": None}
        taxable, free = sold(3, "33.33", "TAX"), sold(1, "10.00", "NON")
        return [
            document(1, [taxable, free], tax=Decimal("8.25"), **given),
            document(2, [free], client=2, tax=Decimal(0), **given),
            document(3, [taxable], tax=Decimal("1.23"), **given),
        ]

    def bad(self) -> LedgerDocument:
        lines = [sold(1, "10.00", "2")]
        return document(9, lines, currency="USD", tax=Decimal(2), dated=NOON.date())

    def credit_note(self) -> LedgerDocument:
        given: dict[str, Any] = {"currency": "USD", "dated": NOON.date(), "due": None}
        return document(8, [sold(1, "5.00", "NON")], kind=DocumentKind.CREDIT, **given)
