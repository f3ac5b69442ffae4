"""GET of a list: filters, paging with its traps, wrapper keys, and what a list leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox import proration
from syncd_halopsa.sandbox.agreements import with_standing
from syncd_halopsa.sandbox.assets import SEARCHED
from syncd_halopsa.sandbox.invoice_saving import links_of
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import Row, State

Query = Mapping[str, str]

WRAPPERS = {
    "client": "clients",
    "site": "sites",
    "supplier": "suppliers",
    "softwarelicence": "licences",
    "recurringinvoice": "invoices",
    "invoice": "invoices",
    "users": "users",
    "asset": "assets",
    "clientcontract": "contracts",
    "invoicepayment": "payments",
    "externallink": "links",
}
"""Resource → the key that holds its rows; the others answer a bare array."""

BARE = frozenset(
    {
        "assettype",
        "tax",
        "currency",
        "xerodetails",
        "quickbooksdetails",
        "licencechange",
        "invoicechange",
        "invoicedetailprorata",
    }
)
_IDS = ("id", "client_id", "site_id", "supplier_id", "licence_id", "main_site_id")


def listed(state: State, table: str, query: Query) -> Any:
    """The answer to a list."""
    query = dict(query)  # it is looked at for every row
    rows = [row for row in _rows(state, table, query) if _wanted(state.options, table, row, query)]
    ascending = query.get("orderdesc", "false").lower() != "true"
    rows.sort(key=_order(query.get("order")), reverse=not ascending)

    def shown(some: Iterable[Row]) -> list[Any]:
        whole = (_in_list(state.options, table, _linked(state, table, row), query) for row in some)
        return [presented(state.options, row) for row in whole]

    if table in BARE:
        return shown(rows)
    number, size = 1, _whole(query, "count", state.options.default_page)
    if is_set(query, "pageinate"):
        number = max(1, _whole(query, "page_no", 1))
        size = min(_whole(query, "page_size", state.options.default_page), state.options.page_cap)
    return {
        "page_no": number,
        "page_size": size,
        "record_count": len(rows),
        WRAPPERS[table]: shown(rows[(number - 1) * size : number * size]),
    }


def presented(options: Options, value: Any) -> Any:
    """A row as it is sent: with the option, ids look like 12.0."""
    if isinstance(value, list):
        return [presented(options, one) for one in value]
    if isinstance(value, dict):
        return {name: _field(options, name, one) for name, one in value.items()}
    return value


def _field(options: Options, name: str, value: Any) -> Any:
    if options.ids_as_floats and name in _IDS and type(value) is int:
        return Decimal(f"{value}.0")
    return presented(options, value)


def _rows(state: State, table: str, query: Query) -> Iterable[Row]:
    if table == "licencechange":
        licence = _whole(query, "licence_id", 0)
        return [one for one in state.changes if not licence or one["licence_id"] == licence]
    if table == "invoicechange":
        return [one for one in state.invoice_changes if _is_of(one, query, _OF_CHANGE)]
    if table == "invoicedetailprorata":
        return proration.listed(state)
    if table == "clientcontract":
        return [with_standing(one, state.world.now()) for one in state.tables[table].values()]
    return state.tables[table].values()


_OF_CHANGE = {"invoice_id": "invoice_id", "line_id": "invoice_line_id", "type_id": "type_id"}
_OWN_FILTERS = {
    "asset": {"assettype_id": "assettype_id"},
    "invoicepayment": {"invoice_id": "invoice_id"},
    "externallink": {"table_id": "table_id", "halo_id": "halo_id", "module_id": "module_id"},
}
_SEARCHED = {"asset": SEARCHED, "invoicepayment": ("thirdpartyid",)}
_OF_INVOICE = {"recurringinvoice_id": "recurring_invoice_id"}


def _is_of(row: Row, query: Query, filters: Mapping[str, str]) -> bool:
    """Whether every filter that is asked for holds."""
    return all(
        row[field] == _whole(query, name, 0) for name, field in filters.items() if name in query
    )


def _is_wanted_invoice(options: Options, row: Row, query: Query) -> bool:
    if not _is_of(row, query, _OF_INVOICE):
        return False
    if (is_set(query, "notpostedonly") and row["posted"]) or (
        is_set(query, "postedonly") and not row["posted"]
    ):
        return False
    credit = row["invoicetype"] == options.credit_type
    hidden = "includecredits" if credit else "includeinvoices"
    if row["supplier_id"] > 0 and not is_set(query, "includepoinvoices"):
        return False
    return query.get(hidden, "true").lower() != "false" and _is_dated(options, row, query)


def _is_dated(options: Options, row: Row, query: Query) -> bool:
    """Whether the date that is asked about lies between those that are asked for."""
    asked = query.get("datesearch", "invoice_date")
    if asked == "last_modified" and options.changes_filter == "ignored":
        return True
    if asked == "last_modified" and options.changes_filter == "invoice_date":
        asked = "invoice_date"
    column = asked if asked in {"invoice_date", "last_modified", "duedate"} else "invoice_date"
    first, last = query.get("start_date", ""), query.get("end_date", "9999")
    shown = row[column][: max(len(last.removesuffix("Z")), 10)]
    return bool(row[column] >= first.removesuffix("Z") and shown <= last.removesuffix("Z"))


def _is_due(row: Row, query: Query) -> bool:
    """`ready_for_invoicing` with a `billing_date`: what is to be made by then."""
    if not is_set(query, "ready_for_invoicing"):
        return True
    return bool(
        not row["disabled"]
        and row["nextcreationdate"][:10] <= query.get("billing_date", "9999")[:10]
    )


def _wanted(options: Options, table: str, row: Row, query: Query) -> bool:
    if not is_set(query, "includeinactive") and not _active(row):
        return False
    for name, field in (("client_id", "client_id"), ("site_id", "site_id")):
        if name in query and field in row and row[field] != _whole(query, name, 0):
            return False
    if "licence_type" in query and row.get("type") != _whole(query, "licence_type", 0):
        return False
    if "tenant_id" in query and row.get("tenant_id") != query["tenant_id"]:
        return False
    if table == "invoice" and not _is_wanted_invoice(options, row, query):
        return False
    if table == "recurringinvoice" and not _is_due(row, query):
        return False
    if not _is_of(row, query, _OWN_FILTERS.get(table, {})):
        return False
    search = query.get("search", "").lower()
    fields: tuple[str, ...] = _SEARCHED.get(table, ("name",))
    if table == "softwarelicence":
        fields = options.search_fields
    return not search or any(search in str(row.get(one, "")).lower() for one in fields)


def _active(row: Row) -> bool:
    if "expired" in row:
        return not row["expired"]
    return not row.get("inactive", False) and bool(row.get("is_active", True))


def _order(field: str | None) -> Callable[[Row], Any]:
    """Without an order rows come by name, which is not stable while people work."""
    if field is None:
        return lambda row: (str(row.get("name", "")).lower(), row["id"])
    return lambda row: row.get(field, row["id"])


def _linked(state: State, table: str, row: Row) -> Row:
    """An invoice with its links to other systems, or without that column."""
    if table != "invoice":
        return row
    if state.options.list_links:
        return {**row, "external_links": links_of(state, row["id"])}
    return {name: one for name, one in row.items() if name != "external_links"}


def _in_list(options: Options, table: str, row: Row, query: Query) -> Row:
    if table == "softwarelicence":
        return {name: one for name, one in row.items() if name != "customfields"}
    if table not in {"recurringinvoice", "invoice"}:
        return row
    if not is_set(query, "includelines") or options.list_lines == "none":
        return {name: one for name, one in row.items() if name != "lines"}
    if options.list_lines == "full":
        return row
    lines = [
        {name: one for name, one in line.items() if not name.startswith(("quantity_", "prorata_"))}
        for line in row["lines"]
    ]
    return {**row, "lines": lines}


def is_set(query: Query, name: str) -> bool:
    """Whether a flag of the query is true."""
    return query.get(name, "").lower() == "true"


def _whole(query: Query, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise Refusal(400, f"The value '{text}' is not valid for {name}.") from None
