"""docs/mapping.md is held to the code: the columns of every file, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.core.service.sheets import SHEETS, Sheet

PAGE = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=lambda sheet: sheet.name)
def test_the_page_lists_the_columns_of_every_file(sheet: Sheet) -> None:
    columns = ", ".join(
        f"{column} (optional)" if column in sheet.optional else column for column in sheet.columns
    )
    assert f"### {sheet.name}\n\n`{columns}`" in PAGE
