"""What became of documents in the books is told with both versions, and closes when mended."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from syncd.core.service.drift_words import find_document, keep
from syncd.core.service.read_back import ReadBackReport, changes_name, refresh_documents
from syncd.core.store.database import Database
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.states import DocumentState
from syncd.core.store.watermarks import watermark
from syncd.sdk.errors import DataError, ProtocolError, VendorUnavailable
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus
from tests.builders_after import Desk, desk
from tests.builders_books import invoice, line


async def test_a_document_as_it_was_confirmed_is_no_drift(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "")

    report = await one.look()

    assert (report.seen, report.drifted, await one.codes()) == (1, 0, [])
    kept = (await one.document("INV-00001")).seen
    assert kept is not None
    assert kept.version == "2"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total": Decimal("25.00"), "net": Decimal("21.00")}, "BOOKS_EDITED"),
        ({"tax": Decimal("3.99")}, "BOOKS_EDITED"),
        ({"contact": "contact-9"}, "BOOKS_EDITED"),
        ({"number": "X-1"}, "BOOKS_RENUMBERED"),
        ({"number": "X-1", "total": Decimal(1)}, "BOOKS_EDITED"),
        ({"status": EntryStatus.VOIDED}, "BOOKS_VOIDED"),
        ({"status": EntryStatus.DELETED}, "BOOKS_DELETED"),
    ],
    ids=["total", "tax", "contact", "number", "number and total", "voided", "deleted"],
)
async def test_drift_is_told_with_both_versions_and_closes_when_it_is_mended(
    database: Database, change: dict[str, object], code: str
) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    before = one.book.entries[document.remote or ""]
    one.book.edit(document.remote or "", **change)

    assert (await one.look()).drifted == 1
    assert await one.codes() == [code]
    issue = (await one.issues())[0]
    assert issue.evidence["confirmed"] != issue.evidence["now"]
    assert (await one.document("INV-00001")).state is DocumentState.DRIFTED
    assert (await one.look()).drifted == 1  # told once, as long as it lasts

    one.book.edit(document.remote or "", **{name: getattr(before, name) for name in change})
    await one.look()
    assert await one.codes() == []
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED


async def test_a_silently_changed_quantity_or_tax_code_is_seen_on_the_whole_document(
    database: Database,
) -> None:
    one = await desk(database)
    one.book.summaries = True
    (document,) = await one.post(invoice("1", line(1), line(2)))
    entry = one.book.entries[document.remote or ""]
    lines = (
        msgspec.structs.replace(entry.lines[0], quantity=Decimal(1), unit_price=Decimal(20)),
        msgspec.structs.replace(entry.lines[1], tax_code="ZERO"),
    )
    one.book.edit(document.remote or "", lines=lines)

    await one.look()

    told = (await one.issues())[0]
    assert "quantity of line 1 2 -> 1" in told.message
    assert "tax code of line 2 OUT20 -> ZERO" in told.message


async def test_paid_and_balance_alone_are_no_drift(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.pay(document.remote or "", "10.00")

    assert (await one.look()).drifted == 0
    assert await one.codes() == []


async def test_documents_of_others_are_left_alone(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    foreign = msgspec.structs.replace(
        one.book.entries[document.remote or ""], remote="theirs", number="B-1", marker=""
    )
    one.book.add(foreign)
    one.book.edit("theirs", total=Decimal(7))

    assert (await one.look()).seen == 0
    assert await one.codes() == []


async def test_a_copy_that_bears_our_mark_is_told(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    copy = msgspec.structs.replace(
        one.book.entries[document.remote or ""], remote="copy", number="B-1"
    )
    one.book.add(copy)
    one.book.edit("copy")
    await one.look()
    assert await one.codes() == ["BOOKS_COPIED"]

    one.book.edit("copy", status=EntryStatus.VOIDED)
    await one.look()
    assert await one.codes() == []


async def test_a_deletion_is_believed_when_the_books_say_so_or_show_others(
    database: Database,
) -> None:
    one = await desk(database)
    first, second, third = await one.post(invoice("1"), invoice("2"), invoice("3"))
    one.book.delete(first.remote or "")
    await one.look()
    assert await one.codes() == ["BOOKS_DELETED"]

    # Nobody tells of the next one: the slow sweep finds it beside one that is there.
    one.book.delete(second.remote or "", told=False)
    one.time.now += timedelta(days=8)
    report = await one.look()
    assert (report.seen, report.doubted) == (3, 0)
    assert await one.codes() == ["BOOKS_DELETED", "BOOKS_DELETED"]
    assert (await one.document(third.number)).state is DocumentState.CONFIRMED


async def test_books_that_show_nothing_at_all_are_not_believed(database: Database) -> None:
    one = await desk(database)
    posted = await one.post(invoice("1"), invoice("2"))
    held = dict(one.book.entries)
    one.book.entries.clear()
    one.time.now += timedelta(days=8)

    report = await one.look()

    assert (report.doubted, await one.codes()) == (2, ["READ_BACK_DOUBTED"])
    assert (await one.document(posted[0].number)).state is DocumentState.CONFIRMED
    one.book.entries.update(held)
    await one.look()
    assert await one.codes() == []


async def test_one_absent_document_is_believed_only_beside_one_that_is_shown(
    database: Database,
) -> None:
    one = await desk(database)
    first, second = await one.post(invoice("1"), invoice("2"))
    held = dict(one.book.entries)
    one.book.entries.clear()

    report = await announced(one, first.remote or "")
    assert (report.doubted, await one.codes()) == (1, ["READ_BACK_DOUBTED"])
    assert (await one.document(first.number)).state is DocumentState.CONFIRMED

    # With the other one there, the absence of the first is.
    one.book.entries[second.remote or ""] = held[second.remote or ""]
    report = await announced(one, first.remote or "")
    assert (report.doubted, await one.codes()) == (0, ["BOOKS_DELETED"])
    assert (await one.document(second.number)).state is DocumentState.CONFIRMED


async def test_the_only_document_is_gone_when_the_books_say_so(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    one.book.delete(document.remote or "", told=False)
    await announced(one, document.remote or "")
    assert await one.codes() == ["READ_BACK_DOUBTED"]

    one.book.gone.append((one.time.now, document.remote or ""))
    await one.look()
    assert await one.codes() == ["BOOKS_DELETED"]


async def test_what_was_accepted_as_gone_is_no_doubt(sqlite_database: Database) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    one.book.delete(document.remote or "")
    await one.look()
    await kept(one, await one.document(document.number))
    one.book.gone.clear()
    one.time.now += timedelta(days=8)

    assert (await one.look()).doubted == 0
    assert await one.codes() == []


async def announced(one: Desk, *remotes: str) -> ReadBackReport:
    """The books' vendor says that these changed."""
    return await refresh_documents(
        one.database,
        one.book,
        connection=one.connection,
        remotes=remotes,
        clock=one.time.clock,
        log=one.log,
    )


