"""What an edit does to bills, as `map`, `template` and `policy` print it, and the question."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.builders_command import Office, open_office

RATES = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"
CONFIGURATIONS = (
    "connection,account,name,mode,products,asset_type,supplier,price_owner,cost_owner,position\n"
)
GOLD = """kind,connection,name,mode,products,asset_type,product,cost,price,valid_from
configuration,rmm,Managed,average,device:server,10,,,,
rate,rmm,,,,,device:server,2,9,2026-01-01
"""


_MADE: dict[str, bytes] = {}
"""The files of the database that every test here begins with; it is made once."""


def at(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Every command from here on runs at this moment."""
    now = datetime.fromisoformat(moment)
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: now)


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """Counted in October and in November, linked, configured and priced."""
    office = open_office(tmp_path, monkeypatch, capsys)
    if not _MADE:
        _make(office, monkeypatch)
        _MADE.update({one.name: one.read_bytes() for one in tmp_path.glob("syncd.db*")})
    for name, content in _MADE.items():
        (tmp_path / name).write_bytes(content)
    at(monkeypatch, "2026-11-20T09:00:00+00:00")
    return office


def _make(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2026-10-31T20:00:00+00:00")
    office.furnish()
    at(monkeypatch, "2026-11-20T09:00:00+00:00")
    office.furnish()
    for kind, text in {
        "links": "connection,account,client,site\nrmm,a,1,\nrmm,b,2,\n",
        "configurations": CONFIGURATIONS + "rmm,,Devices,average,device:server,10,,,,0\n",
        "rates": RATES + "rmm,device:server,,2,5,,,,2026-01-01\n",
    }.items():
        assert take(office, kind, text)[0] == 0


def take(office: Office, kind: str, text: str, *options: str) -> tuple[int, str, str]:
    file = office.folder / f"{kind}.csv"
    file.write_text(text, encoding="utf-8")
    return office("map", kind, "--import", str(file), *options)


def price(office: Office) -> Decimal:
    """The price of a server that holds now."""
    office("map", "rates", "--export", str(office.folder / "out.csv"))
    rows = (office.folder / "out.csv").read_text(encoding="utf-8").splitlines()
    (row,) = (row.split(",") for row in rows if row.startswith("rmm,device:server"))
    return Decimal(row[rows[0].split(",").index("price")])


class Terminal(io.StringIO):
    """A standard input at which somebody types."""

    def isatty(self) -> bool:
        return True


DEARER = RATES + "rmm,device:server,,2,8,,,,2026-01-01\n"


def test_an_import_shows_what_it_does_to_both_months(office: Office) -> None:
    code, out, _ = take(office, "rates", DEARER)
    assert code == 0
    assert "if this had held for 2026-10, in GBP:" in out
    assert "the running month 2026-11, with its counts so far, in GBP:" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["Acme", "(1)", "5.00", "8.00", "+3.00", "+0.00", "1", "line", "changed"] in lines
    assert any(line[:2] == ["all", "2"] and "+3.00" in line for line in lines)
    assert "Acme: Devices: 1 unit, 5.00 -> 8.00 (changed)" in out
    assert price(office) == 8


def test_the_effect_stands_beside_the_edits_in_json(office: Office) -> None:
    file = office.folder / "rates.csv"
    file.write_text(DEARER)
    found = office.json("map", "rates", "--import", str(file))
    assert (len(found["changed"]), found["dry_run"]) == (1, False)
    october, november = found["effect"]["months"]
    assert (october["period"], november["period"]) == ("2026-10", "2026-11")
    assert october["effect"]["clients"][0]["lines"][0]["price_after"] == "8.00"
    assert price(office) == 8


def test_a_dry_run_shows_the_effect_and_stores_nothing(office: Office) -> None:
    _, out, _ = take(office, "rates", DEARER, "--dry-run")
    assert "if this had held for 2026-10" in out
    assert "would be changed 1" in out
    assert price(office) == 5


@pytest.mark.parametrize(("answer", "after"), [("n\n", 5), ("\n", 5), ("y\n", 8)])
def test_a_person_at_a_terminal_is_asked_first(
    office: Office, monkeypatch: pytest.MonkeyPatch, answer: str, after: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    _, out, _ = take(office, "rates", DEARER)
    assert "Store this?" in out
    assert ("nothing was stored" in out) is (after == 5)
    assert price(office) == after


def test_yes_asks_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    _, out, _ = take(office, "rates", DEARER, "--yes")
    assert "Store this?" not in out
    assert price(office) == 8


def test_a_file_that_changes_nothing_shows_no_effect_and_asks_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    code, out, _ = take(office, "rates", DEARER.replace(",2,8,", ",2,5,"))
    assert (code, "if this had held" in out, "Store this?" in out) == (0, False, False)
    assert "unchanged 1" in out


def test_the_effect_can_be_left_out(office: Office) -> None:
    _, out, _ = take(office, "rates", DEARER, "--no-effect")
    assert "if this had held" not in out
    assert price(office) == 8
    file = office.folder / "out.csv"
    assert office("map", "rates", "--export", str(file), "--no-effect")[0] == 2


def test_a_rate_from_a_later_month_says_from_which(office: Office) -> None:
    _, out, _ = take(office, "rates", RATES + "rmm,device:server,,2,8,,,,2026-12-15\n")
    assert "1 row of it counts from 2027-01 on" in out
    assert "if this had held for 2026-10: no bill changes" in out
    assert "from 2027-01 on, with the counts of 2026-11 so far, in GBP:" in out


def test_a_bill_that_would_stop_is_told_before_it_is_stored(office: Office) -> None:
    text = CONFIGURATIONS + "rmm,,Devices,average,device:server,,,,,0\n"
    _, out, _ = take(office, "configurations", text, "--dry-run")
    assert "would stop: ASSET_TYPE_MISSING:device:server (rmm a)" in out
    assert "1 client would stop" in out


def test_without_counts_an_import_says_so_in_one_line_and_works(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-09-20T09:00:00+00:00")
    code, out, _ = take(office, "rates", DEARER)
    assert code == 0
    assert "if this had held for 2026-08: nothing was counted yet" in out
    assert price(office) == 8


def test_a_bad_file_is_refused_with_or_without_a_terminal_and_opens_its_issue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    code, _, err = take(office, "rates", RATES + "rmm,device:server,,x,,,,,2026-01-01\n")
    assert code != 0
    assert "'x' is not an amount" in err
    assert "CSV_REJECTED" in office("issues")[1]


def gold(office: Office, text: str = GOLD) -> None:
    file = office.folder / "gold.csv"
    file.write_text(text, encoding="utf-8")
    code, out, _ = office("template", "save", "gold", str(file))
    assert (code, "template 'gold' saved" in out) == (0, True)


def test_a_template_goes_from_file_to_bills(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no template" in office("template", "list")[1]
    gold(office)
    _, out, _ = office("template", "clients", "gold", "--add", "1", "--add", "2")
    assert "on 'gold': Acme (1), Globex (2)" in out
    assert "next: syncd template apply gold" in out
    _, out, _ = office("template", "show", "gold")
    assert "configuration:" in out
    assert "Managed" in out
    rows = office("template", "list")[1].splitlines()
    assert rows[2].split() == ["gold", "2", "1", "1", "0", "4", "edits"]

    code, out, _ = office("template", "apply", "gold")
    assert (code, "nothing was stored" in out) == (3, True)
    assert "if this had held for 2026-10, in GBP:" in out
    assert office("template", "apply", "gold", "--dry-run")[0] == 0
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert office("template", "apply", "gold")[0] == 3
    assert office("template", "list")[1].splitlines()[2].split()[-2:] == ["4", "edits"]

    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    code, out, _ = office("template", "apply", "gold")
    assert (code, "4 decisions written for 2 clients" in out) == (0, True)
    assert office("template", "list")[1].splitlines()[2].split()[-1] == "no"
    assert "nothing to do: 4 decisions stand" in office("template", "apply", "gold")[1]
    out = office("template", "clients", "gold", "--remove", "Acme")[1]
    assert "what the template decided for a client that left it stays" in out


def test_a_template_for_programs_says_what_it_did(office: Office) -> None:
    gold(office)
    assert office.json("template", "clients", "gold", "--add", "1")["clients"] == {"1": "Acme"}
    code, out, _ = office("--json", "template", "apply", "gold")
    assert (code, json.loads(out)["applied"]) == (3, False)
    found = office.json("template", "apply", "gold", "--yes")
    assert (found["applied"], len(found["edits"])) == (True, 2)
    assert found["effect"]["months"][0]["effect"]["clients"][0]["client"] == "1"
    assert office.json("template", "list")[0]["open_edits"] == 0


def test_a_template_in_conflict_is_refused_with_what_is_in_the_way(office: Office) -> None:
    take(office, "rates", RATES + "rmm,device:server,1,2,7,,,,2026-01-01\n")
    gold(office)
    office("template", "clients", "gold", "--add", "1")
    code, _, err = office("template", "apply", "gold", "--yes")
    assert code != 0
    assert "rate rmm/device:server for client 1 in GBP from 2026-01-01" in err
    assert "--replace" in err
    assert office("template", "apply", "gold", "--yes", "--replace")[0] == 0


def test_a_template_is_exported_and_a_bad_one_refused(office: Office) -> None:
    gold(office)
    file = office.folder / "again.csv"
    assert office("template", "export", "gold", str(file))[0] == 0
    assert "says what it said already" in office("template", "save", "gold", str(file))[1]
    assert office("template", "export", "gold", "-")[1] == file.read_text(encoding="utf-8")
    file.write_text(GOLD.replace("average", "mean"), encoding="utf-8")
    code, _, err = office("template", "save", "gold", str(file))
    assert code != 0
    assert "line 2, column mode: 'mean' is not known" in err
    assert "there is no template 'silver'" in office("template", "show", "silver")[2]


def simulated(office: Office, *options: str) -> Any:
    return office("policy", "simulate", "--last", "1", *options)


def test_a_policy_is_tried_and_shown_as_a_table_json_and_csv(office: Office) -> None:
    setting = ("--set", "device:server: minimum=4")
    code, out, _ = simulated(office, *setting)
    assert code == 0
    assert "2026-10 in GBP" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["Acme", "(1)", "2026-10", "-", "5.00", "20.00", "+15.00"] in lines
    assert lines[-2][:2] != ["error:"]
    file = office.folder / "months.csv"
    assert simulated(office, *setting, "--client", "Acme", "--csv", str(file))[0] == 0
    assert file.read_text(encoding="utf-8").splitlines()[1] == (
        "1,Acme,2026-10,GBP,,5.00,20.00,15.00,2.00,8.00,"
    )
    found = office.json("policy", "simulate", "--last", "1", *setting)
    assert (found["periods"], found["total"]["difference"]) == (["2026-10"], "35.00")


def test_a_policy_must_be_named_and_right(office: Office) -> None:
    code, _, err = simulated(office)
    assert code == 2
    assert "give another policy" in err
    code, _, err = simulated(office, "--set", "device:server: includes=4")
    assert code != 0
    assert "did you mean 'included'?" in err
    file = office.folder / "rates.csv"
    file.write_text(RATES + "rmm,device:toaster,,2,7,,,,2026-01-01\n", encoding="utf-8")
    assert "has no product 'device:toaster'" in simulated(office, "--rates", str(file))[2]


def test_a_template_is_decided_at_the_yes_and_not_when_it_was_asked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that was made while the question stood did not know of it."""
    gold(office)
    office("template", "clients", "gold", "--add", "1")
    moments = [datetime.fromisoformat("2026-11-20T09:00:00+00:00")]
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _settings: lambda: moments[-1])
    terminal = Terminal("y\n")

    def answered(*_: Any, **__: Any) -> bool:
        moments.append(datetime.fromisoformat("2026-11-20T09:10:00+00:00"))
        return True

    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("typer.confirm", answered)
    assert office("template", "apply", "gold")[0] == 0
    with closing(sqlite3.connect(office.folder / "syncd.db")) as database:
        (recorded,) = database.execute(
            "SELECT DISTINCT recorded_at FROM rate WHERE template = 'gold'"
        ).fetchone()
    assert recorded == int(moments[-1].timestamp() * 1_000_000)
