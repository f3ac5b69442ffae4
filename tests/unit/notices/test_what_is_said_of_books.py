"""Invoices on their way into the books: who is told at once, who in the digest, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.core.service.notice_content import News
from syncd.core.service.notices import compose
from syncd.core.store.issues import Issue, IssueSeverity
from syncd.sdk.notices import Notice, NoticeKind
from tests.builders_notify import NOW, ended, issue, reader


def about(number: int, code: str, **changes: Any) -> Issue:
    values = {"connection": "xero", "subject": f"xero/INV-{number}", **changes}
    return issue(number, code, **values)


def waiting(count: int = 38) -> Issue:
    """What waits for a release as a whole."""
    return about(
        1,
        "APPROVAL_NEEDED",
        severity=IssueSeverity.WARNING,
        evidence={"plan": "inv-1", "documents": count, "money": "692.70 GBP, 10 EUR"},
    )


def row(number: int, code: str, severity: IssueSeverity) -> Issue:
    """A row of a plan that is held or refused."""
    return about(
        number, code, severity=severity,
        evidence={"plan": "inv-1", "row": f"r{number}", "client": "Acme", "money": "24.00",
                  "number": f"INV-{number}", "currency": "GBP"},
    )  # fmt: skip


def parked(number: int, code: str = "FOREIGN_DOCUMENT") -> Issue:
    return about(number, code, evidence={"key": "k", "number": f"INV-{number}", "client": "Acme"})


def said(*issues: Issue, runs: tuple[Any, ...] = (), **who: Any) -> Notice | None:
    on = who.pop("on", ())
    news = News(issues=issues, runs=runs)
    return compose(news, reader(*on, **who), notice_id="by/x", now=NOW)


def everything(notice: Notice | None) -> str:
    assert notice is not None
    return f"{notice.title}\n{notice.text}"


def test_documents_that_wait_for_a_release_are_counted_with_the_command_that_shows_them() -> None:
    found = said(waiting(), row(2, "ZERO_TOTAL", IssueSeverity.WARNING))
    assert found is not None
    assert found.kinds == (NoticeKind.HELD,)
    assert found.title == "syncd: 39 documents to release"
    assert "xero: 38 documents, APPROVAL_NEEDED" in found.text
    assert "xero: 1 document, ZERO_TOTAL" in found.text
    assert "syncd plan invoices xero" in found.text
    assert "inv-1" not in found.text, "the next round makes another plan"


def test_money_and_clients_are_for_those_who_may_know() -> None:
    issues = (waiting(), row(2, "ZERO_TOTAL", IssueSeverity.WARNING), parked(3))
    assert "692.70 GBP, 10 EUR" in everything(said(*issues, clients=True))
    assert "(Acme)" in everything(said(*issues, clients=True))
    hidden = everything(said(*issues))
    for secret in ("692.70", "24.00", "Acme", "INV-", "PC-SECRET"):
        assert secret not in hidden


def test_a_document_that_only_a_person_can_settle_is_told_at_once() -> None:
    found = said(parked(1), parked(2, "NEVER_ARRIVED"), on=(NoticeKind.FAILED,))
    assert found is not None
    assert found.title == "syncd: 2 documents to look at"
    assert "xero: FOREIGN_DOCUMENT" in found.text
    assert "xero: NEVER_ARRIVED" in found.text


def test_what_is_refused_before_it_was_sent_is_no_failure_and_in_the_digest() -> None:
    refused = row(1, "UNMAPPED_CONTACT", IssueSeverity.ERROR)
    assert said(refused, on=(NoticeKind.FAILED, NoticeKind.HELD)) is None
    found = said(refused, on=(NoticeKind.DIGEST,))
    assert found is not None
    assert found.title == "syncd: 1 invoice that is refused"
    assert "xero: UNMAPPED_CONTACT" in found.text


def test_a_read_that_failed_is_a_failure_and_no_document() -> None:
    unread = about(1, "INVOICES_NOT_READ", evidence={"code": "VENDOR_UNAVAILABLE"})
    found = said(unread)
    assert found is not None
    assert found.title == "syncd: 1 failure to look at"
    assert found.kinds == (NoticeKind.FAILED,)


def test_a_mapping_whose_target_is_gone_is_no_failure() -> None:
    gone = about(1, "MAPPED_TARGET_GONE", evidence={"kind": "item", "source": "7", "target": "21"})
    assert said(gone, on=(NoticeKind.FAILED,)) is None
    assert "MAPPED_TARGET_GONE" in everything(said(gone, on=(NoticeKind.DIGEST,)))


def test_an_answer_that_was_lost_heals_by_itself_and_is_in_the_digest() -> None:
    lost = about(
        1, "OUTCOME_UNKNOWN", severity=IssueSeverity.WARNING,
        evidence={"key": "k", "number": "INV-1", "client": "Acme"},
    )  # fmt: skip
    assert said(lost, on=(NoticeKind.FAILED,)) is None
    assert "OUTCOME_UNKNOWN" in everything(said(lost, on=(NoticeKind.DIGEST,)))


def test_an_unknown_write_of_a_bill_is_told_as_before() -> None:
    assert "of unknown outcome" in everything(said(issue(1, "OUTCOME_UNKNOWN")))


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"planned": 3, "confirmed": 2}, True),
        ({"planned": 40, "held": 40, "confirmed": 0}, False),
        ({"planned": 40}, False),
        ({}, False),
    ],
)
def test_whoever_always_wants_a_word_hears_of_rounds_that_posted(
    counts: dict[str, int], told: bool
) -> None:
    run = ended(kind="books", subject="xero", counts=counts)
    found = said(runs=(run,), always=True)
    assert (found is not None) is told
    if told:
        assert "2 documents sent, nothing new needs you" in everything(found)
        assert "2 documents into xero" in everything(found)


def test_a_digest_says_what_was_posted_beside_what_is_open() -> None:
    run = ended(kind="books", subject="xero", counts={"confirmed": 1})
    assert "1 document into xero" in everything(said(parked(1), runs=(run,)))


def test_a_round_that_failed_is_told() -> None:
    failed = ended("failed", kind="read back", subject="xero", error_code="DEFECT")
    assert "read back of xero failed: DEFECT" in everything(said(runs=(failed,)))
