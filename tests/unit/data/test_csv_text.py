"""CSV as text: formulas are disarmed, every cell survives, lines are counted as an editor does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.service.csv_text import BadFile, escape, read_rows, unescape, write_rows

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(CELLS)
def test_an_escaped_cell_is_no_formula_and_unescapes_to_itself(cell: str) -> None:
    assert escape(cell)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert unescape(escape(cell)) == cell


@pytest.mark.parametrize("cell", ["=1+1", "+44 20", "-5", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(cell: str) -> None:
    assert escape(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Acme", "'quoted'", "1-2", "a=b", "O'Neil"])
def test_an_ordinary_cell_is_left_alone(cell: str) -> None:
    assert (escape(cell), unescape(cell)) == (cell, cell)


@given(st.lists(st.tuples(CELLS, CELLS).filter(lambda row: any(c.strip() for c in row))))
def test_what_is_written_is_read_again(rows: list[tuple[str, str]]) -> None:
    text = write_rows(("one", "two"), [{"one": a, "two": b} for a, b in rows])
    read = read_rows(text, "f.csv", required=("one", "two"))
    assert [(row.cells["one"], row.cells["two"]) for row in read] == rows


def test_the_line_of_a_row_is_where_it_begins_although_cells_span_lines() -> None:
    rows = read_rows('a,b\n"x\ny",1\n\n2,3\n', "f.csv", required=("a", "b"))
    assert [row.line for row in rows] == [2, 5]


def test_columns_may_stand_in_any_order_and_optional_ones_may_be_left_out() -> None:
    (row,) = read_rows("b,a\n1,2\n", "f.csv", required=("a", "b"), optional=("c",))
    assert dict(row.cells) == {"a": "2", "b": "1"}


def test_a_misspelt_column_is_told_with_the_likely_one() -> None:
    with pytest.raises(BadFile) as refused:
        read_rows("acount\n1\n", "f.csv", required=("account",))
    told = [(problem.column, problem.remedy) for problem in refused.value.problems]
    assert ("acount", "did you mean 'account'?") in told
    assert "account" in [column for column, _ in told]


def test_a_column_without_a_name_is_refused() -> None:
    with pytest.raises(BadFile, match="the column is unknown"):
        read_rows("a,\n1,\n", "f.csv", required=("a",))


def test_more_mistakes_than_anybody_reads_are_counted() -> None:
    with pytest.raises(BadFile, match="and 50 more"):
        read_rows("a\n" + "1,2\n" * 250, "f.csv", required=("a",))
