"""Composition: what needs somebody, in words that this reader may know, and nothing else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from syncd.core.service import late_issues, notices, plan_issues, queueing
from syncd.core.service.notice_content import ClosingWindow, EarlierNotice, News
from syncd.core.service.notices import compose
from syncd.core.store.issues import IssueSeverity
from syncd.core.store.notices import SentBills
from syncd.sdk.notices import Notice, NoticeKind
from tests.builders_notify import NOW, ended, held, issue, reader

SENT = (SentBills(period="2026-11", currency="GBP", bills=3, money=Decimal("300.00")),)
WINDOW = ClosingWindow(
    period="2026-11", last_day=date(2026, 12, 3), held=1, missing=2, clients=("Acme", "Bolt")
)
SECRETS = ("PC-SECRET", "bob@acme.test")


def said(news: News, **who: object) -> Notice | None:
    on = who.pop("on", ())
    return compose(news, reader(*on, **who), notice_id="by/x", now=NOW)  # type: ignore[arg-type, misc]


def everything(notice: Notice | None) -> str:
    assert notice is not None
    return f"{notice.title}\n{notice.text}"


def test_nothing_that_needs_somebody_is_no_message() -> None:
    assert said(News(runs=(ended(),), sent=SENT)) is None


def test_always_tells_of_a_run_of_billing_that_needs_nobody() -> None:
    text = everything(said(News(runs=(ended(),), sent=SENT), always=True))
    assert "3 bills sent, nothing new needs you" in text
    assert "3 bills of 2026-11" in text


@pytest.mark.parametrize("run", [ended(kind="pull"), ended(counts={"bills": 0, "missed": 0})])
def test_always_tells_nothing_of_a_pull_or_of_an_hourly_look(run: object) -> None:
    assert said(News(runs=(run,)), always=True) is None  # type: ignore[arg-type]


def test_held_bills_are_counted_with_their_rules_and_the_next_command() -> None:
    text = everything(said(News(issues=(held(1), held(2, "Bolt")))))
    assert "syncd: 2 held bills to release" in text
    assert "plan 2026-11-1: 2 bills held (FIRST_BILL 2)" in text
    assert "syncd plans release 2026-11-1 --reason TEXT" in text


def test_a_reader_of_counts_sees_no_client_and_no_money() -> None:
    late = issue(
        3,
        "LATE_CHANGE",
        severity=IssueSeverity.WARNING,
        evidence={"client": "Acme", "period": "2026-11", "price_change": "7.00"},
    )
    refused = issue(4, "DELIVERY_REJECTED", evidence={"client": "Acme"})
    text = everything(
        said(News(runs=(ended(),), issues=(held(1), late, refused), sent=SENT, closing=WINDOW))
    )
    for hidden in ("Acme", "Bolt", "120", "300", "7.00"):
        assert hidden not in text


def test_a_reader_of_clients_sees_names_money_and_remedies() -> None:
    text = everything(
        said(News(runs=(ended(),), issues=(held(1),), sent=SENT, closing=WINDOW), clients=True)
    )
    assert "Acme: +120.00 GBP (FIRST_BILL); See `syncd plans show 2026-11-1`." in text
    assert "together +120.00 GBP" in text
    assert "3 bills of 2026-11: 300.00 GBP" in text
    assert "Bolt" in text


@pytest.mark.parametrize("clients", [False, True])
def test_units_and_users_are_never_named(clients: bool) -> None:
    codes = ("DUPLICATE_UNIT", "UNKNOWN_USER", "UNMAPPED_PRODUCT", "LATE_CHANGE", "NOBODY_KNOWS",
             "CREDENTIALS_REFUSED", "AUTO_WINDOW_MISSED", "OUTCOME_UNKNOWN")  # fmt: skip
    issues = tuple(issue(n, code) for n, code in enumerate(codes))
    text = everything(said(News(issues=issues), clients=clients))
    for secret in SECRETS:
        assert secret not in text
    for code in codes[:2] + codes[-3:]:
        assert code in text


def test_refused_credentials_name_the_connection_and_its_check() -> None:
    found = said(News(issues=(issue(1, "CREDENTIALS_REFUSED"),)))
    assert found is not None
    assert found.title == "syncd: renew the credentials of rmm"
    assert found.kinds == (NoticeKind.CREDENTIALS,)
    assert "syncd check rmm" in found.text


@pytest.mark.parametrize(
    ("code", "heading"),
    [("SIGN_IN_ENDS", "Sign-ins end soon"), ("SIGN_IN_EXPIRED", "Credentials refused")],
)
def test_a_sign_in_is_told_with_the_command_that_renews_it(code: str, heading: str) -> None:
    found = said(News(issues=(issue(1, code),)))
    assert found is not None
    assert found.kinds == (NoticeKind.CREDENTIALS,)
    assert heading in found.text
    assert "syncd login rmm" in found.text
    assert "syncd check rmm" not in found.text


def test_a_closing_window_says_how_many_and_until_when() -> None:
    text = everything(said(News(closing=WINDOW)))
    assert "3 automatic bills of 2026-11 to send by 2026-12-03" in text


@pytest.mark.parametrize(
    ("run", "covered", "told"),
    [
        (ended("failed", error_code="DEFECT"), (), True),
        (ended("failed", error_code="VENDOR_UNAVAILABLE"), ("VENDOR_UNAVAILABLE",), False),
        (ended("failed", subject="rmm", error_code="X"), ("rmm",), False),
        (ended("partial", error_code="DEFECT"), (), False),
        (ended("interrupted"), (), False),
    ],
)
def test_a_failed_run_is_told_unless_an_open_issue_says_it(
    run: object, covered: tuple[str, ...], told: bool
) -> None:
    found = said(News(runs=(run,), covered=frozenset(covered)))  # type: ignore[arg-type]
    assert (found is not None) is told


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (NoticeKind.HELD, "held bill"),
        (NoticeKind.CREDENTIALS, "renew"),
        (NoticeKind.WINDOW, "missed"),
        (NoticeKind.FAILED, "failure"),
        (NoticeKind.DIGEST, "late change"),
    ],
)
def test_a_notifier_tells_only_what_it_is_on(kind: NoticeKind, words: str) -> None:
    codes = ("CREDENTIALS_REFUSED", "AUTO_WINDOW_MISSED", "PULL_INCOMPLETE", "LATE_CHANGE")
    news = News(issues=(held(9), *(issue(n, code) for n, code in enumerate(codes))))
    found = said(news, on=(kind,))
    assert found is not None
    assert words in found.title
    assert found.kinds == (kind,)


def test_what_a_person_has_to_map_is_no_failure() -> None:
    found = said(News(issues=(issue(1, "UNLINKED_ACCOUNT"),)), on=(NoticeKind.FAILED,))
    assert found is None


@pytest.mark.parametrize("code", ["RENEWAL_DUE", "EXTENDED_TERM"])
def test_a_commitment_that_ends_is_in_the_digest_and_no_failure(code: str) -> None:
    """Also in its last week, when its issue is an error."""
    due = issue(1, code)
    assert due.severity is IssueSeverity.ERROR
    assert said(News(issues=(due,)), on=(NoticeKind.FAILED,)) is None
    found = said(News(issues=(due,)), on=(NoticeKind.DIGEST,))
    assert code in everything(found)
    assert "PC-SECRET" not in everything(said(News(issues=(due,)), clients=True))


def test_an_earlier_message_that_may_be_lost_is_repeated_but_is_no_reason_to_write() -> None:
    lost = EarlierNotice(made_at=NOW, title="syncd: 1 held bill to release", lines=("plan 1",))
    assert said(News(earlier=(lost,))) is None
    text = everything(said(News(issues=(held(1),), earlier=(lost,))))
    assert "may not have arrived" in text
    assert "… plan 1" in text


@pytest.mark.parametrize(
    "name", ["Acme\nBcc: all@x.test", "Acme\r\n\r\n<html>", "A\x00\x1b[2J\u2028B"]
)
def test_a_name_cannot_break_its_line(name: str) -> None:
    found = said(News(issues=(held(1, name),)), clients=True)
    assert found is not None
    lines = [line for section in found.sections for line in (section.heading, *section.lines)]
    assert all(line.isprintable() for line in (found.title, *lines))


def test_a_long_list_is_cut_and_says_so() -> None:
    found = said(News(issues=tuple(held(n, f"Client {n}") for n in range(60))), clients=True)
    assert found is not None
    assert len(found.sections[0].lines) == 21
    assert found.sections[0].lines[-1] == "… and 42 more lines"


def test_codes_are_written_as_those_who_open_them_write_them() -> None:
    assert notices.PLAN_HELD == plan_issues.PLAN_HELD
    assert notices.AUTO_WINDOW_MISSED == queueing.AUTO_WINDOW_MISSED
    assert notices.LATE_CHANGE == late_issues.LATE_CHANGE
