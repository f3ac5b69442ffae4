"""The rules of a connector that writes into books: every document once, to the cent, or not at all.

Answers are lost after the vendor has kept a document, and before. What was not seen must be
unknown, and a look-up must then show what exists and prove what does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import msgspec

from syncd.sdk.connector import Ports
from syncd.sdk.errors import AuthError, DataError, SyncdError
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerEntry, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, Posted, PostOutcome, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.postings import (
    Posting,
    at_most_once,
    ledger_of,
    outcome_of,
    references,
    seen,
    shows,
    tax_rates,
    wanted,
)
from syncd.sdk.testing.psa import DOUBT, LOST
from syncd.sdk.testing.reading import DAMAGE
from syncd.sdk.testing.stage import READS, Scene

T = TypeVar("T")


class LedgerConformance(Conformance):
    """Inherit in a class named `Test…` and give what its parents ask.

    A look-up must show at once what was written; what a person does is done by the methods that
    raise NotImplementedError here, at the vendor that `vendor` built last.

    Attributes:
        write_path: regular expression of the path to which documents are written.
        write_method: by which method.
        look_path: regular expression of the path under which documents are looked up.
        look_method: by which method.
    """

    write_path: ClassVar[str]
    write_method: ClassVar[str] = "POST"
    look_path: ClassVar[str]
    look_method: ClassVar[str] = "GET"

    def documents(self) -> Sequence[LedgerDocument]:
        """At least three invoices that the books take, each with key, attempt, number, marker."""
        raise NotImplementedError("give invoices that the books take")

    def bad(self) -> LedgerDocument:
        """An invoice that the books refuse, e.g. for a contact that does not exist."""
        raise NotImplementedError("give an invoice that the books refuse")

    def someone_else_uses(self, number: str) -> str:
        """By hand: another document of that number, without our marker; its id."""
        raise NotImplementedError("let a person make a document")

    def forget_attempts(self) -> None:
        """By hand: the vendor's memory of repeated writes is over."""
        raise NotImplementedError("let the vendor forget")

    def close_books(self, document: LedgerDocument) -> None:
        """By hand: close the books up to the day of the document."""
        raise NotImplementedError("let a person close the books")

    def ledger(self, act: Callable[[Ledger], Awaitable[T]], *faults: Fault, **more: Any) -> T:
        """What an act with the ledger gives; it must not raise."""
        scene = self.play(lambda ports: act(ledger_of(ports)), *faults, **more)
        assert scene.error is None, f"raised {scene.error!r}"
        assert scene.value is not None
        return scene.value

    def posted(
        self, documents: Sequence[LedgerDocument], fault: Fault | None = None, **more: Any
    ) -> Scene[Posting]:
        """Post while the first write breaks in this way, then look all up."""

        async def post(ports: Ports) -> Posting:
            ledger = ledger_of(ports)
            outcomes: Sequence[PostOutcome] = ()
            failure: SyncdError | None = None
            try:
                outcomes = await ledger.post(documents)
            except SyncdError as error:
                failure = error
            assert fault is None or self.stage.script.struck, "no write met the fault"
            self.stage.script.replace(())
            found = await ledger.find_documents([wanted(one) for one in documents])
            return Posting(outcomes, found, failure)

        faults = [] if fault is None else [replace(fault, **self._aim)]
        return self.play(post, *faults, **more)

    @property
    def _aim(self) -> dict[str, Any]:
        return {"method": self.write_method, "path": self.write_path}

    def writes(self, scene: Scene[Any]) -> int:
        """How often something was sent that may change the books."""
        return sum(
            one.method not in READS
            for one in scene.requests
            if not self.is_token(one.path) and one.method == self.write_method
        )

    def test_the_books_say_who_they_are(self) -> None:
        book = self.ledger(lambda ledger: ledger.book())
        assert book.key and book.name, "the organisation has no key or no name"  # noqa: PT018 - one
        assert book.currency in book.currencies, f"{book.currency} is not in {book.currencies}"
        assert book.number_limit > 0, "no number fits"

    def test_catalogues_are_whole_and_tell_what_cannot_be_used(self) -> None:
        rows = self.ledger(references)
        keys = Counter((one.kind, one.key) for one in rows)
        assert not [one for one, times in keys.items() if times > 1], "a reference came twice"
        kinds = {one.kind for one in rows if one.active and not one.blocked}
        for kind in (ReferenceKind.CONTACT, ReferenceKind.TAX, ReferenceKind.ITEM):
            assert kind in kinds, f"no {kind} that can be used"
        contacts = [one for one in rows if one.kind is ReferenceKind.CONTACT]
        assert [one for one in contacts if not one.active or one.blocked], (
            "an inactive contact is left out, so that its name looks free"
        )
        used = {one.contact for one in self.documents()}
        assert used <= {one.key for one in contacts}, "a contact of the documents is missing"

    def test_a_document_is_posted_once_and_found_again(self) -> None:
        documents = self.documents()
        posting = seen(self.posted(documents))
        for document in documents:
            outcome = outcome_of(posting, document.key)
            assert isinstance(outcome, Posted), f"a good document ended as {outcome!r}"
            found = posting.found[document.key]
            told = outcome.entry.remote
            assert [one.remote for one in found] == [told], (
                f"the outcome names {told}, a look-up finds {[one.remote for one in found]}"
            )
            for entry in (outcome.entry, *found):
                shows(entry, document)

    def test_the_prediction_is_what_the_books_compute(self) -> None:
        documents = self.documents()

        async def both(ledger: Ledger) -> list[tuple[object, object]]:
            book, taxes = await ledger.book(), tax_rates(await references(ledger))
            predicted = {one.key: ledger.predict(one, book, taxes) for one in documents}
            pairs: list[tuple[object, object]] = []
            for outcome in await ledger.post(documents):
                assert isinstance(outcome, Posted), f"a good document ended as {outcome!r}"
                said, entry = predicted[outcome.key], outcome.entry
                pairs.append(
                    ((said.net, said.tax, said.total), (entry.net, entry.tax, entry.total))
                )
            return pairs

        for predicted, computed in self.ledger(both):
            assert predicted == computed, f"predicted {predicted}, the books have {computed}"

    def test_a_document_is_found_by_its_marker_or_its_number_alone(self) -> None:
        document = self.documents()[0]
        renumbered = msgspec.structs.replace(wanted(document), number=f"{document.number}X")
        unmarked = msgspec.structs.replace(wanted(document), marker="syncd-aaaaaaaaaaaaaaaa")

        async def search(ledger: Ledger) -> list[int]:
            await ledger.post([document])
            found = [await ledger.find_documents([one]) for one in (renumbered, unmarked)]
            return [len(one[document.key]) for one in found]

        by_marker, by_number = self.ledger(search)
        assert by_marker == 1, f"{by_marker} found by the marker after the number was changed"
        assert by_number == 1, f"{by_number} found by the number, whose marker is another one"

    def test_what_is_not_there_maps_to_nothing(self) -> None:
        nobody = wanted(self.documents()[0])
        found = self.ledger(lambda ledger: ledger.find_documents([nobody]))
        assert {key: list(rows) for key, rows in found.items()} == {nobody.key: []}

    def test_a_bad_document_is_refused_alone(self) -> None:
        bad = self.bad()
        first, *rest = self.documents()
        posting = seen(self.posted([first, bad, *rest]))
        outcome = outcome_of(posting, bad.key)
        assert isinstance(outcome, Rejected), f"a document the books refuse ended as {outcome!r}"
        assert outcome.message, "the refusal has no reason"
        assert not posting.found[bad.key], "a refused document exists"
        for document in (first, *rest):
            other = outcome_of(posting, document.key)
            assert isinstance(other, Posted), f"beside a bad document a good one was {other!r}"

    def test_a_line_without_a_tax_code_is_never_written(self) -> None:
        document = self.documents()[0]
        lines = tuple(msgspec.structs.replace(one, tax_code="") for one in document.lines)
        bare = msgspec.structs.replace(document, lines=lines)

        async def predict(ledger: Ledger) -> bool:
            book, taxes = await ledger.book(), tax_rates(await references(ledger))
            try:
                ledger.predict(bare, book, taxes)
            except DataError:
                return True
            return False

        assert self.ledger(predict), "a document without a tax code was predicted"
        posting = seen(self.posted([bare]))
        outcome = outcome_of(posting, bare.key)
        assert isinstance(outcome, Rejected), f"a document without a tax code is {outcome!r}"
        assert not posting.found[bare.key], "a document without a tax code was written"

    def test_a_lost_answer_is_unknown_until_it_is_looked_up(self) -> None:
        for what, fault in LOST.items():
            posting = seen(self.posted(self.documents(), replace(fault, count=1)))
            for outcome in posting.outcomes:
                assert isinstance(outcome, Unknown | Posted), f"{what} ended as {outcome!r}"
            at_most_once(posting, what)
            claimed = [one.key for one in posting.outcomes if isinstance(one, Posted)]
            absent = [key for key in claimed if len(posting.found[key]) != 1]
            assert not absent, f"{what}: {absent} posted, and not there"
            assert any(posting.found.values()), f"{what}: the look-up finds nothing"

    def test_a_write_that_may_have_happened_is_not_denied(self) -> None:
        for what, fault in DOUBT.items():
            posting = seen(self.posted(self.documents(), replace(fault, count=1)))
            for outcome in posting.outcomes:
                exists = bool(posting.found[outcome.key])
                fits = isinstance(outcome, Posted) if exists else isinstance(outcome, Unknown)
                assert fits, f"{what} ended as {outcome!r}; {exists=}"

    def test_no_write_is_ever_sent_again_blind(self) -> None:
        healthy = self.writes(self.posted(self.documents()))
        for what, fault in {**LOST, **DOUBT}.items():
            scene = self.posted(self.documents(), replace(fault, count=1))
            seen(scene)
            sent = self.writes(scene)
            assert sent <= healthy, f"{what}: {sent} writes were sent, {healthy} are needed"

    def test_a_repeat_after_a_lost_answer_makes_no_second_document(self) -> None:
        documents = self.documents()
        for forgotten in (False, True):

            async def twice(ledger: Ledger, forgotten: bool = forgotten) -> Posting:
                self.stage.script.replace([Fault(action=Action.CUT_AFTER, count=1, **self._aim)])
                await ledger.post(documents)
                self.stage.script.replace(())
                if forgotten:
                    self.forget_attempts()
                outcomes = await ledger.post(documents)
                found = await ledger.find_documents([wanted(one) for one in documents])
                return Posting(outcomes, found, None)

            posting = self.ledger(twice)
            what = "a repeat that the vendor forgot" if forgotten else "a repeat of one attempt"
            at_most_once(posting, what)
            for outcome in posting.outcomes:
                known = isinstance(outcome, Rejected) and outcome.code == RejectedCode.NUMBER_TAKEN
                assert known or isinstance(outcome, Posted), f"{what} ended as {outcome!r}"
                assert posting.found[outcome.key], f"{what}: {outcome.key} is lost"

    def test_a_number_of_somebody_else_is_told_and_left_alone(self) -> None:
        document = self.documents()[0]

        async def clash(ledger: Ledger) -> tuple[PostOutcome, LedgerEntry, LedgerEntry]:
            theirs = self.someone_else_uses(document.number)
            before = await ledger.read_back({theirs: document.kind})
            (outcome,) = await ledger.post([document])
            found = (await ledger.find_documents([wanted(document)]))[document.key]
            assert [one.remote for one in found] == [theirs], "the look-up shows something else"
            return outcome, before[theirs], found[0]

        outcome, before, after = self.ledger(clash)
        assert isinstance(outcome, Rejected), f"a number that is taken ended as {outcome!r}"
        assert outcome.code == RejectedCode.NUMBER_TAKEN, f"the code is {outcome.code}"
        assert after.marker != document.marker, "a foreign document carries our marker"
        assert (after.contact, after.total) == (before.contact, before.total), (
            "somebody else's document was overwritten"
        )

    def test_closed_books_refuse_a_document(self) -> None:
        document = self.documents()[0]

        async def late(ledger: Ledger) -> Posting:
            self.close_books(document)
            outcomes = await ledger.post([document])
            found = await ledger.find_documents([wanted(document)])
            return Posting(outcomes, found, None)

        posting = self.ledger(late)
        outcome = posting.outcomes[0]
        assert isinstance(outcome, Rejected), f"a closed period ended as {outcome!r}"
        assert outcome.code == RejectedCode.PERIOD_LOCKED, f"the code is {outcome.code}"
        assert not posting.found[document.key], "it was written nevertheless"

    def test_a_throttled_write_is_carried_out_once_or_not_sent(self) -> None:
        fault = Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"})
        posting = seen(self.posted(self.documents(), replace(fault, count=1)))
        for outcome in posting.outcomes:
            assert isinstance(outcome, Posted | NotSent), f"one 429 ended as {outcome!r}"
        at_most_once(posting, "one 429")

    def test_refused_credentials_write_nothing(self) -> None:
        scene = self.posted(self.documents(), Fault(action=Action.STATUS_BEFORE, status=401))
        posting = seen(scene, may_raise=AuthError)
        for outcome in posting.outcomes:
            assert isinstance(outcome, NotSent | Rejected), f"401 ended as {outcome!r}"
        assert not any(posting.found.values()), "something was written with refused credentials"

    def test_a_look_up_that_fails_is_not_absence(self) -> None:
        document = self.documents()[0]
        empty = {"an empty list": Fault(action=Action.EMPTY_LIST)}
        for what, fault in {**DAMAGE, **empty}.items():
            aimed = replace(fault, path=self.look_path, method=self.look_method)

            async def look_up(ports: Ports, aimed: Fault = aimed) -> bool:
                ledger = ledger_of(ports)
                await ledger.post([document])
                self.stage.script.replace([aimed])
                return bool((await ledger.find_documents([wanted(document)]))[document.key])

            scene = self.play(look_up)
            error = scene.error
            assert error is None or isinstance(error, SyncdError), (
                f"{type(error).__name__} escaped; only syncd.sdk.errors may: {error!r}"
            )
            assert error is not None or scene.value, f"{what}: a document that exists is not found"

    def test_secrets_stay_hidden_while_posting(self) -> None:
        echo = " ".join(self.secrets)
        for fault in (
            Fault(action=Action.STATUS_BEFORE, status=400, body=echo),
            Fault(action=Action.STATUS_AFTER, status=500, body=echo),
            Fault(action=Action.REPLACE, body=echo),
        ):
            self.no_secret_in(self.posted(self.documents(), fault, listen=True).words())

    def test_everything_is_closed_after_a_lost_write(self) -> None:
        scene = self.posted(self.documents(), Fault(action=Action.CUT_AFTER))
        assert scene.closed, "a connection to the vendor was left open"
        assert not scene.tasks, f"tasks were left running: {scene.tasks}"
