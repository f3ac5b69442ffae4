"""The query language as far as QuickBooks has it: AND alone, and loud about everything else.

A query over a list of names shows no inactive ones unless it speaks of `Active`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from syncd_quickbooks.sandbox.company import LISTS, TRANSACTIONS, Company, Row
from syncd_quickbooks.sandbox.refusals import Refusal

DEFAULT_ROWS: Final = 100
MOST_ROWS: Final = 1000
SINGLE: Final = ("CompanyInfo", "Preferences")
KINDS: Final = {kind.casefold(): kind for kind in (*LISTS, *TRANSACTIONS, *SINGLE)}
_TOKEN: Final = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.)*)'|([A-Za-z_][\w.]*)|(\d[\d.]*)|(<=|>=|!=|<>|[=<>(),*]))"
)
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_FIELDS: Final = {
    "Id", "SyncToken", "MetaData.CreateTime", "MetaData.LastUpdatedTime", "Active", "Name",
    "DisplayName", "FullyQualifiedName", "CompanyName", "GivenName", "FamilyName", "Type", "Sku",
    "Taxable", "Balance", "DocNumber", "TxnDate", "DueDate", "CustomerRef", "TotalAmt",
    "SalesTermRef", "PaymentRefNum", "AccountType", "AccountSubType", "Classification", "Code",
    "Job", "ParentRef", "UnitPrice", "IncomeAccountRef", "EmailStatus", "PrintStatus",
    "PrimaryEmailAddr", "Description", "ClassRef", "DepartmentRef", "RateValue",
}  # fmt: skip
_BY_CASE: Final = {name.casefold(): name for name in _FIELDS}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        name: path of the property.
        operator: `=`, `<`, `>`, `<=`, `>=`, `LIKE` or `IN`.
        values: that it is compared with, one but for `IN`.
    """

    name: str
    operator: str
    values: tuple[str, ...]


@dataclass(slots=True)
class Query:
    """A query, understood.

    Attributes:
        kind: what is asked for.
        count: only how many.
        columns: to show; none for all.
        conditions: all of which must hold.
        order: property and whether it descends.
        start: number of the first row, from 1.
        most: rows.
    """

    kind: str = ""
    count: bool = False
    columns: tuple[str, ...] = ()
    conditions: list[Condition] = field(default_factory=list)
    order: tuple[str, bool] | None = None
    start: int = 1
    most: int = DEFAULT_ROWS


def asked(company: Company, text: str, single: Callable[[str], Row]) -> Row:
    """The `QueryResponse` to a query.

    Args:
        company: that is asked.
        text: of the query.
        single: gives what there is one of.

    Raises:
        Refusal: 4000, it cannot be read; 4001, it names what there is not.
    """
    query = parsed(text, note=company.options.note_filterable)
    rows = [single(query.kind)] if query.kind in SINGLE else _candidates(company, query)
    names = {condition.name for condition in query.conditions}
    if "Active" not in names:
        rows = [row for row in rows if row.get("Active") is not False]
    for condition in query.conditions:
        rows = [row for row in rows if _holds(row, condition)]
    if query.count:
        return {"totalCount": len(rows)}
    if query.order is not None:
        name, descends = query.order
        rows = sorted(rows, key=lambda row: _sortable(_value(row, name)), reverse=descends)
    page = rows[query.start - 1 : query.start - 1 + query.most]
    if not page:
        return {}
    shown = [_narrowed(row, query.columns) for row in page]
    return {query.kind: shown, "startPosition": query.start, "maxResults": len(shown)}


def _candidates(company: Company, query: Query) -> list[Row]:
    """Rows that may be meant: all of a kind, or those of the numbers that are asked for."""
    for one in query.conditions:
        if (
            one.name == "DocNumber"
            and one.operator in {"=", "IN"}
            and not company.options.search_lag
        ):
            held = {holder for number in one.values for holder in company.holders(number)}
            ids = sorted((int(number) for kind, number in held if kind == query.kind))
            return [company.tables[query.kind][str(number)] for number in ids]
    return company.searchable(query.kind)


def parsed(text: str, *, note: bool = False) -> Query:
    """Understand a query.

    Raises:
        Refusal: 4000 or 4001.
    """
    return _Parser(text, note=note).query()


