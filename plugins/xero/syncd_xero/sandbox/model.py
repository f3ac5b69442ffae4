"""What an organisation holds: documents with their lines, money that settles them, catalogues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal("0.00")


@dataclass(slots=True, kw_only=True)
class Line:
    """A line; amounts are None on a line that carries words alone."""

    key: str
    description: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_type: str = ""
    account: str = ""
    item: str = ""
    discount_rate: Decimal | None = None
    discount_amount: Decimal | None = None
    tracking: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Settlement:
    """Money that settles a part of an invoice, from a credit note or from an overpayment.

    Attributes:
        key: AllocationID.
        source: id of the credit note or overpayment.
        target: InvoiceID.
    """

    key: str
    source: str
    target: str
    amount: Decimal
    dated: date


@dataclass(slots=True, kw_only=True)
class Document:
    """An invoice, a bill, a credit note, an overpayment or a prepayment.

    Attributes:
        kind: Xero's `Type`, e.g. `ACCREC`, `ACCRECCREDIT`, `RECEIVE-OVERPAYMENT`.
        basis: `LineAmountTypes`.
        tenths: unit prices keep four places.
        updated: strictly later with every change.
        visible: on the stopwatch, from when lists show it.
        app: made through the API.
    """

    key: str
    kind: str
    number: str
    contact: str
    dated: date
    due: date | None = None
    reference: str = ""
    url: str = ""
    status: str = "DRAFT"
    basis: str = "Exclusive"
    currency: str = "GBP"
    rate: Decimal = Decimal(1)
    lines: list[Line] = field(default_factory=list)
    subtotal: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO
    rounding: Decimal = ZERO
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    fully_paid: date | None = None
    updated: datetime
    visible: float = 0.0
    app: bool = True
    sent: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sales(self) -> bool:
        return self.kind in {"ACCREC", "ACCRECCREDIT"}

    @property
    def due_amount(self) -> Decimal:
        """What is still to be paid, or on a credit note to be allocated."""
        return self.total - self.paid - self.credited


@dataclass(slots=True, kw_only=True)
class Payment:
    """A payment of one document."""

    key: str
    document: str
    account: str
    dated: date
    amount: Decimal
    reference: str = ""
    status: str = "AUTHORISED"
    updated: datetime


@dataclass(slots=True, kw_only=True)
class Contact:
    """A customer or supplier."""

    key: str
    name: str
    number: str = ""
    account_number: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    currency: str = ""
    archived: bool = False
    supplier: bool = False
    customer: bool = True
    persons: list[dict[str, Any]] = field(default_factory=list)
    updated: datetime


@dataclass(slots=True, kw_only=True)
class Tax:
    """A tax rate; its components are applied side by side."""

    key: str
    name: str
    components: dict[str, Decimal]
    status: str = "ACTIVE"
    revenue: bool = True

    @property
    def percent(self) -> Decimal:
        return sum(self.components.values(), Decimal(0))


@dataclass(slots=True, kw_only=True)
class Account:
    """An account of the chart."""

    key: str
    code: str
    name: str
    kind: str = "REVENUE"
    tax_type: str = "OUTPUT2"
    system: str = ""
    archived: bool = False
    payments: bool = False


@dataclass(slots=True, kw_only=True)
class Item:
    """A product; one that is not sold cannot stand on an invoice."""

    key: str
    code: str
    name: str
    description: str = ""
    price: Decimal | None = None
    account: str = ""
    tax_type: str = ""
    sold: bool = True
    updated: datetime


@dataclass(slots=True, kw_only=True)
class Option:
    """An option of a tracking category."""

    key: str
    name: str
    status: str = "ACTIVE"


@dataclass(slots=True, kw_only=True)
class Category:
    """A tracking category."""

    key: str
    name: str
    options: list[Option]
    status: str = "ACTIVE"
