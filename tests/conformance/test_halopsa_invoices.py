"""The HaloPSA connector keeps the rules of invoices; the rules catch keepers that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from syncd_halopsa import invoices as invoices_module
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import SCOPE
from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.invoice_writer import InvoiceWriter
from syncd_halopsa.invoices import InvoiceReader
from syncd_halopsa.listing import Listing
from syncd_halopsa.payments import PaymentBook
from syncd_halopsa.posted_mark import MarkShape
from syncd_halopsa.sandbox import CLIENT_OFFSET, SANDBOX, SECRET

from syncd.sandbox.presets import fleet
from syncd.sdk.errors import ConnectorError
from syncd.sdk.psa_records import Delivered, Receipt
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.invoices import InvoiceConformance, Made

START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
FIRST, SECOND = CLIENT_OFFSET + 1, CLIENT_OFFSET + 2


class HaloPsaInvoiceRules(InvoiceConformance):
    """Two clients in pages of two: processed, typed, credited, voided and a draft."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/auth/token$"
    list_path = "(?i)/Invoice$"
    mark_path = "(?i)/Invoice$"
    payment_path = "(?i)/InvoicePayment$"
    options: ClassVar[Mapping[str, Any]] = {}
    settings: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        world = fleet(0, 2, start=START)
        options = {"extras": False, "quota_calls": 0, "page_cap": 2, **self.options}
        app: Any = SANDBOX.build(world, options)
        hand = app.state.simulator.hand
        hand.invoice(client=FIRST)
        lines = [
            {"item_shortdescription": "GB", "qty_order": 2.345, "unit_price": 0.37},
            {"item_shortdescription": "Nothing", "qty_order": 1, "unit_price": 0},
            {"item_shortdescription": "Books", "qty_order": 3, "unit_price": 9.99, "tax_code": "2"},
        ]
        hand.finish(SECOND, lines, currency="EUR")
        hand.finish(FIRST)
        hand.draft(SECOND)
        hand.void_invoice(hand.finish(FIRST))
        hand.credit(1042, Decimal("0.5"))
        return app  # type: ignore[no-any-return] # the simulator is typed loosely

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {
            **SANDBOX.settings(base_url),
            "client_secret": SECRET,
            "scope": f"{SCOPE} edit:invoices",
            **self.settings,
        }

    def made(self, vendor: Any) -> Made:
        return Made(final=("1042", "1043", "1044"), draft="1045", voided="1046", credit="1047")

    def totals(self, vendor: Any) -> Mapping[str, Decimal]:
        rows = vendor.state.simulator.hand.invoices()
        return {str(row["id"]): row["total"] for row in rows}

    def now(self, vendor: Any) -> datetime:
        now: datetime = vendor.state.simulator.state.world.now()
        return now

    def edit(self, vendor: Any, invoice: str) -> None:
        hand = vendor.state.simulator.hand
        hand.edit_invoice(int(invoice), columns={"unit_price": Decimal("77.77")})

    def delete(self, vendor: Any, invoice: str) -> None:
        vendor.state.simulator.hand.delete_invoice(int(invoice))


class TestHaloPsaInvoices(HaloPsaInvoiceRules):
    """As shipped."""


class TestHaloPsaInvoicesThatSayLittle(HaloPsaInvoiceRules):
    """An old instance: no lines in lists, empty answers, ids as 12.0, no count of changes."""

    options: ClassVar[Mapping[str, Any]] = {
        "multi_answer": "empty",
        "ids_as_floats": True,
        "list_lines": "none",
        "change_seq": "absent",
        "changes_filter": "ignored",
        "credit_sign": "positive",
    }


class TestHaloPsaInvoicesInArrays(HaloPsaInvoiceRules):
    """An instance that answers arrays, filters changes by the wrong date, and has modules off."""

    options: ClassVar[Mapping[str, Any]] = {
        "multi_answer": "array",
        "partial_failure": "atomic",
        "changes_filter": "invoice_date",
        "list_links": True,
        "xero_module": "off",
        "quickbooks_module": "off",
        "recurring_lines": "merge",
    }


