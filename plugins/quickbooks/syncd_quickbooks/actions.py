"""Writes beside documents: voids, allocations of credits, customers and items that are created.

Each looks before it writes whether it was done already, and whether it may be done: what is paid
or linked is never voided, and a name that exists is never made a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from syncd.sdk.answer import Answer
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    OutcomeUnknown,
    ProtocolError,
    TransientError,
)
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import (
    ActionKind,
    ActionOutcome,
    Done,
    LedgerAction,
    RejectedCode,
)
from syncd.sdk.psa_records import NotSent, Unknown
from syncd_quickbooks.book import Home
from syncd_quickbooks.client import CompanyClient, quoted
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.entries import Reader, linked, links
from syncd_quickbooks.faults import Next, Refused
from syncd_quickbooks.models import Named, Transaction
from syncd_quickbooks.references import CLIENT_NOTE, SOLD, SUFFIX
from syncd_quickbooks.requests import Made, Requests, rejected
from syncd_quickbooks.searching import Search
from syncd_quickbooks.voiding import Voider

LONGEST_NAME: Final = {ActionKind.CREATE_CONTACT: 500, ActionKind.CREATE_ITEM: 100}
FORBIDDEN: Final = ":\t\n\r"


class Actor:
    """Does actions in one company."""

    def __init__(
        self,
        client: CompanyClient,
        search: Search,
        reader: Reader,
        home: Home,
        config: QuickBooksConfig,
    ) -> None:
        """Describe the work; nothing is asked.

        Args:
            client: of the company.
            search: likewise.
            reader: of its answers.
            home: what is known of it.
            config: of the connection.
        """
        self._requests = Requests(client)
        self._voider = Voider(self._requests, search, reader, config)
        self._client = client
        self._search = search
        self._reader = reader
        self._home = home

    async def act(self, actions: Sequence[LedgerAction]) -> list[ActionOutcome]:
        """Do actions one after the other; one outcome per key.

        Raises:
            AuthError: the consent or a right is missing, and nothing was written.
        """
        does: dict[ActionKind, Callable[[LedgerAction], Awaitable[ActionOutcome]]] = {
            ActionKind.APPROVE: self._approve,
            ActionKind.VOID: self._voider.void,
            ActionKind.ALLOCATE: self._allocate,
            ActionKind.CREATE_CONTACT: self._create_contact,
            ActionKind.CREATE_ITEM: self._create_item,
        }
        outcomes: list[ActionOutcome] = []
        for action in actions:
            try:
                outcomes.append(await does[action.kind](action))
            except OutcomeUnknown as error:
                outcomes.append(Unknown(action.key, str(error)))
            except ProtocolError as error:
                outcomes.append(Unknown(action.key, str(error)))
            except TransientError as error:
                self._requests.put_off(action)
                outcomes.append(NotSent(action.key, str(error), error.retry_after))
            except Refused as error:
                outcomes.append(_refusal(action, error))
            except AuthError as error:
                if not outcomes:
                    raise
                outcomes.append(NotSent(action.key, str(error)))
        return outcomes

    async def _approve(self, action: LedgerAction) -> ActionOutcome:
        return rejected(
            action,
            RejectedCode.NOT_ALLOWED_NOW,
            "QuickBooks knows no drafts: a document is in the books from the moment it is made",
        )

    async def _allocate(self, action: LedgerAction) -> ActionOutcome:
        credits_ = await self._search.rows("CreditMemo", [action.remote])
        invoices = await self._search.rows("Invoice", [action.target])
        credit, invoice = credits_.get(action.remote), invoices.get(action.target)
        if credit is None or invoice is None:
            what = "the credit memo or the invoice is not in the company any more"
            return rejected(action, RejectedCode.NOT_ALLOWED_NOW, what)
        if await self._allocated(action, credit):
            return Done(action.key, action.remote, self._reader.entry(credit, DocumentKind.CREDIT))
        left = self._reader.entry(credit, DocumentKind.CREDIT).balance
        owed = self._reader.entry(invoice, DocumentKind.INVOICE).balance
        if min(left, owed) < action.amount or action.amount <= 0:
            return rejected(
                action,
                RejectedCode.NOT_ALLOWED_NOW,
                f"{action.amount:,.2f} cannot be applied: {left:,.2f} of the credit memo are left"
                f" and {owed:,.2f} of the invoice are open; QuickBooks may have applied credits by"
                " itself",
            )
        body: dict[str, Any] = {
            "CustomerRef": {"value": invoice.customer_ref.value if invoice.customer_ref else ""},
            "TotalAmt": Decimal(0),
            "PrivateNote": _mark(action),
            "Line": [
                _link(action.amount, action.target, "Invoice"),
                _link(action.amount, action.remote, "CreditMemo"),
            ],
        }
        if action.dated is not None:
            body["TxnDate"] = action.dated.isoformat()
        if self._home.multicurrency and invoice.currency_ref:
            body["CurrencyRef"] = {"value": invoice.currency_ref.value}
        answer = await self._requests.send(action, "payment", body)
        after = await self._after(action.remote)
        return Done(action.key, action.remote, after, answer.request_id or "")

    async def _allocated(self, action: LedgerAction, credit: Transaction) -> bool:
        """Whether a payment of ours, or one of the same amount, links the two."""
        payments = await self._search.rows("Payment", linked(credit, ["Payment"]))
        for one in payments.values():
            together = links(one, "Invoice").get(action.target)
            if together is None or action.remote not in links(one, "CreditMemo"):
                continue
            if together == action.amount or _mark(action) in (one.private_note or ""):
                return True
        return False

    async def _after(self, remote: str) -> LedgerEntry | None:
        """The credit memo afterwards; that it cannot be read leaves what was done as it is."""
        try:
            found = await self._search.by_id({remote: DocumentKind.CREDIT})
        except ConnectorError:
            return None
        return found.get(remote)

    async def _create_contact(self, action: LedgerAction) -> ActionOutcome:
        flaw = _flaw(action)
        if flaw:
            return rejected(action, RejectedCode.REFUSED, flaw)
        note = f"{CLIENT_NOTE}{action.foreign_key}"
        for entity in ("Customer", "Vendor", "Employee"):
            for row in await self._named(entity, "DisplayName", action.name):
                if entity == "Customer" and row.usable and note in (row.notes or "").splitlines():
                    return Done(action.key, row.id)
                how = "" if row.usable else ", which is inactive"
                what = f"{entity.lower()} {row.id}{how} has the name {action.name!r}; link it"
                return rejected(action, RejectedCode.NAME_TAKEN, what)
        body: dict[str, Any] = {"DisplayName": action.name, "Notes": note}
        if self._home.multicurrency and action.currency:
            body["CurrencyRef"] = {"value": action.currency}
        answer = await self._requests.send(action, "customer", body)
        return _created(action, answer, answer.decode(Made).customer)

    async def _create_item(self, action: LedgerAction) -> ActionOutcome:
        flaw = _flaw(action)
        if flaw:
            return rejected(action, RejectedCode.REFUSED, flaw)
        if not action.account:
            what = "an item needs an account of income; name it"
            return rejected(action, RejectedCode.ACCOUNT_UNUSABLE, what)
        for row in await self._named("Item", "Name", action.name):
            account = row.income_account_ref.value if row.income_account_ref else ""
            if row.usable and row.type in SOLD and account == action.account:
                return Done(action.key, row.id)
            how = "" if row.usable else ", which is inactive"
            what = f"item {row.id}{how} of another kind has the name {action.name!r}; link it"
            return rejected(action, RejectedCode.NAME_TAKEN, what)
        body: dict[str, Any] = {
            "Name": action.name,
            "Type": "Service",
            "IncomeAccountRef": {"value": action.account},
        }
        if action.tax_code and not self._home.regime.american:
            body["SalesTaxCodeRef"] = {"value": action.tax_code}
        answer = await self._requests.send(action, "item", body)
        return _created(action, answer, answer.decode(Made).item)

    async def _named(self, entity: str, field: str, name: str) -> list[Named]:
        """Entries of a name, inactive ones with QuickBooks's suffix included."""
        where = (
            f" where {field} in ({quoted(name)}, {quoted(name + SUFFIX)})"
            " and Active in (true, false)"
        )
        return await self._client.query(entity, Named, where)


