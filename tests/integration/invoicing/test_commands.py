"""Plans of invoices as a person types them, from the first look to the story of a document."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest

from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument
from tests.builders_intake import BookOffice, document, furnish, mapped
from tests.builders_invoices import START, invoice, line


def live(office: BookOffice) -> None:
    """Read, mapped, linked and live."""
    wrong = invoice("3", line(1, tax_code="77"))
    furnish(office, invoice("1"), invoice("2"), wrong)
    mapped(office)
    assert office("invoices", "link", "uk-books")[0] == 0
    code, out, err = office(
        "golive", "uk-books", "--from", "2026-11-01", "--why", "the books are ready", "--yes"
    )
    assert code == 0, out + err


def test_a_plan_shows_money_and_objections_and_apply_posts_what_may_go(office: BookOffice) -> None:
    live(office)
    code, out, err = office("plan", "invoices", "uk-books")
    assert code == 6, out + err
    assert "INV-00001" in out
    assert "+24.00 GBP" in out
    assert "UNMAPPED_TAX" in out
    data = office.json("plan", "invoices", "uk-books")["plans"][0]
    assert data["summary"]["ready"] == {"rows": 2, "money": {"GBP": "48.00"}}
    assert data["plan"].startswith("inv-")
    assert office.books["uk-books"].entries == {}
    assert "would be written" in office("apply", data["plan"], "--dry-run")[1]
    assert office.books["uk-books"].entries == {}
    code, out, err = office("apply", data["plan"])
    assert code == 0, out + err
    assert "2 documents confirmed, 1 write call made" in out
    assert " 24.00 GBP" in out  # a total has no plus
    assert "2 invoices marked in the PSA" in out
    assert len(office.books["uk-books"].entries) == 2
    assert "applied" in office("plans", "show", data["plan"])[1]


def test_a_client_that_is_mapped_later_is_linked_before_its_older_invoices_are_posted(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = invoice("1")
    by_hand = invoice("7", client="c3", client_name="Gamma Ltd")
    furnish(office, mine, by_hand)
    mapped(office)
    assert office("invoices", "link", "uk-books")[0] == 0
    assert office("golive", "uk-books", "--from", "2026-11-01", "--yes")[0] == 0
    book = office.books["uk-books"]
    book.catalogue.append(
        LedgerReference(kind=ReferenceKind.CONTACT, key="contact-3", name="Gamma Ltd")
    )
    book.add(document("INV-00007", contact="contact-3", contact_name="Gamma Ltd"))
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _: lambda: START + timedelta(hours=6))
    assert office("map", "books", "--refresh")[0] == 0
    mapped(office, "kind,source,target,meaning\ncontact,c3,contact-3,\n")
    held = office.json("plan", "invoices", "uk-books")["plans"][0]["summary"]
    assert (held["ready"]["rows"], held["held"]["rows"]) == (1, 1)
    assert "LINK_AGAIN" in office("plan", "invoices", "uk-books")[1]
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _: lambda: START + timedelta(hours=7))
    assert office.json("invoices", "link", "uk-books")["counts"]["linked"] == 1
    done = office.json("plan", "invoices", "uk-books")["plans"][0]["summary"]
    assert done["ready"]["rows"] == 1
    assert "held" not in done or not done["held"]["rows"]


def test_what_is_held_is_released_with_a_reason(office: BookOffice) -> None:
    config = office.folder / "syncd.toml"
    config.write_text(
        config.read_text().replace(
            "[invoices.uk-books]", '[invoices.uk-books]\napproval = "by_hand"', 1
        )
    )
    live(office)
    plan = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]
    assert office("apply", plan)[0] == 3
    assert office("invoices", "release", plan)[0] == 6
    code, out, err = office(
        "invoices", "release", plan, "INV-00002", "--why", "looked at it", "--by", "ann"
    )
    assert code == 0, out + err
    assert 'released by ann: "looked at it"' in out
    office("apply", plan)
    assert [one.number for one in office.books["uk-books"].entries.values()] == ["INV-00002"]


def test_a_release_without_names_lets_nothing_pass_that_is_held_for_more(
    office: BookOffice,
) -> None:
    config = office.folder / "syncd.toml"
    config.write_text(
        config.read_text().replace(
            "[invoices.uk-books]", '[invoices.uk-books]\napproval = "by_hand"', 1
        )
    )
    live(office)
    marked = invoice("4", owner=Ownership.OURS, foreign={"id": "doc-9"})
    furnish(office, invoice("1"), invoice("2"), marked)
    assert office("invoices", "read")[0] == 0
    plan = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]
    code, out, err = office("invoices", "release", plan, "--why", "looked at them")
    assert code == 0, out + err
    _, out, _ = office("apply", plan)
    assert f"syncd invoices release {plan} INV-00004 --why TEXT" in out
    posted = {one.number for one in office.books["uk-books"].entries.values()}
    assert posted == {"INV-00001", "INV-00002"}
    code, out, err = office("invoices", "release", plan, "--why", "all the rest")
    assert code == 6, out + err
    assert "must be named" in out + err
    assert office("invoices", "release", plan, "INV-00004", "--why", "looked in the books")[0] == 0


def test_the_story_of_a_document_has_everything(office: BookOffice) -> None:
    live(office)
    plan = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]
    office("apply", plan)
    code, out, err = office("invoices", "show", "INV-00001")
    assert code == 0, out + err
    for words in (
        "the PSA shows net 20.00, tax 4.00, total 24.00 GBP",
        "owner: free\n",
        "contact Acme Ltd (contact-1)",
        "predicted net 20.00",
        "INV-00001 is confirmed",
        "the books show net 20.00",
        "send 1: confirmed",
        "mark posted: delivered\n",
    ):
        assert words in out
    lines = out.splitlines()
    assert [one for one in lines if one != one.rstrip()] == []
    (sent,) = (one for one in lines if "send 1:" in one)
    assert re.match(r" +[0-9-]{10} [0-9]{2}:[0-9]{2}:[0-9]{2} send 1: confirmed", sent)
    assert office.json("invoices", "show", "1")["invoices"][0]["documents"]
    code, _, err = office("invoices", "show", "nothing")
    assert code == 6
    assert "syncd invoices list" in err


def test_a_document_in_doubt_is_settled_by_a_person(office: BookOffice) -> None:
    live(office)
    plan = office.json("plan", "invoices", "uk-books")["plans"][0]
    document = next(row for row in plan["rows"] if row["key"] == "post:1")["step"]["document"]
    book = office.books["uk-books"]
    ours = book.entry_of(msgspec.convert(document, type=LedgerDocument, strict=False))
    book.add(msgspec.structs.replace(ours, marker="", contact="contact-9"))
    assert office("apply", plan["plan"])[0] == 6
    assert "FOREIGN_DOCUMENT" in office("issues")[1]
    assert office("invoices", "settle", "INV-00001", "--why", "still there")[0] == 5
    code, out, err = office("invoices", "settle", "INV-00001", "--why", "by hand", "--give-up")
    assert code == 0, out + err
    assert "refused" in out
    assert "FOREIGN_DOCUMENT" not in office("issues")[1]


def test_plans_of_invoices_are_listed_beside_those_of_bills(office: BookOffice) -> None:
    live(office)
    assert "no plan was made yet" in office("plans")[1]
    first = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]
    office("apply", first)
    second = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]

    listed = office.json("plans", "list")
    assert listed["plans"] == []
    assert [(one["id"], one["book"]) for one in listed["invoice_plans"]] == [
        (second, "uk-books"),
        (first, "uk-books"),
    ]
    assert listed["invoice_plans"][0]["rows"] == {"refused": 1}
    assert listed["invoice_plans"][1]["rows"] == {"applied": 2, "superseded": 1}
    code, out, err = office("plans", "list", "--limit", "1")
    assert code == 0, out + err
    assert second in out
    assert "1 refused" in out
    assert first not in out


def test_a_release_of_bills_sends_to_the_one_of_invoices(office: BookOffice) -> None:
    live(office)
    plan = office.json("plan", "invoices", "uk-books")["plans"][0]["plan"]
    code, out, err = office("plans", "release", plan, "--reason", "looked at it")
    assert code != 0
    assert f"syncd invoices release {plan} --why TEXT" in out + err
