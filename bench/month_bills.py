"""The bills of the month before, as an installation has them that has billed before.

Computed by the program itself, and written as `apply` writes them: a bill and a plan's bill per
client, a line with its basis and a ledger row per line.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from bench.month_data import PSA, _fill
from syncd.config.settings import BillingSettings
from syncd.core.service.basis import BillBasis, encode_bill, encode_line
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.draft import Drafting
from syncd.core.service.ledger import slot_of
from syncd.core.service.reckoning import Sources, reckon
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from syncd.core.store.types import to_micros
from syncd.sdk.money import to_scaled
from syncd.sdk.period import Period
from syncd.sdk.records import Plan, SubscriptionFields, canonical_json

BILLED = Period(2026, 10)
PLAN = f"{BILLED}-1"
MADE = datetime(2026, 11, 1, 9, tzinfo=UTC)
SETTINGS = BillingSettings(mode="live", psa="psa")


def add_bills(database: Path) -> None:
    """Bill October for every client."""
    drafting = asyncio.run(_october(f"sqlite:///{database}"))
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    plan = Plan(period=str(BILLED), currency="GBP", made_at=MADE, bills=())
    _fill(
        connection,
        "plan",
        iter(
            [
                {"id": PLAN, "kind": "automatic", "period": str(BILLED), "state": "closed",
                 "currency": "GBP", "made_at": to_micros(MADE), "data_version": 0, "digest": "",
                 "content": canonical_json(plan)}
            ]
        ),
    )  # fmt: skip
    recorder = BasisRecorder(drafting=drafting, psa_name="psa")
    for number, draft in enumerate(drafting.drafts(sorted(drafting.data.accounts)), 1):
        _bill(connection, number, recorder.reckoned(draft))
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()


async def _october(url: str) -> Drafting:
    database = Database(url)
    try:
        async with database.reader() as conn:
            data = await load_billing_data(conn, period_first_day=BILLED.first_day.isoformat())
            return await reckon(
                conn,
                data,
                psa_id=PSA,
                sources=Sources(active={"fleet"}),
                period=BILLED,
                timezone=ZoneInfo("UTC"),
                rules=SETTINGS,
            )
    finally:
        await database.dispose()


def _bill(connection: sqlite3.Connection, number: int, basis: BillBasis) -> None:
    prices = [line.total_price or Decimal(0) for line in basis.lines]
    costs = [line.total_cost or Decimal(0) for line in basis.lines]
    moment = to_micros(MADE)
    _fill(connection, "plan_bill", iter([{
        "plan_id": PLAN, "bill_key": f"aaaaaaaa:{basis.account}", "account_id": basis.account_id,
        "state": "applied", "detail": "", "released_by": "", "release_reason": "",
        "applied_at": moment, "basis": encode_bill(basis),
    }]))  # fmt: skip
    _fill(connection, "bill", iter([{
        "id": number, "connection_id": basis.connection_id, "account_id": basis.account_id,
        "client_key": basis.client, "period": str(BILLED), "revision": 1, "kind": "AUTOMATIC",
        "currency": "GBP", "total_price": to_scaled(sum(prices, Decimal(0))),
        "total_cost": to_scaled(sum(costs, Decimal(0))), "plan_id": PLAN,
        "recorded_at": moment, "completed_at": moment,
    }]))  # fmt: skip
    rows = list(_lines(number, basis))
    for table, place in (("billing_line", 0), ("bill_line", 1), ("psa_record", 2)):
        if rows:
            _fill(connection, table, (row[place] for row in rows))


def _lines(number: int, basis: BillBasis) -> Iterator[tuple[dict[str, object], ...]]:
    moment = to_micros(MADE)
    for place, line in enumerate(basis.lines):
        configuration, asset_type, part = slot_of(line.key)
        uid = f"{basis.account_id:06x}{place:06x}"
        key = f"syncd:aaaaaaaa:{basis.account}:{configuration}:{uid}"
        line = msgspec.structs.replace(line, uid=uid, external_key=key)
        fields = SubscriptionFields(
            basis.client, None, line.name, line.quantity, line.unit_price, line.unit_cost,
            line.asset_type, None, "2026-10-01", None, "Counts of 2026-10",
        )  # fmt: skip
        sent = {"fields": fields, "units": None, "products": [one.key for one in line.products]}
        yield (
            {"uid": uid, "connection_id": basis.connection_id, "account_id": basis.account_id,
             "configuration_uid": configuration, "asset_type_key": asset_type, "part": part,
             "created_at": moment},
            {"bill_id": number, "line_uid": uid, "key": line.key, "name": line.name,
             "mode": line.mode, "asset_type_key": line.asset_type, "quantity": line.quantity,
             "unit_price": _scaled(line.unit_price), "unit_cost": _scaled(line.unit_cost),
             "total_price": _scaled(line.total_price), "total_cost": _scaled(line.total_cost),
             "residual_price": 0, "residual_cost": 0, "basis": encode_line(basis, line)},
            {"key": key, "line_uid": uid, "psa_connection_id": PSA,
             "account_id": basis.account_id, "period": "",
             "remote": str(9000 + number * 100 + place),
             "state": "live", "mode": line.mode, "content_hash": "0" * 64,
             "sent": canonical_json(sent).decode(), "sent_period": str(BILLED),
             "total_price": _scaled(line.total_price), "total_cost": _scaled(line.total_cost),
             "updated_at": moment},
        )  # fmt: skip


def _scaled(amount: Decimal | None) -> int | None:
    return None if amount is None else to_scaled(amount)
