"""Purchases that nothing bills, as leaks; and which products need no bill, as another's holds them.

Of seats that are bought, assigned and free only one figure is billed. The other figures of the same
purchase are no leak.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.arithmetic import ZERO
from syncd.core.service.reconciliation import Reconciled, Status
from syncd.core.service.reconciliation_joins import reconcile_client
from syncd.core.service.reconciliation_reading import ReconciliationRules, read_facts
from syncd.core.service.sources import Sources
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLeaks:
    """What a reconciliation says of a month that is over.

    Attributes:
        lost: purchases of clients who are live that nothing bills.
        sellers: connections that tell what is bought.
        told: client and `<connection> <product>` of what stands for a purchase of such a client.
    """

    lost: tuple[Reconciled, ...] = ()
    sellers: tuple[str, ...] = ()
    told: frozenset[tuple[str, str]] = frozenset()


async def purchase_leaks(
    conn: AsyncConnection,
    *,
    psa: ConnectionRef,
    purchase_sources: Collection[str],
    sources: Sources,
    rules: ReconciliationRules,
    timezone: ZoneInfo,
    period: Period,
) -> PurchaseLeaks:
    """Compare purchases with bills by what is stored; asks no vendor."""
    if not purchase_sources:
        return PurchaseLeaks()
    book = await read_facts(
        conn,
        psa=psa,
        purchase_sources=purchase_sources,
        sources=sources,
        rules=rules,
        timezone=timezone,
        period=period,
        now=period.end(timezone),
        billed=True,
    )
    rows = [row for facts in book.facts() for row in reconcile_client(facts)]
    live = [row for row in rows if row.client and book.golive.is_live(row.client, str(period))]
    return PurchaseLeaks(
        lost=tuple(row for row in live if row.status is Status.NOT_BILLED),
        sellers=tuple(sorted(purchase_sources)),
        told=frozenset((row.client, product) for row in live for product in row.products),
    )


def seller_of(row: Reconciled, sellers: Sequence[str]) -> str:
    """The connection that tells of the purchase; empty where several might."""
    counting = [one.partition(" ")[0] for one in row.products]
    found = [one for one in counting if one in sellers]
    return found[0] if found else sellers[0] if len(sellers) == 1 else ""


def cost_of(row: Reconciled) -> tuple[Decimal | None, str]:
    """The cost and its currency; None where it is unknown or in several."""
    amounts = {one: amount for one, amount in (row.cost or {}).items() if amount}
    if row.cost is None or len(amounts) > 1:
        return None, ""
    return sum(amounts.values(), ZERO), next(iter(amounts), "")
