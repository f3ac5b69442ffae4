"""The kit passes a connector that reads a bill, and each rule of bills catches its slip."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.sdk.period import Period
from syncd.sdk.testing.conformance import Conformance
from syncd.sdk.testing.purchases import PurchaseConformance
from tests.unit.sdk import guide
from tests.unit.sdk.mutants import before, broken_rules, module, mutant, rules

VENDOR = module(guide.files()["acme_vendor.py"])

SOURCE = """
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
from pydantic import BaseModel, SecretStr

from syncd.sdk.auth import ClientCredentials
from syncd.sdk.connector import Capability, Connector, Ports
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing
from syncd.sdk.http import ApiClient
from syncd.sdk.paging import after_id
from syncd.sdk.period import Period
from syncd.sdk.records import (
    CheckResult, Permission, PurchaseLine, PurchaseProof, ScopeState,
)

OPENED = []


class AcmeConfig(BaseModel):
    base_url: str
    client_id: str
    client_secret: SecretStr


class Sold(msgspec.Struct):
    id: int
    customer_id: int


class AcmeBill:
    def __init__(self, api):
        self._api = api

    async def check(self):
        try:
            await self._api.read("/v1/devices", {"limit": 1})
        except PermissionMissing as error:
            missing = Permission("bill:read", granted=False, needed_for="reconciliation")
            return CheckResult(False, "not permitted", (missing,), error=str(error))
        except AuthError as error:
            return CheckResult(False, "credentials refused", error=str(error))
        return CheckResult(True, "the bill can be read")

    async def purchases(self, sink, period, *, billed):
        if period > Period(2026, 10):
            return PurchaseProof(ScopeState.COMPLETE, 0, notes=("NO_INVOICE_YET: none",))
        return await self._read(sink)

    async def _read(self, sink):
        seen = 0
        pages = after_id(self._page, id_of=lambda one: one.id, page_size=100)
        async for rows in pages:
            await sink.add([line(one) for one in rows])
            seen += len(rows)
        return PurchaseProof(ScopeState.COMPLETE, seen, ("B1",), version=f"v{seen}")

    async def _page(self, after):
        answer = await self._api.read("/v1/devices", {"after": after, "limit": 100})
        return answer.decode(list[Sold])


def line(one):
    cost = Decimal(one.id).scaleb(-2)
    return PurchaseLine(
        str(one.customer_id), "", "", "PC", "PC", str(one.id), "new", Decimal(1), cost, "EUR"
    )


@asynccontextmanager
async def opened(context):
    config = context.config
    secret = config.client_secret.get_secret_value()
    auth = ClientCredentials(
        connection=context.connection,
        token_url=f"{config.base_url}/oauth/token",
        client_id=config.client_id,
        client_secret=secret,
        scope="bill",
        clock=context.clock,
        log=context.log,
    )
    async with ApiClient(
        connection=context.connection,
        base_url=config.base_url,
        auth=auth,
        limits=context.limits,
        clock=context.clock,
        log=context.log,
    ) as api:
        yield Ports(purchases=AcmeBill(api))


CONNECTOR = Connector(
    name="acme",
    title="Acme",
    config=AcmeConfig,
    provides=frozenset({Capability.PURCHASES}),
    open=opened,
)
"""

ADD = "            await sink.add("
READ = "        return await self._read(sink)"
PROOF = "        return PurchaseProof(ScopeState.COMPLETE, seen, "


def swallowing(kinds: str, then: str) -> tuple[str, str]:
    """A read that ends where it should raise."""
    return READ, f"        try:\n    {READ}\n        except {kinds}:\n            {then}"


TAKEN_FOR_THE_END = "return PurchaseProof(ScopeState.COMPLETE, 0)"

UNTIL_IT_BREAKS = """async def _until_it_breaks(pages):
    try:
        async for rows in pages:
            yield rows
    except AuthError:
        raise
    except ConnectorError:
        return


