"""The company: what its data sheet and its preferences say, and what follows for documents.

How tax comes about is decided here once: American companies take the pseudo codes TAX and NON and
compute tax by address, all others take real tax codes and compute it by rate.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Final

import msgspec

from syncd.sdk.errors import ConfigError
from syncd.sdk.ledger_records import LedgerBook, TaxMode
from syncd_quickbooks.client import CompanyClient
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.models import Company, Named, Preferences

LONGEST_NUMBER: Final = 21
AMERICA: Final = frozenset({"US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"})


class Regime(Enum):
    """How tax comes about."""

    GLOBAL = "global"
    DELEGATED = "us_delegated"
    OWN_TOTAL = "us_own_total"

    @property
    def american(self) -> bool:
        """The company takes TAX and NON, and no calculation mode."""
        return self is not Regime.GLOBAL


class Home(msgspec.Struct, frozen=True):
    """The company as documents need to know it.

    Attributes:
        book: for the host.
        regime: of its tax.
        multicurrency: documents name their currency.
        applies_credits: QuickBooks puts open credits to new invoices by itself.
    """

    book: LedgerBook
    regime: Regime
    multicurrency: bool
    applies_credits: bool


class _CompanyAnswer(msgspec.Struct):
    company: Company = msgspec.field(name="CompanyInfo")


class _PreferencesAnswer(msgspec.Struct):
    preferences: Preferences = msgspec.field(name="Preferences")


async def read_home(client: CompanyClient, config: QuickBooksConfig) -> Home:
    """Read the company.

    Raises:
        ConfigError: the setting `tax` does not fit the company's country.
        ConnectorError: it cannot be read.
    """
    answer = await client.read(f"companyinfo/{config.realm}")
    company = answer.decode(_CompanyAnswer).company
    preferences = (await client.read("preferences")).decode(_PreferencesAnswer).preferences
    multicurrency = bool(preferences.currency_prefs.multi_currency_enabled)
    currencies: tuple[str, ...] = ()
    if multicurrency:
        rows = await client.query("CompanyCurrency", Named)
        currencies = tuple(sorted({row.code for row in rows if row.code and row.usable}))
    return home_of(company, preferences, currencies, config)


def home_of(
    company: Company,
    preferences: Preferences,
    currencies: tuple[str, ...],
    config: QuickBooksConfig,
) -> Home:
    """What follows from what the company says.

    Args:
        company: its data sheet.
        preferences: its preferences.
        currencies: that it uses beside its own, where it uses several.
        config: of the connection.

    Raises:
        ConfigError: the setting `tax` does not fit the company's country.
    """
    country = (company.country or "").strip().upper()
    american = country in AMERICA
    regime = regime_of(config.tax, american=american, known=bool(country))
    home = preferences.currency_prefs.home_currency
    currency = home.value if home and home.value else "USD" if american else ""
    book = LedgerBook(
        key=config.realm,
        name=company.company_name,
        country="US" if american else country if len(country) == 2 else "",
        currency=currency,
        currencies=tuple(sorted({*currencies, currency} - {""})),
        locked_until=_day(preferences.accounting_info_prefs.book_close_date),
        tax_mode=TaxMode.DELEGATED if regime.american else TaxMode.PER_RATE,
        number_limit=LONGEST_NUMBER,
        own_numbers=preferences.sales_forms_prefs.custom_txn_numbers,
        drafts=False,
        needs_item=True,
        states_tax=regime is Regime.OWN_TOTAL,
    )
    return Home(
        book,
        regime,
        bool(preferences.currency_prefs.multi_currency_enabled),
        bool(preferences.sales_forms_prefs.auto_apply_credit),
    )


def regime_of(tax: str, *, american: bool, known: bool) -> Regime:
    """How tax comes about, by the setting and the company's country.

    Raises:
        ConfigError: they contradict each other, or neither says it.
    """
    if tax == "auto":
        if not known:
            raise ConfigError(
                "the company does not say in which country it is",
                remedy='write tax = "global", or "us_delegated" for an American company',
            )
        return Regime.DELEGATED if american else Regime.GLOBAL
    regime = Regime(tax)
    if known and regime.american is not american:
        where = "is American" if american else "is not American"
        fits = '"us_delegated" or "us_own_total"' if american else '"global"'
        raise ConfigError(
            f'the company {where}, and tax = "{tax}" does not fit that',
            remedy=f'write tax = "auto" or {fits}',
        )
    return regime


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
