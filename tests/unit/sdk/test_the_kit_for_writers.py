"""The kit passes a correct connector that writes, and each rule catches the slip it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd.sdk.records import ChangeKind, KeyedChange, SubscriptionFields
from syncd.sdk.testing.psa import PsaConformance
from syncd.sdk.testing.reading import ReadingConformance
from tests.unit.sdk import desk_vendor
from tests.unit.sdk.mutants import before, broken_rules, module, mutant, rules

SOURCE = Path(__file__).with_name("desk.py").read_text("utf-8")

SEARCH = '        async for rows in self._pages("/subscriptions", list[Row]):\n            for'
SWEEP = '        async for rows in self._pages("/subscriptions", list[Row]):\n            yield'
LOST = "            return Unknown(key, str(error))\n        except AuthError"
UNREADABLE = "            return Unknown(key, str(error))\n        return Delivered"
OUTCOME = "            outcomes.append(outcome)\n"
READING = (
    "retry after in seconds is honoured; retry after as a date is honoured;"
    "a 429 that names no time is survived; a vendor that stumbles once is read whole"
)

MUTANTS = [
    mutant(
        "hands out receipts for another key",
        "a create is delivered with its proof",
        (
            "Receipt(key, str(row.id), _record(row), answer",
            "Receipt(path, str(row.id), None, answer",
        ),
    ),
    mutant(
        "leaves out what it does not like",
        "what was written is read back",
        ("yield [_record(row) for row in rows]", "yield [_record(row) for row in rows[:1]]"),
    ),
    mutant(
        "creates where it should update",
        "an update changes the record and makes no second one",
        ("is not ChangeKind.CREATE", "is ChangeKind.ADOPT"),
    ),
    mutant(
        "writes its figures when it adopts",
        "an adoption changes nothing but the marker",
        ('body = {"ref": self.marker(key)}', "pass"),
    ),
    mutant(
        "makes a second record when it adopts one that is gone",
        "an adoption of a record that is gone is refused",
        (
            "        except RequestRejected as error:\n            return Rejected(key, error.code",
            (
                "        except RequestRejected as error:\n"
                "            if change.kind is ChangeKind.ADOPT:\n"
                "                made = msgspec.structs.replace(change, kind=ChangeKind.CREATE)\n"
                "                return await self._save(made)\n"
                "            return Rejected(key, error.code"
            ),
        ),
    ),
    mutant(
        "takes the lost answer to an adoption for a refusal",
        "a lost answer to an adoption is unknown until it is looked up",
        before(
            LOST,
            'if change.kind is ChangeKind.ADOPT:\n    return Rejected(key, "X", "lost", gone=True)',
        ),
    ),
    mutant(
        "says nothing of keys that it does not find",
        "a key that nothing carries maps to nothing; a bad change is rejected alone;"
        "a write that may have happened is not denied; refused credentials write nothing;"
        "no write is ever sent again blind",
        ("        return found\n", "        return {k: v for k, v in found.items() if v}\n"),
    ),
    mutant(
        "stops at the first bad change",
        "a bad change is rejected alone",
        (
            OUTCOME,
            f"{OUTCOME}            if isinstance(outcome, Rejected):\n                break\n",
        ),
    ),
    mutant(
        "takes an unreadable receipt for a refusal",
        "a lost answer is unknown until it is looked up;"
        "a lost answer to an adoption is unknown until it is looked up",
        (UNREADABLE, UNREADABLE.replace("Unknown(key,", 'Rejected(key, "X",')),
    ),
    mutant(
        "takes a 500 for a promise that nothing happened",
        "a write that may have happened is not denied",
        before(LOST, "if error.http_status == 500:\n    return NotSent(key, '')"),
    ),
    mutant(
        "writes again when an answer is lost",
        "no write is ever sent again blind; a lost answer is unknown until it is looked up",
        ("import ApiClient\n", "import ApiClient, HttpPolicy\n"),
        ("    ) as api:", "        policy=HttpPolicy(write_5xx_is_unknown=False),\n    ) as api:"),
    ),
    mutant(
        "takes a 429 for a refusal",
        f"a throttled write is carried out once or not sent; {READING}",
        ("import ApiClient\n", "import ApiClient, HttpPolicy\n"),
        ("    ) as api:", "        policy=HttpPolicy(attempts=1),\n    ) as api:"),
        ("return NotSent(key, str(error), error.retry_after)", 'return Rejected(key, "X", "")'),
    ),
    mutant(
        "does not know whether refused credentials wrote",
        "refused credentials write nothing",
        ("            return NotSent(key, str(error))\n", "            return Unknown(key, '')\n"),
    ),
    mutant(
        "takes a look-up that is refused for absence",
        "a look up that fails is not absence",
        before(
            SEARCH,
            "try:\n"
            "    await self._api.read('/subscriptions')\n"
            "except RequestRejected:\n"
            "    return found",
        ),
    ),
    mutant(
        "takes a refused sweep for an empty one",
        "subscriptions that cannot be read whole raise",
        before(
            SWEEP,
            "try:\n    await self._api.read('/subscriptions')\nexcept RequestRejected:\n    return",
        ),
    ),
    mutant(
        "logs its secret when it writes",
        "secrets stay hidden while writing",
        before(
            "        update = change.kind",
            "self._context.log('saving', by=self._context.config.api_key.get_secret_value())",
        ),
    ),
    mutant(
        "leaves a task behind when an answer is lost",
        "everything is closed after a lost write",
        before(
            LOST,
            "import asyncio\nself.left = asyncio.create_task(asyncio.sleep(3600))",
        ),
    ),
]


def create(number: int, client: str = "3") -> KeyedChange:
    fields = SubscriptionFields(
        client=client,
        site=None,
        name=f"Line {number}",
        quantity=number + 4,
        unit_price=None,
        unit_cost=None,
        asset_type=None,
        supplier=None,
        start=None,
        end=None,
        notes=None,
    )
    return KeyedChange(f"ours:{number}", ChangeKind.CREATE, None, fields)


def kit(source: str) -> type[Any]:
    """The conformance class of Desk with this source."""

    class Desk(PsaConformance):
        connector = module(source).CONNECTOR
        secrets = (desk_vendor.SECRET,)
        list_path = "^/clients$"
        rows = desk_vendor.CLIENTS
        records_path = "^/subscriptions"
        write_path = "^/subscriptions"
        adopt_method = "PUT"

        def vendor(self):
            return desk_vendor.build()

        def config(self, base_url):
            return {"base_url": base_url, "api_key": desk_vendor.SECRET}

        def creates(self):
            return [create(1), create(2), create(3)]

        def bad(self):
            return create(9, client="99")

    return Desk


def test_a_correct_connector_breaks_no_rule():
    assert broken_rules(kit(SOURCE)) == {}


@pytest.mark.parametrize("one", MUTANTS, ids=lambda one: one.slip.replace(" ", "-"))
def test_a_slip_breaks_its_rule_and_no_other(one):
    failures = broken_rules(kit(one.applied_to(SOURCE)))
    assert set(failures) == one.breaks, failures


def test_every_rule_of_writing_is_broken_by_some_slip():
    broken = frozenset().union(*(one.breaks for one in MUTANTS))
    inherited = set(rules(ReadingConformance))
    assert broken - inherited == set(rules(PsaConformance)) - inherited
