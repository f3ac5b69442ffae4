"""The rules of a connector that writes to a PSA: nothing lost, nothing twice, nothing claimed.

Answers are lost after the vendor has carried a write out, and before. What was not seen must be
unknown, and a look-up by key must then show what exists.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec

from syncd.sdk.connector import Ports, RateLimit
from syncd.sdk.errors import AuthError, SyncdError
from syncd.sdk.ports import Psa
from syncd.sdk.records import (
    ChangeKind,
    Delivered,
    KeyedChange,
    NotSent,
    Outcome,
    Receipt,
    Rejected,
    Subscription,
    Unknown,
)
from syncd.sdk.testing.adopting import AdoptionRules
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.reading import DAMAGE, ENDLESS, Reading
from syncd.sdk.testing.stage import READS, Scene

LOST = {
    "a connection cut after the commit": Fault(action=Action.CUT_AFTER),
    "an answer cut in the middle": Fault(action=Action.CUT_BODY),
    "a 502 after the commit": Fault(action=Action.STATUS_AFTER, status=502),
    "a redirect after the commit": Fault(action=Action.STATUS_AFTER, status=303),
    "a web page after the commit": Fault(action=Action.REPLACE),
    "half an answer after the commit": Fault(action=Action.TRUNCATE),
}
"""The vendor has carried the write out, and its answer does not say so."""

DOUBT = {
    "a connection cut before the commit": Fault(action=Action.CUT_BEFORE),
    "a 500 before the commit": Fault(action=Action.STATUS_BEFORE, status=500),
    "a 504 before the commit": Fault(action=Action.STATUS_BEFORE, status=504),
}
"""The vendor has not carried the write out, and nobody can tell."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One `apply`, from the outside.

    Attributes:
        outcomes: by key; empty when it raised.
        found: what a look-up by key showed afterwards, with the vendor whole again.
        error: what `apply` raised.
    """

    outcomes: Sequence[Outcome]
    found: Mapping[str, Sequence[Receipt]]
    error: Exception | None


class PsaConformance(AdoptionRules):
    """Inherit in a class named `Test…` and give what its parents ask.

    `list_path` is the list of clients, `rows` the number of clients.

    Attributes:
        records_path: regular expression of the path under which subscriptions are listed and
            searched.
    """

    records_path: ClassVar[str]

    def creates(self) -> Sequence[KeyedChange]:
        """At least two new subscriptions that the simulator accepts, each with its own key."""
        raise NotImplementedError("give changes that create subscriptions")

    def bad(self) -> KeyedChange:
        """A new subscription that the simulator refuses, e.g. for a client that does not exist."""
        raise NotImplementedError("give a change that the vendor refuses")

    def read(
        self, *faults: Fault, limits: RateLimit | None = None, listen: bool = False
    ) -> Reading:
        async def clients(ports: Ports) -> Counter[str]:
            async with asyncio.timeout(ENDLESS):
                batches = [batch async for batch in _psa(ports).clients()]
            return Counter(client.key for batch in batches for client in batch)

        scene = self.play(clients, *faults, limits=limits, listen=listen)
        proven = frozenset({"clients"} if scene.error is None else ())
        return Reading(scene, {"clients": scene.value or Counter()}, proven, bool(proven))

    def sent(
        self, changes: Sequence[KeyedChange], fault: Fault | None = None, *, listen: bool = False
    ) -> Scene[Sending]:
        """Apply changes while writes break in this way, then look the keys up."""

        async def apply(ports: Ports) -> Sending:
            psa = _psa(ports)
            outcomes: Sequence[Outcome] = ()
            failure: SyncdError | None = None
            try:
                outcomes = await psa.apply(changes)
            except SyncdError as error:
                failure = error
            assert fault is None or self.stage.script.struck, "no write met the fault"
            self.stage.script.replace(())
            found = await psa.find_many([change.key for change in changes])
            return Sending(outcomes, found, failure)

        faults = [] if fault is None else [fault]
        method, path = self.write_method, self.write_path
        broken = [replace(one, method=method, path=path) for one in faults]
        return self.play(apply, *broken, listen=listen)

    def unseen(self, fault: Fault) -> Scene[Sending]:
        """The creates, while the answer to the first write is not seen in this way; made once."""
        return self.once(
            f"unseen {fault}", lambda: self.sent(self.creates(), replace(fault, count=1))
        )

    def writes(self, scene: Scene[Sending]) -> int:
        """How often something was sent that may change the vendor."""
        return sum(method not in READS for method, _ in self.calls(scene))

    def test_a_create_is_delivered_with_its_proof(self) -> None:
        changes = self.creates()
        sending = _sending(self.sent(changes))
        for change in changes:
            outcome = _of(sending, change.key)
            assert isinstance(outcome, Delivered), f"a good change ended as {outcome!r}"
            assert outcome.receipt.key == change.key, "the receipt is for another key"
            found = [receipt.remote for receipt in sending.found[change.key]]
            told = outcome.receipt.remote
            assert found == [told], f"the receipt names {told}, a look-up finds {found}"

    def test_what_was_written_is_read_back(self) -> None:
        changes = self.creates()

        async def round_trip(ports: Ports) -> tuple[list[Subscription], Mapping[str, str]]:
            psa = _psa(ports)
            await psa.apply(changes)
            whole = psa.subscriptions(clients=None, period=None)
            records = [record async for batch in whole for record in batch]
            return records, {change.key: psa.marker(change.key) for change in changes}

        scene = self.play(round_trip)
        assert scene.error is None, f"raised {scene.error!r}"
        records, markers = scene.value or ([], {})
        for change in changes:
            ours = [record for record in records if record.marker == markers[change.key]]
            assert len(ours) == 1, f"{len(ours)} subscriptions carry the marker of {change.key}"
            told = (ours[0].client, ours[0].quantity)
            wanted = (change.fields.client, change.fields.quantity)
            assert told == wanted, f"client and quantity are {told}, written was {wanted}"

    def test_an_update_changes_the_record_and_makes_no_second_one(self) -> None:
        change = self.creates()[0]
        more = replace_quantity(change, change.fields.quantity + 5)

        async def update(ports: Ports) -> Sequence[Receipt]:
            psa = _psa(ports)
            (created,) = await psa.apply([change])
            assert isinstance(created, Delivered), f"a good change ended as {created!r}"
            remote = created.receipt.remote
            outcomes = await psa.apply(
                [KeyedChange(change.key, ChangeKind.UPDATE, remote, more.fields)]
            )
            assert isinstance(outcomes[0], Delivered), f"an update ended as {outcomes[0]!r}"
            found = await psa.read_many([remote])
            assert found[remote].quantity == more.fields.quantity, "the update did not arrive"
            return (await psa.find_many([change.key]))[change.key]

        scene = self.play(update)
        assert scene.error is None, f"raised {scene.error!r}"
        assert len(scene.value or ()) == 1, f"the update left {len(scene.value or ())} records"

    def test_a_key_that_nothing_carries_maps_to_nothing(self) -> None:
        async def find(ports: Ports) -> Mapping[str, Sequence[Receipt]]:
            return await _psa(ports).find_many(["nobody:wrote:this"])

        scene = self.play(find)
        assert scene.error is None, f"raised {scene.error!r}"
        found = {key: list(receipts) for key, receipts in (scene.value or {}).items()}
        assert found == {"nobody:wrote:this": []}, f"an unknown key gave {found}"

    def test_a_bad_change_is_rejected_alone(self) -> None:
        bad = self.bad()
        first, *rest = self.creates()
        sending = _sending(self.sent([first, bad, *rest]))
        outcome = _of(sending, bad.key)
        assert isinstance(outcome, Rejected), f"a change the vendor refuses ended as {outcome!r}"
        assert not sending.found[bad.key], "a rejected change exists"
        for change in (first, *rest):
            other = _of(sending, change.key)
            assert isinstance(other, Delivered), f"beside a bad change a good one was {other!r}"

    def test_a_lost_answer_is_unknown_until_it_is_looked_up(self) -> None:
        for what, fault in LOST.items():
            sending = _sending(self.unseen(fault))
            for outcome in sending.outcomes:
                assert isinstance(outcome, Unknown | Delivered), f"{what} ended as {outcome!r}"
            self._each_at_most_once(sending, what)
            claimed = {one.key for one in sending.outcomes if isinstance(one, Delivered)}
            absent = [key for key in claimed if len(sending.found[key]) != 1]
            assert not absent, f"{what}: {absent} delivered, and not there"
            assert any(sending.found.values()), f"{what}: the look-up finds nothing"

    def test_a_write_that_may_have_happened_is_not_denied(self) -> None:
        for what, fault in DOUBT.items():
            sending = _sending(self.unseen(fault))
            for outcome in sending.outcomes:
                exists = bool(sending.found[outcome.key])
                fits = isinstance(outcome, Delivered) if exists else isinstance(outcome, Unknown)
                assert fits, f"{what} ended as {outcome!r}; {exists=}"

    def test_no_write_is_ever_sent_again_blind(self) -> None:
        healthy = self.writes(self.sent(self.creates()))
        for what, fault in {**LOST, **DOUBT}.items():
            scene = self.unseen(fault)
            _sending(scene)
            sent = self.writes(scene)
            assert sent <= healthy, f"{what}: {sent} writes were sent, {healthy} are needed"

    def test_a_throttled_write_is_carried_out_once_or_not_sent(self) -> None:
        fault = Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"})
        sending = _sending(self.unseen(fault))
        for outcome in sending.outcomes:
            assert isinstance(outcome, Delivered | NotSent), f"one 429 ended as {outcome!r}"
        self._each_at_most_once(sending, "one 429")

    def test_refused_credentials_write_nothing(self) -> None:
        scene = self.sent(self.creates(), Fault(action=Action.STATUS_BEFORE, status=401))
        sending = _sending(scene, may_raise=AuthError)
        for outcome in sending.outcomes:
            assert isinstance(outcome, NotSent | Rejected), f"401 ended as {outcome!r}"
        assert not any(sending.found.values()), "something was written with refused credentials"

    def test_a_look_up_that_fails_is_not_absence(self) -> None:
        change = self.creates()[0]
        empty = {"an empty list": Fault(action=Action.EMPTY_LIST)}
        for what, fault in {**DAMAGE, **empty}.items():
            broken = replace(fault, path=self.records_path, method="GET")

            async def look_up(ports: Ports, broken: Fault = broken) -> bool:
                psa = _psa(ports)
                await psa.apply([change])
                self.stage.script.replace([broken])
                return bool((await psa.find_many([change.key]))[change.key])

            self._raises_or_tells(self.play(look_up), what, "a record that exists is not found")

    def test_subscriptions_that_cannot_be_read_whole_raise(self) -> None:
        changes = self.creates()
        for what, fault in DAMAGE.items():
            broken = replace(fault, path=self.records_path, method="GET")

            async def sweep(ports: Ports, broken: Fault = broken) -> bool:
                psa = _psa(ports)
                await psa.apply(changes)
                self.stage.script.replace([broken])
                whole = psa.subscriptions(clients=None, period=None)
                records = [record async for batch in whole for record in batch]
                return len(records) >= len(changes)

            self._raises_or_tells(self.play(sweep), what, "subscriptions are missing")

    def test_secrets_stay_hidden_while_writing(self) -> None:
        echo = " ".join(self.secrets)
        for fault in (
            Fault(action=Action.STATUS_BEFORE, status=400, body=echo),
            Fault(action=Action.STATUS_AFTER, status=500, body=echo),
            Fault(action=Action.REPLACE, body=echo),
        ):
            self.no_secret_in(self.sent(self.creates(), fault, listen=True).words())

    def test_everything_is_closed_after_a_lost_write(self) -> None:
        scene = self.sent(self.creates(), Fault(action=Action.CUT_AFTER))
        assert scene.closed, "a connection to the vendor was left open"
        assert not scene.tasks, f"tasks were left running: {scene.tasks}"

    def _each_at_most_once(self, sending: Sending, what: str) -> None:
        twice = [key for key, receipts in sending.found.items() if len(receipts) > 1]
        assert not twice, f"{what}: {twice} exist more than once"

    def _raises_or_tells(self, scene: Scene[bool], what: str, lie: str) -> None:
        error = scene.error
        assert error is None or isinstance(error, SyncdError), (
            f"{type(error).__name__} escaped; only syncd.sdk.errors may: {error!r}"
        )
        assert error is not None or scene.value, f"{what}: {lie}, and nothing is raised"


def replace_quantity(change: KeyedChange, quantity: int) -> KeyedChange:
    """The same change with another quantity."""
    fields = msgspec.structs.replace(change.fields, quantity=quantity)
    return msgspec.structs.replace(change, fields=fields)


def _sending(scene: Scene[Sending], *, may_raise: type[SyncdError] | None = None) -> Sending:
    assert scene.error is None, f"raised {scene.error!r}"
    assert scene.value is not None
    sending = scene.value
    if sending.error is not None:
        allowed = may_raise is not None and isinstance(sending.error, may_raise)
        assert allowed, f"apply raised {sending.error!r} instead of giving outcomes"
        return sending
    told = Counter(outcome.key for outcome in sending.outcomes)
    asked = Counter(list(sending.found))
    assert told == asked, f"changes {sorted(asked)}, outcomes for {sorted(told.elements())}"
    return sending


def _of(sending: Sending, key: str) -> Outcome:
    return next(outcome for outcome in sending.outcomes if outcome.key == key)


def _psa(ports: Ports) -> Psa:
    assert ports.psa is not None
    return ports.psa
