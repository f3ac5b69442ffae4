"""The rules of a connector that counts units: whole and proven, or said not to be.

The vendor breaks in the middle of the list of units; a scope may then be incomplete, and must
never be complete with something lost.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.sdk.connector import Ports, RateLimit
from syncd.sdk.ports import SourceHints
from syncd.sdk.records import Observation, ScopeState, ScopeVerdict
from syncd.sdk.testing.fakes import FakeHints, RecordingSink
from syncd.sdk.testing.faults import Action, Fault
from syncd.sdk.testing.reading import ENDLESS, Reading, ReadingConformance


@dataclass(frozen=True, slots=True)
class Observed(Reading):
    """A reading of units.

    Attributes:
        verdicts: as `observe` returned them.
        sink: what it handed over.
    """

    verdicts: tuple[ScopeVerdict, ...]
    sink: RecordingSink


class UsageConformance(ReadingConformance):
    """Inherit in a class named `Test…` and give what `Conformance` and `ReadingConformance` ask.

    `list_path` is the list of units, `rows` the number of units, excluded ones included.
    """

    def hints(self) -> SourceHints:
        """What the host remembers of an earlier, complete pull: how many units there were.

        Override it for a connector that asks for ranges of ids.
        """
        return FakeHints(self.rows)

    def read(
        self, *faults: Fault, limits: RateLimit | None = None, listen: bool = False
    ) -> Reading:
        sink = RecordingSink()

        async def observe(ports: Ports) -> Sequence[ScopeVerdict]:
            assert ports.usage is not None
            async with asyncio.timeout(ENDLESS):
                return await ports.usage.observe(sink, None)

        scene = self.play(observe, *faults, limits=limits, hints=self.hints(), listen=listen)
        verdicts = tuple(scene.value or ())
        proven = {one.scope for one in verdicts if one.state is ScopeState.COMPLETE}
        whole = scene.error is None and bool(sink.scopes) and set(sink.scopes) == proven
        rows = {scope: Counter(map(_row, sink.units.get(scope, ()))) for scope in sink.scopes}
        return Observed(scene, rows, frozenset(proven), whole, verdicts, sink)

    def observed(self) -> Observed:
        """The healthy reading, with what the sink received."""
        reading = self.healthy()
        assert isinstance(reading, Observed)
        assert reading.scene.error is None, f"raised {reading.scene.error!r}"
        return reading

    def test_a_healthy_read_is_proven_whole(self) -> None:
        sink, verdicts = self.observed().sink, self.observed().verdicts
        scopes = sorted(verdict.scope for verdict in verdicts)
        assert scopes == sorted(sink.scopes), f"verdicts for {scopes}, scopes {list(sink.scopes)}"
        for verdict in verdicts:
            seen = len(sink.units.get(verdict.scope, ()))
            assert verdict.state is ScopeState.COMPLETE, f"a healthy vendor gave {verdict}"
            assert verdict.seen == seen, f"{verdict.seen} are said to be seen, {seen} were given"
            assert verdict.declared in (None, seen), f"{verdict.declared} declared, {seen} given"
            assert not verdict.reasons, f"complete, and yet with reasons {verdict.reasons}"

    def test_every_account_is_in_a_scope(self) -> None:
        sink = self.observed().sink
        covered = {key for keys in sink.scopes.values() for key in keys}
        assert covered == set(sink.roster), (
            f"in a scope or in the roster, not in both: {sorted(covered ^ set(sink.roster))}"
        )

    def test_every_part_names_a_whole_of_the_roster(self) -> None:
        roster = self.observed().sink.roster
        lost = [
            one.key
            for one in roster.values()
            if one.parent is not None
            and (one.parent not in roster or roster[one.parent].parent is not None)
        ]
        assert not lost, f"parts of no whole account: {sorted(lost)}"

    def test_every_unit_has_a_natural_key(self) -> None:
        sink = self.observed().sink
        keys = Counter((unit.account, unit.product, unit.unit) for unit in sink.observations)
        twice = [key for key, times in keys.items() if times > 1]
        assert not twice, f"{len(twice)} units share account, product and unit, e.g. {twice[:1]}"
        assert all(all(key) for key in keys), "an account, product or unit key is empty"

    def test_every_quantity_is_a_whole_number_from_zero_up(self) -> None:
        sink = self.observed().sink
        odd = [one.quantity for one in sink.observations if not _counts(one.quantity)]
        assert not odd, f"{len(odd)} quantities are not whole numbers from zero up, e.g. {odd[:1]}"

    def test_accounts_are_declared_before_their_units(self) -> None:
        sink = self.observed().sink
        assert not sink.early, f"{len(sink.early)} units came before their account was declared"

    def test_the_roster_is_the_same_with_and_without_units(self) -> None:
        async def accounts(ports: Ports) -> set[str]:
            assert ports.usage is not None
            return {account.key async for batch in ports.usage.accounts() for account in batch}

        scene = self.play(accounts)
        assert scene.error is None, f"raised {scene.error!r}"
        sink = self.observed().sink
        differ = (scene.value or set()) ^ set(sink.roster)
        assert not differ, f"accounts() and observe() differ in {sorted(differ)}"

    def test_every_counted_product_is_declared(self) -> None:
        async def products(ports: Ports) -> set[str]:
            assert ports.usage is not None
            return {product.key for product in ports.usage.products()}

        scene = self.play(products)
        assert scene.error is None, f"raised {scene.error!r}"
        sink = self.observed().sink
        stray = {unit.product for unit in sink.observations} - (scene.value or set())
        assert not stray, f"{sorted(stray)} are counted and not among products()"

    def test_a_cancelled_read_ends_and_closes(self) -> None:
        scene = self.play(
            self._cancelled, Fault(action=Action.LATENCY, seconds=1.0, path=self.list_path)
        )
        assert scene.error is None, f"raised {scene.error!r}"
        assert scene.value, "the cancellation was swallowed"
        assert scene.closed, "a connection to the vendor was left open"
        assert not scene.tasks, f"tasks were left running: {scene.tasks}"

    async def _cancelled(self, ports: Ports) -> bool:
        """Whether a reading that is cancelled while it waits for the list says so."""
        assert ports.usage is not None
        reading = asyncio.ensure_future(ports.usage.observe(RecordingSink(), None))
        async with asyncio.timeout(ENDLESS):
            while not any(self.is_list(one.path) for one in self.stage.requests):
                await asyncio.wait({reading}, timeout=0.01)
        reading.cancel()
        await asyncio.wait({reading}, timeout=ENDLESS)
        return reading.cancelled()


def _row(unit: Observation) -> str:
    return f"{unit.account} {unit.product} {unit.unit} {unit.quantity} {unit.excluded}"


def _counts(quantity: object) -> bool:
    return type(quantity) is int and quantity >= 0
