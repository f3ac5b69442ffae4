"""What stands in a book already is linked; then a person lets it go live, or takes that back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from syncd.sdk.errors import VendorUnavailable
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_intake import SECOND, BookOffice, document, furnish, mapped, rows
from tests.builders_invoices import START, invoice


def test_linking_finds_what_stands_there_and_writes_nothing(office: BookOffice) -> None:
    furnish(
        office,
        invoice("1"),
        invoice("2"),
        invoice("3", foreign={"ledger_id": "doc-by-id"}),
        invoice("4"),
        invoice("5", client="c2", client_name="Beta Ltd"),
        invoice("6", finalised=False),
        invoice("7", voided=True),
    )
    mapped(office)
    book = office.books["uk-books"]
    for entry in (
        document("INV-00001"),
        document("INV-00002", total=Decimal("25.00")),
        document("777", remote="doc-by-id", total=Decimal("20.00")),
        document("INV-00004", contact="contact-8", contact_name="Somebody"),
        document("HAND-1"),
        document("INV-00007", status=EntryStatus.VOIDED),
    ):
        book.add(entry)
    file = office.folder / "link.csv"
    found = office.json("invoices", "link", "uk-books", "--csv", str(file))
    assert found["counts"] == {
        "documents": 6,
        "known": 0,
        "linked": 2,
        "amount_differs": 2,
        "doubtful": 1,
        "psa_only": 2,
        "books_only": 1,
        "unserved": 1,
        "elsewhere": 0,
    }
    assert book.posts == 0
    told = {(one["result"], one["number"]): one["detail"] for one in rows(file.read_text())}
    assert "linked by id" in told["amount differs", "INV-00003"]
    assert "the book has 25.00 GBP, the PSA 24.00" in told["amount differs", "INV-00002"]
    assert "the book has it for Somebody" in told["doubtful", "INV-00004"]
    assert ("books only", "HAND-1") in told
    assert ("linked", "INV-00001") in told
    states = {
        one["number"]: one["state"] for one in office.json("invoices", "list", "--all")["invoices"]
    }
    assert states["INV-00001"] == states["INV-00003"] == "linked"
    assert states["INV-00006"] == "draft"
    assert states["INV-00007"] == "ignored"
    assert states["INV-00002"] == "waiting"
    assert states["INV-00005"] == "held"
    (issue,) = [one for one in office.json("issues") if one["code"] == "LINKED_AMOUNT_DIFFERS"]
    assert "777" in issue["message"]
    again = office.json("invoices", "link", "uk-books")["counts"]
    assert (again["known"], again["linked"]) == (2, 0)
    book.add(document("777", remote="doc-by-id"))
    assert office("invoices", "link", "uk-books")[0] == 0
    assert "LINKED_AMOUNT_DIFFERS" not in office("issues")[1]


def test_a_pass_that_breaks_is_not_finished(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(office)
    mapped(office)

    async def broken(*, first: date, last: date):
        yield [document()]
        raise VendorUnavailable("gone")

    book = office.books["uk-books"]
    monkeypatch.setattr(type(book), "documents", lambda _self, **days: broken(**days))
    assert office("invoices", "link", "uk-books")[0] == 5
    code, _, err = office("golive", "uk-books", "--from", "2026-11-01", "--yes")
    assert code == 6
    assert "no finished linking pass" in err


def test_a_book_goes_live_after_linking_by_a_word_with_its_meaning(office: BookOffice) -> None:
    furnish(office, invoice("1", dated=date(2026, 10, 2)), invoice("2"))
    mapped(office)
    code, _, err = office("golive", "uk-books", "--from", "2026-11-01", "--yes")
    assert code != 0
    assert "syncd invoices link uk-books" in err
    assert office("invoices", "link", "uk-books")[0] == 0
    code, out, _ = office("golive", "uk-books", "--from", "2026-11-01")
    assert code == 3
    assert "1 invoice waits for it, 1 with all counterparts" in out
    assert "GBP: 24.00" in out
    assert "1 older one without a document is never posted" in out
    assert "syncd golive uk-books --from 2026-11-01 --yes" in out
    code, out, _ = office("golive", "uk-books", "--from", "2026-11-01", "--yes", "--why", "checked")
    assert code == 0
    (word,) = office.json("golive")["books"]
    assert (word["live"], word["from"], word["reason"]) == (True, "2026-11-01", "checked")
    states = {
        one["number"]: one["why"] for one in office.json("invoices", "list", "--all")["invoices"]
    }
    assert states == {"INV-00001": "BEFORE_GOLIVE", "INV-00002": ""}
    code, _, err = office("golive", "--back", "uk-books")
    assert code != 0
    assert "for a reason" in err
    assert office("golive", "--back", "uk-books", "--why", "wrong year")[0] == 0
    assert not office.json("golive")["books"][0]["live"]


def test_a_book_that_no_configuration_names_is_forgotten_with_its_documents_and_mappings(
    two_books: BookOffice,
) -> None:
    office = two_books
    furnish(office)
    mapped(office, book="eu-books")
    office.books["eu-books"].add(document("INV-00001"))
    assert office("invoices", "link", "eu-books")[0] == 0
    word = ("golive", "eu-books", "--forget", "--why", "the trial has ended")
    code, _, err = office(*word, "--yes")
    assert code != 0
    assert "'eu-books' is configured" in err
    file = office.folder / "syncd.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(SECOND, ""), encoding="utf-8")
    states = {one["number"]: one["state"] for one in rows_of(office)}
    assert states["INV-00001"] != states["INV-00002"]
    code, out, _ = office(*word)
    assert code == 3
    assert "1 document in eu-books would count no more" in out
    code, out, _ = office(*word, "--yes")
    assert code == 0
    assert "eu-books is forgotten: 1 document" in out
    states = {one["number"]: one["state"] for one in rows_of(office)}
    assert states["INV-00001"] == "voided"
    mapped(office)  # refused while the client is a contact of another book
    code, _, err = office("golive", "nobody", "--forget", "--why", "gone")
    assert code != 0
    assert "never was a connection 'nobody'" in err


def rows_of(office: BookOffice) -> list[dict[str, str]]:
    return list(office.json("invoices", "list", "--all")["invoices"])


def test_a_book_goes_live_from_no_day_before_those_that_were_linked(office: BookOffice) -> None:
    furnish(office, invoice("1", dated=date(2026, 9, 15)))
    mapped(office)
    office.books["uk-books"].add(document("HAND-9", dated=date(2026, 9, 15)))
    assert office("invoices", "link", "uk-books", "--days", "30")[0] == 0
    code, _, err = office("golive", "uk-books", "--from", "2026-09-01", "--yes")
    assert code == 6
    assert "uk-books was linked from 2026-10-22 on" in err
    assert "`syncd invoices link uk-books --days 81`" in err
    assert office("golive", "uk-books", "--from", "2026-10-22", "--yes")[0] == 0
    assert office("invoices", "link", "uk-books", "--days", "81")[0] == 0
    assert office("golive", "uk-books", "--from", "2026-09-01", "--yes")[0] == 0
    assert office("invoices", "link", "uk-books", "--days", "5")[0] == 0
    assert office("golive", "uk-books", "--from", "2026-09-02", "--yes")[0] == 0


def test_a_document_that_is_dated_ahead_is_linked(office: BookOffice) -> None:
    furnish(office, invoice("1", dated=date(2026, 12, 1)))
    mapped(office)
    office.books["uk-books"].add(document(dated=date(2026, 12, 1)))
    assert office.json("invoices", "link", "uk-books")["counts"]["linked"] == 1


def test_a_linking_pass_of_last_week_is_told_before_a_book_goes_live(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(office)
    mapped(office)
    assert office("invoices", "link", "uk-books")[0] == 0
    assert "linked last" not in office("golive", "uk-books", "--from", "2026-11-01")[1]
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _: lambda: START + timedelta(days=7))
    out = office("golive", "uk-books", "--from", "2026-11-01")[1]
    assert "it was linked last on 2026-11-20" in out
    assert "syncd invoices link uk-books" in out


def test_what_was_mapped_after_the_linking_pass_is_told_before_a_book_goes_live(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(office)
    mapped(office, "kind,source,target,meaning\naccount,*,200,\ntax,1,OUT20,standard\n")
    assert office("invoices", "link", "uk-books")[0] == 0
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _: lambda: START + timedelta(hours=1))
    mapped(office, "kind,source,target,meaning\ncontact,c1,contact-1,\n")
    out = office("golive", "uk-books", "--from", "2026-11-01")[1]
    assert "2 of clients that were mapped after that pass are held" in out


def test_another_organisation_behind_the_connection_is_refused_whatever_is_asked(
    office: BookOffice,
) -> None:
    furnish(office)
    mapped(office)
    assert office("invoices", "link", "uk-books")[0] == 0
    assert office("golive", "uk-books", "--from", "2026-11-01", "--yes")[0] == 0
    book = office.books["uk-books"]
    book.key = "org-other"
    for command in (
        ("check", "uk-books"),
        (
            "map",
            "books",
            "uk-books",
            "--refresh",
            "--propose",
            "--export",
            str(office.folder / "sheet.csv"),
        ),
        ("invoices", "link", "uk-books"),
        ("golive", "uk-books", "--from", "2026-11-01", "--yes"),
        ("plan", "invoices", "uk-books"),
    ):
        code, out, err = office(*command)
        assert code == 4, (command, out, err)
        assert "is Acme Books (org-1), and Acme Books (org-other) is open" in out + err, command
    book.key = "org-1"
    assert office("plan", "invoices", "uk-books")[0] in {0, 3}


def test_an_organisation_that_nothing_rests_on_gives_way_to_another_one(
    office: BookOffice,
) -> None:
    furnish(office)
    sheet = (
        "map",
        "books",
        "uk-books",
        "--refresh",
        "--propose",
        "--export",
        str(office.folder / "sheet.csv"),
    )
    assert office(*sheet)[0] == 0
    assert office("invoices", "link", "uk-books")[0] == 0
    office.books["uk-books"].key = "org-other"
    assert office(*sheet)[0] == 0


def test_a_client_is_still_let_live_by_its_name(office: BookOffice) -> None:
    furnish(office)
    code, _, err = office("golive", "Acme Ltd", "--from", "2026-11", "--yes")
    assert code != 0
    assert "no account is linked to Acme Ltd" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("uk-books",), "no first day is named"),
        (("uk-books", "--from", "2026-11"), "is not a day"),
        (("uk-books", "Acme Ltd", "--from", "2026-11-01"), "goes live alone"),
        (("uk-books", "--back", "--from", "2026-11-01", "--why", "x"), "no day"),
    ],
    ids=["no-day", "a-month", "two", "back-with-day"],
)
def test_a_book_goes_live_alone_and_from_a_day(
    office: BookOffice, arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = office("golive", *arguments)
    assert code == 2
    assert words in err


def test_a_word_that_nobody_else_posts_is_kept_and_taken_back(office: BookOffice) -> None:
    furnish(office, invoice("1", owner=Ownership.UNSURE))
    mapped(office)
    assert office("invoices", "link", "uk-books")[0] == 0
    office.desk.modules = None
    assert "syncd invoices attest" in office("check", "desk")[1]
    out = office("golive", "uk-books", "--from", "2026-11-01")[1]
    assert "1 may be carried by somebody else and is refused" in out
    code, _, err = office("invoices", "attest", "uk-books")
    assert code == 2
    assert "the reason is kept" in err
    held = office.json("invoices", "attest", "uk-books", "--why", "the module is not licensed")
    assert held["attestations"][0]["reason"] == "the module is not licensed"
    assert "by a person's word" in office("check", "desk")[1]
    assert office.json("invoices", "attest", "uk-books", "--withdraw")["attestations"] == []
    assert office("invoices", "attest", "uk-books", "--withdraw")[0] == 2


def test_status_says_until_when_a_book_is_known_and_whether_it_is_live(office: BookOffice) -> None:
    (one,) = office.json("status")["books"]
    assert (one["read_at"], one["invoices_until"], one["linked_at"]) == (None, None, None)
    furnish(office)
    mapped(office)
    office.books["uk-books"].add(document())
    assert office("invoices", "link", "uk-books")[0] == 0
    assert "only linked" in office("status")[1]
    assert office("golive", "uk-books", "--from", "2026-11-01", "--yes")[0] == 0
    out = office("status")[1]
    assert "uk-books: Acme Books" in out
    assert "live from 2026-11-01" in out
    assert "1 linked" in out


def test_a_psa_without_invoices_can_be_linked_once_it_was_read_whole(office: BookOffice) -> None:
    assert office("map", "refresh")[0] == 0
    code, _, err = office("invoices", "link", "uk-books", "--no-read")
    assert code == 6
    assert "were never read whole" in err
    office.books["uk-books"].add(document("HAND-1"))
    found = office.json("invoices", "link", "uk-books")
    assert found["counts"]["books_only"] == 1
