"""How documents, payments, contacts and catalogues look in answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.model import (
    Account,
    Category,
    Contact,
    Document,
    Item,
    Line,
    Payment,
    Settlement,
    Tax,
)
from syncd_xero.sandbox.wording import day, moment

Shown = dict[str, Any]


def document(books: Books, one: Document, *, whole: bool, places: int = 4) -> Shown:
    """An invoice or a credit note; a summary has no lines."""
    contact = books.contacts[one.contact]
    credit = one.kind == "ACCRECCREDIT"
    shown: Shown = {
        "Type": one.kind,
        "CreditNoteID" if credit else "InvoiceID": one.key,
        "CreditNoteNumber" if credit else "InvoiceNumber": one.number,
        "Reference": one.reference,
        "Contact": {"ContactID": contact.key, "Name": contact.name},
        "Date": day(one.dated),
        "Status": one.status,
        "LineAmountTypes": one.basis,
        "SubTotal": one.subtotal,
        "TotalTax": one.tax,
        "Total": one.total,
        "UpdatedDateUTC": moment(one.updated),
        "CurrencyCode": one.currency,
        "CurrencyRate": one.rate,
        "HasAttachments": False,
        "HasErrors": False,
        "LineItems": [line(books, each, places) for each in one.lines] if whole else [],
    }
    if one.due is not None:
        shown["DueDate"] = day(one.due)
    if one.fully_paid is not None:
        shown["FullyPaidOnDate"] = day(one.fully_paid)
    if books.options.date_strings:
        shown["DateString"] = f"{one.dated.isoformat()}T00:00:00"
        shown["UpdatedDateUTCString"] = one.updated.strftime("%Y-%m-%dT%H:%M:%S")
        if one.due is not None:
            shown["DueDateString"] = f"{one.due.isoformat()}T00:00:00"
    if one.rounding:
        shown["RoundingAmount"] = one.rounding
    if credit:
        shown |= {"AppliedAmount": one.credited + one.paid, "RemainingCredit": one.due_amount}
        shown["Allocations"] = allocations(books, one)
        shown["Payments"] = _payments(books, one)
    else:
        shown |= {
            "AmountDue": Decimal("0.00") if one.status in {"VOIDED", "DELETED"} else one.due_amount,
            "AmountPaid": one.paid,
            "AmountCredited": one.credited,
            "SentToContact": one.sent,
            "IsDiscounted": any(each.discount_rate or each.discount_amount for each in one.lines),
            "Payments": _payments(books, one),
            "CreditNotes": _credits(books, one, "ACCRECCREDIT", "CreditNote"),
            "Overpayments": _credits(books, one, "RECEIVE-OVERPAYMENT", "Overpayment"),
            "Prepayments": _credits(books, one, "RECEIVE-PREPAYMENT", "Prepayment"),
        }
        if one.url:
            shown["Url"] = one.url
    if not whole and books.options.omit_summary_fields:
        shown.pop("CurrencyRate")
        if not one.reference:
            shown.pop("Reference")
    return shown


def line(books: Books, one: Line, places: int) -> Shown:
    """A line; prices with two or four places, as the caller asked."""
    shown: Shown = {"LineItemID": one.key, "Description": one.description}
    if one.quantity is None:
        return shown | {"LineAmount": one.amount, "TaxAmount": one.tax, "Tracking": []}
    price = one.price if one.price is not None else Decimal(0)
    shown |= {
        "Quantity": one.quantity,
        "UnitAmount": price if places == 4 else round(price, 2),
        "LineAmount": one.amount,
        "TaxAmount": one.tax,
        "TaxType": one.tax_type,
        "Tracking": one.tracking,
        "ValidationErrors": [],
    }
    if one.account:
        shown |= {"AccountCode": one.account, "AccountID": books.accounts[one.account].key}
    if one.item:
        item = books.items[one.item]
        shown["ItemCode"] = one.item
        shown["Item"] = {"ItemID": item.key, "Name": item.name, "Code": item.code}
    if one.discount_rate is not None:
        shown["DiscountRate"] = one.discount_rate
    if one.discount_amount is not None:
        shown["DiscountAmount"] = one.discount_amount
    return shown


def payment(books: Books, one: Payment) -> Shown:
    target = books.documents[one.document]
    contact = books.contacts[target.contact]
    account = books.accounts[one.account]
    kind = "CreditNote" if target.kind == "ACCRECCREDIT" else "Invoice"
    return {
        "PaymentID": one.key,
        "Date": day(one.dated),
        "Amount": one.amount,
        "BankAmount": one.amount,
        "CurrencyRate": target.rate,
        "PaymentType": "ARCREDITPAYMENT" if kind == "CreditNote" else "ACCRECPAYMENT",
        "Status": one.status,
        "Reference": one.reference,
        "UpdatedDateUTC": moment(one.updated),
        "HasAccount": True,
        "IsReconciled": False,
        "Account": {"AccountID": account.key, "Code": account.code},
        kind: {
            "Type": target.kind,
            f"{kind}ID": target.key,
            f"{kind}Number": target.number,
            "CurrencyCode": target.currency,
            "Contact": {"ContactID": contact.key, "Name": contact.name},
        },
    }


def spare_money(books: Books, one: Document) -> Shown:
    """An overpayment or a prepayment."""
    name = "Overpayment" if one.kind == "RECEIVE-OVERPAYMENT" else "Prepayment"
    contact = books.contacts[one.contact]
    parts: Shown = {}
    if not books.options.hide_allocations:
        parts = {"Allocations": allocations(books, one), "Payments": _payments(books, one)}
    return {
        "Type": one.kind,
        f"{name}ID": one.key,
        "Contact": {"ContactID": contact.key, "Name": contact.name},
        "Date": day(one.dated),
        "Status": one.status,
        "CurrencyCode": one.currency,
        "Total": one.total,
        "RemainingCredit": one.due_amount,
        "UpdatedDateUTC": moment(one.updated),
        **parts,
    }


def allocations(books: Books, one: Document) -> list[Shown]:
    """Which invoices a document settles."""
    return [
        allocation(books, each) for each in books.settlements.values() if each.source == one.key
    ]


def allocation(books: Books, one: Settlement) -> Shown:
    target = books.documents[one.target]
    return {
        "AllocationID": one.key,
        "Amount": one.amount,
        "Date": day(one.dated),
        "Invoice": {"InvoiceID": target.key, "InvoiceNumber": target.number},
    }


def contact(one: Contact) -> Shown:
    shown: Shown = {
        "ContactID": one.key,
        "ContactStatus": "ARCHIVED" if one.archived else "ACTIVE",
        "Name": one.name,
        "EmailAddress": one.email,
        "IsSupplier": one.supplier,
        "IsCustomer": one.customer,
        "UpdatedDateUTC": moment(one.updated),
        "ContactPersons": one.persons,
        "Addresses": [],
        "Phones": [],
    }
    more = {"ContactNumber": one.number, "AccountNumber": one.account_number}
    more |= {"FirstName": one.first_name, "LastName": one.last_name}
    more |= {"DefaultCurrency": one.currency}
    return shown | {name: value for name, value in more.items() if value}


def account(one: Account) -> Shown:
    shown: Shown = {
        "AccountID": one.key,
        "Code": one.code,
        "Name": one.name,
        "Type": one.kind,
        "TaxType": one.tax_type,
        "Status": "ARCHIVED" if one.archived else "ACTIVE",
        "Class": "REVENUE" if one.kind in {"REVENUE", "SALES"} else "ASSET",
        "EnablePaymentsToAccount": one.payments,
    }
    return shown | ({"SystemAccount": one.system} if one.system else {})


def tax(one: Tax) -> Shown:
    return {
        "Name": one.name,
        "TaxType": one.key,
        "Status": one.status,
        "CanApplyToRevenue": one.revenue,
        "CanApplyToExpenses": not one.revenue,
        "DisplayTaxRate": one.percent,
        "EffectiveRate": one.percent,
        "TaxComponents": [
            {"Name": name, "Rate": rate, "IsCompound": False}
            for name, rate in one.components.items()
        ],
    }


def item(one: Item) -> Shown:
    sales: Shown = {"AccountCode": one.account, "TaxType": one.tax_type}
    if one.price is not None:
        sales["UnitPrice"] = one.price
    shown: Shown = {
        "ItemID": one.key,
        "Code": one.code,
        "Name": one.name,
        "Description": one.description,
        "IsSold": one.sold,
        "IsPurchased": False,
        "IsTrackedAsInventory": False,
        "UpdatedDateUTC": moment(one.updated),
    }
    return shown | ({"SalesDetails": sales} if one.sold else {})


def category(one: Category) -> Shown:
    options = [
        {"TrackingOptionID": each.key, "Name": each.name, "Status": each.status}
        for each in one.options
    ]
    return {
        "Name": one.name,
        "Status": one.status,
        "TrackingCategoryID": one.key,
        "Options": options,
    }


def organisation(books: Books) -> Shown:
    shown: Shown = {
        "OrganisationID": books.tenant,
        "Name": books.name,
        "LegalName": books.name,
        "Version": "UK",
        "OrganisationType": "COMPANY",
        "OrganisationStatus": "ACTIVE",
        "BaseCurrency": books.currency,
        "CountryCode": books.country,
        "Timezone": "GMTSTANDARDTIME",
        "IsDemoCompany": True,
        "DefaultSalesTax": "Tax Exclusive",
        "SalesTaxBasis": "ACCRUALS",
        "ShortCode": "!sand1",
        "Edition": "BUSINESS",
        "Class": "DEMO",
    }
    for name, lock in (
        ("PeriodLockDate", books.period_lock),
        ("EndOfYearLockDate", books.year_lock),
    ):
        if lock is not None:
            shown[name] = day(lock)
    return shown


def _payments(books: Books, one: Document) -> list[Shown]:
    return [
        {
            "PaymentID": each.key,
            "Date": day(each.dated),
            "Amount": each.amount,
            "Reference": each.reference,
            "HasAccount": False,
        }
        for each in books.paying(one.key)
        if each.status != "DELETED"
    ]


def _credits(books: Books, one: Document, kind: str, name: str) -> list[Shown]:
    found = []
    for each in books.settlements.values():
        source = books.documents[each.source]
        if each.target == one.key and source.kind == kind:
            shown: Shown = {f"{name}ID": source.key, "ID": source.key, "Total": source.total}
            shown |= {"AppliedAmount": each.amount, "Date": day(each.dated)}
            if kind == "ACCRECCREDIT":
                shown["CreditNoteNumber"] = source.number
            found.append(shown)
    return found
