"""`syncd corrections` as it is typed: lists, words, refusals and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.cli.app import run
from syncd.core.store.database import Database
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability
from tests.builders_corrections import late, listed, october, open_office
from tests.builders_host import connector
from tests.builders_month import Office

CONFIG = """
[syncd]
database = "{url}"
timezone = "Europe/London"

[billing]
currency = "GBP"

[connections.psa]
plugin = "fakepsa"
client_id = "x"
client_secret = {{ env = "SECRET" }}
"""

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
          sqlite_url: str) -> Typed:  # fmt: skip
    known = Plugins({"fakepsa": connector("fakepsa", Capability.PSA)})
    monkeypatch.setattr("syncd.plugins.load", lambda: known)
    monkeypatch.setenv("SECRET", "s")
    monkeypatch.setenv("COLUMNS", "100")
    path = tmp_path / "syncd.toml"
    path.write_text(CONFIG.format(url=sqlite_url), encoding="utf-8")

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = 0
        try:
            run(["--config", str(path), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return command


@pytest.fixture
async def number(sqlite_url: str) -> int:
    """A difference of October that waits for a word."""
    database = Database(sqlite_url)
    office: Office = await october(await open_office(database))
    await late(office, 11)
    (one,) = await listed(office)
    await database.dispose()
    return one.id


def data(typed: Typed, *arguments: str) -> list[dict[str, Any]]:
    code, out, err = typed(*arguments, "--json")
    assert code == 0, err
    found: list[dict[str, Any]] = json.loads(out)["corrections"]
    return found


def test_the_list_says_who_what_which_units_how_much_and_what_to_type(
    number: int, typed: Typed
) -> None:
    code, out, err = typed("corrections", "list")
    assert code == 0, err
    for part in ("Acme Ltd", "2026-10", "Desktops 10 -> 11", "+ de11.local", "+5.00 GBP", "open"):
        assert part in out
    assert f"syncd corrections accept {number} --reason TEXT" in out
    assert max(map(len, out.splitlines())) <= 100
    (one,) = data(typed, "corrections", "list", "Acme")
    assert (one["price"], one["state"], one["account"]) == ("5.00", "open", "5")
    assert data(typed, "corrections", "list", "Globex") == []


def test_one_is_shown_with_its_pull(number: int, typed: Typed) -> None:
    code, out, err = typed("corrections", "show", str(number))
    assert code == 0, err
    assert "Desktops 10 -> 11 (device:desktop), pull 2 of" in out
    assert "+ de11.local" in out
    assert typed("corrections", "show", "99")[0] == 6


def test_a_word_is_kept_with_its_person_and_said_once(number: int, typed: Typed) -> None:
    code, out, err = typed(
        "corrections", "accept", str(number), "--reason", "it was there", "--by", "ann"
    )
    assert code == 0, err
    assert "accepted, waits for a bill" in out
    (one,) = data(typed, "corrections", "list")
    assert (one["state"], one["decided_by"], one["reason"]) == ("waits", "ann", "it was there")
    code, _, err = typed("corrections", "dismiss", str(number), "--reason", "no", "--by", "bob")
    assert code == 6
    assert "was accepted by ann already: it was there" in err


def test_a_dismissed_one_is_listed_only_with_all(number: int, typed: Typed) -> None:
    assert typed("corrections", "dismiss", str(number), "--reason", "agreed")[0] == 0
    code, out, _ = typed("corrections", "list")
    assert (code, "no bill waits" in out) == (0, True)
    (one,) = data(typed, "corrections", "list", "--all")
    assert one["state"] == "dismissed"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("accept", "99", "--reason", "x"), "no correction 99"),
        (("accept", "1", "--reason", " "), "needs a reason"),
        (("settle", "1", "--reason", "x"), "on no recurring line"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    number: int, typed: Typed, arguments: tuple[str, ...], says: str
) -> None:
    assert number == 1
    code, _, err = typed("corrections", *arguments)
    assert code == 6
    assert says in err
    assert "what to do:" in err


@pytest.mark.parametrize("wrong", [["accept", "1"], ["accept", "x", "--reason", "y"], ["accept"]])
def test_a_word_without_a_number_or_a_reason_is_not_a_command(
    typed: Typed, wrong: list[str]
) -> None:
    assert typed("corrections", *wrong)[0] == 2
