"""Payments: allocated to invoices line by line, credits among them, the rest unapplied.

A document's balance is what its payments leave of it; each change of a link counts as a change of
the document, too.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from syncd_quickbooks.sandbox.catalogue import reference, usable
from syncd_quickbooks.sandbox.company import Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.sales_lines import cents, number

AUTO_NOTE: Final = "Created by QB Online to link credits to charges."
LONGEST_REFERENCE: Final = 21
_WRITABLE: Final = (
    "CustomerRef", "TotalAmt", "TxnDate", "PaymentRefNum", "DepositToAccountRef", "Line",
    "PrivateNote", "CurrencyRef", "ExchangeRate", "PaymentMethodRef", "ProcessPayment",
)  # fmt: skip
_IGNORED: Final = {
    "Id", "SyncToken", "sparse", "domain", "MetaData", "UnappliedAmt", "LinkedTxn",
}  # fmt: skip
UNDEPOSITED: Final = "4"

Link = tuple[str, str]
"""Kind and id of a document."""


def create(company: Company, payload: Row) -> Row:
    """A payment and what it settles.

    Raises:
        Refusal: 620, a document cannot take what is allocated; 2010 to 2500; 6000.
    """
    row, links = _checked(company, payload, {})
    made = company.add("Payment", row)
    _link(company, made["Id"], {}, links)
    return made


def update(company: Company, payload: Row) -> Row:
    """Replace a payment; all its lines or none.

    Raises:
        Refusal: 5010; as for `create`.
    """
    found = company.current("Payment", payload)
    before = allocations(found)
    given = dict(payload)
    if payload.get("sparse") is True:
        given = {**{name: found[name] for name in _WRITABLE if name in found}, **payload}
    row, links = _checked(company, given, before)
    company.replace("Payment", found, row)
    _link(company, found["Id"], before, links)
    return found


def delete(company: Company, payload: Row, *, void: bool = False) -> Row:
    """Take a payment back; what it settled is open again.

    Raises:
        Refusal: 5010, 610.
    """
    found = company.current("Payment", payload)
    _link(company, found["Id"], allocations(found), {})
    if void:
        found |= {"TotalAmt": Decimal(0), "UnappliedAmt": Decimal(0), "Line": []}
        found["PrivateNote"] = "Voided"
        company.touch("Payment", found, "voided")
        return found
    company.remove("Payment", found["Id"])
    return {"Id": found["Id"], "status": "Deleted", "domain": "QBO"}


def allocations(payment: Row) -> dict[Link, Decimal]:
    """What a payment gives to each document; credits are positive, too."""
    found: dict[Link, Decimal] = {}
    for line in payment.get("Line", ()):
        for link in line["LinkedTxn"]:
            key = link["TxnType"], link["TxnId"]
            found[key] = found.get(key, Decimal(0)) + line["Amount"]
    return found


def apply_credits(company: Company, invoice: Row) -> None:
    """What the preference does by itself: open credits of the customer settle a new invoice."""
    for memo in list(company.rows("CreditMemo")):
        share = min(memo["Balance"], invoice["Balance"])
        if memo["CustomerRef"]["value"] == invoice["CustomerRef"]["value"] and share > 0:
            create(company, joined(invoice, memo, share))
    for payment in list(company.rows("Payment")):
        share = min(payment["UnappliedAmt"], invoice["Balance"])
        if payment["CustomerRef"]["value"] == invoice["CustomerRef"]["value"] and share > 0:
            line = {"Amount": share, "LinkedTxn": [_linked("Invoice", invoice["Id"])]}
            update(company, {"Id": payment["Id"], "SyncToken": payment["SyncToken"],
                             "sparse": True, "Line": [*payment["Line"], line]})  # fmt: skip


def joined(invoice: Row, memo: Row, amount: Decimal) -> Row:
    """A payment of nothing that lets a credit memo settle an invoice."""
    return {
        "CustomerRef": {"value": invoice["CustomerRef"]["value"]},
        "CurrencyRef": {"value": invoice["CurrencyRef"]["value"]},
        "TotalAmt": Decimal(0),
        "PrivateNote": AUTO_NOTE,
        "Line": [
            {"Amount": amount, "LinkedTxn": [_linked("Invoice", invoice["Id"])]},
            {"Amount": amount, "LinkedTxn": [_linked("CreditMemo", memo["Id"])]},
        ],
    }


def _checked(
    company: Company, payload: Row, before: dict[Link, Decimal]
) -> tuple[Row, dict[Link, Decimal]]:
    unknown = sorted(set(payload) - set(_WRITABLE) - _IGNORED)
    if unknown:
        raise Refusal("2010", f"Property {unknown[0]} is unsupported", element=unknown[0])
    customer = reference(payload, "CustomerRef")
    if not customer:
        raise Refusal("2020", "CustomerRef is required", element="CustomerRef")
    buyer = usable(company, "Customer", customer, "CustomerRef")
    if "TotalAmt" not in payload:
        raise Refusal("2020", "TotalAmt is required", element="TotalAmt")
    if len(str(payload.get("PaymentRefNum") or "")) > LONGEST_REFERENCE:
        raise Refusal("2050", "PaymentRefNum is too long", element="PaymentRefNum")
    total = cents(number(payload["TotalAmt"], "TotalAmt"))
    lines, links = _lines(payload.get("Line") or [])
    applied = Decimal(0)
    for key, amount in links.items():
        applied += -amount if key[0] == "CreditMemo" else amount
        _takes(company, key, amount - before.get(key, Decimal(0)), customer)
    if applied > total:
        raise Refusal("6000", f"{applied} is allocated of {total}")
    row = {name: payload[name] for name in _WRITABLE if payload.get(name) is not None}
    currency = reference(buyer, "CurrencyRef") or company.currency
    row["CustomerRef"] = {"value": customer, "name": buyer["DisplayName"]}
    row["CurrencyRef"] = {"value": currency, "name": currency}
    row.setdefault("DepositToAccountRef", {"value": UNDEPOSITED})
    row.setdefault("TxnDate", company.today().isoformat())
    return {**row, "TotalAmt": total, "UnappliedAmt": total - applied, "Line": lines}, links


def _lines(given: Any) -> tuple[list[Row], dict[Link, Decimal]]:
    lines: list[Row] = []
    for sent in given:
        linked = sent.get("LinkedTxn") or []
        if len(linked) != 1 or linked[0].get("TxnType") not in {"Invoice", "CreditMemo"}:
            raise Refusal("620", "a line links one invoice or one credit memo")
        amount = cents(number(sent.get("Amount"), "Amount"))
        if amount <= 0:
            raise Refusal("2010", "Amount is not positive", element="Amount")
        link = _linked(linked[0]["TxnType"], str(linked[0].get("TxnId")))
        lines.append({"Amount": amount, "LinkedTxn": [link]})
    return lines, allocations({"Line": lines})


def _takes(company: Company, key: Link, more: Decimal, customer: str) -> None:
    kind, identifier = key
    document = company.tables[kind].get(identifier)
    if document is None or document["CustomerRef"]["value"] != customer:
        raise Refusal("620", f"{kind} {identifier} is not a document of this customer")
    if more > document["Balance"]:
        words = f"{kind} {identifier} has a balance of {document['Balance']} and takes no {more}"
        raise Refusal("620", words)


def _link(
    company: Company, payment: str, before: dict[Link, Decimal], after: dict[Link, Decimal]
) -> None:
    """Change balances and links of the documents whose allocation is another one now."""
    for key in {**before, **after}:
        old, new = before.get(key, Decimal(0)), after.get(key, Decimal(0))
        document = company.tables[key[0]].get(key[1])
        if old == new or document is None:
            continue
        document["Balance"] += old - new
        if key[0] == "CreditMemo":
            document["RemainingCredit"] = document["Balance"]
        others = [link for link in document["LinkedTxn"] if link["TxnId"] != payment]
        document["LinkedTxn"] = [*others, _linked("Payment", payment)] if new else others
        company.touch(key[0], document)


def _linked(kind: str, identifier: str) -> Row:
    return {"TxnId": identifier, "TxnType": kind}
