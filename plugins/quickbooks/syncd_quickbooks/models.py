"""What QuickBooks answers, as far as it is read; unknown fields are skipped.

Amounts are decoded digit by digit. Everything that could be missing is optional, as answers leave
out what is empty.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class Ref(msgspec.Struct, frozen=True):
    """A reference to another entity."""

    value: str = ""
    name: str | None = None


class Meta(msgspec.Struct, frozen=True, rename="pascal"):
    """When an entity was made and changed, in the company's own offset."""

    create_time: str = ""
    last_updated_time: str = ""


class Linked(msgspec.Struct, frozen=True, rename="pascal"):
    """A link between transactions."""

    txn_id: str = ""
    txn_type: str = ""


class SalesDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """What is sold on a line."""

    item_ref: Ref | None = None
    qty: Decimal | None = None
    unit_price: Decimal | None = None
    tax_code_ref: Ref | None = None
    class_ref: Ref | None = None
    tax_inclusive_amt: Decimal | None = None


class Line(msgspec.Struct, frozen=True, rename="pascal"):
    """A line of a transaction; what it is says `detail_type`."""

    id: str | None = None
    amount: Decimal | None = None
    description: str | None = None
    detail_type: str | None = None
    sales_item_line_detail: SalesDetail | None = None
    linked_txn: list[Linked] | None = None


class TaxDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """Tax of a whole transaction."""

    total_tax: Decimal | None = None


class Transaction(msgspec.Struct, frozen=True, rename="pascal"):
    """An invoice, a credit memo or a payment; each uses the fields it has."""

    id: str
    sync_token: str = ""
    status: str | None = msgspec.field(default=None, name="status")
    doc_number: str | None = None
    payment_ref_num: str | None = None
    txn_date: date | None = None
    due_date: date | None = None
    customer_ref: Ref | None = None
    currency_ref: Ref | None = None
    private_note: str | None = None
    total_amt: Decimal | None = None
    balance: Decimal | None = None
    remaining_credit: Decimal | None = None
    unapplied_amt: Decimal | None = None
    global_tax_calculation: str | None = None
    txn_tax_detail: TaxDetail | None = None
    line: list[Line] | None = None
    linked_txn: list[Linked] | None = None
    meta_data: Meta | None = None


class Company(msgspec.Struct, frozen=True, rename="pascal"):
    """The company."""

    company_name: str = ""
    country: str | None = None


class SalesPrefs(msgspec.Struct, frozen=True, rename="pascal"):
    """Preferences of sales forms."""

    custom_txn_numbers: bool | None = None
    auto_apply_credit: bool | None = None


class TaxPrefs(msgspec.Struct, frozen=True, rename="pascal"):
    """Preferences of tax."""

    using_sales_tax: bool | None = None
    partner_tax_enabled: bool | None = None


class CurrencyPrefs(msgspec.Struct, frozen=True, rename="pascal"):
    """Preferences of currencies."""

    multi_currency_enabled: bool | None = None
    home_currency: Ref | None = None


class AccountingPrefs(msgspec.Struct, frozen=True, rename="pascal"):
    """Preferences of bookkeeping."""

    book_close_date: str | None = None
    class_tracking_per_txn_line: bool | None = None


class Preferences(msgspec.Struct, frozen=True, rename="pascal"):
    """The company's preferences."""

    sales_forms_prefs: SalesPrefs = SalesPrefs()
    tax_prefs: TaxPrefs = TaxPrefs()
    currency_prefs: CurrencyPrefs = CurrencyPrefs()
    accounting_info_prefs: AccountingPrefs = AccountingPrefs()


class Named(msgspec.Struct, frozen=True, rename="pascal"):
    """An entry of a list: a customer, vendor, employee, item, account, class, term, currency."""

    id: str = ""
    name: str | None = None
    display_name: str | None = None
    fully_qualified_name: str | None = None
    active: bool | None = None
    currency_ref: Ref | None = None
    notes: str | None = None
    sku: str | None = None
    type: str | None = None
    acct_num: str | None = None
    account_type: str | None = None
    classification: str | None = None
    income_account_ref: Ref | None = None
    code: str | None = None
    due_days: int | None = None

    @property
    def usable(self) -> bool:
        """Pseudo codes come without the field, and are usable."""
        return self.active is not False


class RateDetail(msgspec.Struct, frozen=True, rename="pascal"):
    """A component of a tax code."""

    tax_rate_ref: Ref = Ref()
    tax_type_applicable: str | None = None


class RateList(msgspec.Struct, frozen=True, rename="pascal"):
    """Components of a tax code."""

    tax_rate_detail: list[RateDetail] | None = None


class TaxCode(msgspec.Struct, frozen=True, rename="pascal"):
    """A tax code; the American pseudo codes have no components."""

    id: str
    name: str = ""
    description: str | None = None
    active: bool | None = None
    hidden: bool | None = None
    taxable: bool | None = None
    tax_group: bool | None = None
    sales_tax_rate_list: RateList | None = None


class TaxRate(msgspec.Struct, frozen=True, rename="pascal"):
    """A rate in percent."""

    id: str
    name: str = ""
    rate_value: Decimal | None = None


class ErrorSaid(msgspec.Struct, frozen=True):
    """One error of a fault, in either casing."""

    message: str | None = None
    detail: str | None = None
    code: str | int | None = None
    element: str | None = None
    capital_message: str | None = msgspec.field(default=None, name="Message")
    capital_detail: str | None = msgspec.field(default=None, name="Detail")


class Fault(msgspec.Struct, frozen=True):
    """A fault, in either casing."""

    type: str | None = None
    error: list[ErrorSaid] | None = None
    capital_error: list[ErrorSaid] | None = msgspec.field(default=None, name="Error")


class Faulty(msgspec.Struct, frozen=True):
    """An answer of which only the fault is looked at."""

    fault: Fault | None = None
    capital_fault: Fault | None = msgspec.field(default=None, name="Fault")


class Found(msgspec.Struct, frozen=True):
    """The answer of a query; nothing found is an empty object."""

    rows: dict[str, msgspec.Raw] = msgspec.field(name="QueryResponse")


class Done(msgspec.Struct, frozen=True):
    """The outcome of one item of a batch."""

    bid: str = msgspec.field(name="bId")
    invoice: Transaction | None = msgspec.field(default=None, name="Invoice")
    credit: Transaction | None = msgspec.field(default=None, name="CreditMemo")
    fault: Fault | None = msgspec.field(default=None, name="Fault")


class BatchAnswer(msgspec.Struct, frozen=True):
    """The outcomes of a batch, in any order."""

    items: list[Done] = msgspec.field(name="BatchItemResponse")


class ChangedRows(msgspec.Struct, frozen=True):
    """Changes of the asked entities, one element of the feed."""

    query: list[dict[str, msgspec.Raw]] = msgspec.field(name="QueryResponse", default_factory=list)


class Feed(msgspec.Struct, frozen=True):
    """The answer of the feed of changes."""

    changes: list[ChangedRows] = msgspec.field(name="CDCResponse", default_factory=list)
