"""`explain`, `margin` and `leaks` as they are typed: arguments, files, screens and exit codes."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncd.cli.explain import _product_and_month, read_moment
from syncd.sdk.errors import ConfigError
from tests.builders_command import Office, open_office

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 12, 5, 9, tzinfo=UTC)


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Every command from here on runs at this moment."""
    now = datetime.fromisoformat(moment)
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: now)


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """Counted at the end of November; client 1 is linked, laptops have a price and no home."""
    office = open_office(tmp_path, monkeypatch, capsys)
    at(monkeypatch, "2026-11-30T20:00:00+00:00")
    office.furnish()
    assert office("map", "link", "rmm", "a", "1")[0] == 0
    rates = tmp_path / "rates.csv"
    rates.write_text(
        "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"
        "rmm,device:server,,2,5,,,GBP,2026-01-01\n",
        encoding="utf-8",
    )
    files = {
        "rates": rates.read_text(encoding="utf-8"),
        "configurations": "connection,account,name,mode,products,asset_type,supplier,price_owner,"
        "cost_owner,position\nrmm,,Managed,average,device:server,10,,,,\n",
    }
    for sheet, text in files.items():
        path = tmp_path / f"{sheet}.csv"
        path.write_text(text, encoding="utf-8")
        code, out, err = office("map", sheet, "--import", str(path), "--yes")
        assert code == 0, out + err
    at(monkeypatch, "2026-12-02T09:00:00+00:00")
    return office


def test_a_month_that_nobody_billed_is_computed_and_says_so(office: Office) -> None:
    code, out, err = office("explain", "1", "2026-11")
    assert code == 0, err
    assert "Computed: nothing was billed" in out
    assert "[computed, nothing was billed]" in out
    assert "price: 1 x 5 = 5 GBP" in out
    assert office("explain", "1", "device:server", "--period", "2026-11")[0] == 0
    assert office.json("explain", "1", "--as-of", "2026-12-01")["period"] == "2026-11"


def test_a_client_without_bill_or_plan_is_refused_unless_a_month_is_named(office: Office) -> None:
    code, _, err = office("explain", "1")
    assert code != 0
    assert "has no bill and no planned bill" in err


def test_the_evidence_is_written_whole_or_not_at_all(office: Office, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    code, out, err = office("explain", "1", "2026-11", "--csv", str(target))
    assert code == 0, err
    assert f"in {target}" in out
    with zipfile.ZipFile(target) as archive:
        units = list(csv.DictReader(io.StringIO(archive.read("units.csv").decode("utf-8-sig"))))
        assert "Computed" in archive.read("README.txt").decode()
    assert [row["id"] for row in units] == ["1"]
    code, _, err = office("explain", "1", "2026-11", "--csv", str(tmp_path))
    assert (code, "a folder with something in it" in err) == (2, True)
    code, _, err = office("explain", "1", "2026-11", "--csv", str(tmp_path / "no" / "where"))
    assert (code, "cannot be written" in err) == (2, True)
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".out")]


def test_leaks_fit_a_screen_of_100_columns_and_name_their_command(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = office("leaks")
    assert code == 6, err
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "unlinked account: `syncd map propose`" in out
    assert "product in no configuration" in out
    told = office.json("leaks", "2026-11")
    assert {one["kind"] for one in told["not_billed"]} >= {
        "unlinked account",
        "product in no configuration",
    }
    assert told["not_counted"] == []
    assert office("leaks", "2026-12")[0] != 0


def test_leaks_of_one_connection_are_those_and_no_others(office: Office) -> None:
    everything = office.json("leaks")["not_billed"]
    one = everything[0]["connection"]
    told = office.json("leaks", "--connection", one)["not_billed"]
    assert told == [leak for leak in everything if leak["connection"] == one]
    code, out, _ = office("leaks", "--connection", "desk")
    assert (code, "nothing leaks" in out) == (0, True)
    assert office("leaks", "--connection", "nobody")[0] == 2


def test_a_margin_needs_a_bill_and_a_known_row(office: Office) -> None:
    code, _, err = office("margin")
    assert (code != 0, "nothing was billed yet" in err) == (True, True)
    code, _, err = office("margin", "--by", "colour")
    assert (code, "write --by client or --by product" in err) == (2, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-03", datetime(2026, 12, 3, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-07-03", datetime(2026, 7, 3, 22, 59, 59, 999999, tzinfo=UTC)),
        ("2026-12-03T14:00", datetime(2026, 12, 3, 14, tzinfo=UTC)),
        ("2026-12-03T14:00+02:00", datetime(2026, 12, 3, 12, tzinfo=UTC)),
        ("2026-12-05", datetime(2026, 12, 5, 23, 59, 59, 999999, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_day_means_its_local_end(text: str | None, expected: datetime | None) -> None:
    assert read_moment(text, LONDON, now=NOW) == expected


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-12-06", "2026-12-05T10:00"])
def test_no_moment_and_one_that_lies_ahead_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_moment(text, LONDON, now=NOW)


@pytest.mark.parametrize(
    ("words", "period", "expected"),
    [
        (["2026-11"], None, (None, "2026-11")),
        (["servers", "2026-11"], None, ("servers", "2026-11")),
        (["servers"], "2026-11", ("servers", "2026-11")),
        (["servers", "nov"], None, ("servers", "nov")),
        ([], None, (None, None)),
    ],
)
def test_a_word_like_a_month_is_one(
    words: list[str], period: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert _product_and_month(words, period) == expected


def test_two_months_are_refused() -> None:
    with pytest.raises(ConfigError, match="more than one"):
        _product_and_month(["2026-11"], "2026-10")
