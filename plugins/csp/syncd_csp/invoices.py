"""Which of the partner's invoices belong to a month, by the heads that Partner Center lists.

An invoice belongs to the month in which its billing period begins; credit and void notes that name
no period belong to that of the invoice they amend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

from syncd.sdk.errors import ProtocolError
from syncd.sdk.period import Period
from syncd_csp.client import PartnerClient
from syncd_csp.models import Invoice, Invoices
from syncd_csp.values import enum, moment

INVOICES: Final = "/v1/invoices"
SIZE: Final = 200
UTC_DAYS: Final = ZoneInfo("UTC")


async def all_invoices(client: PartnerClient) -> dict[str, Invoice]:
    """The heads of all invoices, by number.

    `size` and `offset` are ignored for some kinds: then the same list comes again, and it is whole.

    Raises:
        ProtocolError: pages overlap in part, or there are fewer invoices than declared.
    """
    found: dict[str, Invoice] = {}
    while True:
        answer = await client.read(INVOICES, {"size": SIZE, "offset": len(found)})
        page = answer.decode(Invoices)
        fresh = {row.id: row for row in page.rows if row.id not in found}
        if fresh and len(fresh) != len(page.rows):
            raise ProtocolError(
                "PAGE_REPEATED: invoices came twice", remedy="the next run asks again"
            )
        found |= fresh
        missing = page.total is not None and len(found) < page.total
        whole = page.total is not None and not missing and page.total != len(page.rows)
        # A short page ends the list only where nobody says that there are more.
        if not fresh or whole or (len(page.rows) < SIZE and not missing):
            break
    if missing:
        raise ProtocolError(
            f"TOTAL_MISSED: Partner Center declares {page.total} invoices, {len(found)} read",
            remedy="the next run asks again",
        )
    return found


def of_month(
    invoices: Mapping[str, Invoice], period: Period, doubt: Callable[[str], None]
) -> list[Invoice]:
    """The documents of a month, oldest number first."""
    months = {number: month_of(invoice, invoices, doubt) for number, invoice in invoices.items()}
    return [invoices[number] for number in sorted(months) if months[number] == period]


def month_of(
    invoice: Invoice, invoices: Mapping[str, Invoice], doubt: Callable[[str], None]
) -> Period | None:
    """The month that a document is about; None where it tells nothing."""
    try:
        starts, dated = moment(invoice.starts), moment(invoice.dated)
    except ValueError:
        doubt(f"UNREADABLE_VALUE: a date of invoice {invoice.id}")
        return None
    if starts is not None:
        return Period.containing(starts.astimezone(UTC), UTC_DAYS)
    amended = invoices.get(invoice.amends or "")
    if amended is not None and amended.starts:
        return month_of(amended, {}, doubt)
    return Period.containing(dated, UTC_DAYS).previous() if dated is not None else None


def is_legacy(invoice: Invoice) -> bool:
    """Whether it is of the former commerce, which the export does not know."""
    return invoice.id.upper().startswith("D") or enum(invoice.type) == "recurring"
