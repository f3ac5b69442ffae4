"""An office with a book, or with two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders_intake import BookOffice, open_books


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> BookOffice:
    return open_books(tmp_path, monkeypatch, capsys)


@pytest.fixture
def two_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> BookOffice:
    return open_books(tmp_path, monkeypatch, capsys, second=True)
