"""What people do in QuickBooks' own screens, for tests and demonstrations.

In Python through `Hand`; over HTTP below `/__hand__/`, which the vendor does not have.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from syncd_quickbooks.sandbox import catalogue, notifications, payments, sales
from syncd_quickbooks.sandbox.company import SUFFIX, TRANSACTIONS, Company, Row
from syncd_quickbooks.sandbox.logins import Logins
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.service import Service


class Hand:
    """A person with every right in one company.

    Attributes:
        service: the company's interface.
    """

    def __init__(self, service: Service, logins: Logins) -> None:
        self.service = service
        self._logins = logins

    @property
    def company(self) -> Company:
        """What the person works in."""
        return self.service.company

    def documents(self, kind: str = "Invoice") -> list[Row]:
        """Copies of all objects of a kind."""
        return copy.deepcopy(list(self.company.rows(kind)))

    def numbered(self, number: str) -> Row:
        """A copy of the one document that has a number.

        Raises:
            Refusal: 610, none has it, or several have.
        """
        holders = self.company.holders(number)
        if len(holders) != 1:
            raise Refusal("610", f"{len(holders)} documents have the number {number}")
        kind, identifier = holders[0]
        return copy.deepcopy(self.company.row(kind, identifier))

    def invoice(self, customer: str, number: str, net: Decimal | str | int, **more: Any) -> str:
        """A document made by hand, of one line; returns its id.

        Args:
            customer: its id.
            number: of the document.
            net: of the line.
            more: properties; `kind` for a credit memo, `item` and `tax_code` of the line.
        """
        kind, item = more.pop("kind", "Invoice"), more.pop("item", "21")
        code = more.pop("tax_code", "TAX" if self.company.options.us else "2")
        detail = {"ItemRef": {"value": item}, "TaxCodeRef": {"value": code}}
        line = {"DetailType": "SalesItemLineDetail", "Amount": Decimal(str(net)),
                "Description": "by hand", "SalesItemLineDetail": detail}  # fmt: skip
        buyer = self.company.row("Customer", customer)
        payload: Row = {"DocNumber": number, "CustomerRef": {"value": customer}, "Line": [line]}
        if self.company.multicurrency:
            payload["CurrencyRef"] = {"value": buyer["CurrencyRef"]["value"]}
        if not self.company.options.us:
            payload["GlobalTaxCalculation"] = "TaxExcluded"
        made = sales.create(self.company, kind, {**payload, **more}, duplicates=True)
        return str(made["Id"])

    def pay(
        self,
        invoices: str | Mapping[str, Decimal | str],
        amount: Decimal | str | None = None,
        *,
        dated: date | None = None,
        reference: str = "",
    ) -> str:
        """Receive money; returns the payment's id.

        Args:
            invoices: id of an invoice, or ids and the part of each of them.
            amount: that came; what is more than the invoices take stays unapplied. None: what
                the one invoice is still worth, or the sum of the parts.
            dated: None for today.
            reference: of the payment.
        """
        if isinstance(invoices, str):
            balance: Decimal = self.company.row("Invoice", invoices)["Balance"]
            whole = balance if amount is None else Decimal(str(amount))
            parts = {invoices: min(whole, balance)}
        else:
            parts = {name: Decimal(str(part)) for name, part in invoices.items()}
            whole = sum(parts.values(), Decimal(0)) if amount is None else Decimal(str(amount))
        first = self.company.row("Invoice", next(iter(parts)))
        payload: Row = {
            "CustomerRef": {"value": first["CustomerRef"]["value"]},
            "TotalAmt": whole,
            "TxnDate": (dated or self.company.today()).isoformat(),
            "Line": [
                {"Amount": part, "LinkedTxn": [{"TxnId": name, "TxnType": "Invoice"}]}
                for name, part in parts.items()
                if part
            ],
        }
        if reference:
            payload["PaymentRefNum"] = reference
        return str(payments.create(self.company, payload)["Id"])

    def change_payment(self, payment: str, amount: Decimal | str) -> None:
        """Set the amount of a payment of one invoice to another value."""
        found = self.company.row("Payment", payment)
        whole = Decimal(str(amount))
        line = copy.deepcopy(found["Line"][0])
        line["Amount"] = whole
        token = found["SyncToken"]
        given = {"Id": payment, "SyncToken": token, "sparse": True, "TotalAmt": whole}
        payments.update(self.company, {**given, "Line": [line]})

    def take_back(self, payment: str, *, void: bool = False) -> None:
        """Delete or void a payment."""
        payments.delete(self.company, self._token("Payment", payment), void=void)

    def use_credit(self, memo: str, invoice: str, amount: Decimal | str) -> str:
        """Let a credit memo settle a part of an invoice; returns the id of the joining payment."""
        row = payments.joined(
            self.company.row("Invoice", invoice),
            self.company.row("CreditMemo", memo),
            Decimal(str(amount)),
        )
        return str(payments.create(self.company, row)["Id"])

    def edit(self, identifier: str, kind: str = "Invoice", **fields: Any) -> None:
        """Change properties of an invoice or a credit memo, as a sparse update does."""
        given = {**self._token(kind, identifier), "sparse": True, **fields}
        sales.update(self.company, kind, given, duplicates=True)

    def edit_line(self, identifier: str, number: int, **fields: Any) -> None:
        """Change `Qty`, `UnitPrice`, `TaxCodeRef`, `ItemRef` or `Description` of an invoice's line.

        The amount follows quantity and price.
        """
        lines = copy.deepcopy(self.company.row("Invoice", identifier)["Line"])
        line = lines[number - 1]
        detail = line["SalesItemLineDetail"]
        for name, value in fields.items():
            if name == "Description":
                line[name] = value
            elif name.endswith("Ref"):
                detail[name] = {"value": str(value)}
            else:
                detail[name] = Decimal(str(value))
        if "Qty" in detail and "UnitPrice" in detail:
            line["Amount"] = sum((detail["Qty"] * detail["UnitPrice"],), Decimal(0))
        detail.pop("TaxInclusiveAmt", None)
        self.edit(identifier, Line=lines)

    def void(self, invoice: str) -> None:
        """Void an invoice; what is applied to it is taken off first, as the screen offers."""
        for link in list(self.company.row("Invoice", invoice)["LinkedTxn"]):
            self.take_back(link["TxnId"])
        sales.void(self.company, self._token("Invoice", invoice))

    def delete(self, identifier: str, kind: str = "Invoice") -> None:
        """Delete a document for good."""
        sales.delete(self.company, kind, self._token(kind, identifier))

    def make(self, kind: str, **fields: Any) -> str:
        """A customer, vendor, employee or item; returns its id."""
        return str(catalogue.create(self.company, kind, fields)["Id"])

    def set_active(self, kind: str, identifier: str, *, active: bool) -> None:
        """Make an entry of any list inactive or active."""
        row = self.company.row(kind, identifier)
        row["Active"] = active
        for name in ("DisplayName", "Name"):
            if name in row and self.company.options.deleted_suffix:
                row[name] = row[name].removesuffix(SUFFIX) + ("" if active else SUFFIX)
        self.company.touch(kind, row)

    def close_books(self, until: date | None, *, password: bool = False) -> None:
        """Close the books up to a day; None opens them."""
        self.company.options.books_closed = until
        self.company.options.close_password = password

    def expire_tokens(self) -> None:
        """End every access token now."""
        self._logins.expire_access()

    def revoke(self) -> None:
        """Take the app's access away; somebody must sign in again."""
        self._logins.end_consents()

    def forget_requests(self) -> None:
        """Let QuickBooks forget all request ids."""
        self.service.replays.forget()

    def events(self, since: int = 0) -> list[int]:
        """Numbers of what happened after another such number, to be notified of."""
        return [event.number for event in self.company.journal if event.number > since]

    def notify(
        self, since: int = 0, form: str = "cloud", *, at: datetime | None = None, **how: Any
    ) -> list[notifications.Message]:
        """Requests that the vendor's webhooks make about what happened.

        Args:
            since: after this event.
            form: `cloud` or `old`.
            at: moment of sending.
            how: as `notifications.Sender.messages` takes it.
        """
        events = [event for event in self.company.journal if event.number > since]
        sender = notifications.Sender(self.company.realm, self.company.options.verifier)
        return sender.messages(events, form=form, at=at or self.company.world.now(), **how)

    def reset(self) -> None:
        """Back to the start; tokens stay."""
        self.company.reset()
        self.service.mails.clear()
        self.service.batches.clear()
        self.service.replays.forget()

    def live(self) -> Sequence[Row]:
        """Copies of all invoices and credit memos that count: not voided."""
        kinds = [kind for kind in TRANSACTIONS if kind != "Payment"]
        return [
            copy.deepcopy(row)
            for kind in kinds
            for row in self.company.rows(kind)
            if not str(row.get("PrivateNote", "")).startswith("Voided")
        ]

    def _token(self, kind: str, identifier: str) -> Row:
        return {"Id": identifier, "SyncToken": self.company.row(kind, identifier)["SyncToken"]}
