"""From what a person chose to a stored plan of adoptions; nothing is written to the PSA here.

Every adoption is a bill of its own in the plan, so that one record that moved stops no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from syncd.core.billing.arithmetic import product, rounded
from syncd.core.billing.identity import adopted_digest
from syncd.core.service.adoption import Adoptable, AdoptionView
from syncd.core.service.ledger import shelf_of, slot_of
from syncd.core.service.refusals import AdoptionRefused, PlanStale
from syncd.core.store.connections import data_version
from syncd.core.store.plans import (
    NewPlanBill,
    PlanBillState,
    PlanKind,
    PlanRecord,
    insert_plan,
    load_plan,
    next_plan_id,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.records import (
    ChangeKind,
    LineState,
    Plan,
    PlannedBill,
    PlannedChange,
    Subscription,
    SubscriptionFields,
    canonical_json,
)

if TYPE_CHECKING:
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A record that a person gives to a line, and what speaks for it."""

    line: Adoptable
    record: Subscription
    evidence: str


class AdoptionBasis(msgspec.Struct, frozen=True):
    """What is stored with an adoption in a plan, so that it needs nothing else to be carried out.

    Attributes:
        connection_id: source.
        uid: of the line.
        slot: configuration uid, asset type and part of the line.
        record_period: the month where each month has a record of its own, else empty.
        seen: the record as it stood.
        evidence: what it was chosen for.
        by: who chose it.
    """

    connection_id: int
    uid: str
    slot: tuple[str, str, str]
    record_period: str
    seen: Subscription
    evidence: str
    by: str


def certain_choices(view: AdoptionView) -> list[Choice]:
    """Every proposal that rests on our key or on a code."""
    return [choice for choice in proposed_choices(view) if choice.line.key in _certain(view)]


def proposed_choices(view: AdoptionView) -> list[Choice]:
    """Every proposal that names one record, those by name included."""
    return [
        Choice(
            line=view.lines[proposal.line.key], record=proposal.record, evidence=proposal.evidence
        )
        for proposal in view.proposals
        if proposal.record is not None
    ]


async def store_adoption_plan(
    database: Database,
    view: AdoptionView,
    choices: Sequence[Choice],
    *,
    by: str,
    log: EventLog,
    run_id: str | None = None,
) -> PlanRecord:
    """Store a plan that marks these records as ours.

    Args:
        database: where it goes.
        view: what the choices were made from.
        choices: no line and no record twice.
        by: who chose.
        log: gets `plan.made`.
        run_id: of the run this belongs to.

    Raises:
        AdoptionRefused: nothing was chosen, or a line or a record twice.
        PlanStale: somebody decided something since the view was made.
        StoreError: the database cannot serve.
    """
    _require_one_for_one(choices)
    bills = [_bill(view, choice) for choice in choices]
    plan = Plan(
        period=str(view.period), currency=view.currency, made_at=view.made_at, bills=tuple(bills)
    )
    content = canonical_json(plan)
    async with database.writer() as conn:
        if await data_version(conn) != view.data_version:
            message = "links, mappings or configurations were edited while you looked"
            raise PlanStale(message, remedy="run `syncd adopt` again and look once more")
        plan_id = await next_plan_id(conn, plan.period)
        await insert_plan(
            conn,
            plan_id,
            plan,
            kind=PlanKind.ADOPTION,
            data_version=view.data_version,
            digest=hashlib.sha256(content).hexdigest(),
            content=content,
            bills=[
                NewPlanBill(
                    bill_key=bill.key,
                    account_id=choice.line.account_id,
                    state=PlanBillState.READY,
                    detail="",
                    basis=canonical_json(_basis(view, choice, by)).decode(),
                )
                for bill, choice in zip(bills, choices, strict=True)
            ],
            objections=(),
            run_id=run_id,
        )
        record = await load_plan(conn, plan_id)
    assert record is not None
    log(
        "plan.made",
        plan=plan_id,
        period=plan.period,
        n_bills=len(bills),
        n_changes=len(bills),
        n_held=0,
        n_errors=0,
    )
    return record


def basis_of(text: str) -> AdoptionBasis:
    """What `store_adoption_plan` stored with one adoption."""
    return msgspec.json.decode(text, type=AdoptionBasis)


def state_of(record: Subscription, scale: int = 2) -> LineState:
    """A record as a side of a change."""
    return LineState(
        quantity=record.quantity,
        unit_price=record.unit_price,
        unit_cost=record.unit_cost,
        total_price=worth(record.unit_price, record.quantity, scale),
        total_cost=worth(record.unit_cost, record.quantity, scale),
    )


def worth(unit: Decimal | None, quantity: int, scale: int = 2) -> Decimal | None:
    """Money of so many units, None where the price is not known."""
    return None if unit is None else rounded(product(unit, quantity), scale)


def _certain(view: AdoptionView) -> set[str]:
    return {proposal.line.key for proposal in view.proposals if proposal.certain}


def _require_one_for_one(choices: Sequence[Choice]) -> None:
    if not choices:
        message = "nothing was chosen, so there is nothing to adopt"
        remedy = "`syncd adopt` shows what fits; what rests on looks is accepted with "
        raise AdoptionRefused(message, remedy=f"{remedy}`--accept-names` or a file")
    for what, chosen in (
        ("line", [choice.line.key for choice in choices]),
        ("record", [choice.record.key for choice in choices]),
    ):
        twice = sorted({one for one in chosen if chosen.count(one) > 1})
        if twice:
            message = f"{what} {twice[0]} was chosen twice: one record carries one line"
            raise AdoptionRefused(message, remedy="choose it once")


def _bill(view: AdoptionView, choice: Choice) -> PlannedBill:
    line, state = choice.line, state_of(choice.record)
    change = PlannedChange(
        key=line.key,
        kind=ChangeKind.ADOPT,
        remote=choice.record.key,
        client_name=line.client_name,
        line_name=line.line.name,
        before=state,
        after=state,
        money_effect=Decimal(0),
        reason=f"adopt record {choice.record.key} '{choice.record.name}': {choice.evidence}",
        fields=_held(choice.record),
        observed=adopted_digest(choice.record),
        line=line.line.key,
        mode=line.line.mode,
    )
    return PlannedBill(
        key=f"{view.psa_id}:adopt:{line.key}",
        connection=line.connection,
        account=line.account,
        client=line.open.client,
        client_name=line.client_name,
        changes=(change,),
        unchanged=0,
        total_before=state.total_price,
        total_after=state.total_price,
        first_bill=False,
    )


def _held(record: Subscription) -> SubscriptionFields:
    """What the record holds; an adoption writes none of it."""
    return SubscriptionFields(
        client=record.client,
        site=record.site,
        name=record.name,
        quantity=record.quantity,
        unit_price=record.unit_price,
        unit_cost=record.unit_cost,
        asset_type=record.asset_type,
        supplier=record.supplier,
        start=record.start,
        end=record.end,
        notes=None,
        agreement=record.agreement,
    )


def _basis(view: AdoptionView, choice: Choice, by: str) -> AdoptionBasis:
    return AdoptionBasis(
        connection_id=choice.line.connection_id,
        uid=choice.line.uid,
        slot=slot_of(choice.line.line.key),
        record_period=shelf_of(view.style, str(view.period), running=False),
        seen=choice.record,
        evidence=choice.evidence,
        by=by,
    )
