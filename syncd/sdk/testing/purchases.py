"""The rules of a connector that reads a vendor's bill: whole and to the cent, or said not to be.

The vendor breaks while the bill is read; what was lost, or came twice, must never be proven.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from syncd.sdk.connector import Ports
from syncd.sdk.errors import AuthError, SyncdError
from syncd.sdk.period import Period
from syncd.sdk.records import PurchaseLine, PurchaseProof, ScopeState
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.reading import DAMAGE, ENDLESS, STUMBLES
from syncd.sdk.testing.stage import Scene


class Lines:
    """A sink that keeps every line."""

    def __init__(self) -> None:
        self.lines: list[PurchaseLine] = []

    async def add(self, batch: Sequence[PurchaseLine]) -> None:
        self.lines.extend(batch)


@dataclass(frozen=True, slots=True)
class Bill:
    """One reading of a month.

    Attributes:
        scene: how it went.
        lines: that were handed over.
    """

    scene: Scene[PurchaseProof]
    lines: tuple[PurchaseLine, ...]

    @property
    def proven(self) -> bool:
        return self.scene.value is not None and self.scene.value.state is ScopeState.COMPLETE

    @property
    def sums(self) -> Counter[tuple[str, str, str, str, Decimal, Decimal]]:
        return Counter(
            (one.account, one.sku, one.subscription, one.charge, one.quantity, one.cost)
            for one in self.lines
        )


class PurchaseConformance(Conformance):
    """Inherit in a class named `Test…` and give what `Conformance` asks.

    Attributes:
        period: a month that the simulator has billed.
        lines_path: regular expression of the path that the lines come from; the simulator must
            need at least two calls of it.
        cost: of the month, before tax, by the simulator's own books.
        made: what several rules look at, by name.
    """

    period: ClassVar[Period]
    lines_path: ClassVar[str]
    cost: ClassVar[Decimal]
    made: ClassVar[dict[str, Bill]]

    def read_bill(self, *faults: Fault, period: Period | None = None, listen: bool = False) -> Bill:
        """Read a month of a new vendor that is broken in this way; the billed one unless told."""
        sink = Lines()

        async def read(ports: Ports) -> PurchaseProof:
            assert ports.purchases is not None
            async with asyncio.timeout(ENDLESS):
                return await ports.purchases.purchases(sink, period or self.period, billed=True)

        scene = self.play(read, *faults, listen=listen)
        return Bill(scene, tuple(sink.lines))

    def bill(self, fault: Fault | None = None, *, nth: int = 2, count: int | None = None) -> Bill:
        """The month of a vendor whose lines break from the nth call on; healthy without a fault."""
        cls: Any = type(self)
        if "made" not in vars(cls):
            cls.made = {}
        scripted = fault and replace(fault, path=self.lines_path, nth=nth, count=count)
        if repr(scripted) not in cls.made:
            cls.made[repr(scripted)] = self.read_bill(*([scripted] if scripted else []))
        bill: Bill = cls.made[repr(scripted)]
        assert fault is None or bill.scene.struck, f"the simulator is too small: no call {nth}"
        return bill

    def test_a_healthy_bill_is_proven_to_the_cent(self) -> None:
        bill = self.bill()
        assert bill.scene.error is None, f"raised {bill.scene.error!r}"
        proof = bill.scene.value
        assert proof is not None
        assert bill.proven, f"a healthy vendor gave {proof}"
        assert proof.lines == len(bill.lines), f"{proof.lines} said, {len(bill.lines)} given"
        assert not proof.reasons, f"complete, and yet with reasons {proof.reasons}"
        assert proof.documents, "no document is named"
        odd = [one for one in bill.lines if type(one.cost) is not Decimal]
        assert not odd, f"{len(odd)} costs are no exact numbers"
        cost = sum((one.cost for one in bill.lines), Decimal(0))
        assert cost == self.cost, f"{cost} was read of {self.cost}"

    def test_every_line_says_what_it_is_for(self) -> None:
        lines = self.bill().lines
        assert all(one.sku and one.charge and one.currency for one in lines), "a line says nothing"
        mixed = [one for one in lines if one.cost and (one.cost < 0) is not (one.quantity < 0)]
        assert not mixed, f"{len(mixed)} lines give back what they charge"

    def test_the_same_bill_has_the_same_version(self) -> None:
        first, again = self.bill().scene.value, self.read_bill().scene.value
        assert first is not None
        assert again is not None
        assert first.version == again.version, "nothing changed but the version"

    def test_a_month_without_a_bill_yet_is_no_lines_and_no_error(self) -> None:
        late = self.read_bill(period=Period(2199, 1))
        assert late.scene.error is None, f"raised {late.scene.error!r}"
        assert late.lines == (), "lines of a month that is not over"
        assert late.scene.value is not None
        assert late.scene.value.documents == ()

    def test_what_breaks_for_good_is_never_proven(self) -> None:
        for what, fault in DAMAGE.items():
            assert not self.bill(fault).proven, f"{what}, yet the bill is complete"

    def test_what_stumbles_once_is_read_and_counts_once(self) -> None:
        for what, fault in STUMBLES.items():
            bill = self.bill(fault, count=1)
            assert bill.proven, f"{what} was not survived: {bill.scene.error or bill.scene.value!r}"
            assert bill.sums == self.bill().sums, f"{what}: lines were lost or came twice"

    def test_refused_credentials_stop_the_bill(self) -> None:
        refused = Fault(action=Action.STATUS_BEFORE, status=401, path=self.api)
        error = self.read_bill(refused).scene.error
        assert isinstance(error, AuthError), f"401 for ever ended in {error!r}, not in AuthError"

    def test_only_our_errors_escape_a_bill(self) -> None:
        for fault in DAMAGE.values():
            error = self.bill(fault).scene.error
            assert error is None or isinstance(error, SyncdError), f"{error!r} escaped"

    def test_a_bill_leaves_nothing_open(self) -> None:
        for bill in (self.bill(), self.bill(DAMAGE["a cut connection"])):
            assert bill.scene.closed, "a connection to the vendor was left open"
            assert not bill.scene.tasks, f"tasks were left running: {bill.scene.tasks}"

    def test_secrets_stay_hidden_in_a_bill(self) -> None:
        echo = " ".join(self.secrets)
        for fault in (
            Fault(action=Action.STATUS_BEFORE, status=400, path=self.api, nth=2, body=echo),
            Fault(action=Action.REPLACE, path=self.lines_path, body=echo),
        ):
            self.no_secret_in(self.read_bill(fault, listen=True).scene.words())
