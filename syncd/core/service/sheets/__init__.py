"""The mapping files: links, products, configurations, rates, rules, billing and exclusions.

Each has a module of its own that says its columns and what a row must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncd.core.service.sheets.billing import BILLING_SHEET
from syncd.core.service.sheets.configurations import CONFIGURATION_SHEET
from syncd.core.service.sheets.exclusions import EXCLUSION_SHEET
from syncd.core.service.sheets.links import LINK_SHEET
from syncd.core.service.sheets.products import PRODUCT_SHEET
from syncd.core.service.sheets.rates import RATE_SHEET
from syncd.core.service.sheets.rules import RULE_SHEET
from syncd.core.service.sheets.sheet import Sheet

SHEETS: Final[Mapping[str, Sheet]] = {
    sheet.name: sheet
    for sheet in (
        LINK_SHEET,
        PRODUCT_SHEET,
        CONFIGURATION_SHEET,
        RATE_SHEET,
        RULE_SHEET,
        BILLING_SHEET,
        EXCLUSION_SHEET,
    )
}
"""By the name of their command."""

__all__ = ["SHEETS", "Sheet"]
