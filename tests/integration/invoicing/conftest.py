"""An office with a book whose PSA takes marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from syncd.sdk.invoice_records import PostedMark
from syncd.sdk.psa_records import Delivered, Receipt
from tests.builders_intake import BookOffice, open_books


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> BookOffice:
    opened = open_books(tmp_path, monkeypatch, capsys)

    async def mark_posted(marks: Sequence[PostedMark]) -> list[Delivered]:
        return [Delivered(mark.key, Receipt(mark.key, mark.invoice)) for mark in marks]

    monkeypatch.setattr(opened.desk, "mark_posted", mark_posted)
    return opened
