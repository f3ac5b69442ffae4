"""The rules of a connector that keeps invoices: read whole, drafts told apart, marked once.

An invoice that is missed is never paid, and one that is carried twice is asked for twice; so the
rules look at every number, at answers that are lost, and at what people do meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar

import msgspec

from syncd.sdk.connector import Ports
from syncd.sdk.errors import AuthError, ProtocolError
from syncd.sdk.invoice_records import DocumentKind, Ownership, PostedMark, PsaInvoice, PsaPayment
from syncd.sdk.ledger_port import InvoiceKeeper
from syncd.sdk.psa_records import Delivered, NotSent, Outcome, Rejected, Unknown
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Application, Fault
from syncd.sdk.testing.psa import DOUBT, LOST
from syncd.sdk.testing.stage import READS, Scene

T = TypeVar("T")

Read = Mapping[str, PsaInvoice]
POSTED_ON = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Ids of what the simulator holds.

    Attributes:
        final: at least three finished invoices that nobody carries.
        draft: one that is not finished.
        voided: one that was finished and voided.
        credit: a finished credit note over half of the first final one.
    """

    final: Sequence[str]
    draft: str
    voided: str
    credit: str


class InvoiceConformance(Conformance):
    """Inherit in a class named `Test…` and give what `Conformance` asks, and the invoices below.

    Attributes:
        list_path: regular expression of the path of the list of invoices.
        mark_path: of the path to which an invoice is saved.
        payment_path: of the path to which a payment is saved.
        write_method: by which method.
    """

    list_path: ClassVar[str]
    mark_path: ClassVar[str]
    payment_path: ClassVar[str]
    write_method: ClassVar[str] = "POST"

    def made(self, vendor: Application) -> Made:
        """What `vendor` was built with; the same ids each time."""
        raise NotImplementedError("name the invoices of the simulator")

    def totals(self, vendor: Application) -> Mapping[str, Decimal]:
        """Total of every invoice and credit note that the simulator holds, by id, as kept."""
        raise NotImplementedError("tell the totals of the simulator")

    def now(self, vendor: Application) -> datetime:
        """The simulator's time."""
        raise NotImplementedError("tell the time of the simulator")

    def edit(self, vendor: Application, invoice: str) -> None:
        """What a person does: change the price of a line."""
        raise NotImplementedError("edit an invoice in the simulator")

    def delete(self, vendor: Application, invoice: str) -> None:
        """What a person does: remove an invoice for good."""
        raise NotImplementedError("delete an invoice in the simulator")

    def act(self, do: Callable[[InvoiceKeeper, Application, Made], Awaitable[T]]) -> Scene[T]:
        """Do something with the opened keeper of a new vendor."""
        vendor = self.vendor()

        async def perform(ports: Ports) -> T:
            keeper: object = ports.psa
            assert isinstance(keeper, InvoiceKeeper), "the PSA is no InvoiceKeeper"
            return await do(keeper, vendor, self.made(vendor))

        scene = self.stage.play(
            self.connector, self.config(self.stage.url), vendor, perform, listen=False
        )
        assert scene.error is None, f"raised {scene.error!r}"
        return scene

    def writes(self, scene: Scene[T]) -> int:
        """How often something was sent that may change the vendor."""
        return sum(
            one.method not in READS and not self.is_token(one.path) for one in scene.requests
        )

    def break_writes(self, path: str, fault: Fault) -> None:
        """Break the next write below a path."""
        aimed = replace(fault, method=self.write_method, path=path, count=1)
        self.stage.script.replace([aimed])

    def test_invoices_can_be_checked_and_checking_only_reads(self) -> None:
        async def check(keeper: InvoiceKeeper, _: Application, __: Made) -> None:
            found = await keeper.check_invoices()
            assert found.ok, f"a healthy vendor was not: {found.error}"
            assert found.permissions, "no right is named"
            assert await keeper.bookkeeping() == (), "a module is on where there is none"

        assert self.writes(self.act(check)) == 0, "a check wrote"

    def test_every_invoice_is_read_to_the_cent_and_its_lines_add_up(self) -> None:
        async def read(keeper: InvoiceKeeper, vendor: Application, _: Made) -> None:
            found, truth = await _all(keeper), self.totals(vendor)
            assert found.keys() == truth.keys(), "invoices are missing, or too many"
            for key, one in found.items():
                assert one.total == abs(truth[key]), f"the total of {key} differs"
                assert one.net + one.tax == one.total
                assert sum(line.net for line in one.lines) == one.net, f"lines of {key}"
                assert sum(line.tax for line in one.lines) == one.tax, f"taxes of {key}"
                assert len(one.currency) == 3, "an invoice without a currency"
                assert one.number, "an invoice without a number"
                assert one.modified.tzinfo is not None

        self.act(read)

    def test_drafts_voids_and_credit_notes_are_told_apart(self) -> None:
        async def read(keeper: InvoiceKeeper, _: Application, made: Made) -> None:
            found = await _all(keeper)
            assert all(found[key].finalised for key in (*made.final, made.credit))
            assert not found[made.draft].finalised, "a draft counts as finished"
            assert found[made.voided].voided, "a voided invoice is not told"
            assert sum(one.voided for one in found.values()) == 1
            assert {one.predicate for one in found.values()} != {""}
            credit = found[made.credit]
            assert credit.kind is DocumentKind.CREDIT, "a credit note counts as an invoice"
            assert credit.credits == made.final[0], "it does not name its invoice"
            assert credit.total * 2 == found[made.final[0]].total
            assert sum(one.kind is DocumentKind.CREDIT for one in found.values()) == 1
            assert {found[key].owner for key in made.final} == {Ownership.FREE}

        self.act(read)

    def test_what_changed_since_a_moment_is_read(self) -> None:
        async def read(keeper: InvoiceKeeper, vendor: Application, made: Made) -> None:
            before = (await _all(keeper))[made.final[1]]
            since = self.now(vendor)
            self.edit(vendor, made.final[1])
            changed = await _all(keeper, since - timedelta(minutes=5))
            assert made.final[1] in changed, "an edit was not seen"
            after = changed[made.final[1]]
            assert after.total != before.total
            assert after == (await keeper.read_invoices([made.final[1]]))[made.final[1]]

        self.act(read)

    def test_a_list_that_lost_its_rows_is_not_believed(self) -> None:
        async def read(keeper: InvoiceKeeper, vendor: Application, _: Made) -> None:
            truth = self.totals(vendor)
            for since in (None, self.now(vendor) - timedelta(hours=1)):
                for nth in (1, 2, 3):
                    fault = Fault(action=Action.EMPTY_LIST, path=self.list_path, nth=nth)
                    self.stage.script.replace([fault])
                    try:
                        found = await _all(keeper, since)
                    except ProtocolError:
                        continue
                    finally:
                        self.stage.script.replace(())
                    assert found.keys() == truth.keys(), f"call {nth} lost rows in silence"

        self.act(read)

    def test_an_invoice_that_is_gone_is_absent(self) -> None:
        async def read(keeper: InvoiceKeeper, vendor: Application, made: Made) -> None:
            self.delete(vendor, made.final[0])
            found = await keeper.read_invoices([made.final[0], made.final[1]])
            assert found.keys() == {made.final[1]}

        self.act(read)

    def test_a_mark_is_shown_and_written_once(self) -> None:
        async def mark(keeper: InvoiceKeeper, _: Application, made: Made) -> None:
            before, marks = await _all(keeper), [_mark(key) for key in (*made.final, made.credit)]
            outcomes = await keeper.mark_posted(marks)
            assert [type(one) for one in outcomes] == [Delivered] * len(marks), outcomes
            assert {one.key for one in outcomes} == {one.key for one in marks}
            sent = len(self.stage.requests)
            again = await keeper.mark_posted(marks)
            assert all(isinstance(one, Delivered) for one in again), again
            more = [one for one in self.stage.requests[sent:] if one.method not in READS]
            assert not more, "a mark that stands was written again"
            after = await _all(keeper)
            for key in made.final:
                assert after[key].owner is Ownership.OURS, "our own mark is not recognised"
                assert after[key].lines == before[key].lines, "a mark changed lines"
                assert after[key].total == before[key].total
                assert after[key].number == before[key].number
            assert after[made.draft] == before[made.draft], "another invoice was changed"

        self.act(mark)

    def test_a_document_that_was_reissued_under_its_number_is_marked_anew(self) -> None:
        async def mark(keeper: InvoiceKeeper, _: Application, made: Made) -> None:
            first = _mark(made.final[0])
            other = msgspec.structs.replace(first, key="again", remote=_mark(made.final[1]).remote)
            for one in (first, other):
                (outcome,) = await keeper.mark_posted([one])
                assert isinstance(outcome, Delivered), outcome
            shown = (await keeper.read_invoices([first.invoice]))[first.invoice].foreign.values()
            assert other.remote in shown, "the invoice leads to the document that was replaced"

        self.act(mark)

    def test_one_mark_that_cannot_be_stops_no_other(self) -> None:
        async def mark(keeper: InvoiceKeeper, vendor: Application, made: Made) -> None:
            self.delete(vendor, made.final[1])
            outcomes = await keeper.mark_posted([_mark(key) for key in made.final])
            by_key = {one.key: one for one in outcomes}
            gone = by_key.pop(f"mark-{made.final[1]}")
            assert isinstance(gone, Rejected), f"a mark of nothing ended as {gone!r}"
            assert gone.gone
            assert all(isinstance(one, Delivered) for one in by_key.values()), by_key

        self.act(mark)

    def test_a_lost_mark_is_never_denied_nor_sent_again_blind(self) -> None:
        for what, fault in {**LOST, **DOUBT}.items():

            async def lose(
                keeper: InvoiceKeeper, _: Application, made: Made, fault: Fault = fault
            ) -> Outcome:
                self.break_writes(self.mark_path, fault)
                (outcome,) = await keeper.mark_posted([_mark(made.final[0])])
                return outcome

            scene = self.act(lose)
            fits = (Delivered, Unknown) if what in LOST else (Unknown,)
            assert isinstance(scene.value, fits), f"{what} ended as {scene.value!r}"
            assert self.writes(scene) == 1, f"{what}: {self.writes(scene)} saves were sent"

    def test_a_payment_is_found_by_its_marker_and_recorded_once(self) -> None:
        async def record(keeper: InvoiceKeeper, _: Application, made: Made) -> None:
            invoice = made.final[0]
            assert await keeper.find_payments([invoice]) == {invoice: []}
            payments = [
                _payment(invoice, 1, "10.05"),
                _payment(invoice, 2, "10.05"),
                _payment(made.final[1], 3, "7.5"),
            ]
            outcomes = await keeper.record_payments(payments)
            assert all(isinstance(one, Delivered) for one in outcomes), outcomes
            sent = len(self.stage.requests)
            again = await keeper.record_payments(payments)
            assert all(isinstance(one, Delivered) for one in again), again
            more = [one for one in self.stage.requests[sent:] if one.method not in READS]
            assert not more, "a payment that stands was written again"
            (_taken,) = await keeper.record_payments([_payment(invoice, 4, "-10.05")])
            assert isinstance(_taken, Delivered), f"a payment taken back ended as {_taken!r}"
            found = await keeper.find_payments([invoice, made.final[1], made.final[2]])
            assert [one.amount for one in found[invoice]] == [
                Decimal("10.05"),
                Decimal("10.05"),
                Decimal("-10.05"),
            ]
            assert [one.reference for one in found[made.final[1]]] == ["syncd-pay-3"]
            assert found[made.final[1]][0].dated == date(2026, 12, 1)
            assert not found[made.final[2]]

        self.act(record)

    def test_a_lost_payment_stands_once_at_most(self) -> None:
        for what, fault in {**LOST, **DOUBT}.items():

            async def lose(
                keeper: InvoiceKeeper, _: Application, made: Made, fault: Fault = fault
            ) -> tuple[Outcome, int]:
                payment = _payment(made.final[0], 1, "10.05")
                self.break_writes(self.payment_path, fault)
                (outcome,) = await keeper.record_payments([payment])
                self.stage.script.replace(())
                return outcome, len(
                    (await keeper.find_payments([payment.invoice]))[payment.invoice]
                )

            scene = self.act(lose)
            assert scene.value is not None
            outcome, count = scene.value
            assert count <= 1, f"{what}: the payment stands {count} times"
            fits = (Delivered, Unknown) if count else (Unknown,)
            assert isinstance(outcome, fits), f"{what} ended as {outcome!r}; {count=}"
            assert self.writes(scene) == 1, f"{what}: {self.writes(scene)} writes were sent"

    def test_refused_rights_write_neither_marks_nor_payments(self) -> None:
        async def refused(keeper: InvoiceKeeper, _: Application, made: Made) -> None:
            denied = [
                Fault(action=Action.STATUS_BEFORE, status=403, method=self.write_method, path=path)
                for path in (self.mark_path, self.payment_path)
            ]
            before = await _all(keeper)
            self.stage.script.replace(denied)
            outcomes: list[Outcome] = []
            with suppress(AuthError):
                outcomes += await keeper.mark_posted([_mark(key) for key in made.final])
            with suppress(AuthError):
                outcomes += await keeper.record_payments([_payment(made.final[0], 1, "5")])
            assert all(isinstance(one, NotSent | Rejected) for one in outcomes), outcomes
            self.stage.script.replace(())
            assert await _all(keeper) == before, "refused, and written"

        self.act(refused)


async def _all(keeper: InvoiceKeeper, since: datetime | None = None) -> dict[str, PsaInvoice]:
    return {one.key: one async for batch in keeper.invoices(since=since) for one in batch}


def _mark(invoice: str) -> PostedMark:
    return PostedMark(
        key=f"mark-{invoice}",
        invoice=invoice,
        number=f"N-{invoice}",
        remote=f"00000000-0000-4000-8000-{int(invoice):012d}",
        system="books",
        url="https://books.invalid/" + invoice,
        posted_on=POSTED_ON,
    )


def _payment(invoice: str, number: int, amount: str) -> PsaPayment:
    return PsaPayment(
        key=f"pay-{number}",
        invoice=invoice,
        amount=Decimal(amount),
        dated=date(2026, 12, 1),
        reference=f"syncd-pay-{number}",
    )
