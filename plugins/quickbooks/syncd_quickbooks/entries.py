"""Transactions as QuickBooks holds them, in our records; pure.

A voided invoice keeps its number and stands with nothing on it and a note that begins with
"Voided". Which part of a settlement was a credit is not told on the document itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryLine, EntryStatus, LedgerEntry, LedgerPayment
from syncd_quickbooks.models import ZERO, Line, SalesDetail, Transaction

MARKER: Final = re.compile(r"syncd-[a-z2-7]{16}(?![a-z2-7])")
UNAPPLIED: Final = "unapplied"
_VOIDED: Final = re.compile(r"\s*voided\b", re.IGNORECASE)
_PAGES: Final = {DocumentKind.INVOICE: "invoice", DocumentKind.CREDIT: "creditmemo"}


class Reader:
    """Reads transactions of one company.

    Args:
        currency: of the company, where a transaction names none.
        app_url: where people see documents.
    """

    def __init__(self, currency: str, app_url: str) -> None:
        self._currency = currency
        self._app_url = app_url

    def entry(self, row: Transaction, kind: DocumentKind) -> LedgerEntry:
        """An invoice or a credit memo.

        Raises:
            ProtocolError: it has no day.
        """
        total = row.total_amt or ZERO
        tax = (row.txn_tax_detail.total_tax if row.txn_tax_detail else None) or ZERO
        balance = row.balance if row.remaining_credit is None else row.remaining_credit
        balance = ZERO if balance is None else balance
        status = self._status(row, total, balance)
        settled = ZERO if status is EntryStatus.VOIDED else total - balance
        credit = kind is DocumentKind.CREDIT
        found = MARKER.search(row.private_note or "")
        inclusive = row.global_tax_calculation == "TaxInclusive"
        return LedgerEntry(
            remote=row.id,
            kind=kind,
            number=row.doc_number or "",
            marker=found[0] if found else "",
            contact=row.customer_ref.value if row.customer_ref else "",
            contact_name=(row.customer_ref.name or "") if row.customer_ref else "",
            currency=self._currency_of(row),
            dated=_day(row),
            due=None if credit else row.due_date,
            status=status,
            net=total - tax,
            tax=tax,
            total=total,
            paid=ZERO if credit else settled,
            credited=settled if credit else ZERO,
            balance=balance,
            lines=tuple(
                _line(line, inclusive=inclusive)
                for line in row.line or ()
                if line.detail_type in {"SalesItemLineDetail", "DescriptionOnly"}
            ),
            whole=row.line is not None,
            version=row.sync_token,
            modified=moment(row.meta_data.last_updated_time if row.meta_data else ""),
            url=f"{self._app_url}/app/{_PAGES[kind]}?txnId={row.id}",
        )

    def payments(self, row: Transaction, asked: date) -> list[LedgerPayment]:
        """A payment, one record for each invoice it settles.

        What a credit memo brings in is not money: it is taken off the invoices of the payment in
        their order, so that the parts add up to what was paid.

        Args:
            row: as read, or as the feed names one that was deleted.
            asked: day for those that name none.
        """
        # A note may begin with that word, and the money be there: a void leaves none.
        void = not row.total_amt and _VOIDED.match(row.private_note or "")
        if row.status == "Deleted" or void:
            return [self._payment(row, asked, deleted=True)]
        credit = sum((_amount(line) for line in row.line or () if _is(line, "CreditMemo")), ZERO)
        parts: dict[str, Decimal] = {}
        for line in row.line or ():
            if not _is(line, "Invoice"):
                continue
            used = min(credit, _amount(line))
            credit -= used
            invoice = _linked(line)
            parts[invoice] = parts.get(invoice, ZERO) + _amount(line) - used
        found = [
            self._payment(row, asked, allocation=invoice, document=invoice, amount=amount)
            for invoice, amount in parts.items()
            if amount > 0
        ]
        rest = row.unapplied_amt or ZERO
        if rest > 0:
            found.append(self._payment(row, asked, allocation=UNAPPLIED, amount=rest))
        # One that brings no money, or no more, is told as taken back; what joins a credit memo to
        # an invoice is such a payment, too.
        return found or [self._payment(row, asked, deleted=True)]

    def _payment(
        self,
        row: Transaction,
        asked: date,
        *,
        allocation: str = "",
        document: str = "",
        amount: Decimal = ZERO,
        deleted: bool = False,
    ) -> LedgerPayment:
        return LedgerPayment(
            remote=row.id,
            allocation=allocation,
            document=document,
            contact=row.customer_ref.value if row.customer_ref else "",
            amount=amount,
            currency=self._currency_of(row),
            dated=row.txn_date or asked,
            reference=row.payment_ref_num or "",
            deleted=deleted,
            version=row.sync_token,
        )

    def _currency_of(self, row: Transaction) -> str:
        named = row.currency_ref.value if row.currency_ref else ""
        return named or self._currency

    def _status(self, row: Transaction, total: Decimal, balance: Decimal) -> EntryStatus:
        if row.status == "Deleted":
            return EntryStatus.DELETED
        if total == 0 and _VOIDED.match(row.private_note or ""):
            return EntryStatus.VOIDED
        return EntryStatus.PAID if balance == 0 else EntryStatus.OPEN


def moment(text: str) -> datetime | None:
    """A moment in the company's offset, as UTC; None where there is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def linked(row: Transaction, kinds: Sequence[str]) -> list[str]:
    """Ids of the transactions of some kinds that a document is linked to."""
    return [one.txn_id for one in row.linked_txn or () if one.txn_type in kinds]


def links(row: Transaction, kind: str) -> dict[str, Decimal]:
    """What a payment links, by id, with the amounts."""
    found: dict[str, Decimal] = {}
    for line in row.line or ():
        if _is(line, kind):
            found[_linked(line)] = found.get(_linked(line), ZERO) + _amount(line)
    return found


def _line(line: Line, *, inclusive: bool) -> EntryLine:
    detail = line.sales_item_line_detail or SalesDetail()
    amount = _amount(line)
    if inclusive and detail.tax_inclusive_amt is not None:
        amount = detail.tax_inclusive_amt
    return EntryLine(
        key=line.id or "",
        description=line.description or "",
        quantity=detail.qty,
        unit_price=detail.unit_price,
        net=amount,
        tax_code=detail.tax_code_ref.value if detail.tax_code_ref else "",
        item=detail.item_ref.value if detail.item_ref else "",
    )


def _day(row: Transaction) -> date:
    if row.txn_date is None:
        raise ProtocolError(f"document {row.id} has no day", remedy="look at it in QuickBooks")
    return row.txn_date


def _amount(line: Line) -> Decimal:
    return line.amount if line.amount is not None else ZERO


def _is(line: Line, kind: str) -> bool:
    return bool(line.linked_txn) and line.linked_txn[0].txn_type == kind  # type: ignore[index]


def _linked(line: Line) -> str:
    return line.linked_txn[0].txn_id if line.linked_txn else ""
