"""From HaloPSA's invoices to the project's: exact amounts, one currency, kind and client told.

A credit note's amounts are turned positive, as its kind says the direction; those of an invoice
stay as they are, negative ones included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal

from syncd.sdk.invoice_records import DocumentKind, InvoiceLine, PsaInvoice
from syncd.sdk.money import round_half_up
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.finality import checks_of, is_final
from syncd_halopsa.invoice_models import WireInvoice, WireInvoiceLine
from syncd_halopsa.invoice_settings import is_iso
from syncd_halopsa.ownership import Traces, foreign_ids, our_links, owner_of
from syncd_halopsa.translation import amount_of, day_of, id_of, moment_of, text_of

NO_DATE = date(1901, 1, 1)
"""Of an invoice that shows none: earlier than any day from which invoices are carried."""

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What every invoice of one read is judged by.

    Attributes:
        config: the connection's settings.
        currencies: ISO code by HaloPSA's id of a currency.
        traces: who else may carry invoices.
        today: for `dated`.
        clients: names by id, where an invoice points to a client without naming it.
    """

    config: HaloPsaConfig
    currencies: Mapping[int, str]
    traces: Traces
    today: date
    clients: Mapping[str, str] = field(default_factory=dict)


def is_sale(wire: WireInvoice) -> bool:
    """Whether the row is what a client is asked to pay, or given back; no template, no purchase."""
    return wire.id > 0 and not wire.is_recurring_invoice and not (wire.supplier_id or 0) > 0


def invoice_of(wire: WireInvoice, reading: Reading) -> PsaInvoice:
    """The invoice as the core sees it."""
    config = reading.config
    shown = [line for line in shown_lines(wire) if not line.isinactive]
    converted = config.foreign_amounts == "converted" and is_converted(wire)
    lines = [_line(line, wire, config, converted=converted) for line in shown]
    kind = kind_of(wire, config)
    taxes = sum((line.tax for line in lines), NOTHING)
    nets = sum((line.net for line in lines), NOTHING)
    tax = _printed(None if converted else wire.tax_total, taxes)
    total = _printed(None if converted else wire.total, nets + taxes)
    if kind is DocumentKind.CREDIT and total < 0:
        lines = [_turned(line) for line in lines]
        tax, total = -tax, -total
    client, original = clients_of(wire)
    owner, evidence = owner_of(wire, reading.traces)
    foreign = foreign_ids(wire)
    for link in our_links(wire, reading.traces.links)[:1]:
        foreign["link"] = text_of(link.third_party_id) or ""
    dated = _day(wire.invoice_date) or _day(wire.date_created) or NO_DATE
    return PsaInvoice(
        key=str(wire.id),
        kind=kind,
        number=(wire.invoicenumber or "").strip(),
        client=client,
        client_name=reading.clients.get(client, "")
        if is_pointed(wire)
        else (wire.client_name or "").strip(),
        original_client=original,
        currency=currency_of(wire, reading),
        dated=dated,
        due=_day(wire.duedate),
        terms=terms_of(wire),
        reference=(getattr(wire, config.reference_field) or "").strip(),
        net=total - tax,
        tax=tax,
        total=total,
        paid=abs(amount_of(wire.amountpaid) or NOTHING),
        lines=tuple(lines),
        finalised=is_final(wire, checks_of(config.finalised), config.approved_codes, reading.today),
        predicate=config.finalised,
        voided=bool(wire.voided),
        credits=id_of(wire.creditlinkedtoinvoiceid) or "",
        owner=owner,
        owner_detail=evidence,
        foreign=foreign,
        delegated_tax=is_delegated(wire),
        modified=moment_of(wire.last_modified)
        or moment_of(wire.date_created)
        or datetime.combine(dated, time(), UTC),
        version=version_of(wire),
        url=config.page_of(wire.id),
    )


def is_delegated(wire: WireInvoice) -> bool:
    """Whether tax is left to the books: by a line, and no other has some of HaloPSA's own."""
    lines = [line for line in shown_lines(wire) if not line.isinactive]
    left = any(line.use_qbo_ast for line in lines)
    return left and not any(amount_of(line.tax_amount) for line in lines if not line.use_qbo_ast)


def version_of(wire: WireInvoice) -> str:
    """What changes with every change: the count of them, else the moment of the last."""
    return wire.last_modified or "" if wire.change_seq is None else str(wire.change_seq)


def kind_of(wire: WireInvoice, config: HaloPsaConfig) -> DocumentKind:
    """A credit note is linked to an invoice, or has a type that the settings name."""
    linked = id_of(wire.creditlinkedtoinvoiceid) is not None
    if linked or wire.invoicetype in config.credit_types:
        return DocumentKind.CREDIT
    return DocumentKind.INVOICE


def clients_of(wire: WireInvoice) -> tuple[str, str]:
    """Who is invoiced, and whom it is about if that is another client, else empty.

    An invoice names an alternate client as its own and keeps the first one beside it, or it points
    to the alternate one; both are read.
    """
    own = id_of(wire.client_id) or ""
    client = id_of(wire.client_to_invoice_to_id) or own
    original = id_of(wire.original_client_id) or own
    return client, "" if original == client else original


def is_pointed(wire: WireInvoice) -> bool:
    """Whether it is to a client to which it only points, and which it does not name."""
    return clients_of(wire)[0] != (id_of(wire.client_id) or "")


