"""A PSA in memory whose recurring invoices can be linked, with scripted faults around each save."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from syncd.core.service.application import find_plan
from syncd.core.service.wire_apply import WiredPlan, apply_links
from syncd.core.service.wire_plan import plan_links
from syncd.core.store.plans import PlanRecord
from syncd.sdk.errors import AuthError
from syncd.sdk.records import (
    Delivered,
    LinkChange,
    NotSent,
    Outcome,
    Receipt,
    RecurringLine,
    Rejected,
    Unknown,
    canonical_json,
)
from tests.builders_flow import FakePsa
from tests.builders_month import Office, recurring


@dataclass
class WiringPsa(FakePsa):
    """Links of recurring lines; `link_faults` are taken one per link, in order.

    They are `lost_before`, `lost_after`, `not_sent`, `refused`, `auth`, `raise`, or empty for none.
    """

    link_faults: list[str] = field(default_factory=list)
    links: Counter[str] = field(default_factory=Counter)

    async def invoice_digests(self, invoices: Collection[str]) -> Mapping[str, str]:
        self._count("invoice_digests")
        known = {line.invoice for line in self.recurring}
        return {one: self.digest(one) for one in invoices if one in known}

    async def link(self, changes: Sequence[LinkChange]) -> Sequence[Outcome]:
        self._count("link")
        assert len({one.invoice for one in changes}) == 1
        standing = {one.observed: one.observed for one in changes}
        outcomes = []
        for change in changes:
            outcome = self._link(change, standing[change.observed])
            if isinstance(outcome, Delivered):
                standing[change.observed] = self.digest(change.invoice)
            outcomes.append(outcome)
            self._mark("link:between")
        self._mark("link:after")
        return outcomes

    def digest(self, invoice: str) -> str:
        lines = [line for line in self.recurring if line.invoice == invoice]
        return hashlib.sha256(canonical_json(lines)).hexdigest()

    def line(self, key: str) -> RecurringLine:
        return next(line for line in self.recurring if line.key == key)

    def edit_line(self, key: str, **values: Any) -> None:
        """What a person does to a recurring line by hand."""
        self.recurring = [
            msgspec.structs.replace(line, **values) if line.key == key else line
            for line in self.recurring
        ]

    def _link(self, change: LinkChange, expected: str) -> Outcome:
        fault = self.link_faults.pop(0) if self.link_faults else ""
        line = self.line(change.line)
        if change.subscription in line.subscriptions:
            return Delivered(change.key, Receipt(change.key, change.line))
        if self.digest(change.invoice) != expected:
            return Rejected(change.key, "INVOICE_MOVED", "the invoice moved")
        if fault == "auth":
            raise AuthError("refused")
        if fault == "raise":
            raise RuntimeError("a defect of the connector")
        if fault == "not_sent":
            return NotSent(change.key, "could not connect")
        if fault == "refused":
            return Rejected(change.key, "REFUSED_BY_PSA", "the invoice is locked")
        if fault == "lost_before":
            return Unknown(change.key, "no answer")
        self.links[change.key] += 1
        self.edit_line(
            change.line,
            subscriptions=(*line.subscriptions, change.subscription),
            price_from_subscription=bool(change.price_from_subscription),
        )
        self._mark("link:stored")
        if fault == "lost_after":
            return Unknown(change.key, "no answer")
        return Delivered(change.key, Receipt(change.key, change.line))


def free_line(key: str, name: str, **more: Any) -> RecurringLine:
    """A recurring line that counts nothing."""
    line = recurring("", key=key, name=name, price_from_subscription=False, **more)
    return msgspec.structs.replace(line, subscriptions=())


def rewire(office: Office) -> WiringPsa:
    """Give the office a PSA that can be linked, with what its own holds."""
    psa = WiringPsa(clock=office.clock, records=office.psa.records, next_id=office.psa.next_id)
    psa.recurring = office.psa.recurring
    office.psa = psa
    office.policy(write_links=True)
    return psa


async def billed_office(database: Any, *lines: RecurringLine) -> tuple[Office, WiringPsa]:
    """October is billed: records 9001 (10 workstations) and 9002 (2 servers), nothing linked."""
    office = await Office.open(database)
    await office.usual()
    psa = rewire(office)
    psa.recurring = [*lines]
    await office.bill()
    return office, psa


async def propose(office: Office, **given: Any) -> PlanRecord:
    return await plan_links(
        office.database,
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa,
        psa_connection=office.psa_connection,
        clock=office.clock,
        log=office.log,
        **given,
    )


async def apply_wiring(office: Office, plan_id: str, **given: Any) -> WiredPlan:
    return await apply_links(
        office.database,
        await find_plan(office.database, plan_id),
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa,
        psa_connection=office.psa_connection,
        clock=office.clock,
        log=office.log,
        sleep=office.clock.sleep,
        **given,
    )
