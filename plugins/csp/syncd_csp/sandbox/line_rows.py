"""Lines of Microsoft's bill as the export writes them: one JSON object each, in either key case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from syncd_csp.sandbox.charges import Charge
from syncd_csp.sandbox.names import PARTNER_TENANT, identity, tenant_id
from syncd_csp.sandbox.options import Options

BASIC_COLUMNS: Final = frozenset(
    ("partnerId", "customerId", "customerName", "customerDomainName", "customerCountry",
     "invoiceNumber", "mpnId", "orderId", "orderDate", "productId", "skuId", "availabilityId",
     "skuName", "productName", "chargeType", "unitPrice", "quantity", "subtotal", "taxTotal",
     "total", "currency", "subscriptionId", "chargeStartDate", "chargeEndDate",
     "effectiveUnitPrice", "billableQuantity")
)  # fmt: skip
"""What `attributeSet: basic` has."""

_SPELLED: Final = {"pcToBCExchangeRate": "PCToBCExchangeRate"}

_NEW: Final = {"monthly": "Monthly", "annual": "Annual", "triennial": "Triennial"}

BLOCK: Final = 10_000
"""Made-up lines that are written once and sent again and again."""


class Lines:
    """Writes lines in the way that the options ask for."""

    def __init__(self, options: Options, *, full: bool) -> None:
        form = "string" if options.numbers_as_text else "number"
        self._encoder = msgspec.json.Encoder(decimal_format=form)  # type: ignore[arg-type]
        self._options = options
        self._full = full

    def written(self, charge: Charge, currency: str, document: str) -> bytes:
        """A line of the world's own, without its end."""
        one = charge.contract
        day = charge.first
        return self._line(
            {
                "customerId": self._party(one.customer, one.client.id),
                "customerName": one.client.name,
                "customerDomainName": f"client{one.client.id}.example.com",
                "invoiceNumber": document,
                "orderId": one.id[:12],
                "orderDate": self._moment(one.starts),
                "productId": one.sku.product,
                "skuId": one.sku.sku,
                "availabilityId": one.sku.offer.rpartition(":")[2],
                "skuName": one.sku.name,
                "productName": one.sku.name,
                "chargeType": charge.kind,
                "unitPrice": charge.listed,
                "effectiveUnitPrice": charge.unit,
                "unitType": "1 Month" if one.kind == "usage" else "Licenses",
                "quantity": 1 if one.kind == "usage" else self._count(charge.quantity),
                "billableQuantity": charge.quantity,
                "subtotal": charge.subtotal,
                "taxTotal": charge.tax,
                "total": charge.total,
                "currency": currency,
                "subscriptionId": one.id.upper() if self._options.upper_ids else one.id,
                "subscriptionDescription": one.sku.name,
                "chargeStartDate": self._moment(day),
                "chargeEndDate": self._moment(charge.last),
                "termAndBillingCycle": f"{one.term} commitment for {one.cycle} billing",
                "billingFrequency": _NEW[one.cycle],
                "subscriptionStartDate": self._moment(one.starts),
                "referenceId": identity(one.id, f"{day} {charge.kind} {charge.quantity}"),
            }
        )

    def made_up(self, customers: int, currency: str, document: str) -> list[bytes]:
        """A block of lines for tests of size, for so many customers in turn."""
        return [
            self._line(
                {
                    "customerId": tenant_id(number % customers + 1),
                    "customerName": f"Client {number % customers + 1}",
                    "invoiceNumber": document,
                    "productId": "CFQ7TTC0LCHC",
                    "skuId": f"{number % 20:04d}",
                    "availabilityId": "CFQ7TTC0MADE",
                    "skuName": f"Made-up plan {number % 20}",
                    "productName": f"Made-up plan {number % 20}",
                    "chargeType": "cycleCharge",
                    "unitPrice": Decimal(made_up_cost(number)),
                    "effectiveUnitPrice": Decimal(made_up_cost(number)),
                    "quantity": 1,
                    "billableQuantity": Decimal(1),
                    "subtotal": made_up_cost(number),
                    "taxTotal": Decimal(0),
                    "total": made_up_cost(number),
                    "currency": currency,
                    "subscriptionId": identity("made up", str(number)),
                    "chargeStartDate": "2026-10-06T00:00:00Z",
                    "chargeEndDate": "2026-11-05T00:00:00Z",
                }
            )
            for number in range(BLOCK)
        ]

    def _line(self, facts: dict[str, Any]) -> bytes:
        row = {
            "partnerId": PARTNER_TENANT,
            "mpnId": "1234567",
            "resellerMpnId": "0" if self._options.numbers_as_text else 0,
            "customerCountry": "BE",
            "publisherName": "Microsoft Corporation",
            "priceAdjustmentDescription": "[]",
            "pricingCurrency": facts["currency"],
            "pcToBCExchangeRate": Decimal(1),
            "productQualifiers": "Commercial",
            "promotionId": "",
            "productCategory": "Online services",
            **facts,
        }
        if not self._full:
            row = {name: it for name, it in row.items() if name in BASIC_COLUMNS}
        if self._options.keys == "pascal":
            row = {_SPELLED.get(name, name[0].upper() + name[1:]): it for name, it in row.items()}
        return self._encoder.encode(row)

    def _party(self, customer: str, number: int) -> str:
        key = customer.upper() if self._options.upper_ids else customer
        return f"org:{key}" if self._options.org_ids and number % 2 else key

    def _count(self, quantity: Decimal) -> int | str:
        return str(quantity) if self._options.numbers_as_text else int(quantity)

    def _moment(self, day: date) -> str:
        return f"{day}T00:00:00{'' if self._options.dates == 'zoneless' else 'Z'}"


def made_up_cost(number: int) -> Decimal:
    """What a made-up line costs, which is all that can be told of it without reading it."""
    return Decimal(number % 997 + 1).scaleb(-2)


def made_up_total(lines: int) -> Decimal:
    """What so many made-up lines cost together."""
    whole, rest = divmod(lines, BLOCK)
    block = sum(map(made_up_cost, range(BLOCK)), Decimal(0))
    return whole * block + sum(map(made_up_cost, range(rest)), Decimal(0))


def parts(lines: int, blobs: int) -> Iterator[range]:
    """Line numbers of each file, as equal as can be."""
    begin = 0
    for number in range(blobs):
        size = lines // blobs + (number < lines % blobs)
        yield range(begin, begin + size)
        begin += size
