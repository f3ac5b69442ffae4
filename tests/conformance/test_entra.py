"""The Entra connector keeps every rule of the conformance kit, against its own simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from syncd_entra import CONNECTOR
from syncd_entra.sandbox import SANDBOX, SECRET
from syncd_entra.sandbox.directory import PARTNER_TENANT
from syncd_entra.sandbox.logins import REFRESHED_BEFORE

from syncd.sdk.connector import Ports
from syncd.sdk.testing.fakes import RecordingSink
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.usage import UsageConformance
from tests.builders_entra import cloud, settings
from tests.builders_tokens import MemoryVault


class EntraRules(UsageConformance):
    """Four tenants: each has a batch of its own."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/oauth2/v2.0/token$"
    question_path = r"/\$batch$"
    more: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[Mapping[str, Any]] = {}
    clients = 4
    people = 8

    def vendor(self) -> Application:
        app = SANDBOX.build(cloud(self.clients, self.people), self.options)
        type(self).simulator = app.state.simulator
        return app

    def config(self, base_url: str) -> Mapping[str, Any]:
        given = settings(cloud(self.clients, self.people), **self.more)
        return {**given, "login_url": base_url, "graph_url": base_url}

    def test_every_counted_product_is_declared(self) -> None:
        """SKUs are known once they were read, which is when the host asks."""

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

    def test_no_batch_holds_anything_but_questions(self) -> None:
        assert self.read().whole
        assert self.simulator.batch_sizes
        assert self.simulator.writes == []


class TestEntra(EntraRules):
    """Numbers alone."""

    list_path = r"/v1.0/\$batch$"
    rows = 48


class TestEntraListed(EntraRules):
    """Every user is read, page by page."""

    list_path = "/v1.0/users$"
    clients = 1
    people = 9
    rows = 33
    options: ClassVar[Mapping[str, Any]] = {"page_cap": 3}
    more: ClassVar[Mapping[str, Any]] = {
        "users": "listed",
        "user_counts": [{"key": "people", "name": "People", "type": "member", "enabled": True}],
    }


class TestEntraOverGdap(EntraRules):
    """The partner's sign-in opens the tenants that its relationships name."""

    secrets = (SECRET, REFRESHED_BEFORE)
    list_path = r"/v1.0/\$batch$"
    rows = 48
    more: ClassVar[Mapping[str, Any]] = {
        "access": "gdap",
        "partner_tenant": PARTNER_TENANT,
        "tenants": [],
        "tenants_from": ["gdap"],
        "subscriptions": True,
    }

    def vault(self) -> MemoryVault:
        return MemoryVault(REFRESHED_BEFORE)


class TestEntraThrottledInsideOfBatches(EntraRules):
    """Every second question is throttled once, and all is read in spite of it."""

    list_path = r"/v1.0/\$batch$"
    rows = 48
    options: ClassVar[Mapping[str, Any]] = {"throttled_items": 2}
