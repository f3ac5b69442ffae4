"""What is written to QuickBooks, and what is refused before it would be taken differently."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from syncd_quickbooks.book import Home, Regime, home_of
from syncd_quickbooks.models import (
    AccountingPrefs,
    Company,
    CurrencyPrefs,
    Preferences,
    Ref,
    SalesPrefs,
)
from syncd_quickbooks.payload import body_of

from syncd.sdk.errors import ConfigError, DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, TaxMode
from tests.builders_quickbooks import MARKER, config, document, line


def home(country: str = "GB", *, multi: bool = True, **settings: Any) -> Home:
    currency = "USD" if country == "US" else "GBP"
    preferences = Preferences(
        sales_forms_prefs=SalesPrefs(custom_txn_numbers=True),
        currency_prefs=CurrencyPrefs(multi_currency_enabled=multi, home_currency=Ref(currency)),
        accounting_info_prefs=AccountingPrefs(book_close_date="2026-03-31"),
    )
    company = Company(company_name="Bluebird IT", country=country)
    return home_of(company, preferences, ("EUR",) if multi else (), config(**settings))


def body(**more: Any) -> dict[str, Any]:
    return body_of(document(**more), home(), config())


def test_a_document_says_everything_that_quickbooks_would_else_fill_in() -> None:
    written = body(reference="PO 7", terms="3")
    assert written == {
        "DocNumber": "2043",
        "TxnDate": "2026-11-01",
        "DueDate": "2026-12-01",
        "SalesTermRef": {"value": "3"},
        "CustomerRef": {"value": "101"},
        "CurrencyRef": {"value": "GBP"},
        "EmailStatus": "NotSet",
        "PrivateNote": f"{MARKER} | PO 7",
        "GlobalTaxCalculation": "TaxExcluded",
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal("30.00"),
                "Description": "Managed workstation",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "21"},
                    "Qty": Decimal(3),
                    "UnitPrice": Decimal(10),
                    "TaxCodeRef": {"value": "2"},
                },
            }
        ],
    }


def test_nothing_is_mailed_and_no_duplicate_is_allowed() -> None:
    written = body()
    assert written["EmailStatus"] == "NotSet"
    assert "BillEmail" not in written
    assert "allowduplicatedocnum" not in str(written)


def test_an_american_document_has_no_calculation_mode_and_untaxed_lines_say_so() -> None:
    lines = [line(tax="TAX"), line(tax="NON")]
    american = home("US", multi=False)
    written = body_of(document(lines=lines, currency="USD"), american, config())
    assert "GlobalTaxCalculation" not in written
    assert "CurrencyRef" not in written
    assert "TxnTaxDetail" not in written
    codes = [one["SalesItemLineDetail"]["TaxCodeRef"]["value"] for one in written["Line"]]
    assert codes == ["TAX", "NON"]


def test_the_total_tax_is_stated_only_where_it_is_ours() -> None:
    stated = document(lines=[line(tax="TAX")], currency="USD", tax=Decimal("8.25"))
    ours = home("US", multi=False, tax="us_own_total")
    assert body_of(stated, ours, config())["TxnTaxDetail"] == {"TotalTax": Decimal("8.25")}
    assert "TxnTaxDetail" not in body_of(stated, home("US", multi=False), config())


def test_american_lines_take_no_other_code() -> None:
    with pytest.raises(DataError, match="TAX or NON only"):
        body_of(document(), home("US", multi=False), config())


def test_a_credit_note_has_no_due_date() -> None:
    written = body(kind=DocumentKind.CREDIT, due=None)
    assert "DueDate" not in written


def test_words_are_lines_without_money() -> None:
    words = line("0", "0", tax="", item="", text_only=True, description="For November")
    assert body(lines=[words, line()])["Line"][0] == {
        "DetailType": "DescriptionOnly",
        "Description": "For November",
        "DescriptionLineDetail": {},
    }


def test_the_order_number_may_go_where_the_client_sees_it() -> None:
    written = body_of(document(reference="PO 7"), home(), config(reference_in="memo"))
    assert written["CustomerMemo"] == {"value": "PO 7"}
    assert written["PrivateNote"] == MARKER


def test_a_class_stands_on_the_line_where_classes_are_on() -> None:
    tracked = document(lines=[line(tracking=("41",))])
    written = body_of(tracked, home(), config(classes=True))
    assert written["Line"][0]["SalesItemLineDetail"]["ClassRef"] == {"value": "41"}
    with pytest.raises(DataError, match="classes are off"):
        body_of(tracked, home(), config())
    with pytest.raises(DataError, match="takes one"):
        body_of(document(lines=[line(tracking=("1", "2"))]), home(), config(classes=True))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"number": "1234567890123456789012"}, "22 characters"),
        ({"number": ""}, "no number"),
        ({"lines": [line(tax="")]}, "no tax code"),
        ({"lines": [line(item="")]}, "no item"),
        ({"lines": [line(item="", rounding=True)]}, "evens out cents has no item"),
        ({"lines": [line(net=Decimal("99.99"))]}, "quantity times price is 100.00"),
        ({"lines": [line("-1")]}, "negative"),
        ({"lines": []}, "0 lines with money"),
        ({"lines": [line()] * 751}, "takes 1 to 750"),
        ({"lines": [line(description="x" * 4001)]}, "4001 characters"),
        ({"lines": [line("1", "99999999999")]}, "larger than"),
        ({"reference": "x" * 1001}, "reference has more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_quickbooks_cannot_hold_is_refused_with_advice(
    more: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words) as refused:
        body(**more)
    assert refused.value.remedy


def test_the_basis_is_always_said() -> None:
    assert body(basis=AmountBasis.INCLUSIVE)["GlobalTaxCalculation"] == "TaxInclusive"
    assert body(basis=AmountBasis.NO_TAX)["GlobalTaxCalculation"] == "NotApplicable"


def test_the_company_says_what_documents_must_know() -> None:
    book = home().book
    assert (book.country, book.currency, book.currencies) == ("GB", "GBP", ("EUR", "GBP"))
    assert (book.tax_mode, book.number_limit, book.drafts) == (TaxMode.PER_RATE, 21, False)
    assert str(book.locked_until) == "2026-03-31"
    assert book.needs_item


def test_the_regime_follows_from_the_country_and_never_against_it() -> None:
    assert home("US", multi=False).regime is Regime.DELEGATED
    assert home("US", multi=False).book.tax_mode is TaxMode.DELEGATED
    assert home("US", multi=False, tax="us_own_total").book.states_tax
    for country, tax in (("US", "global"), ("GB", "us_delegated")):
        with pytest.raises(ConfigError, match="does not fit"):
            home(country, tax=tax)
    with pytest.raises(ConfigError, match="in which country"):
        home("")
