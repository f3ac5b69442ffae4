"""A draft against the PSA: the planned bill, what holds it, and the basis that explains it.

What goes wrong with one bill is an error of that bill; the others are planned all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

import msgspec

from syncd.core.billing.agreement import NamedAgreement
from syncd.core.billing.identity import CURRENT
from syncd.core.billing.model import Owner
from syncd.core.billing.plan import plan_bill
from syncd.core.billing.plan_input import BillPlan, PlanInput, Style
from syncd.core.service.agreements import Agreements
from syncd.core.service.basis import BillBasis, changes_between
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.draft import Draft, Drafting
from syncd.core.service.psa_sweep import Sweep
from syncd.core.store.references import ReferenceKind
from syncd.sdk.ports import Psa
from syncd.sdk.records import Objection, PlannedBill, RecurringLine


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDraft:
    """A bill as it would be stored.

    Attributes:
        draft: what it was made from.
        bill: the changes.
        objections: found on the way, guards not asked yet.
        basis: what it rests on.
        changed: what a person changed since the last sent bill, in words.
        agreement: that it is made under, None where its account names none.
    """

    draft: Draft
    bill: PlannedBill
    objections: tuple[Objection, ...]
    basis: BillBasis
    changed: tuple[str, ...]
    agreement: NamedAgreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Plans drafts.

    Attributes:
        drafting: what the drafts were made from.
        sweep: what the PSA showed.
        psa: the port, for its marker.
        recorder: writes down what each bill rests on.
        agreements: what the PSA showed of those that accounts name.
        zone: of billing.
    """

    drafting: Drafting
    sweep: Sweep
    psa: Psa
    recorder: BasisRecorder
    agreements: Agreements = field(default_factory=Agreements)
    zone: tzinfo = UTC

    def plan(self, draft: Draft) -> PlannedDraft:
        """Plan one bill; what goes wrong with it is its own error."""
        if draft.frozen or not draft.needs_psa:
            made = BillPlan(bill=_at_rest(draft))
            return self._planned(draft, made, None)
        try:
            inputs = self._inputs(draft)
            return self._planned(draft, plan_bill(inputs), inputs)
        except Exception as error:  # noqa: BLE001 - recorded as this bill's error; others go on
            code = f"BILL_FAILED:{type(error).__name__}"
            return self._planned(draft, BillPlan(bill=_at_rest(draft, code)), None)

    def _planned(self, draft: Draft, made: BillPlan, inputs: PlanInput | None) -> PlannedDraft:
        objections = [*made.objections]
        if draft.snapshot is not None and not made.bill.errors:
            objections += draft.snapshot.objections(draft.key)
        objections += client_inactive(draft, made.bill)
        agreement = self.agreements.named_by(draft, self.drafting.period)
        title = agreement.title if agreement is not None else ""
        bill = msgspec.structs.replace(made.bill, agreement=title, site=self._site(draft))
        basis = self.recorder.basis(draft, bill, inputs)
        return PlannedDraft(
            draft=draft,
            bill=bill,
            objections=tuple(objections),
            basis=basis,
            changed=changes_between(draft.books.decisions, basis.decisions),
            agreement=agreement,
        )

    def _site(self, draft: Draft) -> str:
        """The name of the site that a link names; most name none."""
        if draft.link is None or not draft.link.site_key:
            return ""
        key, data = draft.link.site_key, self.drafting.data
        return data.references.name(self.drafting.psa_id, ReferenceKind.SITE, key) or key

    def _inputs(self, draft: Draft) -> PlanInput:
        drafting = self.drafting
        records = drafting.states(draft.books)
        assert draft.data is not None
        recurring = self.sweep.recurring.get(draft.client, ())
        return PlanInput(
            connection=draft.connection.name,
            connection_uid=draft.connection.uid,
            account=draft.account.key,
            client=draft.client,
            client_name=draft.client_name,
            site=draft.site,
            period=drafting.period,
            style=drafting.style,
            bill=draft.bill,
            records=records,
            uids=draft.books.uids(
                draft.connection.uid,
                draft.account.key,
                [line.key for line in draft.bill.lines if line.key not in records],
            ),
            billed_before=draft.books.billed_before,
            subscriptions=self.sweep.of(
                draft.client, [record.remote for record in records.values() if record.remote]
            ),
            recurring=recurring,
            ours=drafting.books.ours,
            last_bill=draft.books.last_lines(
                drafting.style, drafting.period, running=drafting.running
            ),
            supplier=drafting.supplier_id(draft.data.supplier),
            suppliers={
                name: found
                for name in {line.supplier for line in draft.bill.lines if line.supplier}
                if (found := drafting.supplier_id(name)) is not None
            },
            marker=self.psa.marker,
            money_scale=drafting.rules.money_scale,
            temporary=drafting.running,
            zone=self.zone,
            agreement=self.agreements.written_for(draft),
            rules=draft.data.rules,
            psa_prorates=self._psa_prorates(draft, recurring),
            running=self._running(draft) if recurring else {},
        )

    def _psa_prorates(self, draft: Draft, recurring: Sequence[RecurringLine]) -> frozenset[str]:
        """Configurations whose proration was given to the PSA, where it prorates anything."""
        if not any(line.prorated or line.proration for line in recurring):
            return frozenset()
        stored = self.drafting.data.configurations_for(draft.account.id)
        return frozenset(one.uid for one in stored if one.proration_owner == Owner.PSA)

    def _running(self, draft: Draft) -> dict[str, str]:
        """Records of the running month that stand beside the lasting ones, by line key."""
        drafting = self.drafting
        if drafting.running or not any(one.period == CURRENT for one in draft.books.records):
            return {}
        beside = draft.books.states(drafting.style, drafting.period, running=True)
        return {key: state.remote for key, state in beside.items() if state.remote is not None}


def client_inactive(draft: Draft, bill: PlannedBill) -> tuple[Objection, ...]:
    """Nobody is invoiced at a client that the PSA has closed."""
    if draft.client_active or not bill.changes:
        return ()
    message = f"the PSA shows client {draft.client} ({draft.client_name}) as inactive"
    return (Objection("CLIENT_INACTIVE", message, bill=draft.key),)


def _at_rest(draft: Draft, *more_errors: str) -> PlannedBill:
    """A bill of which nothing changes: errors, no line, or a source that rests."""
    last = draft.books.last
    before = last.total_price if last is not None else None
    return PlannedBill(
        key=draft.key,
        connection=draft.connection.name,
        account=draft.account.key,
        client=draft.client,
        client_name=draft.client_name,
        changes=(),
        unchanged=len(draft.books.records) if draft.frozen else 0,
        total_before=before,
        total_after=before if draft.frozen else None,
        first_bill=not draft.books.billed_before,
        errors=(*draft.bill.errors, *more_errors),
        warnings=draft.bill.findings,
    )


def record_period(style: Style, period: str) -> str:
    """The month a record is for, empty for a lasting one."""
    return period if style is Style.PER_PERIOD else ""
