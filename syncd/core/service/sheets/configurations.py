"""The file of billing configurations: named sets of products, each with the mode of its lines.

The uid stands in the keys of the PSA's records, so it is minted once: a row with a uid is that
configuration whatever it is called now, a row without one is found by its name or is new.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from syncd.core.billing.checks import configuration_errors
from syncd.core.billing.model import (
    BilledIn,
    BilledProduct,
    BillInput,
    Mode,
    Owner,
)
from syncd.core.service.csv_text import Problem
from syncd.core.service.same_seats import counted_twice
from syncd.core.service.sheets.advance import REASON, lasting_rules
from syncd.core.service.sheets.months import (
    FAULTS,
    POLICIES,
    configuration_of,
    configurations_against_choices,
)
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Draft, Entry, Sheet
from syncd.core.store.decisions import SourceConnection
from syncd.core.store.mappings import BILLING, CONFIGURATIONS, RULES
from syncd.core.store.references import ReferenceKind
from syncd.sdk.records import Part

MODES: Final = (Mode.AVERAGE.value, Mode.TOTAL.value, Mode.QUANTITY.value)
_OWNERS: Final = (Owner.SYNCD.value, Owner.PSA.value)
_BILLED_IN: Final = (BilledIn.ARREARS.value, BilledIn.ADVANCE.value)

_FAULTS: Final = {
    **FAULTS,
    "MODE_NOT_ALLOWED": (
        "mode",
        "licences and storage in one configuration allow only the mode total",
        "write total, or put them into two configurations",
    ),
    "PRODUCT_IN_TWO_CONFIGURATIONS": (
        "products",
        "product {subject} is in two configurations of the same accounts",
        "remove it from one of them; for an edit, keep the uid of the exported row",
    ),
    "billed_in": (
        "billed_in",
        REASON.format(what="peak, average or fact of its own"),
        "write arrears, or let rules count its products with point_in_time",
    ),
}


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    account = row.account(connection) if row.text("account") else None
    name = row.title("name")
    if not name:
        row.blame("name", "the cell is empty", "give the configuration a name")
    asset_type = row.reference(ReferenceKind.ASSET_TYPE, "asset_type")
    supplier = row.reference(ReferenceKind.SUPPLIER, "supplier")
    values: dict[str, Any] = {
        "uid": row.text("uid"),
        "account_id": account.id if account else None,
        "name": name,
        "mode": row.choice("mode", MODES),
        "products": _products(row, connection),
        "asset_type_key": asset_type.key if asset_type else "",
        "supplier": supplier.name if supplier else "",
        "price_owner": row.choice("price_owner", _OWNERS, default=_OWNERS[0]),
        "cost_owner": row.choice("cost_owner", _OWNERS, default=_OWNERS[0]),
        "billed_in": row.choice("billed_in", _BILLED_IN, default=_BILLED_IN[0]),
        "proration_owner": row.choice("proration_owner", _OWNERS, default=_OWNERS[0]),
        "first_month": row.choice("first_month", POLICIES, default=""),
        "last_month": row.choice("last_month", POLICIES, default=""),
        "position": row.whole("position", default=0),
        "template": "",
    }
    if row.problems or connection is None:
        return None
    values["connection_id"] = connection.id
    return Entry(line=row.row.line, connection_id=connection.id, values=values, doubts=row.doubts)


def _products(row: RowReader, connection: SourceConnection | None) -> str:
    keys = [key for cell in row.text("products").split(";") if (key := cell.strip())]
    if not keys:
        row.blame("products", "the cell names no product", "write product keys separated by ;")
    if connection is not None:
        for key in keys:
            product = row.product_of(connection, key, "products")
            if product is not None and product.part is not Part.WHOLE:
                row.blame(
                    "products",
                    f"{key} is billed with the account's first storage product",
                    "leave it out; it follows by itself",
                )
    return _json(keys)


def _settle(draft: Draft) -> Sequence[Problem]:
    """Give every row its uid: its own, that of the configuration of its name, or a new one."""
    by_name = {_scope_name(found.values): key[0] for key, found in draft.current.items()}
    problems = []
    seen: dict[tuple[Any, ...], int] = {}
    for entry in draft.entries:
        uid = entry.values["uid"]
        if uid and draft.known_uids.get(uid) != entry.connection_id:
            reason = f"no configuration of this connection has the uid '{uid}'"
            remedy = "leave the cell empty for a new configuration"
            problems.append(Problem(entry.line, "uid", reason, remedy))
        first = seen.setdefault(_scope_name(entry.values), entry.line)
        if first != entry.line:
            reason = f"the name '{entry.values['name']}' stands on line {first} already"
            problems.append(Problem(entry.line, "name", reason, "use another name"))
        entry.values["uid"] = uid or by_name.get(_scope_name(entry.values)) or secrets.token_hex(4)
    return problems


def _check(draft: Draft) -> Sequence[Problem]:
    """The rules of billing over each set of configurations that would hold after the import."""
    entries = {entry.values["uid"]: entry for entry in draft.entries}
    after = {
        key[0]: found.values
        for key, found in draft.current.items()
        if key not in draft.ended and key[0] not in entries
    } | {uid: entry.values for uid, entry in entries.items()}
    sets: dict[tuple[int, int | None], list[Mapping[str, Any]]] = {}
    for values in after.values():
        sets.setdefault((values["connection_id"], values["account_id"]), []).append(values)
    problems: list[Problem] = []
    for scope, configurations in sets.items():
        touched = [entries[one["uid"]] for one in configurations if one["uid"] in entries]
        if touched:
            problems += _faults(draft, scope, configurations, touched)
    lines = {uid: entry.line for uid, entry in entries.items()}
    return [*problems, *configurations_against_choices(draft, list(after.values()), lines)]


def _faults(
    draft: Draft,
    scope: tuple[int, int | None],
    configurations: Sequence[Mapping[str, Any]],
    touched: Sequence[Entry],
) -> Iterator[Problem]:
    data = BillInput(
        products={
            one.key: BilledProduct(
                key=one.key,
                name=one.name,
                kind=one.kind,
                default_asset_type=None,
                monthly=one.monthly,
            )
            for one in draft.context.products.get(scope[0], {}).values()
        },
        rates={},
        rules=lasting_rules(draft, scope[1]),
        usage={},
        configurations=tuple(configuration_of(values) for values in configurations),
    )
    for code in configuration_errors(data):
        name, _, subject = code.partition(":")
        uid, _, part = subject.partition(".")
        entry = next((one for one in touched if one.values["uid"] == uid), None) or next(
            (one for one in reversed(touched) if subject in _keys(one.values)), touched[-1]
        )
        column, reason, remedy = _FAULTS.get(name) or _FAULTS.get(
            part, (part, f"{part} does not go with the rest of the row", "see docs/billing.md")
        )
        yield Problem(entry.line, column, reason.format(subject=subject), remedy)


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    rows = [found.values for found in current.values()]
    for values in sorted(rows, key=_order):
        account = context.directory.accounts.get(values["account_id"])
        yield {
            "uid": values["uid"],
            "connection": context.directory.connections[values["connection_id"]].name,
            "account": account.key if account else "",
            "account_name": account.name if account else "",
            "name": values["name"],
            "mode": values["mode"],
            "products": ";".join(_keys(values)),
            "asset_type": values["asset_type_key"],
            "asset_type_name": context.reference_name(
                ReferenceKind.ASSET_TYPE, values["asset_type_key"]
            ),
            "supplier": values["supplier"],
            "price_owner": values["price_owner"],
            "cost_owner": values["cost_owner"],
            **{name: values[name] for name in _LASTING},
            "position": str(values["position"]),
        }


def _order(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Per connection: shared ones first, then by account, each in pushing order."""
    return (
        values["connection_id"],
        values["account_id"] or 0,
        values["position"],
        values["name"],
    )


