"""`shadow` and `golive` as they are typed: options that do not fit, lists, files and exit codes."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.sdk.records import RecurringLine, Subscription
from tests.builders_command import Office, open_office
from tests.builders_data import SmallPsa


class EmptyPsa(SmallPsa):
    """Clients without a single record."""

    async def subscriptions(self, **_: Any) -> AsyncIterator[Sequence[Subscription]]:
        yield []

    async def recurring_lines(self, **_: Any) -> AsyncIterator[Sequence[RecurringLine]]:
        yield []

    def marker(self, key: str) -> str:
        return key


def at(monkeypatch: pytest.MonkeyPatch, *moment: int) -> None:
    now = datetime(*moment, tzinfo=UTC)
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: now)


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """In shadow; account a is client 1 (Acme), and nobody else is linked."""
    office = open_office(tmp_path, monkeypatch, capsys)
    monkeypatch.setattr(SmallPsa, "subscriptions", EmptyPsa.subscriptions, raising=False)
    monkeypatch.setattr(SmallPsa, "recurring_lines", EmptyPsa.recurring_lines, raising=False)
    monkeypatch.setattr(SmallPsa, "marker", EmptyPsa.marker, raising=False)
    at(monkeypatch, 2026, 11, 30, 20)
    office.furnish()
    assert office("map", "link", "rmm", "a", "1")[0] == 0
    at(monkeypatch, 2026, 12, 2, 9)
    return office


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1"], "no first month"),
        (["--from", "2026-11"], "no client is named"),
        (["--back"], "--back takes clients"),
        (["--back", "1", "--from", "2026-11"], "--back takes clients"),
        (["--back", "1"], "for a reason"),
        (["--back", "1", "--reason", "x"], "not live"),
        (["2", "--from", "2026-11"], "no account is linked"),
        (["a", "--from", "2026-11"], "account of rmm"),
        (["Acm", "--from", "2026-11"], "no client has the id or the name 'Acm'"),
        (["globex", "--from", "2026-11"], "not one client but 2"),
        (["1", "Acme", "--from", "2026-11"], "named twice"),
        (["1", "--from", "soon"], "soon"),
        (["--file", "nowhere.csv", "--from", "2026-11"], "cannot be read"),
    ],
)
def test_what_does_not_fit_is_told_and_nobody_goes_live(
    office: Office, words: list[str], said: str
) -> None:
    code, out, err = office("golive", "--yes", *words)
    assert code not in {0, 1}, out
    assert said in err
    assert "what to do" in err
    assert office.json("golive")["clients"] == []


def test_without_a_yes_nobody_goes_live_and_the_meaning_is_shown(office: Office) -> None:
    code, out, _ = office("golive", "acme", "--from", "2026-11")
    assert code == 3
    assert "beside what the PSA bills" in out
    assert "nobody went live" in out
    assert "syncd golive acme --from 2026-11 --yes" in out
    data = office.json("golive", "1", "--from", "2026-11", "--yes", "--reason", "ok", "--by", "ann")
    assert (data["compared"], data["clients"][0]["live"], data["exit_code"]) == ("2026-11", True, 0)
    code, out, _ = office("golive")
    assert "1 of 1 linked clients are live" in out
    assert "ann" in out
    assert "1 client is live by name" in office("status")[1]
    assert "nothing new" in office("golive", "1", "--from", "2026-11")[1]
    code, out, _ = office("golive", "--back", "1", "--reason", "wrong")
    assert (code, "in shadow again" in out) == (0, True)
    (word,) = office.json("golive")["clients"]
    assert (word["live"], word["reason"], word["from"]) == (False, "wrong", None)


def test_many_clients_are_named_once(office: Office) -> None:
    assert office("map", "link", "rmm", "b", "2")[0] == 0
    code, out, _ = office("golive", "1", "2", "--from", "2026-11", "--yes")
    assert code == 0
    assert "2 clients are live from 2026-11 on" in out
    assert out.count("Acme") == 1
    assert "syncd plan billing\n" in out


def test_a_list_that_is_wrong_is_mended_and_nothing_else(office: Office, tmp_path: Path) -> None:
    target = tmp_path / "clients.csv"
    for text in ("customer\n1\n", "client,from\n1,2026-1\n"):
        target.write_text(text)
        code, _, err = office("golive", "--file", str(target), "--yes")
        assert code == 6
        assert "run the command again" in err
        assert "dry-run" not in err


def test_a_list_comes_through_a_pipe(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(b"client,from,reason\n1,2026-12,first\n")

        @staticmethod
        def isatty() -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Piped)
    data = office.json("golive", "--file", "-", "--yes")
    assert [(one["client"], one["from"]) for one in data["clients"]] == [("1", "2026-12")]
    assert data["compared"] == "2026-11"


def test_a_comparison_is_a_screen_a_file_and_data(office: Office, tmp_path: Path) -> None:
    code, out, _ = office("shadow", "2026-11", "--client", "Acme", "--all")
    assert code == 0
    assert "2026-11: what we would bill" in out
    found = office.json("shadow")
    assert found["period"] == "2026-11"
    assert office.json("shadow", "2026-12")["so_far"] is True
    target = tmp_path / "shadow.csv"
    assert office("shadow", "--csv", str(target))[0] == 0
    rows = list(csv.reader(io.StringIO(target.read_text("utf-8-sig"))))
    assert rows[0][:3] == ["month", "client", "client_name"]
    assert len(rows) == len(found["rows"]) + 1
    for words in (["2027-06"], ["soon"], ["--client", "nobody"]):
        code, _, err = office("shadow", *words)
        assert (code != 0, "what to do" in err) == (True, True)
