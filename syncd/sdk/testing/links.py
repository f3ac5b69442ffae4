"""The rules of a connector that lets recurring lines count subscriptions: one thing changes.

A vendor replaces the lines of an invoice by what is sent, so the rules look at every other line,
at answers that are lost, at saves without effect, and at people who edit the same invoice.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

import msgspec

from syncd.sdk.connector import Ports
from syncd.sdk.errors import AuthError
from syncd.sdk.ports import Psa, RecurringWriter
from syncd.sdk.records import (
    Delivered,
    LinkChange,
    Outcome,
    RecurringLine,
    Rejected,
    Unknown,
)
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Application, Fault, Receive, Scope, Send
from syncd.sdk.testing.psa import DOUBT, LOST
from syncd.sdk.testing.stage import READS, Scene

T = TypeVar("T")

Lines = Mapping[str, RecurringLine]


class LinkConformance(Conformance):
    """Inherit in a class named `Test…` and give what `Conformance` asks, and the links below.

    Attributes:
        write_path: regular expression of the path to which a recurring invoice is saved.
        write_method: by which method.
        write_status: what a save that went well answers.
    """

    write_path: ClassVar[str]
    write_method: ClassVar[str] = "POST"
    write_status: ClassVar[int] = 200

    def links(self) -> Sequence[LinkChange]:
        """At least two links for lines of one invoice that has a third line; `observed` empty."""
        raise NotImplementedError("give links that the simulator can take")

    def edit(self, vendor: Application) -> None:
        """What a person does: change a line of that invoice which none of the links is about."""
        raise NotImplementedError("edit the recurring invoice in the simulator")

    def act(
        self,
        do: Callable[[Psa, RecurringWriter, Application], Awaitable[T]],
        *,
        meddling: bool = False,
    ) -> Scene[T]:
        """Do something with the opened PSA of a new vendor; `edit` after each save if meddling."""
        vendor = self.vendor()
        spoken = _Meddler(vendor, self) if meddling else vendor

        async def perform(ports: Ports) -> T:
            psa = ports.psa
            assert psa is not None, "the connector opened no PSA"
            assert isinstance(psa, RecurringWriter), "the PSA is no RecurringWriter"
            return await do(psa, psa, vendor)

        scene = self.stage.play(
            self.connector, self.config(self.stage.url), spoken, perform, listen=False
        )
        assert scene.error is None, f"raised {scene.error!r}"
        return scene

    def linked(
        self, fault: Fault | None = None, *, meddling: bool = False
    ) -> tuple[Outcome, Lines, Lines, int]:
        """The first link while saves break so: outcome, lines before and after, saves sent."""

        async def one(
            psa: Psa, writer: RecurringWriter, _: Application
        ) -> tuple[Outcome, Lines, Lines]:
            before = await _lines(psa)
            (change,) = await _planned(writer, self.links()[:1])
            if fault is not None:
                aimed = replace(fault, method=self.write_method, path=self.write_path, count=1)
                self.stage.script.replace([aimed])
            (outcome,) = await writer.link([change])
            self.stage.script.replace(())
            return outcome, before, await _lines(psa)

        scene = self.act(one, meddling=meddling)
        assert scene.value is not None
        return (*scene.value, self.saves(scene))

    def saves(self, scene: Scene[T]) -> int:
        """How often something was sent that may change the vendor."""
        return sum(
            one.method not in READS and not self.is_token(one.path) for one in scene.requests
        )

    def test_a_digest_moves_only_when_somebody_edits(self) -> None:
        invoice = self.links()[0].invoice

        async def look(_: Psa, writer: RecurringWriter, vendor: Application) -> list[str]:
            found = [(await writer.invoice_digests([invoice]))[invoice] for _ in range(2)]
            self.edit(vendor)
            return [*found, (await writer.invoice_digests([invoice]))[invoice]]

        first, second, edited = self.act(look).value or ["", "", ""]
        assert first == second, "two reads of an invoice that nobody touched differ"
        assert edited != first, "an edit by a person leaves the digest as it was"

    def test_an_invoice_that_is_gone_has_no_digest(self) -> None:
        async def look(_: Psa, writer: RecurringWriter, __: Application) -> Mapping[str, str]:
            return await writer.invoice_digests(["-987654"])

        assert self.act(look).value == {}, "an invoice that does not exist has a digest"

    def test_a_link_is_delivered_and_nothing_else_changes(self) -> None:
        link = self.links()[0]
        outcome, before, after, saves = self.linked()
        assert isinstance(outcome, Delivered), f"a good link ended as {outcome!r}"
        assert link.subscription in after[link.line].subscriptions, "delivered, and not there"
        assert saves == 1, f"{saves} saves were sent for one link"
        self._others_rest(link, before, after)

    def test_links_of_one_invoice_follow_one_another(self) -> None:
        async def both(
            psa: Psa, writer: RecurringWriter, _: Application
        ) -> tuple[Sequence[Outcome], Lines]:
            outcomes = await writer.link(await _planned(writer, self.links()))
            return outcomes, await _lines(psa)

        outcomes, after = self.act(both).value or ((), {})
        for link in self.links():
            outcome = next(one for one in outcomes if one.key == link.key)
            assert isinstance(outcome, Delivered), f"a link after another ended as {outcome!r}"
            assert link.subscription in after[link.line].subscriptions, "delivered, and not there"

    def test_a_link_that_is_there_is_not_written_again(self) -> None:
        async def twice(_: Psa, writer: RecurringWriter, __: Application) -> Outcome:
            planned = await _planned(writer, self.links()[:1])
            await writer.link(planned)
            (outcome,) = await writer.link(planned)
            return outcome

        scene = self.act(twice)
        assert isinstance(scene.value, Delivered), f"a link that stands ended as {scene.value!r}"
        assert self.saves(scene) == 1, "a link that stands was written again"

    def test_an_invoice_that_moved_is_refused_and_left_alone(self) -> None:
        async def moved(
            psa: Psa, writer: RecurringWriter, vendor: Application
        ) -> tuple[Outcome, Lines, Lines]:
            planned = await _planned(writer, self.links()[:1])
            self.edit(vendor)
            before = await _lines(psa)
            (outcome,) = await writer.link(planned)
            return outcome, before, await _lines(psa)

        scene = self.act(moved)
        assert scene.value is not None
        outcome, before, after = scene.value
        told = isinstance(outcome, Rejected) and outcome.code == "INVOICE_MOVED"
        assert told, f"an invoice that a person edited since the plan ended as {outcome!r}"
        assert before == after, "an invoice that moved was written all the same"
        assert self.saves(scene) == 0, "something was sent for an invoice that moved"

    def test_an_edit_while_it_is_written_is_told(self) -> None:
        outcome, _, _, saves = self.linked(meddling=True)
        assert isinstance(outcome, Rejected | Unknown), (
            f"an invoice that was edited while it was written ended as {outcome!r}"
        )
        assert saves == 1, "an invoice that was edited meanwhile was written again blind"

    def test_a_lost_answer_is_settled_by_reading(self) -> None:
        link = self.links()[0]
        for what, fault in {**LOST, **DOUBT}.items():
            outcome, before, after, saves = self.linked(fault)
            stands = link.subscription in after[link.line].subscriptions
            fits = (
                isinstance(outcome, Delivered | Unknown) if stands else isinstance(outcome, Unknown)
            )
            assert fits, f"{what} ended as {outcome!r}; {stands=}"
            assert saves == 1, f"{what}: {saves} saves were sent"
            self._others_rest(link, before, after)

    def test_a_save_without_effect_is_not_claimed(self) -> None:
        idle = Fault(action=Action.STATUS_BEFORE, status=self.write_status, body="{}")
        outcome, _, _, _ = self.linked(idle)
        assert not isinstance(outcome, Delivered), "a save that did nothing was taken for done"

    def test_refused_credentials_write_nothing(self) -> None:
        link = self.links()[0]

        async def refused(psa: Psa, writer: RecurringWriter, _: Application) -> Lines:
            planned = await _planned(writer, self.links()[:1])
            denied = Fault(
                action=Action.STATUS_BEFORE,
                status=403,
                method=self.write_method,
                path=self.write_path,
            )
            self.stage.script.replace([denied])
            try:
                (outcome,) = await writer.link(planned)
            except AuthError:
                pass
            else:
                assert not isinstance(outcome, Delivered), "refused, and taken for done"
            self.stage.script.replace(())
            return await _lines(psa)

        after = self.act(refused).value or {}
        assert link.subscription not in after[link.line].subscriptions

    def _others_rest(self, link: LinkChange, before: Lines, after: Lines) -> None:
        others = {key: line for key, line in before.items() if key != link.line}
        left = {key: after.get(key) for key in others}
        assert left == others, f"other lines changed: {_named(others, left)}"
        assert after.keys() == before.keys(), "lines came or went"


class _Meddler:
    """A vendor in which a person edits the invoice right after each save of it."""

    def __init__(self, vendor: Application, rules: LinkConformance) -> None:
        self._vendor = vendor
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._vendor(scope, receive, send)
        rules = self._rules
        if scope["method"] == rules.write_method and re.search(rules.write_path, scope["path"]):
            rules.edit(self._vendor)


async def _planned(writer: RecurringWriter, links: Sequence[LinkChange]) -> list[LinkChange]:
    digests = await writer.invoice_digests({link.invoice for link in links})
    return [msgspec.structs.replace(link, observed=digests[link.invoice]) for link in links]


async def _lines(psa: Psa) -> Lines:
    return {line.key: line async for batch in psa.recurring_lines(clients=None) for line in batch}


def _named(before: Mapping[str, RecurringLine], after: Mapping[str, RecurringLine | None]) -> str:
    return ", ".join(key for key, line in before.items() if after.get(key) != line)
