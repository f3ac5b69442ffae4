"""The connector against the simulated Xero: catalogues, posting, look-ups, what changed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from syncd_xero.sandbox import TENANT

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, Done, LedgerAction, Posted
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_xero import ONE, documents, ledger_document, ledger_line
from tests.builders_xero_books import CONSENT, connected, wanted

CREDIT = DocumentKind.CREDIT


async def test_the_book_is_the_organisation_with_its_locks_and_currencies() -> None:
    async with connected() as books:
        book = await books.ledger.book()
        assert (book.key, book.currency, book.country) == (TENANT, "GBP", "GB")
        assert set(book.currencies) >= {"GBP", "EUR", "USD"}
        assert book.drafts
        assert book.own_numbers


async def test_catalogues_hold_archived_contacts_and_rates_of_taxes() -> None:
    async with connected() as books:
        contacts = await books.of_kind(ReferenceKind.CONTACT)
        assert contacts[ONE].active
        assert any(not one.active for one in contacts.values())
        taxes = await books.of_kind(ReferenceKind.TAX)
        assert taxes["OUTPUT2"].rates == (Decimal(20),)
        assert taxes["ZERORATEDOUTPUT"].rates == (Decimal(0),)
        accounts = await books.of_kind(ReferenceKind.ACCOUNT)
        assert accounts["200"].active
        assert accounts["090"].blocked
        options = await books.of_kind(ReferenceKind.TRACKING)
        assert {one.name for one in options.values() if one.active} >= {
            "Department / Managed",
            "Department / Projects",
        }


async def test_a_batch_is_one_call_and_each_document_has_its_outcome() -> None:
    async with connected() as books:
        taxes = await books.of_kind(ReferenceKind.TAX)
        book = await books.ledger.book()
        before = books.calls
        posted = documents(50)
        outcomes = await books.ledger.post(posted)
        assert books.calls - before == 1
        by_key = {one.key: one for one in outcomes}
        for document in posted:
            outcome = by_key[document.key]
            assert isinstance(outcome, Posted)
            entry, expected = outcome.entry, books.ledger.predict(document, book, taxes)
            assert (entry.net, entry.tax, entry.total) == (
                expected.net,
                expected.tax,
                expected.total,
            )
            assert tuple(line.net for line in entry.lines) == expected.lines
            assert entry.marker == document.marker
            assert entry.contact == document.contact
            assert entry.status is EntryStatus.DRAFT
            assert entry.due == document.due


async def test_one_bad_document_of_a_batch_costs_no_other_its_place() -> None:
    async with connected() as books:
        good = documents(48)
        bad = ledger_document("BAD-1", ledger_line(tax="NOSUCH"))
        stranger = ledger_document("BAD-2", contact="11111111-2222-3333-4444-555555555555")
        before = books.calls
        sent = [*good[:20], bad, *good[20:], stranger]
        outcomes = {one.key: one for one in await books.ledger.post(sent)}
        assert books.calls - before == 1, "a full batch is one call"
        assert sum(isinstance(one, Posted) for one in outcomes.values()) == 48
        refused = outcomes[bad.key]
        assert isinstance(refused, Rejected)
        assert refused.code == "TAX_UNUSABLE"
        unknown = outcomes[stranger.key]
        assert isinstance(unknown, Rejected)
        assert unknown.code == "CONTACT_UNUSABLE"


async def test_a_number_that_is_taken_is_never_overwritten() -> None:
    async with connected() as books:
        [first] = await books.ledger.post([ledger_document("SI-1")])
        other = ledger_document("SI-1", ledger_line("3"), attempt="another", key="another")
        [second] = await books.ledger.post([other])
        assert isinstance(first, Posted)
        assert isinstance(second, Rejected)
        assert second.code == "NUMBER_TAKEN"
        back = await books.ledger.read_back({first.entry.remote: DocumentKind.INVOICE})
        assert back[first.entry.remote].total == first.entry.total


async def test_a_credit_note_with_a_taken_number_is_refused_before_it_is_sent() -> None:
    async with connected(options={"unique_credit_numbers": False}) as books:
        note = ledger_document("CN-1", kind=CREDIT, due=None)
        [first] = await books.ledger.post([note])
        again = ledger_document("CN-1", kind=CREDIT, due=None, key="two", attempt="two")
        [second] = await books.ledger.post([again])
        assert isinstance(first, Posted)
        assert isinstance(second, Rejected)
        assert second.code == "NUMBER_TAKEN"


async def test_a_document_is_found_by_number_and_by_marker_once_it_was_renumbered() -> None:
    async with connected() as books:
        sent = [*documents(8), ledger_document("CN-7", kind=CREDIT, due=None)]
        outcomes = await books.ledger.post(sent)
        assert all(isinstance(one, Posted) for one in outcomes)
        asked = [wanted(one) for one in sent]
        found = await books.ledger.find_documents(asked)
        assert {key: [one.number for one in rows] for key, rows in found.items()} == {
            one.key: [one.number] for one in sent
        }
        for one in sent[:2]:
            books.hand.renumber(one.number, f"{one.number}-X")
        found = await books.ledger.find_documents(asked)
        assert [one.number for one in found[sent[0].key]] == ["SI-00001-X"]
        for one in sent[2:8]:
            books.hand.renumber(one.number, f"{one.number}-X")
        found = await books.ledger.find_documents(asked)
        assert all(len(rows) == 1 for rows in found.values())
        assert all(rows[0].marker == one.marker for one in sent for rows in [found[one.key]])


async def test_nothing_found_is_an_empty_answer_for_each_key() -> None:
    async with connected() as books:
        asked = [wanted(one) for one in documents(6)]
        found = await books.ledger.find_documents(asked)
        assert found == {one.key: [] for one in asked}


async def test_changes_tell_documents_and_payments() -> None:
    async with connected() as books:
        sent = [ledger_document("SI-1", approved=True), ledger_document("SI-2", approved=True)]
        outcomes = await books.ledger.post(sent)
        start = books.world.now() - timedelta(minutes=5)
        books.hand.pay("SI-1", "5.00")
        books.hand.overpay("SI-2", "3.00")
        changes = await books.ledger.changes(start)
        assert changes.whole
        assert changes.until < books.world.now()
        entries = {one.number: one for one in changes.entries}
        assert entries["SI-1"].paid == Decimal("5.00")
        assert entries["SI-1"].balance == Decimal("7.00")
        assert entries["SI-2"].status is EntryStatus.PAID
        first = outcomes[0]
        assert isinstance(first, Posted)
        paid = {one.document: one for one in changes.payments if one.document}
        assert paid[first.entry.remote].amount == Decimal("5.00")
        loose = [one for one in changes.payments if not one.document]
        assert [one.amount for one in loose] == [Decimal("3.00")]


async def test_a_payment_that_was_taken_back_says_so() -> None:
    async with connected() as books:
        await books.ledger.post([ledger_document("SI-1", approved=True)])
        key = books.hand.pay("SI-1")
        books.hand.unpay(key)
        changes = await books.ledger.changes(books.world.now() - timedelta(hours=1))
        assert [one.deleted for one in changes.payments if one.remote == key.lower()] == [True]


async def test_documents_of_a_span_are_those_of_anybody() -> None:
    async with connected(page_size=2) as books:
        await books.ledger.post([*documents(5), ledger_document("CN-1", kind=CREDIT, due=None)])
        numbers = [
            one.number
            async for rows in books.ledger.documents(
                first=date(2026, 11, 1), last=date(2026, 11, 30)
            )
            for one in rows
        ]
        assert {f"SI-0000{n}" for n in range(1, 6)} | {"CN-1"} <= set(numbers)
        none = [
            one
            async for rows in books.ledger.documents(first=date(2020, 1, 1), last=date(2020, 1, 31))
            for one in rows
        ]
        assert none == []


def action(kind: ActionKind, **more: object) -> LedgerAction:
    told = {"key": f"do-{kind.value}", "attempt": f"do-{kind.value}", "kind": kind, **more}
    return LedgerAction(**told)  # type: ignore[arg-type]


async def test_approving_and_voiding_happen_once_and_never_to_what_is_paid() -> None:
    async with connected() as books:
        outcomes = await books.ledger.post(documents(3))
        draft, paid, open_ = (one.entry.remote for one in outcomes if isinstance(one, Posted))
        for remote in (paid, open_):
            approve = action(ActionKind.APPROVE, remote=remote, attempt=f"approve-{remote[:8]}")
            [done] = await books.ledger.act([approve])
            assert isinstance(done, Done)
            assert done.entry is not None
            assert done.entry.status is EntryStatus.OPEN
        before = books.calls
        [again] = await books.ledger.act([action(ActionKind.APPROVE, remote=open_)])
        assert isinstance(again, Done)
        assert books.calls - before == 1, "what is approved is read, not written"
        books.hand.pay(paid, "1.00")
        voids = [
            action(ActionKind.VOID, remote=remote, key=remote, attempt=remote)
            for remote in (draft, paid, open_)
        ]
        ended = {one.key: one for one in await books.ledger.act(voids)}
        refused = ended[paid]
        assert isinstance(refused, Rejected)
        assert refused.code == "NOT_ALLOWED_NOW"
        back = await books.ledger.read_back(dict.fromkeys((draft, open_), DocumentKind.INVOICE))
        assert back[draft].status is EntryStatus.DELETED
        assert back[open_].status is EntryStatus.VOIDED


async def test_a_document_that_moved_since_it_was_read_is_not_voided() -> None:
    async with connected() as books:
        [posted] = await books.ledger.post(documents(1))
        assert isinstance(posted, Posted)
        void = action(ActionKind.VOID, remote=posted.entry.remote, version="/Date(1)/")
        [outcome] = await books.ledger.act([void])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "VERSION_MOVED"


async def test_a_credit_note_is_allocated_once() -> None:
    async with connected() as books:
        invoice, note = await books.ledger.post([
            ledger_document("SI-1", approved=True),
            ledger_document("CN-1", kind=CREDIT, due=None, approved=True),
        ])  # fmt: skip
        assert isinstance(invoice, Posted)
        assert isinstance(note, Posted)
        put = action(
            ActionKind.ALLOCATE,
            document_kind=CREDIT,
            remote=note.entry.remote,
            target=invoice.entry.remote,
            amount=Decimal("12.00"),
            dated=date(2026, 11, 3),
        )
        for _ in range(2):
            [done] = await books.ledger.act([put])
            assert isinstance(done, Done), done
        remotes = {invoice.entry.remote: DocumentKind.INVOICE, note.entry.remote: CREDIT}
        back = await books.ledger.read_back(remotes)
        assert back[invoice.entry.remote].credited == Decimal("12.00")
        assert back[invoice.entry.remote].balance == 0
        assert back[note.entry.remote].balance == 0


@pytest.mark.parametrize("access", ["custom", "consent"])
async def test_the_check_names_rights_and_organisation(access: str) -> None:
    more = CONSENT if access == "consent" else {}
    async with connected(**more) as books:
        result = await books.ledger.check()
        assert result.ok, result.error
        assert "an organisation in GB" in result.summary
        assert all(one.granted for one in result.permissions)


async def test_the_check_names_a_right_that_the_token_lacks() -> None:
    few = ("accounting.invoices.read", "accounting.contacts.read", "accounting.settings.read")
    async with connected(options={"custom_scopes": few}, scopes=list(few)) as books:
        result = await books.ledger.check()
        assert not result.ok
        denied = {one.name for one in result.permissions if not one.granted}
        assert denied == {"accounting.invoices", "accounting.payments"}


async def test_several_open_organisations_without_a_configured_one_are_an_error() -> None:
    async with connected(options={"organisations": 3}, **CONSENT, organisation="") as books:
        result = await books.ledger.check()
        assert not result.ok
        assert result.error is not None
        assert "3 organisations" in result.error
        assert TENANT in result.error
    async with connected(**CONSENT, organisation="") as books:
        assert (await books.ledger.book()).key == TENANT
    async with connected(**CONSENT, organisation="11111111-2222-3333-4444-555555555555") as books:
        result = await books.ledger.check()
        assert result.error is not None
        assert "does not open organisation" in result.error


async def test_a_locked_period_refuses_by_name() -> None:
    async with connected() as books:
        books.hand.lock("2026-11-15")
        assert (await books.ledger.book()).locked_until == date(2026, 11, 15)
        [outcome] = await books.ledger.post([ledger_document("SI-1", approved=True)])
        assert isinstance(outcome, Rejected)
        assert outcome.code == "PERIOD_LOCKED"


async def test_a_full_day_surfaces_and_is_not_waited_for() -> None:
    async with connected(options={"day_calls": 3}, day_reserve=0) as books:
        outcome: object = None
        for n in range(5):
            [outcome] = await books.ledger.post([ledger_document(f"SI-{n}")])
        assert isinstance(outcome, NotSent)
        assert outcome.retry_after is not None
        assert outcome.retry_after > 60
        assert books.stopwatch.monotonic() < 600


async def test_an_unseen_answer_is_unknown_and_its_repetition_makes_no_second() -> None:
    async with connected() as books:
        books.break_with(Fault(action=Action.CUT_AFTER, path="/Invoices", method="PUT"))
        sent = documents(3)
        outcomes = await books.ledger.post(sent)
        assert all(isinstance(one, Unknown) for one in outcomes)
        books.break_with()
        found = await books.ledger.find_documents([wanted(one) for one in sent])
        assert all(len(rows) == 1 for rows in found.values())
        again = await books.ledger.post(sent)
        assert all(isinstance(one, Posted) for one in again)
        assert (
            len([one for one in books.hand.documents() if one["InvoiceNumber"][:3] == "SI-"]) == 3
        )
