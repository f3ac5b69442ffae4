"""Another policy: rules and rates that are tried on past months and written nowhere.

They are read by the same sheets as the files of decisions, so that the same mistakes are told; the
days in them are passed over, since the question is what a month would have cost with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from syncd.core.service.csv_text import BadFile, CsvRow, Problem, decode, read_rows
from syncd.core.service.sheets.rates import RATE_SHEET
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.rules import RULE_SHEET
from syncd.core.service.sheets.sheet import Sheet
from syncd.core.store.billing_data import EVERY_CLIENT, BillingData
from syncd.core.store.decisions import SourceProduct, StoredRate, StoredRule

_NOT_SET: Final = frozenset(
    {
        "connection",
        "product",
        "product_name",
        "client",
        "client_name",
        "valid_from",
        "valid_until",
        "reason",
    }
)
SETTABLE: Final = tuple(column for column in RULE_SHEET.columns if column not in _NOT_SET)
"""Parts of a rule that `--set` may name."""

_ANY_DAY: Final = "2000-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is tried.

    Attributes:
        rules: whole rules by product id and client key.
        rates: whole rates by product id, client key and currency.
        parts: changed parts of whatever rule holds, by product id.
    """

    rules: Mapping[tuple[int, str], Mapping[str, Any]] = field(default_factory=dict)
    rates: Mapping[tuple[int, str, str], Mapping[str, Any]] = field(default_factory=dict)
    parts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def over(self, data: BillingData, at: datetime) -> BillingData:
        """The decisions of a month with this policy laid over them."""
        rules = dict(data.rules)
        for key, values in self.rules.items():
            rules[key] = _rule(values, at)
        for product_id, parts in self.parts.items():
            rules.setdefault((product_id, EVERY_CLIENT), _plain_rule(product_id, at))
            for key in [key for key in rules if key[0] == product_id]:
                rules[key] = replace(rules[key], version=-1, **parts)
        rates = dict(data.rates)
        for (product_id, client, currency), values in self.rates.items():
            others = [
                rate for rate in rates.get((product_id, client), ()) if rate.currency != currency
            ]
            rates[product_id, client] = (*others, _rate(values, at))
        return replace(data, rules=rules, rates=rates)


def read_policy(
    context: SheetContext,
    *,
    settings: Sequence[str] = (),
    rules: tuple[str, bytes] | None = None,
    rates: tuple[str, bytes] | None = None,
) -> Policy:
    """Another policy as it was typed.

    Args:
        context: what may be named.
        settings: `PRODUCT: part=value, part=value`, or `CONNECTION/PRODUCT: …`.
        rules: name and content of a file of rules; each row replaces the rule of its product and
            client as a whole.
        rates: likewise of rates.

    Raises:
        BadFile: all mistakes at once; those of settings are counted by their place.
    """
    parts: dict[int, dict[str, Any]] = {}
    problems: list[Problem] = []
    for n, text in enumerate(settings, start=1):
        for product, given in _parts(context, n, text, problems):
            parts.setdefault(product.id, {}).update(given)
    if problems:
        raise BadFile("--set", problems)
    return Policy(
        rules={
            (values["product_id"], values["client_key"]): values
            for values in _file(context, RULE_SHEET, rules)
        },
        rates={
            (values["product_id"], values["client_key"], values["currency"]): values
            for values in _file(context, RATE_SHEET, rates)
        },
        parts=parts,
    )


def _file(
    context: SheetContext, sheet: Sheet, given: tuple[str, bytes] | None
) -> list[Mapping[str, Any]]:
    """What the rows of a file decide, in the order of their days: the newest stands last."""
    if given is None:
        return []
    name, content = given
    rows = read_rows(decode(content, name), name, required=sheet.required, optional=sheet.optional)
    found, problems = [], []
    for row in rows:
        reader = RowReader(row, context)
        entry = sheet.read(reader)
        problems += [*reader.problems, *reader.doubts]
        if entry is not None:
            found.append(entry.values)
    if problems:
        raise BadFile(name, problems)
    return sorted(found, key=lambda values: str(values["valid_from"]))


def _parts(
    context: SheetContext, n: int, text: str, problems: list[Problem]
) -> list[tuple[SourceProduct, dict[str, Any]]]:
    """The products that a setting names, each with what it sets."""
    subject, colon, rest = text.rpartition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
    if not colon or not subject.strip() or not pairs or any(not sign for _, sign, _ in pairs):
        remedy = "write it like 'device:server: included=5, count_method=peak'"
        problems.append(Problem(n, "", f"'{text}' names no product and part", remedy))
        return []
    cells = {name.strip(): value.strip() for name, _, value in pairs}
    for name in cells:
        if name not in SETTABLE:
            near = get_close_matches(name, SETTABLE, n=1, cutoff=0.6)
            remedy = f"did you mean '{near[0]}'?" if near else f"set one of {', '.join(SETTABLE)}"
            problems.append(Problem(n, name, "a rule has no such part", remedy))
    products = _products(context, subject.strip())
    if not products:
        known = sorted({one.key for one in context.directory.products.values()})
        near = get_close_matches(subject.strip(), known, n=1, cutoff=0.5)
        remedy = f"did you mean '{near[0]}'?" if near else "`syncd map products` lists them"
        problems.append(Problem(n, "", f"no product is called '{subject.strip()}'", remedy))
    found = []
    for product in products if not problems else ():
        connection = context.directory.connections[product.connection_id].name
        whole = {"connection": connection, "product": product.key, "valid_from": _ANY_DAY}
        reader = RowReader(CsvRow(n, {**whole, "reason": "tried", **cells}), context)
        entry = RULE_SHEET.read(reader)
        problems += reader.problems
        if entry is not None:
            values = _typed(entry.values)
            found.append((product, {name: values[name] for name in cells}))
    return found


def _products(context: SheetContext, subject: str) -> list[SourceProduct]:
    """The products of this key, of every connection or of the one before the slash."""
    return [
        one
        for one in context.directory.products.values()
        if subject
        in {one.key, f"{context.directory.connections[one.connection_id].name}/{one.key}"}
    ]


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a rule's row as the stored rule has them."""
    reasons = tuple(filter(None, str(values["included_reasons"]).split(",")))
    return {**values, "included_reasons": reasons}


def _rule(values: Mapping[str, Any], at: datetime) -> StoredRule:
    whole = {**_typed(values), "version": -1, "recorded_at": at, "valid_until": ""}
    names = {one.name for one in fields(StoredRule)}
    return StoredRule(**{name: value for name, value in whole.items() if name in names})


def _plain_rule(product_id: int, at: datetime) -> StoredRule:
    """The rule of a product that has none: every unit of the last snapshot, as it is."""
    return StoredRule(
        version=-1,
        product_id=product_id,
        client_key=EVERY_CLIENT,
        count_method="point_in_time",
        override=None,
        included=None,
        block=None,
        minimum=None,
        maximum=None,
        bill_blocks=False,
        pool=True,
        included_reasons=(),
        valid_from=_ANY_DAY,
        valid_until="",
        reason="",
        recorded_at=at,
    )


def _rate(values: Mapping[str, Any], at: datetime) -> StoredRate:
    whole = {**values, "version": -1, "recorded_at": at}
    names = {one.name for one in fields(StoredRate)}
    return StoredRate(**{name: value for name, value in whole.items() if name in names})
