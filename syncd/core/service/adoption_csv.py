"""Adoptions as a spreadsheet: every line without a record, what is proposed for it, and back.

A row with a record is a person's choice, a row without one leaves the line as it is. All mistakes
of a file are told at once, and nothing of it is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.billing.wording import amount
from syncd.core.service.adoption import Adoptable, AdoptionView
from syncd.core.service.adoption_plan import Choice, worth
from syncd.core.service.csv_text import BadFile, CsvRow, Problem, decode, read_rows, write_rows

if TYPE_CHECKING:
    from syncd.sdk.ports import Psa
    from syncd.sdk.records import Subscription

REQUIRED: Final = ("connection", "account", "line", "record")
OPTIONAL: Final = (
    "client",
    "client_name",
    "line_name",
    "units",
    "price",
    "money",
    "record_name",
    "record_units",
    "record_price",
    "record_money",
    "ground",
    "evidence",
)
COLUMNS: Final = (
    "client",
    "client_name",
    "connection",
    "account",
    "line",
    "line_name",
    "units",
    "price",
    "money",
    "record",
    "record_name",
    "record_units",
    "record_price",
    "record_money",
    "ground",
    "evidence",
)
_REMEDY: Final = "mend the file and import it again; `syncd adopt --export FILE` writes a new one"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that names a record."""

    row: CsvRow
    line: Adoptable
    remote: str


def export_adoptions(view: AdoptionView) -> str:
    """A row for every line without a record, with the record that is proposed for it."""
    proposals = {proposal.line.key: proposal for proposal in view.proposals}
    rows = []
    for line in view.lines.values():
        proposal = proposals.get(line.key)
        record = proposal.record if proposal is not None else None
        rows.append(
            {
                "client": line.open.client,
                "client_name": line.client_name,
                "connection": line.connection,
                "account": line.account,
                "line": line.line.key,
                "line_name": line.line.name,
                "units": str(line.open.units),
                "price": _price(line.open.unit_price),
                "money": _price(line.line.total_price),
                "record": record.key if record is not None else "",
                "record_name": record.name if record is not None else "",
                "record_units": str(record.quantity) if record is not None else "",
                "record_price": _price(record.unit_price) if record is not None else "",
                "record_money": ""
                if record is None
                else _price(worth(record.unit_price, record.quantity)),
                "ground": proposal.ground.value if proposal is not None else "",
                "evidence": proposal.evidence if proposal is not None else "nothing fits",
            }
        )
    return write_rows(COLUMNS, rows)


async def choices_of(view: AdoptionView, content: bytes, file: str, *, psa: Psa) -> list[Choice]:
    """What a file chooses.

    Args:
        view: of the same clients and month.
        content: the file.
        file: its name, for messages.
        psa: asked for records that the view does not show.

    Raises:
        BadFile: it has mistakes; every one of them is told.
        ConnectorError: the PSA could not be asked.
    """
    try:
        rows = read_rows(decode(content, file), file, required=REQUIRED, optional=OPTIONAL)
    except BadFile as error:
        error.remedy = _REMEDY
        raise
    problems: list[Problem] = []
    named = [found for row in rows if (found := _named(view, row, problems)) is not None]
    unseen = sorted({one.remote for one in named} - view.records.keys())
    elsewhere = await psa.read_many(unseen) if unseen else {}
    problems += _twice(named)
    problems += _wrong(view, named, elsewhere)
    if problems:
        bad = BadFile(file, problems)
        bad.remedy = _REMEDY
        raise bad
    seen = {**elsewhere, **view.records}
    return [_choice(view, one, seen[one.remote]) for one in named]


def _named(view: AdoptionView, row: CsvRow, problems: list[Problem]) -> _Row | None:
    """The line and the record of a row; None where it names none, or no line that waits."""
    remote = row.cells["record"].strip()
    if not remote:
        return None
    place = tuple(row.cells[name].strip() for name in ("connection", "account", "line"))
    line = next(
        (
            one
            for one in view.lines.values()
            if (one.connection, one.account, one.line.key) == place
        ),
        None,
    )
    if line is None:
        reason = f"no line '{place[2]}' of account {place[1]} at '{place[0]}' waits for a record"
        remedy = "leave the record empty, or take the line as exported; it may have a record by now"
        problems.append(Problem(row.line, "line", reason, remedy))
        return None
    return _Row(row, line, remote)


def _twice(rows: Sequence[_Row]) -> Iterator[Problem]:
    records = Counter(one.remote for one in rows)
    lines = Counter(one.line.key for one in rows)
    for one in rows:
        if records[one.remote] > 1:
            reason = f"record {one.remote} is adopted {records[one.remote]} times"
            yield Problem(one.row.line, "record", reason, "one record carries one line: choose one")
        if lines[one.line.key] > 1:
            reason = f"line '{one.line.line.key}' stands in {lines[one.line.key]} rows"
            yield Problem(one.row.line, "line", reason, "one line has one record: choose one")


def _wrong(
    view: AdoptionView, rows: Sequence[_Row], elsewhere: Mapping[str, Subscription]
) -> Iterator[Problem]:
    for one in rows:
        record = view.records.get(one.remote) or elsewhere.get(one.remote)
        if record is None:
            reason = f"the PSA has no record {one.remote}"
            yield Problem(one.row.line, "record", reason, "take the id as the PSA shows it")
            continue
        against = view.against(record, one.line.open)
        if against:
            yield Problem(one.row.line, "record", against, "choose another record, or none")


def _choice(view: AdoptionView, one: _Row, record: Subscription) -> Choice:
    proposed = next(
        (
            proposal.evidence
            for proposal in view.proposals
            if proposal.line.key == one.line.key
            and proposal.record is not None
            and proposal.record.key == one.remote
        ),
        None,
    )
    return Choice(
        line=one.line,
        record=record,
        evidence=f"{proposed or 'chosen'}, confirmed in a file",
    )


def _price(value: Decimal | None) -> str:
    return "" if value is None else amount(value)
