"""`[invoices]` and its books: the careful defaults, and every mistake in one answer."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.config import load
from syncd.config.invoices import LedgerTable
from syncd.config.problem import ConfigErrors
from syncd.config.settings import Settings
from syncd.core.invoicing.rules import LedgerRules
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability
from tests.builders_host import connector

DESK = """
[connections.desk]
plugin = "desk"
client_id = "x"
client_secret = { env = "SECRET" }
"""
BOOKS = """
[connections.books]
plugin = "tally"
client_id = "x"
client_secret = { env = "SECRET" }
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET", "hunter2")
    found = (
        connector("acme"),
        connector("desk", Capability.PSA),
        connector("tally", Capability.LEDGER),
    )
    installed = Plugins({each.name: each for each in found}, ())

    def load_text(text: str) -> Settings:
        file = tmp_path / "syncd.toml"
        file.write_text(text)
        return load(file, installed)

    return load_text


def mistakes(read, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        read(text)
    return [str(one) for one in caught.value.problems]


def test_the_file_and_the_rules_name_the_same_settings_with_the_same_defaults() -> None:
    table = LedgerTable()
    assert {one.name for one in fields(LedgerRules)} == set(LedgerTable.model_fields)
    assert LedgerRules(**table.model_dump()) == LedgerRules()


def test_without_a_table_no_book_is_used_and_that_is_said(read) -> None:
    settings = read(DESK + BOOKS)
    assert settings.ledgers == ()
    assert settings.invoices.due is None
    assert [one.reason for one in settings.warnings] == ["no invoices are carried into 'books'"]


def test_a_book_with_its_table_is_used_with_the_careful_defaults(read) -> None:
    settings = read(DESK + BOOKS + "[invoices.books]\n")
    assert settings.ledgers == ("books",)
    assert settings.invoices.psa == "desk"
    assert settings.invoices.ledgers["books"] == LedgerRules()
    assert settings.invoices.due is not None
    assert settings.warnings == ()


def test_settings_of_a_book_reach_its_rules(read) -> None:
    text = (
        DESK
        + BOOKS
        + '[invoices]\nschedule = "every 1h"\nhistory_days = 90\n[invoices.books]\nprefix = "S-"\n'
        'approved = true\nrounding_limit = "0.02"\nrounding_account = "860"\n'
        'rounding_tax = "NONE"\n'
    )
    settings = read(text)
    rules = settings.invoices.ledgers["books"]
    assert (rules.prefix, rules.approved, rules.rounding_limit) == ("S-", True, Decimal("0.02"))
    assert rules.rounds
    assert settings.invoices.history_days == 90


def test_a_book_that_rests_is_kept_and_not_used(read) -> None:
    settings = read(DESK + BOOKS + "enabled = false\n[invoices.books]\n")
    assert settings.ledgers == ()
    assert "switched off" in settings.warnings[0].reason


def test_every_mistake_is_told_at_once(read) -> None:
    text = (
        DESK
        + BOOKS
        + BOOKS.replace("books", "rmm").replace("tally", "acme")
        + '[invoices]\npsa = "rmm"\nschedule = "whenever"\n'
        "[invoices.boks]\n[invoices.rmm]\n"
        '[invoices.books]\non_void = "delete"\ntolerance = 0.02\nrounding_limit = "5"\n'
    )
    told = mistakes(read, text)
    for words in (
        "[invoices] psa: connection 'rmm' is not a PSA",
        "[invoices] schedule",
        "there is no connection 'boks'; did you mean 'books'?",
        "connection 'rmm' is not an accounting system",
        "'delete' is not one of its values",
        "rounding_limit: is too large",
    ):
        assert any(words in one for one in told), (words, told)


def test_a_rounding_line_needs_its_account_and_its_tax(read) -> None:
    text = DESK + BOOKS + '[invoices.books]\nrounding_limit = "0.02"\nrounding_account = "860"\n'
    (told,) = mistakes(read, text)
    assert "a rounding line needs rounding_tax too" in told
    text = DESK + BOOKS + '[invoices.books]\nrounding_account = "860"\nrounding_tax = "NONE"\n'
    (told,) = mistakes(read, text)
    assert "is never used" in told


def test_books_need_a_psa(read) -> None:
    (told,) = mistakes(read, BOOKS + "[invoices.books]\n")
    assert "no connection is a PSA" in told
