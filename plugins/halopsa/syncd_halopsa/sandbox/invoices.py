"""Makes invoices from recurring ones: counts, proration, tax and totals as of that moment.

Every line is rounded to cents half up, its tax as well, and the invoice is the sum of its lines.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from syncd_halopsa.sandbox import audit
from syncd_halopsa.sandbox.fields import ZERO_DATE, kept
from syncd_halopsa.sandbox.invoice_fields import INVOICE, LINE
from syncd_halopsa.sandbox.periods import day_of, moved, written
from syncd_halopsa.sandbox.proration import AUTOMATION, Charge, charges, settle
from syncd_halopsa.sandbox.quantities import cost_of, is_billed, price_of, quantity_of
from syncd_halopsa.sandbox.recurring_fields import blank
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import Row, State

_UNIT = Decimal("0.00001")


def processed(state: State, body: Any) -> list[Row]:
    """One invoice for each id of a recurring invoice; each call makes new ones.

    Raises:
        Refusal: 400 for anything but an array of ids or for a disabled one, 404 for an unknown one;
            those before it are made unless `partial_failure` is `atomic`.
    """
    if not isinstance(body, list) or not all(type(one) is int for one in body):
        raise Refusal(400, "Cannot deserialize the current JSON value: an array of ids is required")
    if state.options.partial_failure == "atomic":
        for one in body:
            _ready(state, one)
    return [_invoice(state, _ready(state, one)) for one in body]


def _ready(state: State, number: int) -> Row:
    header = state.row("recurringinvoice", number)
    if header["disabled"]:
        raise Refusal(400, f"Recurring invoice {number} is disabled")
    if header["period"] not in state.options.period_months:
        raise Refusal(400, f"Period {header['period']} is not valid")
    return header


def _invoice(state: State, header: Row) -> Row:
    before = deepcopy(header)
    months = state.options.period_months[header["period"]]
    due = day_of(header["nextcreationdate"]) or state.world.now().date()
    start = due if state.options.invoiced_period == "ahead" else moved(due, -months)
    end = moved(start, months)
    lines: list[Row] = []
    for line in header["lines"]:
        made = _lines(state, header, line, start, end, months)
        if made:
            line["last_invoiced_net_amount"] = kept(_sum(made, "net_amount"))
        lines += made
    invoice = _header(state, header, lines, start, end)
    state.tables["invoice"][invoice["id"]] = invoice
    header["lastcreated"] = invoice["invoice_date"]
    header["last_invoiced_revenue"] = invoice["revenue"]
    header["nextcreationdate"] = written(moved(due, months))
    audit.record(state, before, header, AUTOMATION)
    return invoice


def _header(state: State, header: Row, lines: list[Row], start: date, end: date) -> Row:
    number, now = state.new_id("invoice"), state.stamp()
    client = state.tables["client"].get(header["client_id"], {})
    invoice = {
        **blank(INVOICE),
        "id": number,
        "invoicenumber": f"INV-{number}",
        "client_id": header["client_id"],
        "client_name": client.get("name", ""),
        "recurring_invoice_id": header["id"],
        "reference": header["reference"],
        "invoice_date": now,
        "duedate": written(state.world.now().date() + timedelta(days=state.options.due_days)),
        "due_date_type": 1,
        "due_date_int": state.options.due_days,
        "duedatename": f"{state.options.due_days} days",
        "datesent": now if state.options.sent_on_processing else ZERO_DATE,
        "date_created": now,
        "last_modified": now,
        "period_start_date": written(start),
        "period_end_date": written(end - timedelta(days=1)),
        "lines": [{**one, "ihid": number} for one in lines],
        **counted_changes(state, 1),
    }
    return totalled(currency_shown(state, invoice))


def totalled(invoice: Row) -> Row:
    """The same invoice with the totals of its lines and what is still due."""
    lines = invoice["lines"]
    total = kept(_sum(lines, "total_price"))
    invoice["revenue"] = kept(_sum(lines, "net_amount"))
    invoice["tax_total"] = kept(_sum(lines, "tax_amount"))
    invoice["total"] = total
    invoice["amountdue"] = kept(total - invoice["amountpaid"])
    return invoice


def counted_changes(state: State, count: int) -> Row:
    """The columns that count changes, where the instance has them."""
    return {} if state.options.change_seq == "absent" else {"change_seq": count}


def currency_shown(state: State, invoice: Row) -> Row:
    """The same invoice, with its currency named in the way of the option."""
    if state.options.currency_shape == "symbol":
        invoice["currency_code"] = 0
    return invoice


def _lines(state: State, header: Row, line: Row, start: date, end: date, months: int) -> list[Row]:
    """What a recurring line puts on the invoice: the base line, then its proration."""
    client = header["client_id"]
    if not is_billed(state, client, line):
        return []
    quantity, price = quantity_of(state, client, line), price_of(state, client, line)
    base, charged = charges(line["prorata_data"], quantity, start, end, months)
    made = [_line(state, header, line, base, price)]
    two = state.options.proration_lines == "two" or line["createproratanormallines"] == 1
    for one in charged:
        own = one.row["dont_auto_calculate"] and one.row["unitprice"]
        made += _prorated(state, header, line, one, Decimal(own or price), two=two)
    settle(state, header, line, quantity, charged)
    return made


def _prorated(
    state: State, header: Row, line: Row, charge: Charge, price: Decimal, *, two: bool
) -> list[Row]:
    """The lines of one proration row."""
    row, units = charge.row, Decimal(charge.row["quantity"])
    told = {
        "item_shortdescription": row["shortdescription"]
        or f"{line['item_shortdescription']}, pro rata from {row['date'][:10]}",
        "pro_rata_line_id": row["id"],
    }
    part = _times(price, charge.share)
    if two or not charge.whole:
        made = [_line(state, header, line, units, part, **told)]
        if charge.whole:
            made.insert(0, _line(state, header, line, charge.whole, price))
        return made
    net = part * units + price * charge.whole
    return [_line(state, header, line, units, net / units, net=net, **told)]


def _line(
    state: State,
    header: Row,
    line: Row,
    quantity: Decimal,
    price: Decimal,
    *,
    net: Decimal | None = None,
    **more: Any,
) -> Row:
    """A line of an invoice; the price that it shows has five decimals, its amounts have two."""
    shown = {
        "recurring_invoice_id": header["id"],
        "recurring_invoice_line_id": line["id"],
        "_itemid": line["_itemid"],
        "item_code": line["item_code"],
        "item_shortdescription": line["item_shortdescription"],
        "item_longdescription": line["item_longdescription"],
        "nominal_code": line["nominal_code"],
        "qty_order": quantity,
        "unit_price": kept(price.quantize(_UNIT, ROUND_HALF_UP)),
        "unit_cost": kept(cost_of(state, header["client_id"], line)),
        "tax_code": line["tax_code"],
        **more,
    }
    return taxed(state, shown, quantity * price if net is None else net)


def taxed(state: State, line: Row, net: Decimal) -> Row:
    """A line of an invoice with its amounts, rounded half up, to cents unless an option says so."""
    code = line["tax_code"] or state.options.default_tax
    finest = Decimal(1).scaleb(-state.options.line_decimals)
    amount = net.quantize(finest, ROUND_HALF_UP)
    delegated = state.options.delegated_tax or line.get("use_qbo_ast", False)
    override = line.get("override_ast_total", Decimal(0))
    rate = Decimal(0) if delegated else _rate(state, code)
    own = override if delegated else amount * rate / 100
    tax = own.quantize(finest, ROUND_HALF_UP)
    return {
        **LINE,
        **line,
        "id": line.get("id") or state.new_id("invoiceline"),
        "net_amount": kept(amount),
        "tax_code": code,
        "tax_rate": rate,
        "tax_amount": kept(tax),
        "total_price": kept(amount + tax),
        "use_qbo_ast": delegated,
    }


def _rate(state: State, code: str) -> Decimal:
    """Per cent of a tax code; an unknown one taxes nothing."""
    found = (one["value"] for one in state.tables["tax"].values() if one["code"] == code)
    return next(found, Decimal(0))


def _times(price: Decimal, share: Fraction) -> Decimal:
    return price * share.numerator / share.denominator


def _sum(lines: list[Row], column: str) -> Decimal:
    return sum((one[column] for one in lines), Decimal(0))
