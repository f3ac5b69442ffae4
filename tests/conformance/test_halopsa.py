"""The HaloPSA connector keeps every rule of the conformance kit, against its own simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.sandbox import CLIENT_OFFSET, SANDBOX, SECRET

from syncd.sandbox.presets import fleet
from syncd.sdk.records import KeyedChange
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.psa import PsaConformance
from tests.builders_halopsa import create

START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


class HaloPsaRules(PsaConformance):
    """Twenty-three clients in pages of five, and subscriptions for two of them."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/auth/token$"
    rows = 23
    list_path = "/Client$"
    records_path = "/SoftwareLicence$"
    write_path = "/SoftwareLicence$"
    options: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        world = fleet(0, self.rows, start=START)
        app: Application = SANDBOX.build(
            world, {"page_cap": 5, "extras": False, "quota_calls": 0, **self.options}
        )
        return app

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {**SANDBOX.settings(base_url), "client_secret": SECRET}

    def creates(self) -> Sequence[KeyedChange]:
        clients = (CLIENT_OFFSET + 1, CLIENT_OFFSET + 1, CLIENT_OFFSET + 2)
        return [
            create(f"syncd:a1b2c3d4:11:c1:l{n}", client=str(client))
            for n, client in enumerate(clients)
        ]

    def bad(self) -> KeyedChange:
        return create("syncd:a1b2c3d4:11:c1:lx", client="77")


class TestHaloPsa(HaloPsaRules):
    """As shipped."""


class TestHaloPsaThatSaysLittle(HaloPsaRules):
    """An instance that answers saves with nothing, whose search does not know our key, and whose
    ids look like 12.0."""

    options: ClassVar[Mapping[str, Any]] = {
        "multi_answer": "empty",
        "search_fields": ("name",),
        "ids_as_floats": True,
    }
