"""In which month units renew that a bill leaves out, because they are not charged monthly.

Asked only of products whose rate has another cycle: for all others it costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.snapshots import Snapshot, seqs
from syncd.core.service.term_days import MONTHLY, renewal_month
from syncd.core.store.renewals import terms_at

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.billing_data import BillingData


async def renewals_of(
    conn: AsyncConnection,
    data: BillingData,
    connection_id: int,
    snapshots: Mapping[int, Snapshot],
    zone: ZoneInfo,
) -> dict[tuple[int, int], str]:
    """The first month (`YYYY-MM`) in which a unit renews, by account and product id.

    Args:
        conn: a reader's connection.
        data: rates.
        connection_id: the source.
        snapshots: by account id.
        zone: of billing.
    """
    products = {
        product_id
        for (product_id, _), rates in data.rates.items()
        if any(rate.cycle != MONTHLY for rate in rates)
        and data.products[product_id].connection_id == connection_id
    }
    found: dict[tuple[int, int], str] = {}
    if not products:
        return found
    for seq, accounts in seqs(snapshots).items():
        counted = set(accounts)
        async for account, product, term in terms_at(conn, connection_id, seq, products):
            month = renewal_month(term, zone)
            if month and account in counted:
                found[account, product] = min(month, found.get((account, product), month))
    return found
