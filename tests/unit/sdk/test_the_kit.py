"""The kit passes a correct connector that counts, and each rule catches the slip it is for."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.sdk.testing.usage import UsageConformance
from tests.unit.sdk import guide
from tests.unit.sdk.mutants import before, broken_rules, module, mutant, rules

FILES = guide.files()
SOURCE = FILES["syncd_acme/__init__.py"]
VENDOR = module(FILES["acme_vendor.py"])

COMPLETE = "ScopeVerdict(SCOPE, ScopeState.COMPLETE, None, seen)"
AT_THE_END = f"        return [{COMPLETE}]\n"
ON_ERROR = "            reason = "
ON_REFUSAL = "        except AuthError:\n            raise\n"
ROSTER = "        async for accounts in self.accounts():\n"
HAND_OVER = "            await sink.accounts(accounts)\n"
ADD = "                await sink.add(SCOPE"
CHECK = '            await self._api.read("/v1/customers", {"limit": 1})'
OPENED = "        yield Ports("
WRITE = """
import contextlib
with contextlib.suppress(ConnectorError):
    await self._api.write("DELETE", "/v1/customers", json={})
"""


def policy(bounds: str) -> tuple[tuple[str, str], ...]:
    """The client with other bounds."""
    return (
        ("import ApiClient, check", "import ApiClient, HttpPolicy, check"),
        ("    ) as api:", f"        policy=HttpPolicy({bounds}),\n    ) as api:"),
    )


def taken_for_the_end(condition: str) -> tuple[str, str]:
    """A sweep that ends as complete where it should say what it lost."""
    return before(ON_ERROR, f"if {condition}:\n    return [{COMPLETE}]")


MUTANTS = [
    mutant(
        "declares ports that it does not open",
        "it opens what it declares",
        ("provides=frozenset({Capability.USAGE})", "provides=frozenset(Capability)"),
    ),
    mutant(
        "check has nothing to say for people",
        "check finds nothing wrong with a healthy vendor",
        ('"customers and devices can be read"', '""'),
    ),
    mutant("check tries a write", "check only reads", before(CHECK, WRITE)),
    mutant(
        "check raises for refused credentials",
        "check reports refused credentials and does not raise",
        ("except AuthError as error", "except KeyError as error"),
    ),
    mutant(
        "check names no permission",
        "check names a missing permission and does not raise",
        ('"not permitted", (missing,)', '"not permitted", ()'),
    ),
    mutant(
        "logs its secret",
        "secrets stay hidden whatever happens; secrets stay hidden while reading",
        before(OPENED, 'context.log("opened", by=config.client_secret.get_secret_value())'),
    ),
    mutant(
        "quotes whatever the vendor answers to an error",
        "secrets stay hidden whatever happens; secrets stay hidden while reading",
        ("    ) as api:", "        error_text=lambda _, body: body.decode(),\n    ) as api:"),
    ),
    mutant(
        "drops the last page",
        "every page is read",
        before(ADD, "if len(devices) < self._page_size:\n    continue"),
    ),
    mutant("a read tries a write", "a read writes nothing", before(ROSTER, WRITE)),
    mutant(
        "takes refused credentials for an incomplete read",
        "refused credentials stop the read",
        before(
            ROSTER,
            "try:\n"
            '    await self._api.read("/v1/customers", {"limit": 2})\n'
            "except AuthError:\n"
            "    return [ScopeVerdict(SCOPE, ScopeState.UNKNOWN, None, 0)]",
        ),
    ),
    mutant(
        "takes a missing right for an empty list",
        "a missing right is not taken for emptiness",
        before(ON_REFUSAL, f"except PermissionMissing:\n    return [{COMPLETE}]"),
    ),
    mutant(
        "gives up at the first 401",
        "a token refused once is renewed",
        before(
            "    auth = ClientCredentials(",
            "class Once(ClientCredentials):\n"
            "    async def async_auth_flow(self, request):\n"
            "        yield await anext(super().async_auth_flow(request))\n",
        ),
        (
            "context.log,\n    )\n    async",
            "context.log,\n    )\n    auth.__class__ = Once\n    async",
        ),
    ),
    mutant(
        "comes back when it likes",
        "retry after in seconds is honoured; retry after as a date is honoured",
        *policy("retry_after_cap=0"),
    ),
    mutant(
        "never tries again",
        "retry after in seconds is honoured; retry after as a date is honoured;"
        "a 429 that names no time is survived; a vendor that stumbles once is read whole",
        *policy("attempts=1"),
    ),
    mutant(
        "takes a vendor that is down for the end of the list",
        "what cannot be read is never complete",
        taken_for_the_end('error.code == "VENDOR_UNAVAILABLE"'),
    ),
    mutant(
        "takes a roster that cannot be read for an empty one",
        "a vendor that cannot be read at all is never complete",
        before(
            ROSTER,
            "seen = 0\n"
            "try:\n"
            '    await self._api.read("/v1/customers", {"limit": 1})\n'
            f"{ON_REFUSAL[8:].replace('            raise', '    raise')}"
            f"except ConnectorError:\n    return [{COMPLETE}]",
        ),
    ),
    mutant(
        "swallows whatever is served",
        "an absurdly large answer is refused",
        *policy("max_body_bytes=2**30"),
    ),
    mutant(
        "believes in the first empty page",
        "an empty page in the middle is not the end",
        (", prove_end=True", ""),
    ),
    mutant(
        "takes a page that repeats for the end of the list",
        "a page that repeats is noticed",
        taken_for_the_end('str(error).startswith("PAGE_REPEATED")'),
    ),
    mutant(
        "takes a redirect for the end of the list",
        "a redirect leads nowhere",
        taken_for_the_end("error.http_status in (302, 307)"),
    ),
    mutant(
        "lets its own errors out",
        "only our errors escape",
        before(ON_ERROR, 'if error.http_status == 200:\n    raise KeyError("x") from error'),
    ),
    mutant(
        "knows better than the quota",
        "the quota is kept",
        ("limits=context.limits", "limits=RateLimit()"),
    ),
    mutant(
        "leaves a task behind",
        "everything opened is closed; a cancelled read ends and closes",
        before(
            OPENED,
            "import asyncio\ncontext.log.left = asyncio.create_task(asyncio.sleep(3600))",
        ),
    ),
    mutant(
        "swallows its cancellation",
        "a cancelled read ends and closes",
        before(
            ON_REFUSAL,
            "except __import__('asyncio').CancelledError:\n"
            "    return [ScopeVerdict(SCOPE, ScopeState.UNKNOWN, None, seen)]",
        ),
    ),
    mutant(
        "declares a total that it did not read",
        "a healthy read is proven whole",
        (AT_THE_END, AT_THE_END.replace("None", "7")),
    ),
    mutant(
        "forgets an account when it names the scope",
        "every account is in a scope",
        ("account in accounts]", "account in accounts[1:]]"),
    ),
    mutant(
        "shares a key between units",
        "every unit has a natural key",
        ("unit=str(device.id)", "unit=str(device.id % 7)"),
    ),
    mutant(
        "counts in floats",
        "every quantity is a whole number from zero up",
        ("quantity=1,", "quantity=1.0,"),
    ),
    mutant(
        "names the customers last",
        "accounts are declared before their units",
        (HAND_OVER, "            late = accounts\n"),
        before(AT_THE_END, "await sink.accounts(late)"),
    ),
    mutant(
        "declares parts of an account that it does not declare",
        "every part names a whole of the roster",
        ("name=one.name)", 'name=one.name, parent="gone")'),
    ),
    mutant(
        "knows one roster for the list and another for the read",
        "the roster is the same with and without units",
        before(HAND_OVER, 'accounts = [one for one in accounts if one.key != "9"]'),
        ("            yield [Account(", '            yield [Account("9", "Nine"), *[Account('),
        ("for one in customers]\n", "for one in customers]]\n"),
    ),
    mutant(
        "counts a product that it does not declare",
        "every counted product is declared",
        ('[Product("device:pc", "PCs"), ', "["),
    ),
]


def kit(source: str) -> type[Any]:
    """The conformance class of Acme with this source."""

    class Acme(UsageConformance):
        connector = module(source).CONNECTOR
        secrets = (VENDOR.SECRET, VENDOR.TOKEN)
        token_path = "^/oauth/token$"
        list_path = "^/v1/devices$"
        rows = len(VENDOR.DEVICES)

        def vendor(self):
            return VENDOR.build()

        def config(self, base_url):
            return {
                "base_url": base_url,
                "client_id": "acme-id",
                "client_secret": VENDOR.SECRET,
                "page_size": 100,
            }

    return Acme


def test_a_correct_connector_breaks_no_rule():
    assert broken_rules(kit(SOURCE)) == {}


@pytest.mark.parametrize("one", MUTANTS, ids=lambda one: one.slip.replace(" ", "-"))
def test_a_slip_breaks_its_rule_and_no_other(one):
    failures = broken_rules(kit(one.applied_to(SOURCE)))
    assert set(failures) == one.breaks, failures


def test_every_rule_is_broken_by_some_slip():
    broken = frozenset().union(*(one.breaks for one in MUTANTS))
    assert broken == set(rules(UsageConformance))