class TestHaloPsaInvoicesThatSkip(HaloPsaInvoiceRules):
    """An instance that leaves bad elements out in silence, marked one at a time."""

    options: ClassVar[Mapping[str, Any]] = {"partial_failure": "skip", "currency_shape": "symbol"}
    settings: ClassVar[Mapping[str, Any]] = {
        "write_batch": 1,
        "currency_codes": {"£": "GBP", "€": "EUR"},
    }


def takes_drafts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("syncd_halopsa.invoice_translation.is_final", lambda *_: True)


def forgets_credit_notes(patch: pytest.MonkeyPatch) -> None:
    from syncd.sdk.invoice_records import DocumentKind

    patch.setattr("syncd_halopsa.invoice_translation.kind_of", lambda *_: DocumentKind.INVOICE)


def reads_one_page(patch: pytest.MonkeyPatch) -> None:
    async def rows(self: Listing[Any]) -> list[Any]:
        return (await self.page(1)).rows

    patch.setattr(Listing, "rows", rows)


def hides_edits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(invoices_module, "_is_since", lambda *_: False)


def believes_every_answer(patch: pytest.MonkeyPatch) -> None:
    async def looked_up(self: Any, group: Any, *_: Any, **__: Any) -> list[Any]:
        return [Delivered(one.key, Receipt(one.key, one.mark.invoice)) for one in group]

    patch.setattr(InvoiceWriter, "_looked_up", looked_up)


def marks_again(patch: pytest.MonkeyPatch) -> None:
    shows, asked = MarkShape.shows, []

    def first_no(self: MarkShape, mark: Any, wire: Any) -> bool:
        asked.append(mark)
        return len(asked) % 2 == 0 and shows(self, mark, wire)

    patch.setattr(MarkShape, "shows", first_no)


def writes_no_link(patch: pytest.MonkeyPatch) -> None:
    whole = MarkShape.element

    def element(self: MarkShape, *args: Any) -> dict[str, object]:
        found = whole(self, *args)
        found.pop("new_external_link", None)
        return found

    patch.setattr(MarkShape, "element", element)


def looks_for_no_payment(patch: pytest.MonkeyPatch) -> None:
    find, asked = PaymentBook.find, []

    async def first_none(self: PaymentBook, invoices: Sequence[str]) -> Any:
        asked.append(invoices)
        found = await find(self, invoices)
        return found if len(asked) % 2 == 0 else {key: [] for key in found}

    patch.setattr(PaymentBook, "find", first_none)


def pays_twice(patch: pytest.MonkeyPatch) -> None:
    save = HaloApi.save_payment

    async def again(self: HaloApi, element: Any) -> Any:
        try:
            return await save(self, element)
        except ConnectorError:
            return await save(self, element)

    patch.setattr(HaloApi, "save_payment", again)


def shows_what_is_gone(patch: pytest.MonkeyPatch) -> None:
    async def read(self: InvoiceReader, keys: Any) -> Any:
        return {one.key: one async for batch in self.changed(None) for one in batch}

    patch.setattr(InvoiceReader, "read", read)


MUTANTS = {
    takes_drafts: "drafts_voids",
    forgets_credit_notes: "drafts_voids",
    reads_one_page: "to_the_cent",
    hides_edits: "changed_since",
    believes_every_answer: "lost_mark",
    marks_again: "shown_and_written_once",
    writes_no_link: "shown_and_written_once",
    looks_for_no_payment: "recorded_once",
    pays_twice: "lost_payment",
    shows_what_is_gone: "is_gone",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_keeper_that_breaks_a_rule_is_caught_by_it(
    mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = HaloPsaInvoiceRules()
    (rule,) = [
        getattr(rules, name)
        for name in dir(rules)
        if name.startswith("test_") and MUTANTS[mutant] in name
    ]
    HaloPsaInvoiceRules.setup_class()
    try:
        rule()
        mutant(monkeypatch)
        with pytest.raises(AssertionError):
            rule()
    finally:
        HaloPsaInvoiceRules.teardown_class()
