"""The organisation that a connection writes to, with its currency and its locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from syncd.sdk.errors import AuthError, ProtocolError
from syncd.sdk.ledger_records import LedgerBook, TaxMode
from syncd.sdk.limits import shared
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.models import WireOrganisation
from syncd_xero.payload import NUMBER_LIMIT
from syncd_xero.quota import Reserved
from syncd_xero.tenants import chosen
from syncd_xero.values import day, identifier


@dataclass(slots=True)
class _Known:
    """The organisation as it was last read in this process."""

    book: LedgerBook | None = None


async def book_of(client: XeroClient, config: XeroConfig, connection: str) -> LedgerBook:
    """Read the organisation, and see that it is the configured one.

    What is left of a day for writes is not used up by asking the same again: then the organisation
    is as it was read before. Which one it is needs no call where each call names it, and one where
    the credentials alone decide.

    Raises:
        AuthError: the consent does not open it, or opens several and none is configured.
        ProtocolError: Xero shows no organisation, or one without a currency.
    """
    key = ""
    if config.access == "consent":
        key = identifier(chosen(await client.tenants(), config, connection).tenant_id)
    known = shared(("xero book", client.owner), _Known)
    try:
        row = await _organisation(client, connection)
        opened = key or _custom(row, config, connection)
        codes = await _currencies(client, row)
    except Reserved:
        if known.book is not None and key == known.book.key == config.organisation:
            return known.book
        row = await _organisation(client, connection, essential=True)
        opened = key or _custom(row, config, connection)
        if known.book is not None and known.book.key == opened:
            codes = known.book.currencies
        else:
            codes = await _currencies(client, row, essential=True)
    known.book = _book(row, opened, codes)
    return known.book


async def _organisation(
    client: XeroClient, connection: str, *, essential: bool = False
) -> WireOrganisation:
    rows = (await client.read("/Organisation", essential=essential)).organisations or []
    if len(rows) != 1 or not rows[0].base_currency:
        raise ProtocolError(
            f"{connection}: Xero shows {len(rows)} organisations, or one without a currency",
            connection=connection,
        )
    return rows[0]


async def _currencies(
    client: XeroClient, row: WireOrganisation, *, essential: bool = False
) -> tuple[str, ...]:
    currencies = (await client.read("/Currencies", essential=essential)).currencies or []
    return tuple(dict.fromkeys([row.base_currency, *(one.code for one in currencies if one.code)]))


def _custom(row: WireOrganisation, config: XeroConfig, connection: str) -> str:
    """Id of the organisation that a custom connection opens.

    Raises:
        AuthError: it is another one than the configured one.
    """
    opened = identifier(row.organisation_id)
    if config.organisation and opened != config.organisation:
        raise AuthError(
            f"{connection}: the custom connection opens {row.name} ({row.organisation_id}), and"
            f" organisation names {config.organisation}",
            remedy="mend organisation, or authorise the custom connection for the other one",
            connection=connection,
        )
    return opened


def _book(row: WireOrganisation, key: str, codes: tuple[str, ...]) -> LedgerBook:
    return LedgerBook(
        key=key,
        name=row.name,
        country=row.country_code or "",
        currency=row.base_currency,
        currencies=codes,
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