def line(one):"""

MUTANTS = [
    mutant(
        "takes the price with its tax for the cost",
        "a healthy bill is proven to the cent",
        (".scaleb(-2)", '.scaleb(-2) * Decimal("1.2")'),
    ),
    mutant(
        "counts in fractions of two",
        "a healthy bill is proven to the cent",
        ("cost = Decimal(one.id).scaleb(-2)", "cost = one.id / 100"),
    ),
    mutant("names no currency", "every line says what it is for", ('cost, "EUR"', 'cost, ""')),
    mutant(
        "has another version each time",
        "the same bill has the same version",
        ('version=f"v{seen}"', "version=str(id(sink))"),
    ),
    mutant(
        "reads a month that is not billed",
        "a month without a bill yet is no lines and no error",
        ("period > Period(2026, 10)", "period < Period(1999, 1)"),
    ),
    mutant(
        "takes an error for the end",
        "what breaks for good is never proven; what stumbles once is read and counts once",
        (
            "        async for rows in pages:",
            "        async for rows in _until_it_breaks(pages):",
        ),
        (
            "def line(one):",
            UNTIL_IT_BREAKS,
        ),
        (
            "from syncd.sdk.http import ApiClient",
            "from syncd.sdk.http import ApiClient, HttpPolicy",
        ),
        ("    ) as api:", "        policy=HttpPolicy(attempts=1),\n    ) as api:"),
    ),
    mutant(
        "begins anew and hands everything over again",
        "what stumbles once is read and counts once",
        swallowing("ConnectorError", READ.strip()),
        (
            "from syncd.sdk.http import ApiClient",
            "from syncd.sdk.http import ApiClient, HttpPolicy",
        ),
        ("    ) as api:", "        policy=HttpPolicy(attempts=1),\n    ) as api:"),
    ),
    mutant(
        "takes refused credentials for an empty bill",
        "refused credentials stop the bill",
        swallowing("AuthError", TAKEN_FOR_THE_END),
    ),
    mutant(
        "lets errors of its own out",
        "only our errors escape a bill; refused credentials stop the bill",
        swallowing("ConnectorError as error", "raise ValueError from error"),
    ),
    mutant(
        "leaves a task behind",
        "a bill leaves nothing open",
        before(READ, "import asyncio\nOPENED.append(asyncio.create_task(asyncio.sleep(60)))"),
    ),
    mutant(
        "quotes whatever the vendor answers to an error",
        "secrets stay hidden in a bill; secrets stay hidden whatever happens",
        ("    ) as api:", "        error_text=lambda _, body: body.decode(),\n    ) as api:"),
    ),
]


def kit(source: str) -> type[Any]:
    """The conformance class of Acme's bill with this source."""

    class AcmeBill(PurchaseConformance):
        connector = module(source).CONNECTOR
        secrets = (VENDOR.SECRET, VENDOR.TOKEN)
        token_path = "^/oauth/token$"
        lines_path = "^/v1/devices$"
        period = Period(2026, 10)
        cost = sum((Decimal(one["id"]).scaleb(-2) for one in VENDOR.DEVICES), Decimal(0))

        def vendor(self):
            return VENDOR.build()

        def config(self, base_url):
            return {
                "base_url": base_url,
                "client_id": "acme-id",
                "client_secret": VENDOR.SECRET,
            }

    return AcmeBill


def test_a_correct_connector_breaks_no_rule() -> None:
    assert broken_rules(kit(SOURCE)) == {}


@pytest.mark.parametrize("one", MUTANTS, ids=lambda one: one.slip.replace(" ", "-"))
def test_a_slip_breaks_its_rule_and_no_other(one: Any) -> None:
    failures = broken_rules(kit(one.applied_to(SOURCE)))
    assert set(failures) == one.breaks, failures


def test_every_rule_of_bills_is_broken_by_some_slip() -> None:
    broken = frozenset().union(*(one.breaks for one in MUTANTS))
    assert broken >= set(rules(PurchaseConformance)) - set(rules(Conformance))
