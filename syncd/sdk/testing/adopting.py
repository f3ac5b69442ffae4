"""The rules of a connector that adopts a record: our marker is written, and nothing else moves.

The record is made under one key and adopted under another, with fields that differ from what it
holds; whatever of them arrives was not to be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import msgspec

from syncd.sdk.connector import Ports
from syncd.sdk.ports import Psa
from syncd.sdk.records import (
    ChangeKind,
    Delivered,
    KeyedChange,
    Outcome,
    Receipt,
    Rejected,
    Subscription,
    Unknown,
)
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.reading import ReadingConformance
from syncd.sdk.testing.stage import Scene

T = TypeVar("T")

ADOPTED = "adopted:by:this:key"

_LOST = {
    "a connection cut after the commit": Fault(action=Action.CUT_AFTER),
    "a 502 after the commit": Fault(action=Action.STATUS_AFTER, status=502),
    "a web page after the commit": Fault(action=Action.REPLACE),
}


@dataclass(frozen=True, slots=True)
class Adopting:
    """One adoption, from the outside.

    Attributes:
        remote: the record that was adopted.
        marker: what stands in the field for the key it is adopted under.
        before: the record as it stood.
        outcome: of the adoption.
        after: the record afterwards, with the vendor whole again.
        found: by the key it was made under and by the one it was adopted under.
    """

    remote: str
    marker: str
    before: Subscription
    outcome: Outcome
    after: Subscription | None
    found: Mapping[str, Sequence[Receipt]]


class AdoptionRules(ReadingConformance):
    """Part of the rules of a PSA; see `PsaConformance`.

    Attributes:
        write_path: regular expression of the path to which new subscriptions are written.
        write_method: by which method.
        adopt_path: the same of an existing one, where it differs.
        adopt_method: likewise.
        absent_remote: an id that no record of the simulator has.
    """

    write_path: ClassVar[str]
    write_method: ClassVar[str] = "POST"
    adopt_path: ClassVar[str] = ""
    adopt_method: ClassVar[str] = ""
    absent_remote: ClassVar[str] = "987654"

    def creates(self) -> Sequence[KeyedChange]:
        """New subscriptions that the simulator accepts."""
        raise NotImplementedError("give changes that create subscriptions")

    def adopted(self, fault: Fault | None = None) -> Scene[Adopting]:
        """A record is made, and adopted while writes break in this way."""
        change = self.creates()[0]

        async def adopt(ports: Ports) -> Adopting:
            psa = _psa(ports)
            (created,) = await psa.apply([change])
            assert isinstance(created, Delivered), f"a good change ended as {created!r}"
            remote = created.receipt.remote
            before = (await psa.read_many([remote]))[remote]
            if fault is not None:
                method = self.adopt_method or self.write_method
                path = self.adopt_path or self.write_path
                self.stage.script.replace([replace(fault, method=method, path=path, count=1)])
            (outcome,) = await psa.apply([adoption(change, remote)])
            assert fault is None or self.stage.script.struck, "no write met the fault"
            self.stage.script.replace(())
            return Adopting(
                remote=remote,
                marker=psa.marker(ADOPTED),
                before=before,
                outcome=outcome,
                after=(await psa.read_many([remote])).get(remote),
                found=await psa.find_many([change.key, ADOPTED]),
            )

        return self.play(adopt)

    def test_an_adoption_changes_nothing_but_the_marker(self) -> None:
        seen = _value(self.adopted())
        outcome = seen.outcome
        assert isinstance(outcome, Delivered), f"an adoption ended as {outcome!r}"
        assert outcome.receipt.remote == seen.remote, "the receipt names another record"
        assert seen.after is not None, "the record is gone"
        assert seen.after.marker == seen.marker, "the record does not carry the marker"
        asked = {"marker": seen.marker, "sku": seen.after.sku}
        moved = msgspec.structs.replace(seen.before, **asked)
        assert seen.after == moved, f"adopting made {seen.after} of {seen.before}"
        holders = [receipt.remote for receipt in seen.found[ADOPTED]]
        assert holders == [seen.remote], f"a look-up by the new key finds {holders}"

    def test_an_adoption_of_a_record_that_is_gone_is_refused(self) -> None:
        change = self.creates()[0]

        async def adopt(ports: Ports) -> tuple[Outcome, int]:
            psa = _psa(ports)
            (outcome,) = await psa.apply([adoption(change, self.absent_remote)])
            return outcome, len((await psa.find_many([ADOPTED])).get(ADOPTED, ()))

        outcome, made = _value(self.play(adopt))
        assert isinstance(outcome, Rejected), f"adopting what is not there ended as {outcome!r}"
        assert outcome.gone, "the refusal does not say that the record is gone"
        assert not made, "adopting what is not there made a record"

    def test_a_lost_answer_to_an_adoption_is_unknown_until_it_is_looked_up(self) -> None:
        for what, fault in _LOST.items():
            seen = _value(self.adopted(fault))
            fits = isinstance(seen.outcome, Unknown | Delivered)
            assert fits, f"{what} ended as {seen.outcome!r}"
            holders = [receipt.remote for receipt in seen.found[ADOPTED]]
            assert holders == [seen.remote], f"{what}: a look-up by the new key finds {holders}"


def adoption(made: KeyedChange, remote: str) -> KeyedChange:
    """The adoption of a record under another key, with fields that must not be written."""
    fields = msgspec.structs.replace(
        made.fields, name=f"{made.fields.name} renamed", quantity=made.fields.quantity + 7
    )
    return KeyedChange(ADOPTED, ChangeKind.ADOPT, remote, fields)


def _psa(ports: Ports) -> Psa:
    assert ports.psa is not None, "the connector opens no PSA"
    return ports.psa


def _value(scene: Scene[T]) -> T:
    assert scene.error is None, f"raised {scene.error!r}"
    assert scene.value is not None
    return scene.value
