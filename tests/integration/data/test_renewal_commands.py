"""`syncd renewals` as a user types it, and the issues that a pull leaves."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.builders_command import Office, open_office
from tests.builders_terms import MONTHLY, PREPAID, SOLD, YEARLY, seats

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def ahead(days: int) -> date:
    return NOW.date() + timedelta(days=days)


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Every command from here on runs at this moment."""
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: now)


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """Account a is Acme, b is linked to nobody."""
    made = open_office(tmp_path, monkeypatch, capsys)
    at(monkeypatch, NOW)
    source = made.sources["rmm"]
    source.known = SOLD
    source.units = (
        seats("a", "s1", ahead(4), falls_until=ahead(2)),
        seats("a", "s2", ahead(20), then="unknown", billed=""),
        seats("b", "s3", ahead(60), then="ends", next_quantity=None, excluded="trial"),
        seats("b", "s4", ahead(200), product=PREPAID, billed="annual", excluded="not_monthly"),
        seats("b", "s5", ahead(9), product=MONTHLY, length="P1M"),
        seats("b", "s6", ahead(25), extended=True, then="extended"),
        seats("a", "s7", None),
    )
    made.furnish()
    made("map", "link", "rmm", "a", "1")
    monkeypatch.setenv("COLUMNS", "100")
    return made


def test_the_list_fits_a_screen_and_says_what_happens_then(office: Office) -> None:
    code, out, err = office("renewals")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    for title in (
        "Ends in the next 7 days",
        "Ends in 8 to 30 days",
        "Ends in 31 to 90 days",
        "Extended: runs on beyond its term",
        "Not billed monthly, with the month of the renewal",
        "1 more renews by itself every month: `syncd renewals --rolling`",
        "1 has a term whose end the vendor does not tell",
        "(no client): the vendor's name",
    ):
        assert title in out
    flat = " ".join(out.split())
    assert "unknown what then" in flat
    assert "trial" in flat.split()
    assert "2027-06 Globex" in flat


def test_a_name_does_not_repeat_the_term_nor_a_row_its_title(office: Office) -> None:
    source = office.sources["rmm"]
    named = replace(source.known[0], name="Suite (yearly term, monthly)")
    source.known = (named, *source.known[1:])
    source.units = (
        replace(seats("b", "s1", ahead(4), falls_until=None), name="Suite"),
        replace(seats("b", "s2", ahead(4), falls_until=None), name="Reception"),
        seats("b", "s4", ahead(200), product=PREPAID, billed="annual", excluded="not_monthly"),
    )
    office("pull", "rmm")
    _, out, _ = office("renewals", "--connection", "rmm")
    soon, yearly = out.split("Not billed monthly")
    assert soon.count("Suite (yearly term, monthly)") == 1
    assert "not counted" not in yearly
    assert "falls until" not in out
    assert "price" not in out


def test_only_what_was_asked_for_is_shown(office: Office) -> None:
    _, out, _ = office("renewals", "--within", "10", "--rolling", "--client", "acme")
    assert "Ends in the next 7 days" in out
    assert "Not billed" not in out
    assert "(no client)" not in out
    _, out, _ = office("renewals", "--not-monthly")
    assert "Ends in" not in out
    assert "Visio Plan 2" in out
    _, out, _ = office("renewals", "--connection", "rmm-us")
    assert "nothing ends in the next 90 days" in out
    _, out, _ = office("renewals", "--connection", "rmm-us", "--not-monthly")
    assert "all that has a term is billed monthly" in out


def test_a_client_or_connection_that_is_none_is_refused(office: Office) -> None:
    code, _, err = office("renewals", "--client", "nobody")
    assert (code != 0, "no client has the id or the name" in err) == (True, True)
    code, _, err = office("renewals", "--connection", "nothing")
    assert (code, "there is no connection 'nothing'" in err) == (2, True)


def test_programs_read_the_same(office: Office) -> None:
    told = office.json("renewals")
    assert [(one["days"], [row["unit"] for row in one["rows"]]) for one in told["windows"]] == [
        (7, ["s1"]),
        (30, ["s2"]),
        (90, ["s3"]),
    ]
    first = told["windows"][0]["rows"][0]
    assert (first["client_name"], first["then"], first["seats"]) == ("Acme", "renews", 10)
    assert [row["unit"] for row in told["extended"]] == ["s6"]
    assert (told["rolling"], told["undated"]) == (1, 1)
    assert set(office.json("renewals", "--not-monthly")) == {
        "today", "timezone", "not_monthly", "read_at",
    }  # fmt: skip


def test_the_rows_as_a_file_name_their_section(office: Office, tmp_path: Path) -> None:
    target = tmp_path / "renewals.csv"
    code, _, err = office("renewals", "--csv", str(target))
    assert (code, "5 rows in" in err) == (0, True)
    rows = list(csv.DictReader(io.StringIO(target.read_text(encoding="utf-8-sig"))))
    assert [(row["section"], row["unit"]) for row in rows] == [
        ("within 7", "s1"),
        ("within 30", "s2"),
        ("within 90", "s3"),
        ("extended", "s6"),
        ("not monthly", "s4"),
    ]
    assert rows[4]["excluded"] == "not_monthly"
    code, _, err = office("renewals", "--csv", str(tmp_path / "no" / "file.csv"))
    assert (code, "cannot be written" in err) == (2, True)


def test_a_pull_leaves_issues_and_a_pull_without_them_closes_them(office: Office) -> None:
    found = office.json("issues", "--code", "RENEWAL_DUE")
    assert [(one["subject"], one["severity"]) for one in found] == [
        ("rmm/a", "error"),
        ("rmm/b", "warning"),
    ]
    assert [one["subject"] for one in office.json("issues", "--code", "EXTENDED_TERM")] == ["rmm/b"]
    office.sources["rmm"].units = ()
    office("pull", "rmm")
    assert office.json("issues", "--code", "RENEWAL_DUE") == []
    assert office.json("issues", "--code", "EXTENDED_TERM") == []


def test_an_explanation_tells_the_term_of_each_unit(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is charged by the year is not counted, and says in which month it renews."""
    source = office.sources["rmm"]
    source.units = (
        seats("a", "s1", date(2027, 1, 9)),
        seats("a", "s2", date(2027, 3, 31), billed="annual", excluded="not_monthly"),
    )
    at(monkeypatch, datetime(2026, 11, 30, 20, tzinfo=UTC))
    office("pull", "rmm")
    at(monkeypatch, datetime(2026, 12, 2, 9, tzinfo=UTC))
    sheet = tmp_path / "configurations.csv"
    sheet.write_text(
        "connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,position"
        f"\nrmm,,Cloud,average,{YEARLY.key},10,,,,\n",
        encoding="utf-8",
    )
    assert office("map", "configurations", "--import", str(sheet), "--yes")[0] == 0
    code, out, err = office("explain", "1", "2026-11")
    assert code == 0, err
    assert "x 10, 1 year to 2027-01-09, renews; billed monthly" in out
    assert (
        "[not_monthly], 1 year to 2027-04-01, renews; billed annual, renewal month 2027-04" in out
    )
    target = tmp_path / "pack"
    assert office("explain", "1", "2026-11", "--csv", str(target))[0] == 0
    units = csv.DictReader(io.StringIO((target / "units.csv").read_text(encoding="utf-8-sig")))
    assert [(row["id"], row["reason"], row["term"]) for row in units] == [
        ("s1", "", "1 year to 2027-01-09, renews; billed monthly"),
        (
            "s2",
            "not_monthly",
            "1 year to 2027-04-01, renews; billed annual, renewal month 2027-04",
        ),
    ]
