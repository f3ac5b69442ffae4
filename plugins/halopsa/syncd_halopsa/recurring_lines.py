"""From HaloPSA's recurring invoices to lines with everything that decides their next amount.

Which number stands for which billing period no description of the API says; they are a setting,
and a period that is not known stays unknown instead of being taken for monthly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec import UNSET

from syncd.sdk.records import ProrationRow, QuantitySource, RecurringLine
from syncd_halopsa.models import WireLine, WireQuantity, WireRecurring, WireSchedule
from syncd_halopsa.translation import amount_of, day_of, id_of, moment_of

SUBSCRIPTION = "subscription"

_NAMED = (
    ("month", "monthly"),
    ("quarter", "quarterly"),
    ("year", "yearly"),
    ("annual", "yearly"),
    ("week", "weekly"),
)
"""Beginnings of HaloPSA's own names of periods, for instances that show them (`periodname`)."""

NO_PERIODS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Header:
    """What the lines of one recurring invoice share."""

    wire: WireRecurring
    title: str
    next_date: datetime | None
    last_made: datetime | None
    cycle: str | None
    periods: Mapping[str, str]
    alone: bool


def lines_of(wire: WireRecurring, periods: Mapping[str, str] = NO_PERIODS) -> list[RecurringLine]:
    """The lines of a recurring invoice.

    Its dates stand on the invoice, or on its schedule; which of the two an instance fills is not
    documented (`lastcreated` and `nextcreationdate` of InvoiceHeader and StdRequest).

    Args:
        wire: as decoded.
        periods: HaloPSA's number of a billing period -> `monthly`, `quarterly`, `yearly`, ….
    """
    schedule = wire.schedule or WireSchedule()
    code = wire.period if wire.period is not None else schedule.period
    billing = [line for line in wire.lines or () if not line.isinactive]
    header = _Header(
        wire=wire,
        title=(wire.reference or wire.contract_ref or "").strip() or f"recurring invoice {wire.id}",
        next_date=moment_of(wire.nextcreationdate or schedule.nextcreationdate),
        last_made=moment_of(wire.lastcreated or schedule.lastcreated),
        cycle=periods.get(str(code)) or _named(wire.periodname),
        periods=periods,
        alone=len(billing) == 1,
    )
    return [_line(header, line) for line in wire.lines or ()]


def _line(header: _Header, line: WireLine) -> RecurringLine:
    wire = header.wire
    subscriptions: Sequence[WireQuantity] = (
        () if line.quantity_subscriptions is UNSET else line.quantity_subscriptions or ()
    )
    sources = tuple(_sources(line, subscriptions))
    linked_price = any(source.use_linked_subscription_price for source in subscriptions)
    return RecurringLine(
        invoice=str(wire.id),
        key=str(line.id),
        client=str(wire.client_id or 0),
        name=(line.item_shortdescription or line.item_longdescription or "").strip(),
        quantity=Decimal(0) if line.qty_order is None else line.qty_order,
        unit_price=None if linked_price else amount_of(line.unit_price),
        subscriptions=tuple(
            source.subscription
            for source in sources
            if source.kind == SUBSCRIPTION and source.subscription is not None
        ),
        counts_other=any(source.kind != SUBSCRIPTION for source in sources)
        or (line.quantity_custom or 0) > 0,
        price_from_subscription=linked_price,
        prorated=any(source.prorated for source in sources),
        active=not (line.isinactive or wire.disabled or wire.isinactive),
        next_date=header.next_date,
        last_made=header.last_made,
        invoice_name=header.title,
        percent_increase=line.percent_increase or wire.invoice_percent_increase or None,
        sources=sources,
        proration=tuple(_proration(line)),
        last_value=_last_value(header, line),
        cycle=_cycle(header, line),
        item=id_of(line.item),
    )


def _sources(line: WireLine, subscriptions: Sequence[WireQuantity]) -> Iterator[QuantitySource]:
    for kind, found in (
        (SUBSCRIPTION, subscriptions),
        ("licences", line.quantity_licences),
        ("assets", line.quantity_assets),
        ("users", line.quantity_users),
    ):
        for place, one in enumerate(found or ()):
            yield QuantitySource(
                key=id_of(one.id) or f"{kind}-{place}",
                subscription=id_of(one.licence_id) if kind == SUBSCRIPTION else None,
                kind=kind,
                free_units=one.qty_free or 0,
                minimum_units=one.minimum_qty or 0,
                prorated=bool(one.pro_rata),
                asset_type=id_of(one.type_id) if kind == "assets" else None,
                site=id_of(one.site_id) if kind in {"assets", "users"} else None,
            )


def _proration(line: WireLine) -> Iterator[ProrationRow]:
    """Rows that no invoice has charged yet."""
    for row in line.prorata_data or ():
        if not row.isinvoiced and row.quantity:
            yield ProrationRow(
                day=day_of(row.date) or "",
                quantity=row.quantity,
                description=(row.shortdescription or "").strip(),
            )


def _last_value(header: _Header, line: WireLine) -> Decimal | None:
    """What the line was worth on its last invoice; the invoice's own value where it is alone."""
    if line.last_invoiced_net_amount is not None:
        return amount_of(line.last_invoiced_net_amount)
    if header.alone and not line.isinactive and header.last_made is not None:
        return amount_of(header.wire.last_invoiced_revenue)
    return None


def _cycle(header: _Header, line: WireLine) -> str | None:
    """The line's own period where it names one that is known, else that of the invoice."""
    for code in (line.billingperiod, line.period_type):
        if code is not None and str(code) in header.periods:
            return header.periods[str(code)]
    return header.cycle


def _named(name: str | None) -> str | None:
    plain = (name or "").strip().casefold()
    return next((cycle for start, cycle in _NAMED if plain.startswith(start)), None)