def currency_of(wire: WireInvoice, reading: Reading) -> str:
    """ISO code, empty where none can be told or the amounts may be of two currencies."""
    config = reading.config
    if config.foreign_amounts == "hold" and is_converted(wire):
        return ""
    named = (wire.currency_code_name or "").strip().upper()
    code, symbol = wire.currency_code or 0, (wire.currency or "").strip()
    told = config.currency_codes
    for found in (
        told.get(str(code), "") if code > 0 else "",
        named,
        reading.currencies.get(code, ""),
        told.get(symbol, ""),
        symbol.upper(),
    ):
        if is_iso(found):
            return found
    return ""


def is_converted(wire: WireInvoice) -> bool:
    """Whether lines show other amounts in the client's currency than beside it."""
    return any(
        line.net_amount_converted is not None
        and line.net_amount is not None
        and bool(line.net_amount_converted)
        and amount_of(line.net_amount_converted) != amount_of(line.net_amount)
        for line in shown_lines(wire)
    )


def terms_of(wire: WireInvoice) -> str:
    """The name of the due date's type, else its numbers as `type/days`."""
    name = (wire.duedatename or "").strip()
    if name or wire.due_date_type is None:
        return name
    return f"{wire.due_date_type}/{wire.due_date_int or 0}"


def shown_lines(wire: WireInvoice) -> list[WireInvoiceLine]:
    """The lines, none where the answer showed none."""
    return wire.lines if isinstance(wire.lines, list) else []


def is_whole(wire: WireInvoice) -> bool:
    """Whether the lines are there and add up to the total."""
    if not isinstance(wire.lines, list):
        return False
    lines = [line for line in wire.lines if not line.isinactive]
    found = sum(
        ((line.net_amount or NOTHING) + (line.tax_amount or NOTHING) for line in lines), NOTHING
    )
    total = wire.total
    return total is None or abs(amount_of(found) - total) < Decimal("0.005")  # type: ignore[operator]


def _line(
    line: WireInvoiceLine, wire: WireInvoice, config: HaloPsaConfig, *, converted: bool
) -> InvoiceLine:
    quantity = amount_of(line.qty_order) or NOTHING
    twins = (line.unit_price_converted, line.net_amount_converted, line.tax_converted)
    plain = (line.unit_price, line.net_amount, line.tax_amount)
    price, net, tax = (amount_of(one) or NOTHING for one in (twins if converted else plain))
    return InvoiceLine(
        key=str(line.id),
        item=id_of(line.item) or "",
        item_name=(line.item_shortdescription or "").strip(),
        description=_text(line, config.line_text),
        quantity=quantity,
        unit_price=price,
        discount_percent=amount_of(line.discount_perc) or NOTHING,
        net=net,
        tax=tax,
        tax_rate=amount_of(line.tax_rate),
        tax_code=_code(line.tax_code),
        account=_code(line.nominal_code),
        text_only=bool(line.isgroupdesc) or not (quantity or price or net or tax),
        original_client=_about(line, wire),
        tracking=_tracking(line),
    )


def _text(line: WireInvoiceLine, which: str) -> str:
    short = (line.item_shortdescription or "").strip()
    long = (line.item_longdescription or "").strip()
    if which == "both" and short and long and short != long:
        return f"{short}\n{long}"
    return (long or short) if which == "long" else (short or long)


def _code(value: str | float | None) -> str:
    """A code as it is written; 0 may be one, so that only nothing is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _about(line: WireInvoiceLine, wire: WireInvoice) -> str:
    original = id_of(line.original_client_id) or ""
    return "" if original == clients_of(wire)[0] else original


def _tracking(line: WireInvoiceLine) -> tuple[str, ...]:
    names = (
        (line.xero_category_1_lookup_name or "").strip() or text_of(line.xero_category_1_lookup),
        (line.xero_category_2_lookup_name or "").strip() or text_of(line.xero_category_2_lookup),
    )
    found = tuple(name for name in names if name)
    own = text_of(line.invoice_class)
    return found or ((own,) if own else ())


def _turned(line: InvoiceLine) -> InvoiceLine:
    """A line of a credit note with its amounts positive: the quantity takes the sign, as a rule."""
    by_quantity = line.quantity < 0 or line.unit_price >= 0
    return InvoiceLine(
        key=line.key,
        item=line.item,
        item_name=line.item_name,
        description=line.description,
        quantity=-line.quantity if by_quantity else line.quantity,
        unit_price=line.unit_price if by_quantity else -line.unit_price,
        discount_percent=line.discount_percent,
        net=-line.net,
        tax=-line.tax,
        tax_rate=line.tax_rate,
        tax_code=line.tax_code,
        account=line.account,
        text_only=line.text_only,
        original_client=line.original_client,
        tracking=line.tracking,
    )


def _printed(value: Decimal | None, otherwise: Decimal) -> Decimal:
    """A total as the client's document shows it.

    HaloPSA may keep fractions of a cent, and prints two decimals.
    """
    amount = otherwise if value is None else value
    printed = round_half_up(amount, 2)
    return amount_of(amount) or NOTHING if amount == printed else printed


def _day(text: str | None) -> date | None:
    found = day_of(text)
    return None if found is None else date.fromisoformat(found)