def _created(action: LedgerAction, answer: Answer, row: Named | None) -> ActionOutcome:
    if row is None or not row.id:
        return Unknown(action.key, f"{action.name!r}: the answer does not tell its id")
    return Done(action.key, row.id, None, answer.request_id or "")


def _refusal(action: LedgerAction, error: Refused) -> ActionOutcome:
    if error.said.next is Next.UNKNOWN:
        return Unknown(action.key, error.said.sentence)
    return rejected(action, error.said.rejected, error.said.sentence)


def _flaw(action: LedgerAction) -> str:
    """Why QuickBooks would not take a name; empty where it would."""
    longest = LONGEST_NAME[action.kind]
    if not action.name.strip() or len(action.name) > longest:
        return f"a name has 1 to {longest} characters; rename it in the PSA, or link another one"
    if any(mark in action.name for mark in FORBIDDEN):
        return "QuickBooks takes no colon, tab or line break in a name; link one made by hand"
    return ""


def _mark(action: LedgerAction) -> str:
    """Recognised on the payment that an allocation is; the same for every attempt."""
    return f"syncd allocation {hashlib.sha256(action.key.encode()).hexdigest()[:16]}"


def _link(amount: Decimal, remote: str, kind: str) -> dict[str, Any]:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": remote, "TxnType": kind}]}
