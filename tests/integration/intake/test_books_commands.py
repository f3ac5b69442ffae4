"""Reading and mapping as a person types them; every refusal says what to do."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from syncd.sdk.errors import AuthError, VendorUnavailable
from syncd.sdk.ledger_records import LedgerBook
from tests.builders_intake import MAPPED, BookOffice, document, furnish, mapped, rows
from tests.builders_invoices import START, invoice, line


def test_read_tells_what_came_and_keeps_runs(office: BookOffice) -> None:
    office.desk.batches = [[invoice("1")], [invoice("2")]]
    code, out, _ = office("invoices", "read")
    assert code == 0
    assert "2 invoices from the beginning: 2 new" in out
    assert "Acme Books (org-1), GBP" in out
    kinds = {one["kind"] for one in office.json("runs")}
    assert {"invoices", "books reference"} <= kinds


def test_a_failing_psa_leaves_an_issue_and_the_book_can_still_be_read(office: BookOffice) -> None:
    office.desk.fails = VendorUnavailable("down for an hour")
    code, _, err = office("invoices", "read", "desk")
    assert code == 5
    assert "down for an hour" in err
    assert "INVOICES_NOT_READ" in office("issues")[1]
    assert office("invoices", "read", "uk-books")[0] == 0


def test_a_read_that_is_not_believed_says_so_and_is_a_partial_run(
    office: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(office)
    office.desk.batches = []
    monkeypatch.setattr("syncd.bootstrap._clock", lambda _: lambda: START + timedelta(days=2))
    code, out, _ = office("invoices", "read", "desk")
    assert code == 0
    assert "desk knows none of those that were asked for by id: see `syncd issues`" in out
    (one,) = [one for one in office.json("runs") if one["error_code"] == "INVOICES_DOUBTED"]
    assert (one["kind"], one["status"]) == ("invoices", "partial")


def test_only_what_waiting_invoices_name_is_asked_for(office: BookOffice) -> None:
    furnish(office, invoice("1"), invoice("2", client="c3", client_name="Gamma Ltd"))
    found = office.json("map", "books")["unmapped"]
    assert [(one["kind"], one["source"]) for one in found] == [
        ("contact", "c1"),
        ("contact", "c3"),
        ("account", "4000"),
        ("tax", "1"),
    ]
    told = [one for one in office.json("issues") if one["code"] == "BOOK_UNMAPPED"]
    assert [one["subject"] for one in told] == [
        "uk-books/account",
        "uk-books/contact",
        "uk-books/tax",
    ]


def test_proposals_link_before_create_and_say_who_holds_a_name(office: BookOffice) -> None:
    furnish(
        office,
        invoice("1"),
        invoice("2", client="c2", client_name="Beta Ltd"),
        invoice("3", client="c3", client_name="Gamma Ltd"),
    )
    found = {one["source"]: one for one in office.json("map", "books", "--propose")["unmapped"]}
    assert (found["c1"]["target"], found["c1"]["ground"]) == ("contact-1", "name")
    assert found["c2"]["ground"] == found["c3"]["ground"] == "name taken"
    assert "contact-2 is inactive or archived" in found["c2"]["evidence"]
    assert "vendor-9 is a vendor" in found["c3"]["evidence"]
    assert "OUT20" in found["1"]["evidence"]
    assert found["1"]["target"] == ""


def test_a_file_goes_out_is_filled_in_and_comes_back_with_its_effect(office: BookOffice) -> None:
    furnish(office)
    file = office.folder / "out.csv"
    assert office("map", "books", "--propose", "--export", str(file))[0] == 0
    text = file.read_text()
    given = {one["source"]: one for one in rows(text)}
    assert given["c1"]["target"] == "contact-1"
    assert given["c1"]["invoices"] == "2"
    text = text.replace("account,4000,,,,", "account,4000,,,200,").replace(
        "tax,1,,,,,", "tax,1,,,OUT20,,standard"
    )
    code, out, err = office(
        "map", "books", "--import", office.write("in.csv", text), "--yes", "--why", "as agreed"
    )
    assert code == 0, err
    assert (
        "2 invoices wait for uk-books; everything they name is mapped for 0 before, 2 after" in out
    )
    assert "GBP: 0.00 before, 48.00 after" in out
    assert "3 mappings stored" in out
    assert office.json("map", "books")["unmapped"] == []
    assert "BOOK_UNMAPPED" not in office("issues")[1]
    assert office("map", "books", "--export", str(file))[0] == 0
    again = office.json("map", "books", "--import", str(file))
    assert (again["edits"], again["same"], again["stored"]) == ([], 3, False)


def test_a_dry_run_and_an_import_that_changes_nothing_store_nothing(office: BookOffice) -> None:
    furnish(office)
    file = office.write("map.csv", MAPPED)
    found = office.json("map", "books", "--import", file, "--dry-run")
    assert len(found["edits"]) == 3
    assert not found["stored"]
    assert office.json("map", "books")["mapped"] == {}


def test_every_bad_row_is_told_at_once_and_nothing_is_stored(two_books: BookOffice) -> None:
    office = two_books
    furnish(office)
    office.books["eu-books"].catalogue[0] = msgspec.structs.replace(
        office.books["eu-books"].catalogue[0], key="eu-contact", name="Acme Europe"
    )
    assert office("map", "books", "eu-books", "--refresh")[0] == 0
    file = office.write(
        "bad.csv",
        "kind,source,currency,target,meaning\n"
        "contact,c9,,contact-1,\n"  # 2: no such client
        "contact,c1,,eu-contact,\n"  # 3: an id of another book
        "contact,c2,,contact-2,\n"  # 4: archived
        "contact,c3,,vendor-9,\n"  # 5: a vendor
        "tax,1,,OUT20,\n"  # 6: no meaning
        "tax,2,,OUT20,exempt\n"  # 7: a rate that is not nothing
        "tax,3,,ZERO,standard\n"  # 8: nothing that is no standard
        "tax,*,,ZERO,exempt\n"  # 9: no default
        "account,4000,GBP,200,\n"  # 10: no currency here
        "account,4000,,OUT20,\n"  # 11: a key of another kind
        "account,4001,,200,exempt\n"  # 12: no meaning here
        "acount,4002,,200,\n"  # 13: no such kind
        "account,4003,,Saless,\n"  # 14: no such name
        "account,4004,,200,\n"
        "account,4004,,860,\n",  # 16: twice
    )
    code, _, err = office("map", "books", "uk-books", "--import", file, "--yes")
    assert code == 6
    for words in (
        "line 2, column source: the PSA has no client 'c9'",
        "line 3, column target: 'eu-contact' is an id of eu-books, not of uk-books",
        "line 4, column target: 'Beta Ltd' (contact-2) is inactive or archived",
        "line 5, column target: 'Gamma Ltd' (vendor-9) is a vendor",
        "line 6, column meaning: a tax says what it means",
        "line 7, column meaning: '20 % VAT' has 20 %, which is not exempt",
        "line 8, column meaning: 'Zero rated' has 0 %",
        "line 9, column source: a tax has no default",
        "line 10, column currency: only a contact is bound to a currency",
        "line 11, column target: 'OUT20' is a key of kind tax, not of kind account",
        "line 12, column meaning: only a tax has a meaning",
        "line 13, column kind: 'acount' is no kind of mapping; did you mean 'account'?",
        "line 14, column target: uk-books has no account 'Saless'; did you mean 'Sales'?",
        "line 16, column source: account '4004' stands on line 15 already",
    ):
        assert words in err, words
    assert office.json("map", "books", "uk-books")["mapped"] == {}


def test_a_client_goes_to_one_book_unless_currencies_tell(two_books: BookOffice) -> None:
    office = two_books
    furnish(office)
    one = office.write("one.csv", "kind,source,target,meaning\ncontact,c1,contact-1,\n")
    assert office("map", "books", "uk-books", "--import", one, "--yes")[0] == 0
    code, _, err = office("map", "books", "eu-books", "--import", one, "--yes")
    assert code == 6
    assert "the client is a contact of uk-books already" in err
    bound = "kind,source,currency,target,meaning\ncontact,c1,{},contact-1,\n"
    gbp = office.write("gbp.csv", bound.format("GBP"))
    assert office("map", "books", "uk-books", "--import", gbp, "--prune", "--yes")[0] == 0
    eur = office.write("eur.csv", bound.format("EUR"))
    assert office("map", "books", "eu-books", "--import", eur, "--yes")[0] == 0


def test_what_stands_in_another_book_is_told_when_its_client_is_moved(
    two_books: BookOffice,
) -> None:
    office = two_books
    furnish(office, invoice("1"), invoice("2"), invoice("3", client="c2", client_name="Beta Ltd"))
    mapped(office, book="uk-books")
    office.books["uk-books"].add(document("INV-00001"))
    office.books["uk-books"].add(document("INV-00002"))
    assert office("invoices", "link", "uk-books")[0] == 0
    ended = office.write("ended.csv", "kind,source,target,meaning\ncontact,c1,,\n")
    assert office("map", "books", "uk-books", "--import", ended, "--yes")[0] == 0
    moved = office.write(
        "moved.csv", "kind,source,target,meaning\ncontact,c1,contact-1,\ntax,1,OUT20,standard\n"
    )
    code, out, _ = office("map", "books", "eu-books", "--import", moved, "--dry-run")
    assert code == 0
    assert (
        "2 documents of Acme Ltd stand in uk-books: those invoices are not written to eu-books"
        in out
    )
    found = office.json("map", "books", "eu-books", "--import", moved, "--dry-run")
    assert found["elsewhere"] == [
        {"client": "c1", "name": "Acme Ltd", "book": "uk-books", "documents": 2}
    ]
    assert office("map", "books", "eu-books", "--import", moved, "--yes")[0] == 0
    counts = office.json("invoices", "link", "eu-books")["counts"]
    assert (counts["elsewhere"], counts["psa_only"]) == (2, 0)


def test_only_invoices_of_clients_of_the_book_wait_for_it(two_books: BookOffice) -> None:
    office = two_books
    furnish(office, invoice("1"), invoice("3", client="c2", client_name="Beta Ltd"))
    file = office.write("map.csv", MAPPED)
    code, out, _ = office("map", "books", "uk-books", "--import", file, "--yes")
    assert code == 0
    assert "1 invoice waits for uk-books; everything it names is mapped for 0 before" in out
    assert "next: syncd invoices link uk-books" in out
    taxes = office.write("tax.csv", "kind,source,target,meaning\ntax,1,OUT20,standard\n")
    out = office("map", "books", "eu-books", "--import", taxes, "--yes")[1]
    assert "no invoice waits for eu-books" in out
    assert "1 mapping stored" in out
    assert "invoices link" not in out


def test_before_invoices_were_read_nothing_is_said_to_be_mapped(office: BookOffice) -> None:
    out = office("map", "books", "--refresh")[1]
    assert "nothing is mapped so far" in out
    assert "no invoice was read so far: `syncd invoices read`" in out
    assert "has a counterpart" not in out
    file = office.folder / "out.csv"
    out = office("map", "books", "--propose", "--export", str(file))[1]
    assert "no invoice was read so far: `syncd invoices read`" in out


def test_a_book_that_cannot_be_read_keeps_no_other_from_being_read(
    two_books: BookOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(two_books)

    async def refused() -> LedgerBook:
        raise AuthError("eu-books: nobody has signed in", remedy="run `syncd login eu-books`")

    monkeypatch.setattr(two_books.books["eu-books"], "book", refused)
    code, out, err = two_books("invoices", "read")
    assert code == AuthError.exit_code
    assert "eu-books: nobody has signed in" in err
    assert "syncd login eu-books" in err
    assert "uk-books: Acme Books" in out
    code, out, _ = two_books("--json", "invoices", "read")
    data = json.loads(out)
    assert code == AuthError.exit_code
    assert set(data["books"]) == {"uk-books"}
    assert data["failed"]["eu-books"]["code"] == "CREDENTIALS_REFUSED"
    assert two_books("invoices", "read", "uk-books")[0] == 0


def test_there_is_never_a_default_book(two_books: BookOffice) -> None:
    code, _, err = two_books("map", "books")
    assert code == 2
    assert "there are several books: eu-books, uk-books" in err


def test_a_mapping_whose_target_is_gone_becomes_an_issue_until_it_is_back(
    office: BookOffice,
) -> None:
    furnish(office)
    mapped(office)
    account = office.books["uk-books"].catalogue.pop(2)
    assert account.key == "200"
    assert office("map", "books", "--refresh")[0] == 0
    (issue,) = [one for one in office.json("issues") if one["code"] == "MAPPED_TARGET_GONE"]
    assert "Sales" in issue["message"]
    assert "is not there any more" in issue["message"]
    office.books["uk-books"].catalogue.append(account)
    assert office("map", "books", "--refresh")[0] == 0
    assert "MAPPED_TARGET_GONE" not in office("issues")[1]


def test_an_empty_catalogue_where_there_was_one_is_not_believed(office: BookOffice) -> None:
    furnish(office)
    book = office.books["uk-books"]
    book.catalogue = [one for one in book.catalogue if one.kind.value != "tax"]
    code, _, err = office("map", "books", "--refresh")
    assert code == 7
    assert "returned no taxes where it had 4" in err


def test_cells_that_a_spreadsheet_would_run_are_escaped(office: BookOffice) -> None:
    furnish(office, invoice("1", client_name="=HYPERLINK(1)", client="c7"))
    text = office("map", "books", "--export", "-")[1]
    assert "'=HYPERLINK(1)" in text


def test_a_name_that_is_no_book_is_refused(office: BookOffice) -> None:
    code, _, err = office("invoices", "link", "desk")
    assert code == 2
    assert "'desk' is not an accounting system" in err
    code, _, err = office("invoices", "list", "--state", "sold")
    assert code == 2
    assert "is no state of an invoice" in err


def test_unknown_currency_and_tax_are_held_by_name_and_the_others_go_on(
    office: BookOffice,
) -> None:
    furnish(
        office,
        invoice("1"),
        invoice("2", currency="ZAR"),
        invoice("3", line(tax_code="9", rate="5")),
        invoice("4", line(tax_code="")),
    )
    mapped(office)
    found = office.json("map", "books")["unmapped"]
    assert {(one["kind"], one["source"]) for one in found} == {
        ("currency", "ZAR"),
        ("tax", "9"),
        ("tax", ""),
    }
    text = office("map", "books", "--export", "-")[1]
    assert "tax,,," not in text
