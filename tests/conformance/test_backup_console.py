"""The backup console's connector keeps every rule of the conformance kit, against its simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from syncd_backup_console import CONNECTOR
from syncd_backup_console.sandbox import PASSWORD, SANDBOX

from syncd.sdk.connector import Ports
from syncd.sdk.testing.fakes import RecordingSink
from syncd.sdk.testing.faults import Action, Application, Fault
from syncd.sdk.testing.reading import DAMAGE
from syncd.sdk.testing.usage import UsageConformance
from tests.builders_backup_console import console


class ConsoleRules(UsageConformance):
    """The console has no pages: its list of units is three lists of one answer each."""

    connector = CONNECTOR
    secrets = (PASSWORD,)
    token_path = "/Login$"
    list_path = "/api/(Companies|Users|Licenses|Monitoring)$"
    rows = 23
    settings: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        return SANDBOX.build(console(servers=20), {})

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {**SANDBOX.settings(base_url), "password": PASSWORD, **self.settings}

    def test_every_counted_product_is_declared(self) -> None:
        """Licence types are known once they were read, which is when the host asks."""

        async def both(ports: Ports) -> tuple[set[str], set[str]]:
            assert ports.usage is not None
            sink = RecordingSink()
            await ports.usage.observe(sink, None)
            declared = {product.key for product in ports.usage.products()}
            return {unit.product for unit in sink.observations}, declared

        scene = self.play(both)
        assert scene.value, f"raised {scene.error!r}"
        seen, declared = scene.value
        assert seen
        assert seen <= declared

    def test_a_page_that_repeats_is_noticed(self) -> None:
        """Without pages a repeated answer is the same list once more, and counts nothing twice."""
        self.survived(self.broken(Fault(action=Action.REPEAT)), "the same answer once more")

    def test_no_single_list_is_missing_in_a_complete_read(self) -> None:
        """The rules break the second call; here each list breaks alone, for good."""
        for name in ("Companies", "Users", "Licenses"):
            for what, fault in DAMAGE.items():
                reading = self.read(replace(fault, path=f"/api/{name}$"))
                assert not reading.whole, f"{what} for {name}, yet all is complete"


class TestBackupConsole(ConsoleRules):
    """Licences alone."""


class TestBackupConsoleWithComputers(ConsoleRules):
    """Licences, and computers that have a plan."""

    rows = 43
    settings: ClassVar[Mapping[str, Any]] = {"computers": True}
