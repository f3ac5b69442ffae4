"""The basis of a bill: everything a number rests on, stored with the number and never changed.

An explanation is read from here and from the census at the named pull, so that it is still right
after later pulls, edits of rates and renames.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from syncd.core.billing.billed_days import Prorated
from syncd.core.service.late_content import LateProduct, LateUnits
from syncd.core.service.snapshot_basis import SnapshotBasis as SnapshotBasis
from syncd.sdk.records import canonical_json


class RuleBasis(msgspec.Struct, frozen=True):
    """The quantity rule as it was; see `syncd.core.billing.model.QuantityRule`."""

    version: int
    override: Decimal | None
    included: Decimal | None
    block: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    bill_blocks: bool
    pool: bool
    client: str
    valid_from: str
    valid_until: str
    reason: str
    stale_after_days: int | None = None


class MonthBasis(msgspec.Struct, frozen=True):
    """Figures over the days of the month, where the method uses them."""

    last: int
    peak: int
    unit_days: int
    days: int


class PoolShare(msgspec.Struct, frozen=True):
    """An account of the same client that shares the rule, with its raw count."""

    account: str
    name: str
    raw: Decimal


class PartBasis(msgspec.Struct, frozen=True):
    """What is billed with a storage product: restored volume, or the price of limits.

    Attributes:
        key: product key of the part.
        product_id: row id, for the evidence.
        name: as it was.
        part: `restored` or `limit`.
        raw: GB restored, or the money of limits.
        unit_cost: rate per GB restored, None when unset and for limits.
        unit_price: likewise.
        cost: exact money, a share of the product's.
        price: likewise.
    """

    key: str
    product_id: int
    name: str
    part: str
    raw: Decimal
    unit_cost: Decimal | None
    unit_price: Decimal | None
    cost: Decimal
    price: Decimal


class ProductBasis(msgspec.Struct, frozen=True):
    """What one product contributed to a line.

    Attributes:
        key: product key.
        product_id: row id, for the evidence.
        name: as it was.
        method: `point_in_time`, `peak` or `average`.
        raw: the count before rules, or GB.
        included_reasons: exclusion codes that counted after all.
        month: figures over the days, for the other methods.
        rule: as it was, None for none.
        pool: accounts of the client that shared the rule; empty when it was applied to this alone.
        facts_of: month whose facts were counted (`YYYY-MM`), empty for a count of what stands.
        snapshot: the pull behind this product where it is not the one of the bill, as for facts of
            a month.
        stale_after_days: units that were silent for longer did not count, None for no such rule.
        parts: what is billed with it and is in its cost and price.
        billed: after rules; exact GB for storage.
        quantity: whole units added to the line.
        unit_cost: the rate, None when unset.
        unit_price: likewise.
        rate_version: row id of the rate, None for none.
        rate_from: first day of the rate, or empty.
        cost: exact money.
        price: exact money.
        prorated: how billed days made its money, which is then cut to 8 decimals; else None.
    """

    key: str
    product_id: int | None
    name: str
    method: str
    raw: Decimal
    billed: Decimal
    quantity: int
    cost: Decimal
    price: Decimal
    unit_cost: Decimal | None
    unit_price: Decimal | None
    rate_version: int | None
    rate_from: str = ""
    included_reasons: tuple[str, ...] = ()
    month: MonthBasis | None = None
    rule: RuleBasis | None = None
    pool: tuple[PoolShare, ...] = ()
    facts_of: str = ""
    snapshot: SnapshotBasis | None = None
    stale_after_days: int | None = None
    parts: tuple[PartBasis, ...] = ()
    prorated: Prorated | None = None


class CorrectionBasis(msgspec.Struct, frozen=True):
    """An accepted late change that a line carries, with what showed it.

    Attributes:
        late_change: row id, the number by which people call it.
        period: the month that is corrected.
        price: signed.
        cost: likewise, None where it is not ours.
        by: who accepted it.
        reason: why.
        at: when, UTC.
        found_at: when the facts were found, UTC.
        products: counts as billed and as known then, with the pull that showed them.
        units: behind the difference, by name.
    """

    late_change: int
    period: str
    price: Decimal | None
    cost: Decimal | None
    by: str
    reason: str
    at: datetime
    found_at: datetime
    products: tuple[LateProduct, ...]
    units: tuple[LateUnits, ...]


class LineBasis(msgspec.Struct, frozen=True):
    """One line of a bill with everything behind it.

    Attributes:
        key: `<configuration>/<asset type>`.
        uid: identity of the line.
        external_key: of its record.
        configuration: uid, empty for a line whose configuration is gone.
        configuration_name: as it was.
        slot: configuration uid, asset type and part that the line holds from now on.
        name: of the record.
        mode: average, total, quantity or adjustment.
        asset_type: PSA id.
        asset_type_name: as it was.
        quantity: as sent.
        units: behind it.
        unit_price: as sent, None when absent.
        unit_cost: likewise.
        total_price: money, None when it is not ours.
        total_cost: likewise.
        residual_price: total minus what quantity x unit gives.
        residual_cost: likewise.
        products: what it is made of.
        billed_by: the recurring line that bills it, None for none or where it was not read.
        writes: a write was planned; False where the record already said so.
        billed_for: month that the line is for where it is billed in advance (`YYYY-MM`), or empty.
        corrections: what a correction's line is made of.
    """

    key: str
    uid: str
    external_key: str
    configuration: str
    configuration_name: str
    slot: tuple[str, str, str]
    name: str
    mode: str
    asset_type: str
    asset_type_name: str
    quantity: int
    units: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    total_price: Decimal | None
    total_cost: Decimal | None
    residual_price: Decimal
    residual_cost: Decimal
    products: tuple[ProductBasis, ...]
    billed_by: str | None
    writes: bool
    billed_for: str = ""
    corrections: tuple[CorrectionBasis, ...] = ()


class Decisions(msgspec.Struct, frozen=True):
    """Row ids of what people decided, to tell the first bill after a change.

    Attributes:
        link: of the client link.
        configurations: by uid.
        rates: by product key.
        rules: by product key.
        asset_types: default asset type by product key.
        policy: settings of `[billing]` that decide how a bill is computed.
        exclusions: row ids of the units that people keep out of its counts, ascending.
        agreement: the PSA's id of the agreement it names, or empty.
        days: last day, and how the first and last month are billed, or empty.
    """

    link: int
    configurations: Mapping[str, int]
    rates: Mapping[str, tuple[int, ...]]
    rules: Mapping[str, int]
    asset_types: Mapping[str, int]
    policy: str
    exclusions: tuple[int, ...] = ()
    agreement: str = ""
    days: str = ""


class BillBasis(msgspec.Struct, frozen=True):
    """One bill with everything behind it.

    Attributes:
        connection: name of the source.
        connection_id: row id.
        account_id: row id.
        account: the vendor's id.
        account_name: as it was.
        client: PSA client id.
        client_name: as it was.
        site: PSA site id, None for the whole client.
        period: month billed.
        currency: of the money.
        psa: name of the PSA connection.
        snapshot: the pull behind it, None where the bill has an error before counting.
        decisions: what people decided, None likewise.
        lines: in pushing order; empty when the bill has errors.
        skipped: zero lines that were never sent, and products left out.
        agreement: the agreement it is made under, with its days as they were, or empty.
        corrections: row ids that the bill carries, or that its own month needs no more since it is
            billed again; each with the month whose bill had it before.
    """

    connection: str
    connection_id: int
    account_id: int
    account: str
    account_name: str
    client: str
    client_name: str
    site: str | None
    period: str
    currency: str
    psa: str
    snapshot: SnapshotBasis | None
    decisions: Decisions | None
    lines: tuple[LineBasis, ...] = ()
    skipped: tuple[str, ...] = ()
    agreement: str = ""
    corrections: tuple[tuple[int, str], ...] = ()


class SentBasis(msgspec.Struct, frozen=True):
    """What is stored with a line of a sent bill: the line, and the bill without its other lines."""

    bill: BillBasis
    line: LineBasis


def encode_bill(basis: BillBasis) -> str:
    return canonical_json(basis).decode()


def decode_bill(text: str) -> BillBasis:
    return msgspec.json.decode(text, type=BillBasis)


def encode_line(bill: BillBasis, line: LineBasis) -> str:
    """The line with its bill, for `bill_line.basis`."""
    alone = msgspec.structs.replace(bill, lines=(), skipped=(), corrections=())
    return canonical_json(SentBasis(bill=alone, line=line)).decode()


def decode_line(text: str) -> SentBasis:
    return msgspec.json.decode(text, type=SentBasis)


def changes_between(before: Decisions | None, now: Decisions | None) -> tuple[str, ...]:
    """What a person changed between two bills, in words; nothing where one is not known.

    A rate or rule of a product that one of the two bills does not have is a change of the
    configuration, not of the rate.
    """
    if before is None or now is None:
        return ()
    changed = []
    if before.link != now.link:
        changed.append("link")
    if before.configurations != now.configurations:
        changed.append("configuration")
    if _moved(before.asset_types, now.asset_types):
        changed.append("asset type")
    if _moved(before.rates, now.rates):
        changed.append("rate")
    if before.rules != now.rules:
        changed.append("rule")
    if before.policy != now.policy:
        changed.append("policy")
    if before.exclusions != now.exclusions:
        changed.append("exclusion")
    if before.agreement != now.agreement:
        changed.append("agreement")
    if before.days != now.days:
        changed.append("billed days")
    return tuple(changed)


def _moved(before: Mapping[str, object], now: Mapping[str, object]) -> bool:
    return any(before[key] != now[key] for key in before.keys() & now.keys())
