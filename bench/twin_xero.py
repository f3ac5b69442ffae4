"""Random invoices through the connector's prediction and through the simulated Xero.

The two compute by code of their own: one in decimals, the other in whole numbers. What the
simulator gets is what the connector would send. A case follows from its seed alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from syncd_xero.arithmetic import totals
from syncd_xero.config import XeroConfig
from syncd_xero.payload import document_of, require_writable
from syncd_xero.sandbox import TENANT, contact_id
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.documents import create
from syncd_xero.sandbox.options import Options

from bench.twin_report import Report
from syncd.sandbox.clock import WorldClock
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd.sdk.sandbox import WorldClient, WorldSite
from syncd.sdk.wire import write_json

CENT: Final = Decimal("0.01")
CODES: Final = ("OUTPUT2", "OUTPUT2", "OUTPUT2", "RROUTPUT", "ZERORATEDOUTPUT", "EXEMPTOUTPUT",
                "NONE", "TAX001")  # fmt: skip
DISCOUNTS: Final = ("0", "0", "0", "0", "10", "12.5", "33.33", "100")


class Twins:
    """One organisation on both sides."""

    def __init__(self) -> None:
        site = WorldSite(id=1, name="HQ")
        client = WorldClient(id=1, name="Client", sites=(site,), arrives=date(2025, 1, 1))
        clock = WorldClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
        world = SimulatedWorld(seed=1, clients=[client], devices=[], clock=clock)
        self._books = Books(world, Options(monotonic=lambda: 0.0))
        told = {"client_id": "bench", "client_secret": "bench", "organisation": TENANT}
        self._config = XeroConfig.model_validate(told)
        self._taxes = {
            one.key: LedgerReference(
                kind=ReferenceKind.TAX,
                key=one.key,
                name=one.name,
                rates=tuple(one.components.values()),
            )
            for one in self._books.taxes.values()
        }

    def play(self, seeds: Iterable[int]) -> Report:
        """Try the case of each seed."""
        report = Report()
        for seed in seeds:
            document = case(seed)
            report.shapes[f"{document.basis.value} {document.kind.value}"] += 1
            try:
                difference = self.difference(document)
            except DataError:
                report.refused += 1
                continue
            if difference:
                report.differing[seed] = difference
            else:
                report.alike += 1
        return report

    def difference(self, document: LedgerDocument) -> str:
        """What differs between prediction and books, empty for nothing.

        Raises:
            DataError: the connector does not write such a document.
        """
        require_writable(document, self._config)
        predicted = totals(document, self._taxes)
        wire = json.loads(write_json(document_of(document, self._config)), parse_float=Decimal)
        kind = "ACCREC" if document.kind is DocumentKind.INVOICE else "ACCRECCREDIT"
        booked = create(self._books, wire, kind=kind, places=4)
        self._forget(booked.key)
        inclusive = document.basis is AmountBasis.INCLUSIVE
        nets = tuple(one.amount - one.tax if inclusive else one.amount for one in booked.lines)
        pairs: tuple[tuple[str, Any, Any], ...] = (
            ("net", predicted.net, booked.subtotal),
            ("tax", predicted.tax, booked.tax),
            ("total", predicted.total, booked.total),
            ("lines", predicted.lines, nets),
        )
        unlike = [f"{what} {ours}, not {theirs}" for what, ours, theirs in pairs if ours != theirs]
        return "; ".join(unlike)

    def _forget(self, key: str) -> None:
        del self._books.documents[key]
        self._books.numbers.clear()
        self._books.happenings.clear()


def case(seed: int) -> LedgerDocument:
    """The document of a seed."""
    chance = random.Random(seed)
    basis = chance.choices(tuple(AmountBasis), (6, 3, 1))[0]
    codes = ("NONE",) if basis is AmountBasis.NO_TAX else CODES
    kind = chance.choices(tuple(DocumentKind), (4, 1))[0]
    count = chance.randint(1, chance.choice((3, 12)))
    return LedgerDocument(
        key=str(seed),
        attempt=str(seed),
        kind=kind,
        number=f"T-{seed}",
        marker="syncd-aaaaaaaaaaaaaaab",
        contact=contact_id(1),
        dated=date(2026, 11, 2),
        due=date(2026, 12, 2),
        currency=chance.choice(("GBP", "GBP", "EUR")),
        basis=basis,
        lines=tuple(_line(chance, codes, kind) for _ in range(count)),
    )


def _line(chance: random.Random, codes: tuple[str, ...], kind: DocumentKind) -> LedgerLine:
    if chance.random() < 0.03:
        nothing = Decimal(0)
        return LedgerLine(
            description="For November",
            quantity=nothing,
            unit_price=nothing,
            net=nothing,
            tax_code="NONE",
            text_only=True,
        )
    quantity, price = _number(chance, 500), _number(chance, 20_000)
    if chance.random() < 0.05:
        quantity = (-quantity / 100).quantize(Decimal("0.0001"))
    discount = Decimal(chance.choice(DISCOUNTS)) if kind is DocumentKind.INVOICE else Decimal(0)
    net = quantity * price * (1 - discount / 100)
    return LedgerLine(
        description="Managed workstation",
        quantity=quantity,
        unit_price=price,
        discount_percent=discount,
        net=net.quantize(CENT, ROUND_HALF_UP),
        tax_code=chance.choice(codes),
        account=chance.choice(("200", "260")),
        item=chance.choice(("", "MANAGED", "M365")),
    )


def _number(chance: random.Random, most: int) -> Decimal:
    """Whole, of two to four decimals, often on the edge of half a cent."""
    decimals = chance.choice((0, 0, 2, 2, 3, 4))
    number = Decimal(chance.randint(0, most * 10**decimals)).scaleb(-decimals)
    return number if chance.random() < 0.8 else number.quantize(CENT) + Decimal("0.005")