async def test_the_watermark_moves_only_when_everything_was_kept(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.summaries = True
    one.book.edit(document.remote or "", total=Decimal(9))

    async def down(_book: object, _remotes: object) -> None:
        raise VendorUnavailable("the books are down")

    alive = type(one.book).read_back
    type(one.book).read_back = down  # type: ignore[assignment]
    try:
        with pytest.raises(VendorUnavailable):
            await one.look()
    finally:
        type(one.book).read_back = alive  # type: ignore[method-assign]
    async with database.reader() as conn:
        assert await watermark(conn, one.connection.id, changes_name(one.book.key)) is None

    await one.look()
    assert await one.codes() == ["BOOKS_EDITED"]
    async with database.reader() as conn:
        assert await watermark(conn, one.connection.id, changes_name(one.book.key)) == one.time.now
    await one.look()
    assert one.book.asked[-1] == one.time.now - timedelta(minutes=61)


async def test_where_changes_are_cut_short_every_document_is_asked_for(
    database: Database,
) -> None:
    one = await desk(database)
    first, second, third = await one.post(invoice("1"), invoice("2"), invoice("3"))
    one.book.edit(first.remote or "", total=Decimal(9))
    one.book.edit(second.remote or "", total=Decimal(9))
    one.time.now += timedelta(hours=6)
    one.book.edit(third.remote or "", total=Decimal(9))
    one.book.cap = 1

    report = await one.look()

    assert not report.whole
    assert (report.seen, report.drifted) == (3, 3)
    assert one.book.asked == sorted(one.book.asked)


async def test_books_that_never_show_what_changed_are_an_error(database: Database) -> None:
    one = await desk(database)
    await one.post(invoice("1"))
    one.book.cap = -1
    with pytest.raises(ProtocolError, match="however short the span"):
        await one.look()


async def test_an_announced_document_is_looked_at_at_once(database: Database) -> None:
    one = await desk(database)
    (document,) = await one.post(invoice("1"))
    one.book.edit(document.remote or "", total=Decimal(9))

    report = await announced(one, document.remote or "", "theirs")

    assert (report.seen, report.drifted) == (1, 1)
    assert await one.codes() == ["BOOKS_EDITED"]


async def test_an_invoice_and_a_credit_note_of_one_number_are_told_apart(
    sqlite_database: Database,
) -> None:
    one = await desk(sqlite_database)
    (document,) = await one.post(invoice("1"))
    await one.post(invoice("2", number="INV-00001", kind=DocumentKind.CREDIT))
    credit = await one.document("INV-00001")
    assert (credit.kind, credit.state) == (DocumentKind.CREDIT, DocumentState.CONFIRMED)
    one.book.edit(document.remote or "", total=Decimal(25))
    await one.look()
    one.book.edit(credit.remote or "", total=Decimal(26))
    await one.look()
    assert await one.codes() == ["BOOKS_EDITED"]

    # One of them is mended: the issue stays, and speaks of the other one.
    one.book.edit(credit.remote or "", total=Decimal(24))
    await one.look()
    (issue,) = await one.issues()
    assert issue.message.startswith("Invoice INV-00001 was changed in books")
    assert "total 24.00 -> 25" in issue.message

    with pytest.raises(DataError, match="2 documents") as refused:
        await find_document(sqlite_database, [one.connection], "INV-00001")
    assert document.remote in str(refused.value.remedy)
    found = await find_document(sqlite_database, [one.connection], document.remote or "")
    assert found[1].id == document.id
    await kept(one, found[1])
    assert await one.codes() == []


async def kept(one: Desk, document: DocumentItem) -> None:
    await keep(
        one.database,
        one.book,
        one.connection,
        document,
        by="ann",
        why="agreed with the client",
        clock=one.time.clock,
        log=one.log,
    )


async def test_what_differed_from_the_beginning_closes_when_it_is_as_it_was_sent(
    database: Database,
) -> None:
    one = await desk(database)
    one.book.change = lambda entry: msgspec.structs.replace(entry, tax=Decimal("3.99"))
    (document,) = await one.post(invoice("1"))
    assert document.code == "BOOKS_DIFFER"
    one.book.edit(document.remote or "")
    await one.look()
    assert await one.codes() == ["BOOKS_DIFFER"]

    one.book.edit(document.remote or "", tax=Decimal("4.00"))
    await one.look()
    assert await one.codes() == []
    assert (await one.document("INV-00001")).state is DocumentState.CONFIRMED
