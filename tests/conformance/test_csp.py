"""The Partner Center connector keeps every rule of the conformance kit, against its simulator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from syncd_csp import CONNECTOR
from syncd_csp.sandbox import REFRESH_TOKEN, SANDBOX, SECRET
from syncd_csp.sandbox.app import Simulator
from syncd_csp.sandbox.books import Books
from syncd_csp.sandbox.options import Options

from syncd.sdk.connector import Ports
from syncd.sdk.period import Period
from syncd.sdk.testing.fakes import RecordingSink
from syncd.sdk.testing.faults import Action, Application, Fault
from syncd.sdk.testing.purchases import PurchaseConformance
from syncd.sdk.testing.usage import UsageConformance
from tests.builders_partner import market
from tests.builders_tokens import MemoryVault


class CspRules(UsageConformance):
    """Four customers, each with subscriptions of its own; the clock stands before they bought."""

    connector = CONNECTOR
    secrets = (SECRET, REFRESH_TOKEN)
    token_path = "/oauth2/v2.0/token$"
    more: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[Mapping[str, Any]] = {}
    simulator: ClassVar[Simulator]

    def vendor(self) -> Application:
        app = SANDBOX.build(market(), self.options)
        type(self).simulator = app.state.simulator
        return app

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {**SANDBOX.settings(base_url), "client_secret": SECRET, **self.more}

    def vault(self) -> MemoryVault:
        return MemoryVault(REFRESH_TOKEN)

    def test_every_counted_product_is_declared(self) -> None:
        """Offers are known once they were read, which is when the host asks."""

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

    def test_nothing_is_asked_but_questions(self) -> None:
        assert self.read().whole
        assert sum(self.simulator.questions.values()) >= 3
        assert self.simulator.writes == []


class TestCspSubscriptions(CspRules):
    """The application reads; subscriptions come in pages, as nobody says that they do not."""

    list_path = "/v1/customers/[^/]+/subscriptions$"
    rows = 19
    options: ClassVar[Mapping[str, Any]] = {"subscription_pages": 2}


class TestCspCustomers(CspRules):
    """A customer on each page of the list of customers, behind malformed links."""

    list_path = "/v1/customers$"
    rows = 19
    more: ClassVar[Mapping[str, Any]] = {"page_size": 1}
    options: ClassVar[Mapping[str, Any]] = {"links": "malformed"}


class TestCspOfAPerson(CspRules):
    """A person's sign-in reads, and licences are read beside subscriptions."""

    list_path = "/v1/customers/[^/]+/subscribedskus$"
    rows = 61
    more: ClassVar[Mapping[str, Any]] = {"access": "user", "licence_usage": True}
    options: ClassVar[Mapping[str, Any]] = {"numbers_as_text": True, "dates": "zoneless"}

    def test_a_page_that_repeats_is_noticed(self) -> None:
        """There is one page, and what is repeated is the same list once more."""
        self.survived(self.broken(Fault(action=Action.REPEAT)), "the same answer once more")


def october() -> Decimal:
    """What the simulated seller's own books charge for the month."""
    books = Books(market(), Options())
    books.refresh()
    lines = books.lines(date(2026, 10, 1), date(2026, 10, 31))
    return sum((one.subtotal for one in lines), Decimal(0))


class TestCspBill(PurchaseConformance):
    """October's bill in three files."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/oauth2/v2.0/token$"
    question_path = "/export$"
    period = Period(2026, 10)
    lines_path = "^/store/"
    cost = october()

    def vendor(self) -> Application:
        app: Application = SANDBOX.build(market(), {"blobs": 3})
        return app

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {**SANDBOX.settings(base_url), "client_secret": SECRET}
