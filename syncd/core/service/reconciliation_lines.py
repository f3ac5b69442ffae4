"""One row of a reconciliation down to subscriptions, kinds of charges and units in use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.reconciliation import Reconciled
from syncd.core.service.reconciliation_reading import known
from syncd.core.service.snapshots import Snapshot, snapshots
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.census.evidence import evidence
from syncd.core.store.purchases import load_sums, standing_reads
from syncd.sdk.period import Period
from syncd.sdk.records import USED
from syncd.sdk.terms import term_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The vendor's lines of one purchase and kind of charge, added up.

    Attributes:
        connection: name.
        account: the vendor's id of the customer.
        account_name: for people.
        sku: what was bought.
        subscription: id of the purchase.
        charge: its kind.
        quantity: signed.
        cost: signed.
        currency: of the cost.
        lines: behind it.
    """

    connection: str
    account: str
    account_name: str
    sku: str
    subscription: str
    charge: str
    quantity: Decimal
    cost: Decimal
    currency: str
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLine:
    """A purchase or a unit in use, at the end of the month.

    Attributes:
        connection: name.
        account: the vendor's id.
        product: key.
        unit: the vendor's id.
        name: for people.
        quantity: seats or units.
        excluded: why it does not count, empty where it does.
        ends: last day of the commitment, None where there is none or it is unknown.
    """

    connection: str
    account: str
    product: str
    unit: str
    name: str
    quantity: int
    excluded: str
    ends: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLines:
    """What is behind a row.

    Attributes:
        row: the row.
        charges: of the vendor, by subscription and kind.
        seats: purchases at the end of the month.
        used: units in use at the end of the month.
    """

    row: Reconciled
    charges: tuple[Charge, ...]
    seats: tuple[UnitLine, ...]
    used: tuple[UnitLine, ...]


async def read_lines(
    database: Database,
    rows: Sequence[Reconciled],
    *,
    psa: ConnectionRef,
    purchase_sources: Collection[str],
    max_age_hours: int,
    timezone: ZoneInfo,
    period: Period,
    now: datetime,
    billed: bool,
) -> list[RowLines]:
    """What is behind rows of clients; arguments as of `read_reconciliation`."""
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        reads = await standing_reads(conn, str(period), billed=billed)
        running_at = now if period.end(timezone) > now else None
        stood: dict[int, dict[int, Snapshot]] = {}
        for connection in data.connections.values():
            stood[connection.id] = await snapshots(
                conn,
                connection.id,
                period,
                timezone,
                max_age_hours=max_age_hours,
                now=running_at,
            )
        found = []
        for row in rows:
            accounts = data.accounts_of_client(psa.id, row.client)
            charges: list[Charge] = []
            for connection in data.connections.values():
                read = reads.get(connection.id)
                if connection.name not in purchase_sources or read is None or not known(read):
                    continue
                keys = {
                    data.accounts[one].key
                    for one in accounts
                    if data.accounts[one].connection_id == connection.id
                }
                charges += [
                    Charge(
                        connection=connection.name,
                        account=one.account,
                        account_name=one.account_name,
                        sku=one.sku,
                        subscription=one.subscription,
                        charge=one.charge,
                        quantity=one.quantity,
                        cost=one.cost,
                        currency=one.currency,
                        lines=one.lines,
                    )
                    for one in await load_sums(conn, read.id, accounts=keys)
                    if one.sku in row.sku.split(" + ")
                ]
            charges.sort(key=lambda one: (one.connection, one.subscription, one.charge))
            seats, used = await _units(conn, data, row, accounts, stood)
            found.append(
                RowLines(row=row, charges=tuple(charges), seats=tuple(seats), used=tuple(used))
            )
    return found


async def _units(
    conn: AsyncConnection,
    data: BillingData,
    row: Reconciled,
    accounts: Collection[int],
    stood: dict[int, dict[int, Snapshot]],
) -> tuple[list[UnitLine], list[UnitLine]]:
    seats: list[UnitLine] = []
    used: list[UnitLine] = []
    for account_id in sorted(accounts):
        account = data.accounts[account_id]
        snapshot = stood.get(account.connection_id, {}).get(account_id)
        if snapshot is None or snapshot.pull is None:
            continue
        name = data.connections[account.connection_id].name
        products = [
            one for one in data.products.values() if one.connection_id == account.connection_id
        ]
        keys = {one.key for one in products}
        for product in sorted(products, key=lambda one: one.key):
            if f"{name} {product.key}" not in row.products:
                continue
            family, _, figure = product.key.rpartition(":")
            told_elsewhere = f"{family}:{USED}" in keys and figure != USED
            for unit in await evidence(conn, account_id, product.id, snapshot.pull.seq):
                purchase = unit.unit in row.subscriptions
                if not purchase and told_elsewhere:
                    continue
                term = term_of(unit.attributes)
                line = UnitLine(
                    connection=name,
                    account=account.key,
                    product=product.key,
                    unit=unit.unit,
                    name=unit.name,
                    quantity=unit.quantity,
                    excluded=unit.excluded or "",
                    ends=None if term is None else term.ends,
                )
                (seats if purchase else used).append(line)
    return seats, used
