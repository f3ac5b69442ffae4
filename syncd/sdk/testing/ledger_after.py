"""The rules of what comes after posting: reading back, changes, voids, allocations, payments.

An action whose answer was not seen must be unknown, and doing it again must do nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import ClassVar
from unittest import SkipTest

import msgspec

from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import EntryStatus, LedgerChanges, LedgerEntry
from syncd.sdk.ledger_writes import (
    ActionKind,
    ActionOutcome,
    Done,
    LedgerAction,
    LedgerDocument,
    Posted,
    PostOutcome,
    RejectedCode,
)
from syncd.sdk.psa_records import Rejected, Unknown
from syncd.sdk.testing.fakes import NOON
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.ledger import LedgerConformance
from syncd.sdk.testing.postings import shows

_Seen = tuple[ActionOutcome, LedgerEntry]

OVER = {EntryStatus.VOIDED, EntryStatus.DELETED}


class AfterPosting(LedgerConformance):
    """Inherit beside `LedgerConformance`, whose hooks it needs, and give what follows.

    Attributes:
        act_path: regular expression of the path to which a void is written.
        act_method: by which method.
        allocates: credit notes can be allocated to invoices.
    """

    act_path: ClassVar[str]
    act_method: ClassVar[str] = "POST"
    allocates: ClassVar[bool] = True

    def credit_note(self) -> LedgerDocument:
        """A credit note for the contact and currency of the first of `documents`, not above it."""
        raise NotImplementedError("give a credit note that the books take")

    def somebody_pays(self, remote: str, amount: Decimal) -> str:
        """By hand: money for an approved invoice; the payment's id."""
        raise NotImplementedError("let a client pay")

    def somebody_edits(self, remote: str) -> None:
        """By hand: a change of the document that its version shows, e.g. its due date."""
        raise NotImplementedError("let a person change a document")

    def long_ago(self) -> datetime:
        """A moment before everything that the rules write."""
        return NOON - timedelta(days=3650)

    async def opened(self, ledger: Ledger, document: LedgerDocument) -> LedgerEntry:
        """Post a document into the books, past any draft."""
        (outcome,) = await ledger.post([msgspec.structs.replace(document, approved=True)])
        assert isinstance(outcome, Posted), f"a good document ended as {outcome!r}"
        assert outcome.entry.status is EntryStatus.OPEN, f"it is {outcome.entry.status}"
        return outcome.entry

    def test_what_was_posted_is_read_back_whole(self) -> None:
        documents = self.documents()

        async def back(ledger: Ledger) -> list[LedgerEntry]:
            outcomes = await ledger.post(documents)
            remotes = {one.key: one.entry.remote for one in outcomes if isinstance(one, Posted)}
            asked = {remotes[one.key]: one.kind for one in documents}
            found = await ledger.read_back({**asked, "0": documents[0].kind})
            assert set(found) == set(asked), f"asked for {sorted(asked)}, got {sorted(found)}"
            return [found[remotes[one.key]] for one in documents]

        for entry, document in zip(self.ledger(back), documents, strict=True):
            shows(entry, document)

    def test_a_day_shows_its_documents(self) -> None:
        documents = self.documents()

        async def span(ledger: Ledger) -> set[str]:
            await ledger.post(documents)
            first = min(one.dated for one in documents)
            last = max(one.dated for one in documents)
            batches = [rows async for rows in ledger.documents(first=first, last=last)]
            before = first - timedelta(days=3)
            early = [rows async for rows in ledger.documents(first=before, last=before)]
            mine = {row.number for rows in early for row in rows}
            assert not mine & {one.number for one in documents}, "another day shows them"
            return {row.number for rows in batches for row in rows}

        missing = {one.number for one in documents} - self.ledger(span)
        assert not missing, f"{sorted(missing)} are not listed"

    def test_changes_show_documents_edits_and_payments(self) -> None:
        document = self.documents()[0]

        async def follow(ledger: Ledger) -> tuple[LedgerEntry, list[LedgerChanges], str]:
            entry = await self.opened(ledger, document)
            told = [await ledger.changes(self.long_ago())]
            self.somebody_edits(entry.remote)
            told.append(await ledger.changes(self.long_ago()))
            payment = self.somebody_pays(entry.remote, Decimal("1.00"))
            told.append(await ledger.changes(self.long_ago()))
            return entry, told, payment

        entry, (new, edited, paid), payment = self.ledger(follow)
        versions = [_entry(one, entry.remote).version for one in (new, edited)]
        assert versions[0] != versions[1], "an edit does not change the version"
        ours = [one for one in paid.payments if one.document == entry.remote]
        assert len({(one.remote, one.allocation) for one in ours}) == 1, f"{len(ours)} payments"
        assert (ours[0].remote, ours[0].amount) == (payment, Decimal("1.00")), "another payment"
        after = _entry(paid, entry.remote)
        assert after.balance == entry.total - 1, f"1.00 of {entry.total} leaves {after.balance}"
        assert after.status is EntryStatus.OPEN, f"partly paid, it is {after.status}"

    def test_a_void_happens_once_and_stays(self) -> None:
        document = self.documents()[0]

        async def void(ledger: Ledger) -> tuple[list[ActionOutcome], LedgerEntry]:
            entry = await self.opened(ledger, document)
            outcomes = [(await ledger.act([_void(entry, n)]))[0] for n in (1, 2)]
            return outcomes, (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]

        outcomes, entry = self.ledger(void)
        for outcome in outcomes:
            assert isinstance(outcome, Done), f"a void ended as {outcome!r}"
            assert outcome.remote == entry.remote, "the outcome is about another document"
        assert entry.status in OVER, f"after the void it is {entry.status}"

    def test_what_is_paid_is_not_voided(self) -> None:
        document = self.documents()[0]

        async def void(ledger: Ledger) -> tuple[ActionOutcome, LedgerEntry]:
            entry = await self.opened(ledger, document)
            self.somebody_pays(entry.remote, Decimal("1.00"))
            now = (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]
            (outcome,) = await ledger.act([_void(now, 1)])
            return outcome, (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]

        outcome, entry = self.ledger(void)
        assert isinstance(outcome, Rejected), f"voiding what is paid ended as {outcome!r}"
        assert outcome.code == RejectedCode.NOT_ALLOWED_NOW, f"the code is {outcome.code}"
        assert entry.status not in OVER, "what is paid was voided"

    def test_a_void_whose_answer_was_lost_is_unknown_and_can_be_repeated(self) -> None:
        document = self.documents()[0]
        lost = Fault(action=Action.CUT_AFTER, method=self.act_method, path=self.act_path, count=1)

        async def void(ledger: Ledger) -> list[ActionOutcome]:
            entry = await self.opened(ledger, document)
            self.stage.script.replace([lost])
            outcomes = list(await ledger.act([_void(entry, 1)]))
            assert self.stage.script.struck, "no write met the fault"
            self.stage.script.replace(())
            now = (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]
            return [*outcomes, *await ledger.act([_void(now, 2)])]

        first, second = self.ledger(void)
        assert isinstance(first, Unknown | Done), f"a lost answer ended as {first!r}"
        assert isinstance(second, Done), f"what had happened before ended as {second!r}"

    def test_a_void_gives_its_number_to_the_next_version(self) -> None:
        document = self.documents()[0]

        async def reissue(ledger: Ledger) -> tuple[ActionOutcome, PostOutcome, LedgerEntry]:
            entry = await self.opened(ledger, document)
            freed = _void(entry, 1, renumber=f"{entry.number}-V1")
            (voided,) = await ledger.act([freed])
            (posted,) = await ledger.post([_next_version(document)])
            now = await ledger.read_back({entry.remote: entry.kind})
            return voided, posted, now[entry.remote]

        voided, posted, entry = self.ledger(reissue)
        assert isinstance(voided, Done), f"the void ended as {voided!r}"
        assert entry.status in OVER, f"after the void it is {entry.status}"
        assert entry.number == f"{document.number}-V1", f"it has the number {entry.number}"
        assert isinstance(posted, Posted), f"the next version ended as {posted!r}"
        assert posted.entry.number == document.number, f"that has {posted.entry.number}"

    def test_a_void_that_frees_a_number_is_finished_whatever_is_lost(self) -> None:
        document = self.documents()[0]
        aim = Fault(action=Action.CUT_BEFORE, method=self.act_method, path=self.act_path, count=1)
        for nth, action in product((1, 2), (Action.CUT_BEFORE, Action.CUT_AFTER)):
            lost = replace(aim, action=action, nth=nth)

            async def void(ledger: Ledger, lost: Fault = lost) -> tuple[_Seen, _Seen]:
                entry = await self.opened(ledger, document)
                freed = _void(entry, 1, renumber=f"{entry.number}-V1")
                self.stage.script.replace([lost])
                (outcome,) = await ledger.act([freed])
                self.stage.script.replace(())
                first = outcome, (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]
                # As it was read before: nobody reads it again between a death and the next try.
                (outcome,) = await ledger.act([msgspec.structs.replace(freed, attempt="v2")])
                now = (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]
                return first, (outcome, now)

            what = f"{action.value} at write {nth}"
            for place, (outcome, entry) in enumerate(self.ledger(void)):
                over = (entry.number, entry.status in OVER) == (f"{document.number}-V1", True)
                if isinstance(outcome, Done):
                    assert over, f"{what} is said to have happened, and it is {entry!r}"
                else:
                    fits = isinstance(outcome, Unknown) and not place
                    assert fits, f"{what}: try {place + 1} ended as {outcome!r}"

    def test_a_credit_note_is_allocated_once(self) -> None:
        if not self.allocates:
            raise SkipTest("nothing is allocated")
        document, credit = self.documents()[0], self.credit_note()
        amount = min(Decimal("1.00"), sum((one.net for one in credit.lines), Decimal(0)))

        async def allocate(ledger: Ledger) -> tuple[Sequence[ActionOutcome], LedgerEntry, Decimal]:
            invoice = await self.opened(ledger, document)
            note = await self.opened(ledger, credit)
            action = LedgerAction(
                key="allocate",
                attempt="a1",
                kind=ActionKind.ALLOCATE,
                document_kind=note.kind,
                remote=note.remote,
                version=note.version,
                target=invoice.remote,
                amount=amount,
                dated=document.dated,
            )
            outcomes = list(await ledger.act([action]))
            self.forget_attempts()
            again = msgspec.structs.replace(action, attempt="a1")
            outcomes += await ledger.act([again])
            now = await ledger.read_back({invoice.remote: invoice.kind})
            return outcomes, now[invoice.remote], invoice.total

        outcomes, invoice, total = self.ledger(allocate)
        assert isinstance(outcomes[0], Done), f"an allocation ended as {outcomes[0]!r}"
        assert not isinstance(outcomes[1], Unknown), f"its repeat ended as {outcomes[1]!r}"
        assert invoice.balance == total - amount, (
            f"{amount} of {total} allocated twice over: {invoice.balance} left"
        )

    def test_refused_actions_do_nothing(self) -> None:
        document = self.documents()[0]
        broken = Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"})
        aimed = replace(broken, method=self.act_method, path=self.act_path)

        async def void(ledger: Ledger) -> tuple[ActionOutcome, LedgerEntry]:
            entry = await self.opened(ledger, document)
            self.stage.script.replace([aimed])
            (outcome,) = await ledger.act([_void(entry, 1)])
            self.stage.script.replace(())
            return outcome, (await ledger.read_back({entry.remote: entry.kind}))[entry.remote]

        outcome, entry = self.ledger(void)
        assert not isinstance(outcome, Done), "a throttled void is said to have happened"
        assert entry.status is EntryStatus.OPEN, f"after a throttled void it is {entry.status}"


def _next_version(document: LedgerDocument) -> LedgerDocument:
    """The document that takes the place of one that is voided."""
    return msgspec.structs.replace(
        document,
        key=f"{document.key}:2",
        attempt=f"{document.attempt[:30]}-2",
        marker="syncd-bbbbbbbbbbbbbbbb",
        approved=True,
    )


def _void(entry: LedgerEntry, attempt: int, renumber: str = "") -> LedgerAction:
    return LedgerAction(
        key="void",
        attempt=f"v{attempt}",
        kind=ActionKind.VOID,
        document_kind=entry.kind,
        remote=entry.remote,
        version=entry.version,
        renumber=renumber,
    )


def _entry(changes: LedgerChanges, remote: str) -> LedgerEntry:
    assert changes.whole, "the changes are not whole"
    found = [one for one in changes.entries if one.remote == remote]
    assert found, f"{remote} is not among the changes"
    return found[-1]
