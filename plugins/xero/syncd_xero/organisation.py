"""The organisation that a connection writes to, with its currency and its locks."""

from __future__ import annotations

from datetime import date

from syncd.sdk.errors import AuthError, ProtocolError
from syncd.sdk.ledger_records import LedgerBook, TaxMode
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.models import WireOrganisation
from syncd_xero.payload import NUMBER_LIMIT
from syncd_xero.tenants import chosen
from syncd_xero.values import day, identifier


async def book_of(client: XeroClient, config: XeroConfig, connection: str) -> LedgerBook:
    """Read the organisation, and see that it is the configured one.

    Raises:
        AuthError: the consent does not open it, or opens several and none is configured.
        ProtocolError: Xero shows no organisation, or one without a currency.
    """
    key = ""
    if config.access == "consent":
        key = identifier(chosen(await client.tenants(), config, connection).tenant_id)
    rows = (await client.read("/Organisation", essential=True)).organisations or []
    if len(rows) != 1 or not rows[0].base_currency:
        raise ProtocolError(
            f"{connection}: Xero shows {len(rows)} organisations, or one without a currency",
            connection=connection,
        )
    row = rows[0]
    if not key:
        key = config.organisation or identifier(row.organisation_id)
        if config.organisation and identifier(row.organisation_id) != config.organisation:
            raise AuthError(
                f"{connection}: the custom connection opens {row.name} ({row.organisation_id}), and"
                f" organisation names {config.organisation}",
                remedy="mend organisation, or authorise the custom connection for the other one",
                connection=connection,
            )
    currencies = (await client.read("/Currencies", essential=True)).currencies or []
    codes = dict.fromkeys([row.base_currency, *(one.code for one in currencies if one.code)])
    return LedgerBook(
        key=key,
        name=row.name,
        country=row.country_code or "",
        currency=row.base_currency,
        currencies=tuple(codes),
        locked_until=locked_until(row),
        tax_mode=TaxMode.PER_LINE,
        number_limit=NUMBER_LIMIT,
        own_numbers=True,
        drafts=True,
    )


def locked_until(row: WireOrganisation) -> date | None:
    """The later of the two locks: the one for everybody but advisers, and the one for all.

    Raises:
        ValueError: a date is none.
    """
    locks = [day(text) for text in (row.period_lock_date, row.end_of_year_lock_date) if text]
    return max(locks, default=None)
