"""The commands pull, map, runs, issues and status as a user types them, in one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from syncd.sdk.errors import AuthError, VendorUnavailable
from syncd.sdk.records import PsaClient, ScopeState, ScopeVerdict
from tests.builders_command import CONFIG, Office, open_office

HEAVY = {
    "alembic",
    "apscheduler",
    "cryptography",
    "psycopg",
    "pydantic_settings",
    "rapidfuzz",
    "rich",
    "sqlmodel",
    "starlette",
    "uvicorn",
}
"""Modules that `syncd pull` must not pay for."""


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    return open_office(tmp_path, monkeypatch, capsys)


def test_pull_reads_every_source_and_shows_what_each_proved(office: Office) -> None:
    code, out, err = office("pull")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == [
        "connection", "accounts", "units", "opened", "closed", "state", "calls", "time",
    ]  # fmt: skip
    assert lines[2].split()[:7] == ["rmm", "2", "3", "3", "0", "complete", "1"]
    assert lines[3].split()[:7] == ["rmm-us", "2", "1", "1", "0", "complete", "1"]
    (again,) = office.json("pull", "rmm")
    assert (again["status"], again["opened"], again["calls"]) == ("succeeded", 0, 1)


def test_a_connection_that_fails_never_stops_the_others(office: Office) -> None:
    office.sources["rmm"].error = AuthError("the vendor refuses", remedy="renew the secret")
    code, out, err = office("pull")
    assert code == 4
    assert [line.split()[:6] for line in out.splitlines()[2:]] == [
        ["rmm", "-", "-", "-", "-", "failed"],
        ["rmm-us", "2", "1", "1", "0", "complete"],
    ]
    assert "error: the vendor refuses" in err
    assert "what to do: renew the secret" in err
    failed, fine = office.json("pull")
    assert (failed["error"]["code"], fine["status"]) == ("CREDENTIALS_REFUSED", "succeeded")


def test_a_defect_of_one_connection_is_told_and_does_not_stop_the_others(office: Office) -> None:
    office.sources["rmm"].error = KeyError("x")
    code, out, err = office("pull")
    assert code == 2
    assert "failed with KeyError at builders_data.py" in err
    assert "complete" in out


def test_a_pull_that_is_not_proven_is_partial_and_says_where_to_look(office: Office) -> None:
    office.sources["rmm"].verdicts = [
        ScopeVerdict("fleet", ScopeState.PARTIAL, 9, 3, ("PAGE_REPEATED: after=3",))
    ]
    office.sources["rmm-us"].error = VendorUnavailable("503")
    code, _, err = office("pull")
    assert code == 5
    assert "rmm: not everything was proven (PAGE_REPEATED" in err
    assert "see `syncd issues`" in err
    assert office("pull", "rmm")[0] == 6


@pytest.mark.parametrize(
    ("name", "told"),
    [("rmn", "there is no connection 'rmn'"), ("desk", "counts nothing that could be pulled")],
)
def test_only_sources_can_be_pulled(office: Office, name: str, told: str) -> None:
    code, _, err = office("pull", name)
    assert code == 2
    assert told in err


def test_a_pull_imports_nothing_that_only_other_commands_need(office: Office) -> None:
    """In a process of its own, since this one has loaded everything; the schema is there before."""
    office("status")
    (office.folder / "syncd.toml").write_text(CONFIG.partition("[connections.rmm-us]")[0])
    done = subprocess.run(
        [sys.executable, "-m", "tests.light_pull", str(office.folder / "syncd.toml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "complete" in done.stdout
    loaded = {name.partition(".")[0] for name in done.stderr.splitlines()}
    assert "aiosqlite" in loaded
    assert not loaded & HEAVY


def test_a_link_goes_from_proposal_to_bill_without_guessing(office: Office) -> None:
    office.furnish()
    code, out, _ = office("map", "propose")
    assert code == 0
    assert "names prove nothing" in out
    shown = office.json("map", "propose", "--accept-ids")
    assert shown["accepted"] == []
    by_account = {(one["connection"], one["account"]): one for one in shown["proposals"]}
    assert by_account["rmm", "b"]["rivals"] == ["3"]

    assert office("map", "link", "rmm", "a", "1", "--site", "Main")[0] == 0
    code, _, err = office("map", "link", "rmm", "b", "Globex")
    assert code == 6
    assert "write the id: one of 2, 3" in err
    code, _, err = office("map", "link", "rmm", "a", "2")
    assert code == 6
    assert "--replace" in err
    assert office("map", "link", "rmm", "a", "2", "--replace")[0] == 0
    code, out, _ = office("map", "unlink", "rmm", "a")
    assert (code, "it was client 2 (Globex)" in out) == (0, True)


def test_proposals_go_into_a_file_that_a_person_thins_out_and_imports(office: Office) -> None:
    office.furnish()
    file = office.folder / "proposals.csv"
    code, _, err = office("map", "propose", "--export", str(file))
    assert (code, f"--import {file}" in err) == (0, True)
    rows = {line.split(",")[1]: line for line in file.read_text().splitlines() if "rmm," in line}
    assert rows["a"].startswith("rmm,a,Acme,1,Acme,,,name,100,")
    assert rows["b"].startswith("rmm,b,Globex,,,,,name,100,")
    done = office.json("map", "links", "--import", str(file))
    assert [edit["subject"] for edit in done["added"]] == ["rmm/a (Acme)", "rmm-us/a (Acme)"]
    assert done["undecided"] == 2


def test_proposals_need_the_clients_of_the_psa(office: Office) -> None:
    office("pull")
    code, _, err = office("map", "propose")
    assert code == 6
    assert "run `syncd map refresh` first" in err


def test_a_file_goes_out_is_edited_and_comes_in(office: Office) -> None:
    office.furnish()
    file = office.folder / "links.csv"
    code, out, _ = office("map", "links", "--export", str(file))
    assert code == 0
    assert "4 rows of client links" in out
    text = file.read_text(encoding="utf-8").replace("rmm,a,Acme,,,", "rmm,a,Acme,1,Acme,")
    file.write_text(text, encoding="utf-8")
    code, out, _ = office("map", "links", "--import", str(file), "--dry-run")
    assert (code, "would be added 1" in out) == (0, True)
    code, out, _ = office("map", "links", "--import", str(file))
    assert (code, "added 1, changed 0, ended 0, unchanged 0, left open 3" in out) == (0, True)
    assert office.json("map", "links", "--import", str(file))["unchanged"] == 1
    code, out, _ = office("map", "links", "--export", "-")
    assert (code, out.count("\n")) == (0, 5)


def test_a_bad_file_is_told_line_by_line_and_stays_an_issue(office: Office) -> None:
    office.furnish()
    file = office.folder / "rates.csv"
    header = "connection,product,client,cost,price,restore_cost,restore_price,currency,valid_from\n"
    file.write_text(header + 'rmm,device:server,,"1,234.50",,,,,2026-11-01\nrmm,x,,1,,,,,\n')
    code, out, err = office("map", "rates", "--import", str(file))
    assert (code, out) == (6, "")
    assert "line 2, column cost: '1,234.50' is not an amount" in err
    assert "line 3, column product: rmm has no product 'x'" in err
    answer = office.json("map", "rates", "--import", str(file))
    assert [problem["line"] for problem in answer["error"]["problems"]] == [2, 3, 3]
    assert [one["code"] for one in office.json("issues") if one["subject"] == "rates"] == [
        "CSV_REJECTED"
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("map", "links"), "give either --export FILE or --import FILE"),
        (("map", "links", "--export", "a", "--import", "b"), "give either"),
        (("map", "links", "--export", "a", "--prune"), "go with --import"),
        (("map", "links", "--import", "nowhere.csv"), "nowhere.csv cannot be read"),
        (("map", "links", "--export", "/nowhere/x.csv"), "/nowhere/x.csv cannot be written"),
    ],
)
def test_a_file_option_that_makes_no_sense_is_told(
    office: Office, arguments: tuple[str, ...], told: str
) -> None:
    code, _, err = office(*arguments)
    assert code == 2
    assert told in err


def test_unmapped_shows_the_three_gaps_with_how_much(office: Office) -> None:
    office.furnish()
    code, out, _ = office("map", "unmapped")
    assert code == 0
    assert "Accounts without a client" in out
    assert "Products without an asset type" in out
    assert [one["units"] for one in office.json("map", "unmapped")["accounts"]] == [2, 1, 1, 0]


def test_runs_and_issues_tell_what_happened_and_what_helps(office: Office) -> None:
    assert "nothing ran yet" in office("runs")[1]
    assert "nothing needs a person" in office("issues")[1]
    office.sources["rmm"].error = AuthError("the vendor refuses the secret")
    office("pull")
    runs = office.json("runs", "rmm", "--limit", "5")
    assert [(one["kind"], one["status"], one["error_code"]) for one in runs] == [
        ("pull", "failed", "CREDENTIALS_REFUSED")
    ]
    assert "CREDENTIALS_REFUSED" in office("runs")[1]
    code, out, _ = office("issues")
    assert code == 0
    assert "the vendor refuses the secret" in out
    assert "syncd check rmm" in out
    office.sources["rmm"].error = None
    office("pull")
    assert "CREDENTIALS_REFUSED" not in office("issues")[1]
    assert "CREDENTIALS_REFUSED" in office("issues", "--all")[1]


def test_issues_are_filtered_by_connection_code_and_client_and_shown_one_by_one(
    office: Office,
) -> None:
    office.sources["rmm-us"].error = AuthError("refused")
    office("pull")
    office("map", "refresh")
    every = office.json("issues")
    assert {one["code"] for one in every} >= {"CREDENTIALS_REFUSED", "UNLINKED_ACCOUNT"}
    severities = [one["severity"] for one in every]
    assert severities == sorted(severities)
    us = office.json("issues", "--connection", "rmm-us")
    assert [one["code"] for one in us] == ["CREDENTIALS_REFUSED"]
    assert office.json("issues", "--code", "credentials_refused") == us
    code, out, _ = office("issues", str(us[0]["id"]))
    assert code == 0
    assert "CREDENTIALS_REFUSED" in out
    assert "subject: rmm-us" in out
    assert office.json("issues", str(us[0]["id"])) == us[0]
    code, _, err = office("issues", "4711")
    assert (code, "there is no issue 4711" in err) == (2, True)
    code, _, err = office("issues", "--client", "Nobody at all")
    assert (code, "no client has the id or the name" in err) == (6, True)
    assert office("map", "link", "rmm", "a", "1")[0] == 0
    assert office.json("issues", "--client", "Acme") == []
    assert office.json("issues", "--client", "globex")["error"]["code"] == "CLIENT_UNKNOWN"


def test_what_pulls_said_of_a_connection_ends_when_it_leaves_the_configuration(
    office: Office,
) -> None:
    office.sources["rmm-eu"] = office.sources["rmm"]
    office.sources["rmm-us"].error = AuthError("refused")
    office("pull")
    before = {(one["code"], one["connection"]) for one in office.json("issues")}
    assert ("CREDENTIALS_REFUSED", "rmm-us") in before
    file = office.folder / "syncd.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[connections.rmm]", '[connections.rmm-eu]\nformerly = "rmm"'))
    office("pull")
    still = {one["connection"] for one in office.json("issues")}
    assert still == {"rmm-eu", "rmm-us"}
    head, _, tail = file.read_text(encoding="utf-8").partition("[connections.rmm-us]")
    file.write_text(head + tail[tail.index("[connections.desk]") :], encoding="utf-8")
    office("pull")
    assert {one["connection"] for one in office.json("issues")} == {"rmm-eu"}


def test_status_says_what_to_do_next_until_nothing_is(office: Office) -> None:
    code, out, _ = office("status")
    assert code == 0
    assert "billing is in shadow" in out
    assert "`syncd pull rmm`: rmm is never read" in out
    office.furnish()
    seen = office.json("status")["overview"]
    assert [one["freshness"] for one in seen["connections"]] == ["fresh", "fresh", "fresh"]
    assert seen["next"] == [
        "`syncd map propose`: accounts with units have no client",
        "`syncd map unmapped`: products in use have no asset type",
    ]
    for name, account in (("rmm", "a"), ("rmm", "b"), ("rmm-us", "a")):
        office("map", "link", name, account, "1")
    products = office.folder / "products.csv"
    products.write_text(
        "connection,product,asset_type\n"
        "rmm,device:server,Server\nrmm,device:workstation,20\nrmm-us,device:server,10\n"
    )
    office("map", "products", "--import", str(products))
    assert "nothing is to be done" in office("status")[1]


def test_a_name_of_a_client_cannot_steer_the_terminal(office: Office) -> None:
    office.psa.client_list = (PsaClient("1", "Acme \x1b[31m\x07"),)
    office.furnish()
    _, out, _ = office("map", "link", "rmm", "a", "1")
    assert "\x1b" not in out
    assert "\x07" not in out


@pytest.fixture(autouse=True)
def _strict_events() -> Any:
    from syncd import log

    log.configure(log_format="json", level="error", strict=True)
    yield
    log.configure()
