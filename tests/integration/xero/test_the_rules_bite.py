"""The rules of books catch the slips they are for: a ledger with one slip each breaks them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.sdk.connector import Context, Ports
from syncd.sdk.errors import SyncdError
from syncd.sdk.ledger_records import ReferenceKind
from syncd.sdk.ledger_writes import Done, Posted
from syncd.sdk.psa_records import Rejected, Unknown
from syncd.sdk.testing.postings import wanted
from tests.conformance.test_xero import CONNECTOR, XeroRules


class Sloppy:
    """A ledger that does everything as the right one, but for what a subclass changes."""

    def __init__(self, right: Any) -> None:
        self._right = right

    def __getattr__(self, name: str) -> Any:
        return getattr(self._right, name)


class SendsAgain(Sloppy):
    async def post(self, documents: Sequence[Any]) -> Sequence[Any]:
        outcomes = await self._right.post(documents)
        lost = {one.key for one in outcomes if isinstance(one, Unknown)}
        again = [one for one in documents if one.key in lost]
        if not again:
            return outcomes
        renewed = [msgspec.structs.replace(one, attempt=f"{one.attempt}-2") for one in again]
        return [*(one for one in outcomes if one.key not in lost), *await self._right.post(renewed)]


class Denies(Sloppy):
    async def post(self, documents: Sequence[Any]) -> Sequence[Any]:
        outcomes = await self._right.post(documents)
        return [
            Rejected(one.key, "FAILED", "it failed") if isinstance(one, Unknown) else one
            for one in outcomes
        ]


class FindsNothing(Sloppy):
    async def find_documents(self, wanted: Sequence[Any]) -> Mapping[str, Any]:
        try:
            return await self._right.find_documents(wanted)
        except SyncdError:
            return {one.key: () for one in wanted}


class LooksAtNumbers(Sloppy):
    async def find_documents(self, wanted: Sequence[Any]) -> Mapping[str, Any]:
        found = await self._right.find_documents(wanted)
        numbers = {one.key: one.number for one in wanted}
        return {
            key: [one for one in rows if one.number == numbers[key]] for key, rows in found.items()
        }


class Adopts(Sloppy):
    async def post(self, documents: Sequence[Any]) -> Sequence[Any]:
        outcomes = list(await self._right.post(documents))
        by_key = {one.key: one for one in documents}
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Rejected) and outcome.code == "NUMBER_TAKEN":
                found = await self._right.find_documents([wanted(by_key[outcome.key])])
                outcomes[place] = Posted(outcome.key, found[outcome.key][0])
        return outcomes


class AddsUpFirst(Sloppy):
    def predict(self, document: Any, book: Any, taxes: Any) -> Any:
        exact = self._right.predict(document, book, taxes)
        rate = sum(taxes[document.lines[0].tax_code].rates, Decimal(0))
        tax = (exact.net * rate / 100).quantize(Decimal("0.01"))
        return msgspec.structs.replace(exact, tax=tax, total=exact.net + tax)


class ReadsSummaries(Sloppy):
    async def read_back(self, remotes: Mapping[str, Any]) -> Mapping[str, Any]:
        found = await self._right.read_back(remotes)
        return {key: msgspec.structs.replace(one, lines=()) for key, one in found.items()}


class AllOrNothing(Sloppy):
    async def post(self, documents: Sequence[Any]) -> Sequence[Any]:
        outcomes = await self._right.post(documents)
        bad = [one for one in outcomes if isinstance(one, Rejected)]
        return [Rejected(one.key, "BATCH", "refused") for one in outcomes] if bad else outcomes


class SaysDone(Sloppy):
    async def act(self, actions: Sequence[Any]) -> Sequence[Any]:
        await self._right.act(actions)
        return [Done(one.key, one.remote) for one in actions]


class ForgetsMoney(Sloppy):
    async def changes(self, since: Any) -> Any:
        return msgspec.structs.replace(await self._right.changes(since), payments=())


class HidesTheArchive(Sloppy):
    async def references(self) -> AsyncIterator[Sequence[Any]]:
        async for rows in self._right.references():
            contacts = ReferenceKind.CONTACT
            yield [one for one in rows if one.kind is not contacts or one.active]


class LosesOne(Sloppy):
    async def documents(self, **span: Any) -> AsyncIterator[Sequence[Any]]:
        async for rows in self._right.documents(**span):
            yield rows[1:]


class DeniesActions(Sloppy):
    async def act(self, actions: Sequence[Any]) -> Sequence[Any]:
        outcomes = await self._right.act(actions)
        return [
            Rejected(one.key, "FAILED", "no") if isinstance(one, Unknown) else one
            for one in outcomes
        ]


class KeepsTheNumber(Sloppy):
    async def act(self, actions: Sequence[Any]) -> Sequence[Any]:
        return await self._right.act([msgspec.structs.replace(one, renumber="") for one in actions])


SLIPS: list[tuple[Callable[[Any], Any], str]] = [
    (SendsAgain, "no write is ever sent again blind"),
    (Denies, "a lost answer is unknown until it is looked up"),
    (Denies, "a write that may have happened is not denied"),
    (DeniesActions, "a void whose answer was lost is unknown and can be repeated"),
    (FindsNothing, "a look up that fails is not absence"),
    (LooksAtNumbers, "a document is found by its marker or its number alone"),
    (Adopts, "a number of somebody else is told and left alone"),
    (AddsUpFirst, "the prediction is what the books compute"),
    (ReadsSummaries, "what was posted is read back whole"),
    (AllOrNothing, "a bad document is refused alone"),
    (KeepsTheNumber, "a void gives its number to the next version"),
    (KeepsTheNumber, "a void that frees a number is finished whatever is lost"),
    (SaysDone, "a void that frees a number is finished whatever is lost"),
    (SaysDone, "what is paid is not voided"),
    (SaysDone, "refused actions do nothing"),
    (ForgetsMoney, "changes show documents edits and payments"),
    (HidesTheArchive, "catalogues are whole and tell what cannot be used"),
    (LosesOne, "a day shows its documents"),
]


@pytest.mark.parametrize(
    ("slip", "rule"), SLIPS, ids=[f"{slip.__name__}-{rule[:30]}" for slip, rule in SLIPS]
)
def test_a_slip_breaks_its_rule(slip: Callable[[Any], Any], rule: str) -> None:
    @asynccontextmanager
    async def opened(context: Context[Any]) -> AsyncIterator[Ports]:
        async with CONNECTOR.open(context) as ports:
            yield Ports(ledger=slip(ports.ledger))

    class Rules(XeroRules):
        connector = replace(CONNECTOR, open=opened)

    Rules.setup_class()
    try:
        with pytest.raises(AssertionError):
            getattr(Rules(), f"test_{rule.replace(' ', '_')}")()
    finally:
        Rules.teardown_class()
