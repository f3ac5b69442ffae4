"""The Xero connector keeps every rule of the conformance kit, against its simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from syncd_xero import CONNECTOR
from syncd_xero.sandbox import REFRESH_TOKEN, SANDBOX, SECRET, WEBHOOK_KEY, consent_settings
from syncd_xero.sandbox.app import Simulator

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import LedgerDocument
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.ledger_after import AfterPosting
from tests.builders_partner import market
from tests.builders_tokens import MemoryVault
from tests.builders_xero import ONE, documents, ledger_document, line


class XeroRules(AfterPosting):
    """Three invoices whose totals tell arithmetics apart, for one contact."""

    connector = CONNECTOR
    secrets = (SECRET, WEBHOOK_KEY)
    token_path = "/connect/token$"
    write_path = "/Invoices$"
    write_method = "PUT"
    look_path = "/Invoices$"
    act_path = "/Invoices(/[^/]+)?$"
    act_method = "POST"
    options: ClassVar[Mapping[str, Any]] = {}
    simulator: ClassVar[Simulator]

    def vendor(self) -> Application:
        given = {"minute_calls": 0, "concurrency": 0, **self.options}
        app = SANDBOX.build(market(), given)
        type(self).simulator = app.state.simulator
        return app

    def config(self, base_url: str) -> Mapping[str, Any]:
        return plain(SANDBOX.settings(base_url))

    def documents(self) -> Sequence[LedgerDocument]:
        return documents()

    def bad(self) -> LedgerDocument:
        return ledger_document("SI-00099", contact="00000000-0000-4000-8000-000000000000")

    def credit_note(self) -> LedgerDocument:
        return ledger_document("CN-00001", kind=DocumentKind.CREDIT, due=None)

    def someone_else_uses(self, number: str) -> str:
        return self.simulator.hand.issue(ONE, [line(9)], InvoiceNumber=number, Reference="mine")

    def forget_attempts(self) -> None:
        self.simulator.hand.forget_keys()

    def close_books(self, document: LedgerDocument) -> None:
        self.simulator.hand.lock(document.dated.isoformat())

    def somebody_pays(self, remote: str, amount: Decimal) -> str:
        return self.simulator.hand.pay(remote, str(amount))

    def somebody_edits(self, remote: str) -> None:
        self.simulator.hand.edit(remote, DueDate=date(2027, 1, 31).isoformat())


def plain(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**settings, "client_secret": SECRET, "webhook_key": WEBHOOK_KEY}


class TestXero(XeroRules):
    """A custom connection."""


class TestXeroOfAPerson(XeroRules):
    """A person signed in; dates come in one form alone, and summaries say as little as they may."""

    secrets = (SECRET, WEBHOOK_KEY, REFRESH_TOKEN)
    options: ClassVar[Mapping[str, Any]] = {
        "date_strings": False,
        "omit_summary_fields": True,
        "idempotency_keeps": "good",
        "page_ceiling": 2,
    }

    def config(self, base_url: str) -> Mapping[str, Any]:
        return plain(consent_settings(base_url))

    def vault(self) -> MemoryVault:
        return MemoryVault(REFRESH_TOKEN)
