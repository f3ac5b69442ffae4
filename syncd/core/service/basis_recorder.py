"""Writes down what a planned bill rests on, with everything that may change later spelled out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from syncd.core.billing.arithmetic import BYTES_PER_GB, ZERO, quotient, rounded
from syncd.core.billing.arithmetic import product as times
from syncd.core.billing.billed_days import Prorated
from syncd.core.billing.corrections import correction_key, is_correction
from syncd.core.billing.model import Line, LineProduct
from syncd.core.billing.plan_input import PlanInput, RecordState
from syncd.core.billing.proration import with_days
from syncd.core.billing.record_fields import month_of
from syncd.core.billing.wiring import wire
from syncd.core.service.basis import (
    BillBasis,
    CorrectionBasis,
    Decisions,
    LineBasis,
    MonthBasis,
    PartBasis,
    PoolShare,
    ProductBasis,
    RuleBasis,
    SnapshotBasis,
)
from syncd.core.service.draft import Draft, Drafting
from syncd.core.service.ledger import slot_of
from syncd.core.service.month_usage import MONTH
from syncd.core.service.snapshots import Snapshot
from syncd.core.service.storage_parts import as_money
from syncd.core.store.billing_data import SourceProduct, StoredRate, StoredRule
from syncd.core.store.decisions import AccountChoice
from syncd.sdk.records import Part, PlannedBill, PlannedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisRecorder:
    """Makes the basis of bills.

    Attributes:
        drafting: what the drafts were made from.
        psa_name: name of the PSA connection.
    """

    drafting: Drafting
    psa_name: str

    def basis(self, draft: Draft, bill: PlannedBill, inputs: PlanInput | None) -> BillBasis:
        """The basis of a bill; without inputs or with errors it has no lines."""
        lines = () if inputs is None or bill.errors else tuple(self._lines(draft, bill, inputs))
        return self._basis(draft, lines, bill.agreement)

    def reckoned(self, draft: Draft) -> BillBasis:
        """The basis of a bill that nobody planned: its lines have no record and write nothing."""
        return self._basis(
            draft,
            tuple(
                self._line(draft, line, None, None, None)
                for line in draft.bill.lines
                if line.products
            ),
        )

    def _basis(self, draft: Draft, lines: tuple[LineBasis, ...], agreement: str = "") -> BillBasis:
        snapshot = draft.snapshot
        return BillBasis(
            connection=draft.connection.name,
            connection_id=draft.connection.id,
            account_id=draft.account.id,
            account=draft.account.key,
            account_name=draft.account.name,
            client=draft.client,
            client_name=draft.client_name,
            site=draft.site,
            period=str(self.drafting.period),
            currency=self.drafting.rules.currency,
            psa=self.psa_name,
            snapshot=_taken(snapshot),
            decisions=self._decisions(draft),
            lines=lines,
            skipped=draft.bill.skipped,
            agreement=agreement or draft.agreement,
            corrections=self._carried(draft) if lines else (),
        )

    def _lines(self, draft: Draft, bill: PlannedBill, inputs: PlanInput) -> Iterator[LineBasis]:
        changes = {change.line: change for change in bill.changes}
        written = {change.key for change in bill.changes}
        for line in draft.bill.lines:
            change = changes.get(line.key)
            record = inputs.records.get(line.key)
            if change is None and (record is None or record.key in written):
                # Nothing to write and nothing ever sent, or a group that goes on under a new type.
                continue
            yield self._line(draft, line, change, record, inputs)

    def _line(
        self,
        draft: Draft,
        line: Line,
        change: PlannedChange | None,
        record: RecordState | None,
        inputs: PlanInput | None,
    ) -> LineBasis:
        key = change.key if change is not None else record.key if record is not None else ""
        uids = {} if inputs is None else {one.key: one.uid for one in inputs.records.values()}
        configuration = next(
            (
                one
                for one in self.drafting.data.configurations_for(draft.account.id)
                if one.uid == line.configuration
            ),
            None,
        )
        names = draft.data.asset_type_names if draft.data is not None else {}
        sent = record.sent if record is not None else None
        return LineBasis(
            key=line.key,
            uid=uids.get(key) or ("" if inputs is None else inputs.uids[line.key]),
            external_key=key,
            configuration=line.configuration or "",
            configuration_name=configuration.name if configuration is not None else "",
            slot=slot_of(line.key),
            name=change.fields.name if change is not None else sent.name if sent else line.name,
            mode=line.mode.value,
            asset_type=line.asset_type,
            asset_type_name=names.get(line.asset_type, line.asset_type),
            quantity=line.quantity,
            units=line.units,
            unit_price=line.unit_price,
            unit_cost=line.unit_cost,
            total_price=line.total_price,
            total_cost=line.total_cost,
            residual_price=line.residual_price,
            residual_cost=line.residual_cost,
            products=tuple(self._product(draft, item) for item in line.products),
            billed_by=change.billed_by
            if change is not None
            else _wired(record, inputs)
            if inputs is not None
            else None,
            writes=change is not None,
            billed_for=str(month_of(line, self.drafting.period)) if line.advance else "",
            corrections=self._corrections(draft, line) if is_correction(line.key) else (),
        )

    def _carried(self, draft: Draft) -> tuple[tuple[int, str], ...]:
        """Corrections that the bill takes, each with the month whose bill had it before."""
        drafting = self.drafting
        account_id = draft.account.id
        if drafting.running or account_id not in drafting.corrections.rows:
            return ()
        due = drafting.carried(account_id, draft.client, draft.books)
        absorbed = drafting.corrections.absorbed(account_id, str(drafting.period))
        return tuple((one.id, one.billed_in) for one in (*due, *absorbed))

    def _corrections(self, draft: Draft, line: Line) -> tuple[CorrectionBasis, ...]:
        """What an accepted difference rests on; a line that went back to nothing has none."""
        due = self.drafting.carried(draft.account.id, draft.client, draft.books)
        book = self.drafting.corrections
        return tuple(
            book.basis(one)
            for one in due
            if line.units and correction_key(one.line_key, one.period) == line.key
        )

    def _product(self, draft: Draft, item: LineProduct) -> ProductBasis:
        drafting = self.drafting
        product = self._source_product(draft, item.product)
        product_id = product.id if product is not None else None
        group = (draft.account.id, product_id or 0)
        counted = drafting.usages.counted.get(group)
        rule = drafting.data.rule_for(product_id or 0, draft.client)
        rates = drafting.data.rates_for(product_id or 0, draft.client)
        rate = next((one for one in rates if str(one.version) == item.rate_version), None)
        month = counted.month if counted is not None else None
        monthly = product is not None and product.monthly
        method = counted.method if counted is not None else rule.count_method if rule else ""
        return ProductBasis(
            key=item.product,
            product_id=product_id,
            name=product.name if product is not None else item.product,
            method=MONTH if monthly else method or "point_in_time",
            raw=item.raw,
            billed=item.billed,
            quantity=item.quantity,
            cost=_written(item, item.cost),
            price=_written(item, item.price),
            unit_cost=item.unit_cost,
            unit_price=item.unit_price,
            rate_version=rate.version if rate is not None else None,
            rate_from=rate.valid_from if rate is not None else "",
            included_reasons=rule.included_reasons if rule is not None else (),
            month=None
            if month is None
            else MonthBasis(
                last=month.last, peak=month.peak, unit_days=month.unit_days, days=month.days
            ),
            rule=None if rule is None else _rule_basis(rule),
            stale_after_days=None if rule is None else rule.stale_after_days,
            facts_of=str(drafting.period) if monthly else "",
            snapshot=_taken(drafting.snapshots[draft.account.id].month) if monthly else None,
            parts=tuple(self._parts(group, rate, item.prorated)),
            prorated=item.prorated,
            pool=tuple(
                PoolShare(
                    account=drafting.data.accounts[account_id].key,
                    name=drafting.data.accounts[account_id].name,
                    raw=raw,
                )
                for account_id, raw in drafting.usages.pools.get(group, ())
            ),
        )

    def _parts(
        self, group: tuple[int, int], rate: StoredRate | None, part: Prorated | None
    ) -> Iterator[PartBasis]:
        for product_id, raw in self.drafting.usages.parts.get(group, ()):
            product = self.drafting.data.products[product_id]
            restored = product.part is Part.RESTORED
            amount = quotient(raw, BYTES_PER_GB) if restored else as_money(raw)
            unit_cost = rate.restore_cost if restored and rate is not None else None
            unit_price = rate.restore_price if restored and rate is not None else None
            yield PartBasis(
                key=product.key,
                product_id=product_id,
                name=product.name,
                part=product.part.value,
                raw=amount,
                unit_cost=unit_cost,
                unit_price=unit_price,
                cost=with_days(times(amount, unit_cost or ZERO), part, metered=restored),
                price=with_days(
                    times(amount, unit_price or ZERO) if restored else amount,
                    part,
                    metered=restored,
                ),
            )

    def _source_product(self, draft: Draft, key: str) -> SourceProduct | None:
        return next(
            (
                product
                for product in self.drafting.data.products.values()
                if product.key == key and product.connection_id == draft.connection.id
            ),
            None,
        )

    def _decisions(self, draft: Draft) -> Decisions | None:
        if draft.link is None or draft.data is None:
            return None
        data, rules = self.drafting.data, self.drafting.rules
        stored = data.configurations_for(draft.account.id)
        ids = {
            key: product.id
            for one in stored
            for key in one.products
            if (product := self._source_product(draft, key)) is not None
        }
        policy = (
            rules.currency,
            rules.money_scale,
            rules.unit_scale,
            rules.rounding_policy.value,
            rules.subscription_style,
            rules.missing_price,
            draft.data.supplier,
        )
        return Decisions(
            link=draft.link.version,
            configurations={one.uid: one.version for one in stored},
            rates={
                key: tuple(rate.version for rate in data.rates_for(product_id, draft.client))
                for key, product_id in ids.items()
            },
            rules={
                key: rule.version
                for key, product_id in ids.items()
                if (rule := data.rule_for(product_id, draft.client)) is not None
            },
            asset_types={
                key: data.asset_types[product_id].version
                for key, product_id in ids.items()
                if product_id in data.asset_types
            },
            policy=" ".join(str(part) for part in policy),
            exclusions=tuple(
                one.version
                for one in data.exclusions.get(draft.account.id, ())
                if not one.product_key or one.product_key in ids
            ),
            agreement=draft.agreement,
            days=_days(data.choice_for(draft.account.id)),
        )


def _written(item: LineProduct, amount: Decimal) -> Decimal:
    """A share of days may have no end in decimals; far behind the cents it is cut."""
    return amount if item.prorated is None else rounded(amount, 8)


def _days(choice: AccountChoice) -> str:
    """What an account chose of its first and last month; empty for most."""
    chosen = (choice.end, choice.first_month, choice.last_month)
    return " ".join((choice.start, *chosen)) if any(chosen) else ""


def _taken(snapshot: Snapshot | None) -> SnapshotBasis | None:
    """The pull as it was."""
    if snapshot is None or snapshot.pull is None:
        return None
    pull = snapshot.pull
    return SnapshotBasis(
        seq=pull.seq,
        pull_id=pull.id,
        taken_at=pull.taken_at,
        recorded_at=pull.recorded_at,
        late=snapshot.is_late,
    )


def _wired(record: RecordState | None, inputs: PlanInput) -> str | None:
    """The recurring line that bills a record which needs no write."""
    seen = next((one for one in inputs.subscriptions if record and one.key == record.remote), None)
    return wire(seen, inputs.recurring).title


def _rule_basis(rule: StoredRule) -> RuleBasis:
    return RuleBasis(
        version=rule.version,
        override=rule.override,
        included=rule.included,
        block=rule.block,
        minimum=rule.minimum,
        maximum=rule.maximum,
        bill_blocks=rule.bill_blocks,
        pool=rule.pool,
        client=rule.client_key,
        valid_from=rule.valid_from,
        valid_until=rule.valid_until,
        reason=rule.reason,
        stale_after_days=rule.stale_after_days,
    )
