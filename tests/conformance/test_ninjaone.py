"""The NinjaOne connector keeps every rule of the conformance kit, against its own simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from syncd_ninjaone import CONNECTOR
from syncd_ninjaone.sandbox import SANDBOX, SECRET

from syncd.sdk.testing.fakes import FakeHints
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.usage import UsageConformance
from tests.builders_ninjaone import fleet


class NinjaOneRules(UsageConformance):
    """A fleet of four pages, read as the settings of each class say."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/oauth/token$"
    rows = 38
    list_path = "/devices-detailed$"
    settings: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        return SANDBOX.build(fleet(self.rows), {})

    def config(self, base_url: str) -> Mapping[str, Any]:
        given = {**SANDBOX.settings(base_url), "client_secret": SECRET, "page_size": 10}
        return {**given, **self.settings}


class TestNinjaOne(NinjaOneRules):
    """In a single chain."""


class TestNinjaOneSplit(NinjaOneRules):
    """Every organisation by location."""

    settings: ClassVar[Mapping[str, Any]] = {"split_by_location": "all"}


class TestNinjaOneInRanges(NinjaOneRules):
    """In ranges of ids, several at once."""

    settings: ClassVar[Mapping[str, Any]] = {"id_ranges": "on", "chains": 3}

    def play(self, act, *faults, hints=None, **how):
        known = hints and FakeHints(self.rows, [one.id for one in fleet(self.rows).devices()])
        return super().play(act, *faults, hints=known, **how)
