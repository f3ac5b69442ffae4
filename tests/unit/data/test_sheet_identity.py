"""Property of every mapping file: what an export says, an import reads as exactly that."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.service.csv_text import read_rows, write_rows
from syncd.core.service.sheets import SHEETS
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.store.census.known_units import KnownUnit
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.decisions import SourceAccount, SourceConnection, SourceProduct
from syncd.core.store.mappings import Directory, StoredDecision
from syncd.core.store.references import ReferenceBook, ReferenceEntry, ReferenceKind
from syncd.sdk.records import Measure, ProductKind

PSA = ConnectionRef(9, "0000beef", "desk", "deskware")
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=10)
WORDS = NAMES.map(str.strip)
AMOUNTS = st.none() | st.decimals(0, 10**9, places=8).map(lambda d: d.quantize(Decimal("1E-8")))
WHOLE = st.none() | st.integers(0, 10**6).map(Decimal)
DAYS = st.dates().map(lambda day: day.isoformat())
CLIENT_KEYS = st.sampled_from(["", "1", "2"])


@st.composite
def contexts(draw: st.DrawFn) -> SheetContext:
    """One source with two accounts and two products, a PSA, and names of every kind."""

    def entries(*keys: str, parent: str = "") -> dict[str, ReferenceEntry]:
        return {key: ReferenceEntry(key=key, name=draw(NAMES), parent=parent) for key in keys}

    return SheetContext(
        directory=Directory(
            connections={
                1: SourceConnection(id=1, uid="0000cafe", name="rmm", connector="acme"),
                9: SourceConnection(id=9, uid=PSA.uid, name=PSA.name, connector=PSA.connector),
            },
            accounts={
                n: SourceAccount(
                    id=n,
                    connection_id=1,
                    key=key,
                    name=draw(NAMES),
                    absent_since=None,
                    removed=None,
                )
                for n, key in ((1, "=a"), (2, "-7"))
            },
            products={
                1: SourceProduct(
                    id=1,
                    connection_id=1,
                    key="device:server",
                    name=draw(NAMES),
                    kind=ProductKind.LICENCE,
                    measure=Measure.COUNT,
                ),
                2: SourceProduct(
                    id=2,
                    connection_id=1,
                    key="storage:all",
                    name=draw(NAMES),
                    kind=ProductKind.STORAGE,
                    measure=Measure.BYTE,
                ),
            },
            references=ReferenceBook(
                entries={
                    (PSA.id, ReferenceKind.CLIENT): entries("1", "2"),
                    (PSA.id, ReferenceKind.SITE): entries("11", parent="1"),
                    (PSA.id, ReferenceKind.ASSET_TYPE): entries("10", "20"),
                    (PSA.id, ReferenceKind.SUPPLIER): {
                        "7": ReferenceEntry(key="7", name='Parts, "Co"\n=1')
                    },
                },
                seen_at={},
            ),
        ),
        psa=PSA,
        currency="GBP",
        confirmed_by="ann",
    )


LINKS = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from([1, 2]),
        "psa_connection_id": st.just(PSA.id),
        "client_key": st.just("1"),
        "site_key": st.sampled_from(["", "11"]),
    }
)
PRODUCTS = st.fixed_dictionaries(
    {
        "product_id": st.sampled_from([1, 2]),
        "psa_connection_id": st.just(PSA.id),
        "asset_type_key": st.sampled_from(["10", "20"]),
    }
)
RATES = st.fixed_dictionaries(
    {
        "product_id": st.just(2),
        "client_key": CLIENT_KEYS,
        "currency": st.sampled_from(["GBP", "EUR"]),
        "cycle": st.sampled_from(["monthly", "quarterly", "annual"]),
        "valid_from": DAYS,
        "cost": AMOUNTS,
        "price": AMOUNTS,
        "restore_cost": AMOUNTS,
        "restore_price": AMOUNTS,
    }
).filter(lambda rate: any(rate[name] is not None for name in ("cost", "price", "restore_cost")))
RULES = st.fixed_dictionaries(
    {
        "product_id": st.just(1),
        "client_key": CLIENT_KEYS,
        "count_method": st.sampled_from(["point_in_time", "peak", "average"]),
        "override": WHOLE,
        "included": WHOLE,
        "block": st.none() | st.integers(1, 1000).map(Decimal),
        "minimum": WHOLE,
        "maximum": WHOLE,
        "bill_blocks": st.booleans(),
        "pool": st.booleans(),
        "included_reasons": st.sampled_from(["", "spare", "spare,trial"]),
        "stale_after_days": st.none() | st.integers(1, 3650),
        "valid_from": DAYS,
        "valid_until": st.sampled_from(["", "9999-12-31"]),
        "reason": WORDS.map(lambda words: words or "why"),
    }
)
CONFIGURATIONS = st.fixed_dictionaries(
    {
        "uid": st.sampled_from(["0a0a0a0a", "0b0b0b0b"]),
        "connection_id": st.just(1),
        "account_id": st.sampled_from([None, 1, 2]),
        "position": st.integers(0, 1000),
        "name": WORDS.map(lambda words: words or "X"),
        "mode": st.sampled_from(["average", "total", "quantity"]),
        "products": st.sampled_from([["device:server"], ["storage:all", "device:server"]]).map(
            lambda keys: msgspec.json.encode(keys).decode()
        ),
        "asset_type_key": st.sampled_from(["", "10"]),
        "supplier": st.sampled_from(["", 'Parts, "Co"\n=1']),
        "price_owner": st.sampled_from(["syncd", "psa"]),
        "cost_owner": st.sampled_from(["syncd", "psa"]),
        "billed_in": st.sampled_from(["arrears", "advance"]),
        "proration_owner": st.sampled_from(["syncd", "psa"]),
        "first_month": st.sampled_from(["", "full", "by_days"]),
        "last_month": st.sampled_from(["", "free"]),
    }
)


UNITS = {
    (1, "=1"): KnownUnit("one", frozenset({1, 2})),
    (2, "-2"): KnownUnit('two, "2"', frozenset({1, 2})),
}
EXCLUSIONS = st.tuples(
    st.sampled_from(sorted(UNITS)),
    st.fixed_dictionaries(
        {
            "product_key": st.sampled_from(["", "device:server", "storage:all"]),
            "reason": WORDS.map(lambda words: words or "why"),
        }
    ),
).map(lambda drawn: {"account_id": drawn[0][0], "unit": drawn[0][1], **drawn[1]})


def check(name: str, context: SheetContext, decisions: list[dict[str, Any]]) -> None:
    sheet = SHEETS[name]
    current = {
        sheet.decisions.key_of(values): StoredDecision(n, values)
        for n, values in enumerate(decisions)
    }
    text = write_rows(sheet.columns, sheet.write(context, current))
    found = {}
    for row in read_rows(text, "f.csv", required=sheet.required, optional=sheet.optional):
        reader = RowReader(row, context)
        entry = sheet.read(reader)
        assert reader.problems == []
        if entry is not None:
            found[sheet.decisions.key_of(entry.values)] = entry.values
    assert found.keys() == current.keys()
    assert all(sheet.decisions.same(current[key].values, found[key]) for key in current)


@given(contexts(), st.lists(LINKS, max_size=4))
def test_links_import_as_exported(context: SheetContext, decisions: list[dict[str, Any]]) -> None:
    check("links", context, decisions)


@given(contexts(), st.lists(PRODUCTS, max_size=4))
def test_products_import_as_exported(
    context: SheetContext, decisions: list[dict[str, Any]]
) -> None:
    check("products", context, decisions)


@given(contexts(), st.lists(RATES, max_size=4))
def test_rates_import_as_exported(context: SheetContext, decisions: list[dict[str, Any]]) -> None:
    check("rates", context, decisions)


@given(contexts(), st.lists(RULES, max_size=4))
def test_rules_import_as_exported(context: SheetContext, decisions: list[dict[str, Any]]) -> None:
    check("rules", context, decisions)


@given(contexts(), st.lists(CONFIGURATIONS, max_size=4))
def test_configurations_import_as_exported(
    context: SheetContext, decisions: list[dict[str, Any]]
) -> None:
    check("configurations", context, decisions)


@given(contexts(), st.lists(EXCLUSIONS, max_size=4))
def test_exclusions_import_as_exported(
    context: SheetContext, decisions: list[dict[str, Any]]
) -> None:
    check("exclusions", replace(context, units=UNITS), decisions)