def _label(context: SheetContext, values: Mapping[str, Any]) -> str:
    connection = context.directory.connections[values["connection_id"]].name
    account = context.directory.accounts.get(values["account_id"])
    whom = f"account {account.key} of {connection}" if account else f"all accounts of {connection}"
    return f"'{values['name']}' for {whom}"


def _describe(context: SheetContext, values: Mapping[str, Any]) -> str:
    said = [f"{values['mode']} of {', '.join(_keys(values))}"]
    if values["asset_type_key"]:
        key = values["asset_type_key"]
        said.append(f"asset type {key} ({context.reference_name(ReferenceKind.ASSET_TYPE, key)})")
    if values["supplier"]:
        said.append(f"supplier {values['supplier']}")
    owners = (("price", values["price_owner"]), ("cost", values["cost_owner"]))
    said += [f"{what} owned by the PSA" for what, owner in owners if owner == Owner.PSA.value]
    if values["billed_in"] != _BILLED_IN[0]:
        said.append(f"billed in {values['billed_in']}")
    if values["proration_owner"] != _OWNERS[0]:
        said.append("parts of a month charged by the PSA")
    said += [
        f"{name.replace('_', ' ')} {values[name]}"
        for name in ("first_month", "last_month")
        if values[name]
    ]
    said.append(f"position {values['position']}")
    return ", ".join(said)


def _notes(context: SheetContext, values: Mapping[str, Any]) -> Sequence[str]:
    """Seats that two products of the line count would be billed twice; somebody may want that."""
    return [
        f"{_label(context, values)} bills the same seats {len(group)} times: {', '.join(group)}"
        for group in counted_twice(_keys(values))
    ]


def _scope_name(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return values["connection_id"], values["account_id"], values["name"]


def _keys(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(values["products"], type=list[str]))


def _json(keys: Sequence[str]) -> str:
    return msgspec.json.encode(list(keys)).decode()


_LASTING: Final = ("billed_in", "proration_owner", "first_month", "last_month")

CONFIGURATION_SHEET: Final = Sheet(
    name="configurations",
    title="billing configurations",
    decisions=CONFIGURATIONS,
    columns=(
        "uid",
        "connection",
        "account",
        "account_name",
        "name",
        "mode",
        "products",
        "asset_type",
        "asset_type_name",
        "supplier",
        "price_owner",
        "cost_owner",
        *_LASTING,
        "position",
    ),
    optional=("uid", "account_name", "asset_type_name", *_LASTING),
    read=_read,
    write=_write,
    label=_label,
    describe=_describe,
    connection_of=lambda _context, values: int(values["connection_id"]),
    settle=_settle,
    check=_check,
    notes=_notes,
    beside=(RULES, BILLING),
    lasting=_LASTING,
)
"""Columns and rules of the file."""
