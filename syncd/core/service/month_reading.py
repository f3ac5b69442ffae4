"""Reads the page of a month: bills, plans, pulls and open issues, put together by client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from syncd.core.billing.month_difference import Split, split
from syncd.core.service.invoice_dates import INVOICE_BEFORE_COUNTS
from syncd.core.service.late_issues import LATE_CHANGE
from syncd.core.service.month_expected import MonthRules, nothing_to_bill
from syncd.core.service.month_lines import (
    MonthLine,
    known_money,
    planned_bill,
    sent_line,
)
from syncd.core.service.month_notes import issue_notes, other_currencies, waiting_corrections
from syncd.core.service.month_page import ClientMonth, ClientState, MonthPage
from syncd.core.service.month_sources import source_months
from syncd.core.service.reckoning import Sources
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.corrections import all_corrections
from syncd.core.store.golive import GoLiveBook, load_golive
from syncd.core.store.issues import open_issues
from syncd.core.store.month_bills import (
    MonthBill,
    MonthPlanned,
    month_bills,
    month_lines,
    month_plans,
)
from syncd.core.store.month_close import closed_month
from syncd.core.store.plans import PlanBillState
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_STATES: Final = {
    PlanBillState.HELD: ClientState.HELD,
    PlanBillState.READY: ClientState.WAITING,
    PlanBillState.RELEASED: ClientState.WAITING,
    PlanBillState.UNCHANGED: ClientState.WAITING,
    PlanBillState.STALE: ClientState.NOT_PLANNED,
    PlanBillState.SUPERSEDED: ClientState.NOT_PLANNED,
    PlanBillState.ERROR: ClientState.FAILED,
    PlanBillState.SHADOW: ClientState.SHADOW,
    PlanBillState.FROZEN: ClientState.RESTING,
}
_SETTLED: Final = frozenset(
    {
        PlanBillState.UNCHANGED,
        PlanBillState.FROZEN,
        PlanBillState.STALE,
        PlanBillState.SUPERSEDED,
    }
)
"""Fates that leave a bill that was sent as it is."""

_ORDER: Final = list(ClientState)

_Row = tuple[ClientMonth, list[MonthLine], list[MonthLine]]
"""An account with its lines of this month and of the one before."""


@dataclass(slots=True)
class _Account:
    """What is known of one account in both months."""

    sent: MonthBill | None = None
    before: MonthBill | None = None
    planned: MonthPlanned | None = None
    lines: list[MonthLine] = field(default_factory=list)
    lines_before: list[MonthLine] = field(default_factory=list)


async def read_month(
    database: Database,
    *,
    psa: ConnectionRef,
    period: Period,
    timezone: ZoneInfo,
    rules: MonthRules,
    sources: Sources,
    clock: Callable[[], datetime],
) -> MonthPage:
    """The page of a month; of a sealed one the page as it was sealed.

    Args:
        database: where everything is.
        psa: the PSA connection.
        period: the month.
        timezone: of billing.
        rules: settings of `[billing]`.
        sources: which connections count.
        clock: current time in UTC.
    """
    async with database.reader() as conn:
        sealed = await closed_month(conn, psa.id, str(period))
        if sealed is not None:
            return msgspec.json.decode(sealed.content, type=MonthPage)
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        accounts = await _accounts(conn, period)
        issues = await open_issues(conn)
        proven = await source_months(conn, data, psa.id, sources, period, timezone)
        golive = await load_golive(conn, psa.id, mode=rules.mode)
        corrections = await all_corrections(conn)
        for account_id in [
            one for one, account in accounts.items() if _says_nothing(account, data)
        ]:
            del accounts[account_id]
        expected = {one for one in data.accounts_of_psa(psa.id) if data.configurations_for(one)}
        if accounts:
            expected -= await nothing_to_bill(
                conn,
                data,
                expected - accounts.keys(),
                psa_id=psa.id,
                sources=sources,
                period=period,
                timezone=timezone,
                rules=rules,
            )
    for account_id in sorted(expected):
        accounts.setdefault(account_id, _Account())
    clients = _Clients(data, psa.id, rules, golive, str(period)).of(accounts)
    return MonthPage(
        period=str(period),
        previous=str(period.previous()),
        currency=rules.currency,
        made_at=clock(),
        clients=clients,
        sources=proven,
        early=issue_notes(issues, INVOICE_BEFORE_COUNTS, str(period)),
        late=issue_notes(issues, LATE_CHANGE, str(period)),
        notes=(
            *other_currencies(
                (
                    (account_id, bill)
                    for account_id, account in sorted(accounts.items())
                    for bill in (account.sent, account.before)
                ),
                data,
                rules.currency,
            ),
            *waiting_corrections(corrections, data, str(period)),
        ),
    )


async def _accounts(conn: AsyncConnection, period: Period) -> dict[int, _Account]:
    now, before = str(period), str(period.previous())
    found: dict[int, _Account] = {}
    for (account_id, month), bill in (await month_bills(conn, now, before)).items():
        account = found.setdefault(account_id, _Account())
        if month == now:
            account.sent = bill
        else:
            account.before = bill
    async for account_id, month, basis in month_lines(conn, now, before):
        line = sent_line(basis)
        if line is not None:
            account = found[account_id]
            (account.lines if month == now else account.lines_before).append(line)
    async for planned in month_plans(conn, now, without={PlanBillState.APPLIED}):
        found.setdefault(planned.account_id, _Account()).planned = planned
    return found


def _says_nothing(account: _Account, data: BillingData) -> bool:
    """Whether all that is known is a plan without a line that is outdated by now.

    What the account bills is decided by its configurations then, as if it was never planned.
    """
    planned = account.planned
    return (
        planned is not None
        and account.sent is None
        and account.before is None
        and planned.state is PlanBillState.UNCHANGED
        and planned.data_version != data.data_version
        and not planned_bill(planned.basis).lines
    )


class _Clients:
    """Puts the accounts of a month together by client."""

    def __init__(
        self, data: BillingData, psa_id: int, rules: MonthRules, golive: GoLiveBook, period: str
    ) -> None:
        self._data, self._psa_id, self._golive, self._period = data, psa_id, golive, period
        self._currency, self._scale = rules.currency, rules.money_scale
        self._names = data.references.of(psa_id, ReferenceKind.CLIENT)

    def of(self, accounts: Mapping[int, _Account]) -> tuple[ClientMonth, ...]:
        grouped: dict[str, list[_Row]] = {}
        for account_id in sorted(accounts):
            made = self._row(account_id, accounts[account_id])
            grouped.setdefault(made[0].client, []).append(made)
        found = (self._together(rows) for rows in grouped.values())
        return tuple(sorted(found, key=lambda one: (one.name.casefold(), one.client)))

    def _row(self, account_id: int, account: _Account) -> _Row:
        client = self._client(account_id, account)
        planned = account.planned = self._counting(account, client)
        state, lines = self._state(account, client)
        before = self._ours(account.before, account.lines_before)
        if state is ClientState.RESTING:
            lines = before
        made = state not in {ClientState.FAILED, ClientState.NOT_PLANNED} or bool(lines)
        row = ClientMonth(
            client=client,
            name=self._name(account_id, client),
            state=state,
            detail=planned.detail if planned is not None and state.open else "",
            plan=planned.plan_id
            if planned is not None
            else account.sent.plan_id
            if account.sent
            else "",
            price=known_money(lines) if made else None,
            before=known_money(before) if account.before is not None else None,
            missing=Decimal(0) if made else -known_money(before),
            unknown=sum(1 for line in lines if line.figures.price is None),
            not_linked=known_money([line for line in lines if not line.linked]),
            next=self._next(state, planned, account.sent, client),
        )
        return row, lines if made else [], before if made else []

    def _counting(self, account: _Account, client: str) -> MonthPlanned | None:
        """The plan that still says something of the account.

        What was only compared says nothing of a month that was sent, or of a client that went live
        since; and a client that is in shadow by now is sent no plan.
        """
        planned, live = account.planned, self._golive.is_live(client, self._period)
        if planned is None or (account.sent is not None and not live):
            return None
        return None if live and planned.state is PlanBillState.SHADOW else planned

    def _state(self, account: _Account, client: str) -> tuple[ClientState, list[MonthLine]]:
        sent = self._ours(account.sent, account.lines)
        planned = account.planned
        if account.sent is None and not self._golive.is_live(client, self._period):
            known = planned is not None and planned.currency == self._currency
            lines = planned_bill(planned.basis).lines if planned is not None and known else ()
            return ClientState.SHADOW, list(lines)
        if planned is not None and not (account.sent is not None and self._settled(planned)):
            state = _STATES[planned.state]
            if state is ClientState.WAITING and self._outdated(planned):
                state = ClientState.NOT_PLANNED
            if planned.currency != self._currency:
                return state, []
            return state, list(planned_bill(planned.basis).lines) or sent
        if account.sent is None:
            return ClientState.NOT_PLANNED, []
        done = account.sent.completed_at is not None
        return (ClientState.SENT if done else ClientState.UNFINISHED), sent

    def _settled(self, planned: MonthPlanned) -> bool:
        """Whether a bill that was sent stays as it is, whatever this plan said."""
        waits = _STATES[planned.state] is ClientState.WAITING
        return planned.state in _SETTLED or (waits and self._outdated(planned))

    def _outdated(self, planned: MonthPlanned) -> bool:
        """Somebody decided something since, so that the plan cannot be applied any more."""
        return planned.data_version != self._data.data_version

    def _ours(self, bill: MonthBill | None, lines: list[MonthLine]) -> list[MonthLine]:
        """Lines in the currency of the page; others are told apart and in no sum."""
        return lines if bill is not None and bill.currency == self._currency else []

    def _client(self, account_id: int, account: _Account) -> str:
        link = self._data.links.get(account_id)
        if link is not None and link.psa_connection_id == self._psa_id:
            return link.client_key
        bill = account.sent or account.before
        if bill is not None:
            return bill.client
        source = self._data.accounts[account_id]
        return f"{self._data.connections[source.connection_id].name}/{source.key}"

    def _name(self, account_id: int, client: str) -> str:
        entry = self._names.get(client)
        return entry.name if entry is not None else self._data.accounts[account_id].name

    def _next(
        self, state: ClientState, planned: MonthPlanned | None, sent: MonthBill | None, client: str
    ) -> str:
        plan = planned.plan_id if planned is not None else ""
        if state is ClientState.HELD and planned is not None and not self._outdated(planned):
            return f"syncd plans show {plan}"
        if state is ClientState.WAITING:
            return f"syncd apply {plan}"
        if state is ClientState.UNFINISHED:
            return f"syncd apply {sent.plan_id}" if sent is not None else "syncd issues"
        if state is ClientState.FAILED:
            named = client in self._names
            return f"syncd issues --client {client}" if named else "syncd issues"
        if state in {ClientState.NOT_PLANNED, ClientState.HELD}:
            return f"syncd plan billing --period {self._period}"
        return ""

    def _together(self, made: Sequence[_Row]) -> ClientMonth:
        """One client; beside a bill that was sent, an account in shadow adds nothing to it."""
        billed = [one for one in made if one[0].state is not ClientState.SHADOW] or made
        rows = [row for row, _, _ in billed]
        now = [line.figures for _, lines, _ in billed for line in lines]
        before = [line.figures for _, _, lines in billed for line in lines]
        first = min(rows, key=lambda one: _ORDER.index(one.state))
        return msgspec.structs.replace(
            first,
            price=_sum([one.price for one in rows]),
            before=_sum([one.before for one in rows]),
            unknown=sum(one.unknown for one in rows),
            not_linked=sum((one.not_linked for one in rows), Decimal(0)),
            missing=sum((one.missing for one in rows), Decimal(0)),
            split=split(before, now).in_money(self._scale) if now or before else Split(),
        )


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None
