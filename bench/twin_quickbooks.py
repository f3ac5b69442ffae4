"""Random invoices through the connector's prediction and through the simulated QuickBooks.

The two compute by code of their own. A case follows from its seed alone, so that one that fails
can be played again.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec
from syncd_quickbooks.book import Home, home_of
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.ledger import QuickBooksLedger
from syncd_quickbooks.models import Company as CompanyRow
from syncd_quickbooks.models import Preferences, TaxCode
from syncd_quickbooks.payload import ENTITIES, body_of
from syncd_quickbooks.references import tax
from syncd_quickbooks.sandbox import sales
from syncd_quickbooks.sandbox.company import Company
from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.service import Service, encode

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, Totals
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd.sdk.sandbox import WorldClient, WorldSite

CENT: Final = Decimal("0.01")
DELEGATED: Final = "american"
"""The company that computes tax itself."""
SEEDS_OF_A_COMPANY: Final = ("global", DELEGATED, "stated")
NEGATIVE: Final = "6000"
"""Fault of a total below zero."""
_DISCOUNTS: Final = ("10", "12.5", "33.33", "100")


@dataclass
class Report:
    """What many cases came to.

    Attributes:
        alike: cases in which both agree to the cent.
        refused: cases that the connector refuses to write, which is no disagreement; or that the
            books refuse for a tax which they alone compute.
        differing: seed → what differs.
        shapes: cases by what they try.
    """

    alike: int = 0
    refused: int = 0
    differing: dict[int, str] = field(default_factory=dict)
    shapes: Counter[str] = field(default_factory=Counter)


class Twins:
    """A British company, and an American one that computes tax or takes ours."""

    def __init__(self) -> None:
        self._companies = {name: _Books(name) for name in SEEDS_OF_A_COMPANY}

    def play(self, seeds: Iterable[int]) -> Report:
        """Try the case of each seed."""
        report = Report()
        for seed in seeds:
            # Not for secrets: the same seed must give the same case.
            chance = random.Random(seed)
            name = chance.choices(SEEDS_OF_A_COMPANY, (8, 1, 1))[0]
            document = _document(chance, seed, name)
            report.shapes[f"{name} {document.basis.value} {document.kind.value}"] += 1
            try:
                difference = self._companies[name].difference(document)
            except DataError:
                report.refused += 1
                continue
            except Refusal as error:
                if name == DELEGATED and error.code == NEGATIVE:
                    report.refused += 1  # by a tax that nobody can predict
                    continue
                difference = f"refused by the books: {error}"
            if difference:
                report.differing[seed] = difference
            else:
                report.alike += 1
        return report


class _Books:
    """One company on both sides."""

    def __init__(self, name: str) -> None:
        american = name != "global"
        client = WorldClient(
            id=1, name="Client", sites=(WorldSite(id=1, name="HQ"),), arrives=date(2025, 1, 1)
        )
        clock = WorldClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
        world = SimulatedWorld(seed=1, clients=[client], devices=[], clock=clock)
        self.company = Company("4620816365", world, Options(us=american))
        self.config = QuickBooksConfig.model_validate(
            {
                "realm": self.company.realm,
                "client_id": "bench",
                "client_secret": "bench",
                "tax": {"global": "global", DELEGATED: "us_delegated"}.get(name, "us_own_total"),
            }
        )
        self._delegated = name == DELEGATED
        self.home = self._home()
        context: Any = SimpleNamespace(config=self.config)
        self._ledger = QuickBooksLedger(cast("Any", None), context)
        self._taxes = self._known_taxes()

    def difference(self, document: LedgerDocument) -> str:
        """What differs between prediction and books, empty for nothing.

        Raises:
            DataError: the connector does not write such a document.
        """
        predicted = self._ledger.predict(document, self.home.book, self._taxes)
        body = encode(body_of(document, self.home, self.config))
        kind = ENTITIES[document.kind]
        row = sales.create(self.company, kind, json.loads(body, parse_float=Decimal))
        self.company.remove(kind, row["Id"])
        self.company.journal.clear()
        total, taxed = row["TotalAmt"], row["TxnTaxDetail"]["TotalTax"]
        booked = Totals(net=total - taxed, tax=taxed, total=total)
        if self._delegated:
            return "" if predicted.net == booked.net else f"net {predicted.net}, not {booked.net}"
        pairs = (("net", predicted.net, booked.net), ("tax", predicted.tax, booked.tax),
                 ("total", predicted.total, booked.total))  # fmt: skip
        return "; ".join(f"{name} {ours}, not {theirs}" for name, ours, theirs in pairs
                         if ours != theirs)  # fmt: skip

    def _home(self) -> Home:
        service = Service(self.company)
        sheet = msgspec.json.decode(encode(service.single("CompanyInfo")), type=CompanyRow)
        chosen = msgspec.json.decode(encode(service.single("Preferences")), type=Preferences)
        return home_of(sheet, chosen, ("EUR", "USD"), self.config)

    def _known_taxes(self) -> dict[str, LedgerReference]:
        rates = {row["Id"]: row["RateValue"] for row in self.company.rows("TaxRate")}
        codes = [
            msgspec.json.decode(encode(row), type=TaxCode) for row in self.company.rows("TaxCode")
        ]
        known = (tax(code, rates, self.home.regime) for code in codes)
        return {one.key: one for one in known if one is not None}


def _document(chance: random.Random, seed: int, company: str) -> LedgerDocument:
    american = company != "global"
    basis = AmountBasis.EXCLUSIVE
    if not american:
        basis = chance.choices(tuple(AmountBasis), (6, 3, 1))[0]
    codes = ("TAX", "NON") if american else ("2", "2", "2", "6", "8", "3", "4", "5")
    lines = tuple(_line(chance, codes) for _ in range(chance.randint(1, chance.choice((3, 12)))))
    return LedgerDocument(
        key=str(seed),
        attempt=str(seed),
        kind=chance.choices(tuple(DocumentKind), (4, 1))[0],
        number=f"T-{seed}",
        marker="syncd-aaaaaaaaaaaaaaab",
        contact="101",
        dated=date(2026, 11, 2),
        currency="USD" if american else "GBP",
        basis=basis,
        lines=lines,
        tax=Decimal(chance.randint(0, 10**5)).scaleb(-2) if company == "stated" else None,
    )


def _line(chance: random.Random, codes: tuple[str, ...]) -> LedgerLine:
    quantity = _number(chance, 500)
    if chance.random() < 0.05:
        quantity = -quantity.quantize(CENT) / 100
    price = _number(chance, 20_000)
    discount = Decimal(chance.choice(_DISCOUNTS) if chance.random() < 0.03 else 0)
    net = quantity * price * (1 - discount / 100)
    return LedgerLine(
        description="Managed workstation",
        quantity=quantity,
        unit_price=price,
        discount_percent=discount,
        net=net.quantize(CENT, ROUND_HALF_UP),
        tax_code=chance.choice(codes),
        item=chance.choice(("21", "22", "23")),
        text_only=False,
    )


def _number(chance: random.Random, most: int) -> Decimal:
    """Whole, of two or of four decimals, often on the edge of half a cent."""
    decimals = chance.choice((0, 0, 2, 2, 3, 4))
    number = Decimal(chance.randint(0, most * 10**decimals)).scaleb(-decimals)
    return number if chance.random() < 0.8 else number.quantize(CENT) + Decimal("0.005")
