"""What Xero answers, as far as it is read; whatever may be absent has a default.

Sources: the vendor's OpenAPI description of its accounting interface, version 16.1.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_IDS = {"id": "ID", "utc": "UTC"}


def _pascal(name: str) -> str:
    """`invoice_id` -> `InvoiceID`, `updated_date_utc` -> `UpdatedDateUTC`."""
    return "".join(_IDS.get(word, word.capitalize()) for word in name.split("_"))


class Wire(msgspec.Struct, kw_only=True, rename=_pascal):
    """Read from Xero."""


class Message(Wire):
    message: str = ""


class Pagination(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    page: int = 1
    page_size: int = 0
    page_count: int = 1
    item_count: int | None = None


class WireContact(Wire):
    contact_id: str = ""
    name: str = ""
    contact_number: str | None = None
    account_number: str | None = None
    contact_status: str | None = None
    default_currency: str | None = None
    is_customer: bool | None = None
    is_supplier: bool | None = None


class WireTracking(Wire):
    tracking_category_id: str | None = None
    tracking_option_id: str | None = None
    name: str | None = None
    option: str | None = None


class WireLine(Wire):
    line_item_id: str | None = None
    description: str | None = None
    quantity: Decimal | None = None
    unit_amount: Decimal | None = None
    item_code: str | None = None
    account_code: str | None = None
    tax_type: str | None = None
    tax_amount: Decimal | None = None
    line_amount: Decimal | None = None


class WireDocument(Wire):
    """An invoice or a credit note; the fields of the other kind stay empty."""

    type: str = ""
    invoice_id: str = ""
    credit_note_id: str = ""
    invoice_number: str | None = None
    credit_note_number: str | None = None
    reference: str | None = None
    status: str = ""
    contact: WireContact = msgspec.field(default_factory=WireContact)
    currency_code: str | None = None
    date: str | None = None
    date_string: str | None = None
    due_date: str | None = None
    due_date_string: str | None = None
    line_amount_types: str | None = None
    line_items: list[WireLine] | None = None
    sub_total: Decimal | None = None
    total_tax: Decimal | None = None
    total: Decimal | None = None
    amount_due: Decimal | None = None
    amount_paid: Decimal | None = None
    amount_credited: Decimal | None = None
    remaining_credit: Decimal | None = None
    applied_amount: Decimal | None = None
    allocations: list[WireAllocation] | None = None
    payments: list[WirePayment] | None = None
    updated_date_utc: str | None = None
    has_errors: bool = False
    status_attribute_string: str | None = None
    validation_errors: list[Message] | None = None
    warnings: list[Message] | None = None

    @property
    def id(self) -> str:
        return self.invoice_id or self.credit_note_id

    @property
    def number(self) -> str:
        return self.invoice_number or self.credit_note_number or ""


class WireAllocation(Wire):
    allocation_id: str | None = None
    invoice: WireDocument | None = None
    amount: Decimal = Decimal(0)
    date: str | None = None
    is_deleted: bool = False


class WirePayment(Wire):
    payment_id: str = ""
    invoice: WireDocument | None = None
    amount: Decimal = Decimal(0)
    date: str | None = None
    reference: str | None = None
    status: str = ""
    payment_type: str | None = None
    updated_date_utc: str | None = None


class WireCredit(Wire):
    """A prepayment or an overpayment: money that was received and settles what it is put to."""

    overpayment_id: str = ""
    prepayment_id: str = ""
    type: str = ""
    status: str = ""
    contact: WireContact = msgspec.field(default_factory=WireContact)
    currency_code: str | None = None
    date: str | None = None
    reference: str | None = None
    total: Decimal = Decimal(0)
    remaining_credit: Decimal | None = None
    allocations: list[WireAllocation] | None = None
    payments: list[WirePayment] | None = None
    updated_date_utc: str | None = None

    @property
    def id(self) -> str:
        return self.overpayment_id or self.prepayment_id


class WireOrganisation(Wire):
    organisation_id: str = ""
    name: str = ""
    base_currency: str = ""
    country_code: str | None = None
    period_lock_date: str | None = None
    end_of_year_lock_date: str | None = None
    organisation_status: str | None = None
    is_demo_company: bool = False


class WireAccount(Wire):
    code: str | None = None
    name: str = ""
    type: str = ""
    status: str | None = None
    system_account: str | None = None
    tax_type: str | None = None


class WireComponent(Wire):
    name: str = ""
    rate: Decimal = Decimal(0)
    is_compound: bool = False


class WireTax(Wire):
    name: str = ""
    tax_type: str = ""
    status: str | None = None
    effective_rate: Decimal | None = None
    can_apply_to_revenue: bool | None = None
    tax_components: list[WireComponent] | None = None


class WireOption(Wire):
    tracking_option_id: str = ""
    name: str = ""
    status: str | None = None


class WireCategory(Wire):
    tracking_category_id: str = ""
    name: str = ""
    status: str | None = None
    options: list[WireOption] = []


class WireSales(Wire):
    account_code: str | None = None
    tax_type: str | None = None


class WireItem(Wire):
    item_id: str = ""
    code: str = ""
    name: str | None = None
    is_sold: bool | None = None
    sales_details: WireSales | None = None
    status_attribute_string: str | None = None
    validation_errors: list[Message] | None = None


class WireCurrency(Wire):
    code: str = ""
    description: str | None = None


class SavedContact(WireContact):
    has_validation_errors: bool = False
    status_attribute_string: str | None = None
    validation_errors: list[Message] | None = None


class Tenant(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A connection of the consent, as `GET /connections` lists it."""

    tenant_id: str = ""
    tenant_type: str = ""
    tenant_name: str | None = None


class Envelope(Wire):
    """An answer; of its lists one is filled."""

    date_time_utc: str | None = msgspec.field(name="DateTimeUTC", default=None)
    pagination: Pagination | None = msgspec.field(name="pagination", default=None)
    invoices: list[WireDocument] | None = None
    credit_notes: list[WireDocument] | None = None
    payments: list[WirePayment] | None = None
    overpayments: list[WireCredit] | None = None
    prepayments: list[WireCredit] | None = None
    contacts: list[SavedContact] | None = None
    organisations: list[WireOrganisation] | None = None
    accounts: list[WireAccount] | None = None
    tax_rates: list[WireTax] | None = None
    tracking_categories: list[WireCategory] | None = None
    items: list[WireItem] | None = None
    currencies: list[WireCurrency] | None = None
    allocations: list[WireAllocation] | None = None
