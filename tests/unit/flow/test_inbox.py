"""The inbox: what is gravest, dearest and oldest comes first, and every line fits its terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.cli.issue_view import MOST_OF_A_CODE, show_groups, show_one
from syncd.cli.output import Output
from syncd.core.service.issue_inbox import ClientNames, about_client, in_groups, money_of, told
from syncd.core.store.issues import Issue, IssueSeverity

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def issue(
    code: str = "PLAN_HELD",
    *,
    number: int = 1,
    severity: str = "warning",
    money: str | None = None,
    days: int = 0,
    subject: str = "rmm/5",
    message: str = "The bill of Acme waits.",
    remedy: str = "See `syncd plans show 2026-10-1`.",
    **evidence: Any,
) -> Issue:
    whole: Mapping[str, Any] = evidence if money is None else {**evidence, "money": money}
    return Issue(
        id=number,
        code=code,
        subject=subject,
        connection="rmm",
        severity=IssueSeverity(severity),
        message=message,
        remedy=remedy,
        evidence=whole,
        opened_at=NOW - timedelta(days=days),
        last_seen_at=NOW,
    )


def numbers(*issues: Issue) -> list[list[int]]:
    return [[one.id for one in group] for group in in_groups(issues)]


def test_errors_come_before_warnings_whatever_their_money() -> None:
    dear = issue(number=1, money="9000")
    assert numbers(dear, issue("SITE_NOT_MAPPED", number=2, severity="error")) == [[2], [1]]


def test_more_money_comes_first_whatever_its_sign_then_the_older() -> None:
    given = [
        issue(number=1),
        issue(number=2, money="5.00"),
        issue(number=3, money="-800.00"),
        issue(number=4, days=3),
    ]
    assert numbers(*given) == [[3, 2, 4, 1]]


def test_issues_of_a_code_stay_together_at_the_place_of_the_first() -> None:
    given = [
        issue("A_CODE", number=1, money="10"),
        issue("B_CODE", number=2, money="20"),
        issue("A_CODE", number=3, money="30"),
    ]
    assert numbers(*given) == [[3, 1], [2]]


def test_what_is_billed_so_far_counts_where_no_change_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped = issue("SITE_NOT_MAPPED", number=2, at_stake="700.00", currency="GBP")
    given = [issue("SITE_NOT_MAPPED", number=1, at_stake="30.00"), stopped]
    assert numbers(*given) == [[2, 1]]
    assert ", 700.00 GBP at stake" in printed(capsys, stopped)


@pytest.mark.parametrize(
    ("said", "amount"),
    [("12.50", Decimal("12.50")), ("many", None), ("NaN", None), ("Infinity", None)],
)
def test_money_is_read_from_the_evidence_or_unknown(said: str, amount: Decimal | None) -> None:
    assert money_of(issue(money=said)) == amount
    assert money_of(issue()) is None


def test_an_issue_is_about_a_client_by_its_account_or_by_its_evidence() -> None:
    acme = ClientNames("1001", "Acme Ltd", frozenset({"rmm/5"}))
    assert about_client(issue(), acme)
    assert about_client(issue(subject="psa/k", client="Acme Ltd"), acme)
    assert about_client(issue(subject="psa/k", client="1001"), acme)
    assert about_client(issue(subject="billing", clients=["Globex", "Acme Ltd"]), acme)
    assert not about_client(issue(subject="rmm/51", client="Acme"), acme)


def test_evidence_is_told_value_by_value_and_nothing_of_it_is_empty() -> None:
    evidence = {"a": 1, "b": ["x", "y", ""], "c": None, "d": {"e": "f"}, "note": True, "g": ""}
    assert told(evidence) == [("a", "1"), ("b", "x"), ("b", "y"), ("d.e", "f")]


def printed(capsys: pytest.CaptureFixture[str], *issues: Issue, whole: bool = False) -> str:
    show_groups(Output(), in_groups(issues), zone=LONDON, now=NOW, whole=whole)
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 60, 200])
def test_the_view_fits_its_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = issue(
        subject="psa/syncd:c0ffee01:0123456789abcdef0123456789abcdef0123456789:c1:abcdef012345",
        message="The bill of A Client With A Long Name " * 4,
        money="-1234.50",
        currency="GBP",
        client="x" * 150,
    )
    out = printed(capsys, long, issue("SITE_NOT_MAPPED", number=2, severity="error"))
    show_one(Output(), long, LONDON)
    out += capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "-1,234.50 GBP" in " ".join(out.split())


def test_a_remedy_that_all_share_is_said_once_and_others_beside_their_issue(
    capsys: pytest.CaptureFixture[str],
) -> None:
    same = printed(capsys, issue(number=1), issue(number=2))
    assert same.count("syncd plans show") == 1
    other = printed(capsys, issue(number=1), issue(number=2, remedy="Do `syncd pull rmm`."))
    assert (other.count("syncd plans show"), other.count("syncd pull rmm")) == (1, 1)


def test_a_long_group_is_cut_with_the_command_that_shows_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = [issue(number=n) for n in range(1, MOST_OF_A_CODE + 6)]
    assert "and 5 more: `--code PLAN_HELD`" in printed(capsys, *many)
    whole = printed(capsys, *many, whole=True)
    assert "more:" not in whole
    assert f"{len(many)} warnings" in whole


def test_an_empty_inbox_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == "nothing needs a person\n"
