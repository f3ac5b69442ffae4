"""Payments of invoices: found by invoice, recorded one at a time, never twice.

A payment of ours carries our marker; it is looked for before it is written and after an answer that
was not seen, and what cannot be established stays unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from syncd.sdk import waiting
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    ProtocolError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.invoice_records import PsaPayment
from syncd.sdk.psa_records import Delivered, NotSent, Outcome, Receipt, Rejected, Unknown
from syncd_halopsa.client import HaloApi
from syncd_halopsa.concurrency import together
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.invoice_models import WirePayment
from syncd_halopsa.invoice_resources import PAYMENTS
from syncd_halopsa.invoice_translation import NO_DATE
from syncd_halopsa.proof import not_sent, unread
from syncd_halopsa.translation import OURS, amount_of, day_of, text_of

PAYMENT_DIFFERS = "PAYMENT_DIFFERS"
PAYMENT_DOUBLE = "PAYMENT_DOUBLE"
PAYMENT_LIKE = "PAYMENT_LIKE"
MARKER_NOT_KEPT = "MARKER_NOT_KEPT"

Found = Mapping[str, Sequence[PsaPayment]]


class PaymentBook:
    """Payments over one opened connection."""

    def __init__(self, api: HaloApi, config: HaloPsaConfig) -> None:
        self._api = api
        self._config = config

    async def find(self, invoices: Collection[str]) -> dict[str, list[PsaPayment]]:
        """Payments by invoice; one list per invoice, or one of all, whichever takes fewer calls.

        Raises:
            ConnectorError: a list cannot be read or is not whole.
        """
        wanted = sorted(set(invoices))
        found: dict[str, list[PsaPayment]] = {invoice: [] for invoice in wanted}
        for row in await self._rows(wanted):
            if str(row.invoice_id) in found:
                found[str(row.invoice_id)].append(self._payment(row))
        return found

    async def record(self, payments: Sequence[PsaPayment]) -> list[Outcome]:
        """One outcome per payment.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
            ValueError: a payment has no marker, or two of one call share a key.
        """
        if len({one.key for one in payments}) != len(payments):
            raise ValueError("a key stands in two payments of one call")
        if not all(one.reference for one in payments):
            raise ValueError("a payment without a marker could never be found again")
        try:
            found: Found = await self.find([one.invoice for one in payments])
        except AuthError:
            raise
        except ConnectorError as error:
            return [not_sent(one.key, error) for one in payments]
        outcomes: list[Outcome] = []
        barrier: NotSent | None = None
        saved = False
        for payment in payments:
            if barrier is not None:
                outcomes.append(NotSent(payment.key, barrier.message, barrier.retry_after))
                continue
            before = found[payment.invoice]
            settled = _settled(payment, before) or _like(payment, before)
            if settled is None:
                try:
                    settled = await self._one(payment)
                except AuthError as error:
                    if not saved:
                        raise
                    settled = not_sent(payment.key, error)
                saved = saved or not isinstance(settled, NotSent)
            outcomes.append(settled)
            barrier = settled if isinstance(settled, NotSent) else None
        return outcomes

    async def _one(self, payment: PsaPayment) -> Outcome:
        """Write one payment that is not there yet, and look at what became of it.

        Raises:
            AuthError: refused; it was not saved.
        """
        lost: ConnectorError | None = None
        try:
            await self._api.save_payment(self._element(payment))
        except AuthError:
            raise
        except RequestRejected as error:
            return Rejected(payment.key, "REFUSED_BY_PSA", str(error))
        except (ConnectFailed, RateLimited) as error:
            return not_sent(payment.key, error)
        except ConnectorError as error:
            lost = error
            await waiting.sleep(self._config.settle_seconds)
        try:
            found = await self.find([payment.invoice])
        except ConnectorError as error:
            return unread(payment.key, error)
        settled = _settled(payment, found[payment.invoice])
        if settled is not None:
            return settled
        if lost is not None:
            return Unknown(payment.key, str(lost))
        message = (
            f"HaloPSA took a payment of invoice {payment.invoice} and shows none with our marker in"
            f" {self._config.payment_key_field}: remove that payment, then set another"
            " payment_key_field"
        )
        return Rejected(payment.key, MARKER_NOT_KEPT, message)

    async def _rows(self, invoices: Sequence[str]) -> list[WirePayment]:
        if not invoices:
            return []
        if len(invoices) > 1:
            first = await self._api.page(PAYMENTS)
            if first.declared is not None and first.pages <= len(invoices):
                return await self._api.rows(PAYMENTS, first)
        lists = await together(
            self._api.rows(PAYMENTS, invoice_id=int(invoice)) for invoice in invoices
        )
        return [row for rows in lists for row in rows]

    def _payment(self, row: WirePayment) -> PsaPayment:
        day, amount = day_of(row.date), amount_of(row.amount)
        if amount is None:
            # Taken for 0, the same money would be recorded once more.
            message = f"payment {row.id} of invoice {row.invoice_id} has no amount"
            raise ProtocolError(message, remedy="look at the payment in HaloPSA")
        return PsaPayment(
            remote=str(row.id),
            invoice=str(row.invoice_id),
            amount=amount,
            dated=NO_DATE if day is None else date.fromisoformat(day),
            reference=text_of(getattr(row, self._config.payment_key_field)) or "",
        )

    def _element(self, payment: PsaPayment) -> dict[str, object]:
        return {
            **self._config.payment_fields,
            "invoice_id": int(payment.invoice),
            "date": f"{payment.dated.isoformat()}T00:00:00",
            "amount": msgspec.Raw(format(payment.amount, "f").encode()),
            self._config.payment_key_field: payment.reference,
        }


def _like(payment: PsaPayment, found: Sequence[PsaPayment]) -> Outcome | None:
    """A payment of somebody else over the same amount and day may be this one; nobody can tell.

    Those that are known to be other ones are as many as the payment says.
    """
    like = [
        one
        for one in found
        if (one.amount, one.dated) == (payment.amount, payment.dated)
        and not one.reference.startswith(OURS)
    ]
    if len(like) <= payment.alike:
        return None
    message = (
        f"payment {like[0].remote} of invoice {payment.invoice} has the same amount and day and is"
        " not ours: somebody may have recorded it by hand"
    )
    return Rejected(payment.key, PAYMENT_LIKE, message)


def _settled(payment: PsaPayment, found: Sequence[PsaPayment]) -> Outcome | None:
    """What the payments that are there say of one that is wanted; None if it is not there."""
    ours = [
        one
        for one in found
        if one.reference == payment.reference and (one.amount < 0) == (payment.amount < 0)
    ]
    if not ours:
        return None
    if len(ours) > 1:
        ids = ", ".join(one.remote for one in ours)
        return Rejected(
            payment.key, PAYMENT_DOUBLE, f"HaloPSA has {len(ours)} payments with our marker: {ids}"
        )
    if ours[0].amount != payment.amount:
        message = (
            f"payment {ours[0].remote} of invoice {payment.invoice} carries our marker over"
            f" {_sum(ours[0].amount)} instead of {_sum(payment.amount)}"
        )
        return Rejected(payment.key, PAYMENT_DIFFERS, message)
    return Delivered(payment.key, Receipt(payment.key, ours[0].remote))


def _sum(amount: Decimal) -> str:
    """In words, with cents; more decimals are shown where there are some."""
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount:,}"