class _Parser:
    def __init__(self, text: str, *, note: bool) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._note = note

    def query(self) -> Query:
        query = Query()
        self._word("SELECT")
        self._columns(query)
        self._word("FROM")
        query.kind = self._kind()
        if self._accept("WHERE"):
            query.conditions.append(self._condition())
            while self._accept("AND"):
                query.conditions.append(self._condition())
        self._end(query)
        if self._at < len(self._tokens):
            raise _unreadable(f"{self._tokens[self._at][1]!r} is not expected")
        return query

    def _columns(self, query: Query) -> None:
        if self._accept("*"):
            return
        if self._accept("COUNT"):
            for mark in "(*)":
                self._word(mark)
            query.count = True
            return
        names = [self._name()]
        while self._accept(","):
            names.append(self._name())
        query.columns = tuple(names)

    def _kind(self) -> str:
        what, text = self._next()
        kind = KINDS.get(text.casefold()) if what == "word" else None
        if kind is None:
            raise Refusal("4001", f"{text} cannot be queried")
        return kind

    def _condition(self) -> Condition:
        name = self._name(filtered=True)
        what, text = self._next()
        operator = text.upper()
        if operator == "IN":
            self._word("(")
            values = [self._literal()]
            while self._accept(","):
                values.append(self._literal())
            self._word(")")
            return Condition(name, operator, tuple(values))
        if operator != "LIKE" and (what != "mark" or operator not in _COMPARE):
            raise _unreadable(f"there is no operator {text!r}")
        return Condition(name, operator, (self._literal(),))

    def _end(self, query: Query) -> None:
        if self._accept("ORDERBY") or (self._accept("ORDER") and self._word("BY")):
            name = self._name()
            descends = self._accept("DESC")
            if not descends:
                self._accept("ASC")
            query.order = name, descends
        if self._accept("STARTPOSITION"):
            query.start = self._whole("STARTPOSITION", 10**9)
        if self._accept("MAXRESULTS"):
            query.most = self._whole("MAXRESULTS", MOST_ROWS)

    def _whole(self, name: str, most: int) -> int:
        _, text = self._next()
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise Refusal("4001", f"{name} {text} is not between 1 and {most}")
        return int(text)

    def _name(self, *, filtered: bool = False) -> str:
        what, text = self._next()
        if what != "word":
            raise _unreadable(f"a property is expected, not {text!r}")
        if text.casefold() == "privatenote" and (self._note or not filtered):
            return "PrivateNote"
        known = _BY_CASE.get(text.casefold())
        if known is None:
            raise Refusal("4001", f"Property {text} not found or not queryable")
        return known

    def _literal(self) -> str:
        what, text = self._next()
        if what not in {"text", "number"} and text.casefold() not in {"true", "false"}:
            raise _unreadable(f"a value is expected, not {text!r}")
        return text

    def _accept(self, word: str) -> bool:
        here = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if here[0] in {"word", "mark"} and here[1].upper() == word:
            self._at += 1
            return True
        return False

    def _word(self, word: str) -> bool:
        if not self._accept(word):
            raise _unreadable(f"{word} is expected")
        return True

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _unreadable("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]


def _tokens(text: str) -> Sequence[tuple[str, str]]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(f"nobody can read {text[at : at + 10]!r}")
        at = match.end()
        string, word, digits, mark = match.groups()
        if string is not None:
            found.append(("text", re.sub(r"\\(.)", r"\1", string)))
        elif word is not None:
            found.append(("word", word))
        else:
            found.append(("number", digits) if digits is not None else ("mark", mark))
    return found


def _unreadable(words: str) -> Refusal:
    return Refusal("4000", f"QueryParserError: {words}")


def _value(row: Row, name: str) -> Any:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value.get("value") if isinstance(value, dict) else value


def _holds(row: Row, condition: Condition) -> bool:
    value = _value(row, condition.name)
    if value is None:
        return False
    if condition.operator == "IN":
        return any(_alike(value, one, "=") for one in condition.values)
    if condition.operator == "LIKE":
        parts = (re.escape(part) for part in condition.values[0].split("%"))
        return re.fullmatch(".*".join(parts), str(value), re.IGNORECASE | re.DOTALL) is not None
    return _alike(value, condition.values[0], condition.operator)


def _alike(value: Any, given: str, operator: str) -> bool:
    compare = _COMPARE[operator]
    try:
        if isinstance(value, bool):
            return compare(str(value).casefold(), given.casefold())
        if isinstance(value, Decimal | int):
            return compare(Decimal(value), Decimal(given))
        if "T" in str(value) and re.match(r"\d{4}-\d\d-\d\d", str(value)):
            return compare(datetime.fromisoformat(value), _moment(given, value))
    except (InvalidOperation, ValueError):
        raise Refusal("4001", f"{given!r} does not fit its property") from None
    return compare(str(value).casefold(), given.casefold())


def _moment(given: str, like: str) -> datetime:
    moment = datetime.fromisoformat(given)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.fromisoformat(like).tzinfo)


def _sortable(value: Any) -> tuple[int, Any]:
    if isinstance(value, Decimal | int):
        return 1, Decimal(value)
    if isinstance(value, str) and value.isdigit():
        return 1, Decimal(value)
    return (0, "") if value is None else (2, str(value).casefold())


def _narrowed(row: Row, columns: Sequence[str]) -> Row:
    if not columns:
        return row
    top = {name.split(".")[0] for name in columns}
    return {name: value for name, value in row.items() if name in top | {"domain", "sparse"}}
