"""What Microsoft sells in the simulated world, and what it asks for it.

Prices are made up, near to the listed ones, before tax, in whatever currency the partner has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import Final

CENT: Final = Decimal("0.01")

MONTHS: Final = {"P1M": 1, "P1Y": 12, "P3Y": 36}
"""Term → its months."""

CYCLES: Final = {"monthly": 1, "annual": 12, "triennial": 36}
"""Billing cycle → its months."""

_SHARE: Final = {
    ("P1M", "monthly"): Decimal("1.20"),
    ("P1Y", "monthly"): Decimal(1),
    ("P1Y", "annual"): Decimal("11.40"),
    ("P3Y", "monthly"): Decimal("0.97"),
    ("P3Y", "annual"): Decimal("11.06"),
    ("P3Y", "triennial"): Decimal("33.17"),
}
"""Price of a cycle as a multiple of the monthly price in a year's term."""

_EXTENDED: Final = Decimal("1.03")
"""What the extended service term adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """Something that can be bought.

    Attributes:
        product: first part of an offer's id.
        sku: second part.
        name: for people.
        price: of a seat and month in a year's term that is billed monthly.
        guid: by which the directory knows it, empty where it does not.
        part: the directory's name for it.
    """

    product: str
    sku: str
    name: str
    price: Decimal
    guid: str = ""
    part: str = ""

    @property
    def offer(self) -> str:
        return f"{self.product}:{self.sku}:CFQ7TTC0{self.product[-2:]}{self.sku}"

    @property
    def key(self) -> str:
        return f"{self.product}:{self.sku}"

    def extended(self) -> Sku:
        """What is sold instead of it once its term was neither renewed nor ended."""
        name = f"{self.name} (Extended Service Term)"
        price = (self.price * _SHARE["P1M", "monthly"] * _EXTENDED).quantize(CENT, ROUND_DOWN)
        return replace(self, sku=f"E{self.sku[1:]}", name=name, price=price)

    def charge(self, term: str, cycle: str, *, extended: bool = False) -> Decimal:
        """Price of a seat for one billing cycle."""
        if extended:
            return self.price
        return (self.price * _SHARE[term, cycle]).quantize(CENT, ROUND_DOWN)


PREMIUM: Final = Sku(
    product="CFQ7TTC0LCHC", sku="0002", name="Microsoft 365 Business Premium",
    price=Decimal("20.60"), guid="cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", part="SPB",
)  # fmt: skip
BASIC: Final = Sku(
    product="CFQ7TTC0LH18", sku="0001", name="Microsoft 365 Business Basic",
    price=Decimal("5.60"), guid="3b555118-da6a-4418-894f-7df1e2096870",
    part="O365_BUSINESS_ESSENTIALS",
)  # fmt: skip
EXCHANGE: Final = Sku(
    product="CFQ7TTC0LH16", sku="0001", name="Exchange Online (Plan 1)",
    price=Decimal("3.70"), guid="4b9405b0-7788-4568-add1-99614e613b69", part="EXCHANGESTANDARD",
)  # fmt: skip
AHEAD: Final = Sku(
    product="CFQ7TTC0SBXA", sku="0001", name="Sandbox Next Suite",
    price=Decimal("31.00"), guid="0d0d0d0d-2026-4a11-8c01-000000000001", part="SANDBOX_NEXT_SUITE",
)  # fmt: skip
FABRIC: Final = Sku(
    product="CFQ7TTC0H6D7", sku="0001", name="Microsoft Fabric (Free)",
    price=Decimal(0), guid="a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", part="POWER_BI_STANDARD",
)  # fmt: skip
"""Free: the directory has it, and nobody bought it."""

PRICED: Final = (PREMIUM, BASIC, EXCHANGE, AHEAD)
"""What a client's people use, bought under ids that the directory names, too."""

DEFENDER: Final = Sku(
    product="CFQ7TTC0LHSX", sku="0003", name="Defender for Office 365 (Plan 1) add-on",
    price=Decimal("1.90"),
)  # fmt: skip
COPILOT: Final = Sku(
    product="CFQ7TTC0MM8R", sku="0002", name="Microsoft 365 Copilot", price=Decimal("28.10")
)
VISIO: Final = Sku(product="CFQ7TTC0HD32", sku="0002", name="Visio Plan 2", price=Decimal("14.00"))
PROJECT: Final = Sku(
    product="CFQ7TTC0HDB0", sku="0002", name="Planner and Project Plan 3", price=Decimal("28.10")
)
PHONE: Final = Sku(
    product="CFQ7TTC0LH0T", sku="0001", name="Teams Phone Standard", price=Decimal("7.50")
)
BI_TRIAL: Final = Sku(
    product="CFQ7TTC0HL8W", sku="0005", name="Power BI Pro (trial)", price=Decimal(0)
)
AZURE: Final = Sku(product="DZH318Z0BPS6", sku="0001", name="Azure plan", price=Decimal(0))
