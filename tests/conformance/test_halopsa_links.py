"""The HaloPSA connector keeps the rules of writing links; the rules catch writers that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import SCOPE
from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.recurring_writer import RecurringWriter
from syncd_halopsa.sandbox import SANDBOX, SECRET
from syncd_halopsa.sandbox.seed import licence, line, source
from syncd_halopsa.whole_invoice import WholeInvoice

from syncd.sandbox.presets import fleet
from syncd.sdk.records import LinkChange
from syncd.sdk.testing.faults import Application
from syncd.sdk.testing.links import LinkConformance

START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
INVOICE = -11
FIRST = 24_010


class HaloPsaLinkRules(LinkConformance):
    """One recurring invoice of four lines; one counts a subscription, two may."""

    connector = CONNECTOR
    secrets = (SECRET,)
    token_path = "/auth/token$"
    write_path = "(?i)/RecurringInvoice$"
    write_status = 201
    options: ClassVar[Mapping[str, Any]] = {}

    def vendor(self) -> Application:
        world = fleet(0, 2, start=START)
        app: Any = SANDBOX.build(world, {"extras": False, "quota_calls": 0, **self.options})
        tables = app.state.simulator.state.tables
        invoice = tables["recurringinvoice"][INVOICE]
        for number, name, more in (
            (FIRST + 1, "Managed workstations", {"unit_cost": Decimal("2.25"), "shade": "blue"}),
            (FIRST + 2, "Managed servers", {"discount_perc": Decimal("12.5")}),
        ):
            row = line(number, INVOICE, name, quantity=4, price=Decimal("5.55"), **more)
            invoice["lines"].append(row)
        counted = source(FIRST, 603)
        invoice["lines"].append(
            line(
                FIRST + 3,
                INVOICE,
                "Microsoft 365",
                quantity=0,
                price=Decimal("18.1"),
                quantity_subscriptions=[counted],
            )
        )
        for number in (601, 602, 603):
            tables["softwarelicence"][number] = licence(
                number, invoice["client_id"], f"Line {number}", count=7
            )
        return app  # type: ignore[no-any-return] # the simulator is typed loosely

    def config(self, base_url: str) -> Mapping[str, Any]:
        return {
            **SANDBOX.settings(base_url),
            "client_secret": SECRET,
            "scope": f"{SCOPE} edit:invoices",
        }

    def links(self) -> Sequence[LinkChange]:
        return [
            LinkChange("a", str(INVOICE), str(FIRST + 1), "601", "", True),
            LinkChange("b", str(INVOICE), str(FIRST + 2), "602", ""),
        ]

    def edit(self, vendor: Any) -> None:
        invoice = vendor.state.simulator.state.tables["recurringinvoice"][INVOICE]
        invoice["lines"][0]["unit_price"] += 1


class TestHaloPsaLinks(HaloPsaLinkRules):
    """As shipped."""


class TestHaloPsaLinksWithFloats(HaloPsaLinkRules):
    """An instance that answers saves with nothing and shows ids as 12.0."""

    options: ClassVar[Mapping[str, Any]] = {"multi_answer": "empty", "ids_as_floats": True}


def drops_other_lines(patch: pytest.MonkeyPatch) -> None:
    whole = WholeInvoice.with_link

    def with_link(self: WholeInvoice, change: LinkChange) -> dict[str, Any]:
        element = whole(self, change)
        lines = [one for one in element["lines"] if str(one["id"]) == change.line]
        return {**element, "lines": lines}

    patch.setattr(WholeInvoice, "with_link", with_link)


def sends_few_fields(patch: pytest.MonkeyPatch) -> None:
    whole = WholeInvoice.with_link
    kept = {"id", "quantity_subscriptions", "qty_order", "item_shortdescription"}

    def with_link(self: WholeInvoice, change: LinkChange) -> dict[str, Any]:
        element = whole(self, change)
        lines = [{k: v for k, v in one.items() if k in kept} for one in element["lines"]]
        return {**element, "lines": lines}

    patch.setattr(WholeInvoice, "with_link", with_link)


def does_not_read_again(patch: pytest.MonkeyPatch) -> None:
    async def proven(self: Any, change: LinkChange, before: WholeInvoice, lost: object) -> Any:
        from syncd_halopsa.recurring_writer import _delivered

        return _delivered(change), None

    patch.setattr(RecurringWriter, "_proven", proven)


def looks_at_the_link_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WholeInvoice, "differences", lambda *_: [])


def ignores_the_plan(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WholeInvoice, "digest", lambda self: "the same")


def counts_reads(patch: pytest.MonkeyPatch) -> None:
    reads = iter(range(10**6))
    patch.setattr(WholeInvoice, "digest", lambda self: str(next(reads)))


def writes_whatever_stands(patch: pytest.MonkeyPatch) -> None:
    shows, asked = WholeInvoice.shows, []

    def first_no(self: WholeInvoice, change: LinkChange) -> bool:
        asked.append(change)
        return len(asked) % 2 == 0 and shows(self, change)

    patch.setattr(WholeInvoice, "shows", first_no)
    patch.setattr(WholeInvoice, "digest", lambda self: "the same")


def sends_twice(patch: pytest.MonkeyPatch) -> None:
    save = HaloApi.save_recurring

    async def again(self: HaloApi, elements: Any) -> Any:
        await save(self, elements)
        return await save(self, elements)

    patch.setattr(HaloApi, "save_recurring", again)


MUTANTS = {
    drops_other_lines: "nothing_else_changes",
    sends_few_fields: "nothing_else_changes",
    does_not_read_again: "save_without_effect",
    looks_at_the_link_alone: "edit_while_it_is_written",
    ignores_the_plan: "invoice_that_moved",
    counts_reads: "digest_moves_only",
    writes_whatever_stands: "not_written_again",
    sends_twice: "nothing_else_changes",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.__name__)
def test_a_writer_that_breaks_a_rule_is_caught_by_it(
    mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = HaloPsaLinkRules()
    (rule,) = [
        getattr(rules, name)
        for name in dir(rules)
        if name.startswith("test_") and MUTANTS[mutant] in name
    ]
    HaloPsaLinkRules.setup_class()
    try:
        rule()
        mutant(monkeypatch)
        with pytest.raises(AssertionError):
            rule()
    finally:
        HaloPsaLinkRules.teardown_class()
