"""Looking for records of the PSA that could carry our lines: drafts of a month against one sweep.

Nothing is written here; what a person makes of the proposals becomes a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.adoption import (
    AdoptionProposal,
    OpenLine,
    propose_adoptions,
    reason_against,
)
from syncd.core.billing.drift import plain_name
from syncd.core.billing.identity import external_key
from syncd.core.billing.model import Line, Mode
from syncd.core.billing.plan_input import Style
from syncd.core.billing.regroup import configuration_of, retyped
from syncd.core.service.clients import choose_clients
from syncd.core.service.draft import Draft, Drafting
from syncd.core.service.ledger import slot_of
from syncd.core.service.psa_sweep import Sweep, sweep
from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.service.refusals import PeriodNotOver
from syncd.core.store.billing_data import load_billing_data
from syncd.sdk.period import Period, last_finished
from syncd.sdk.ports import Psa
from syncd.sdk.records import Subscription

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoptable:
    """A line without a record, with everything that an adoption of one stores.

    Attributes:
        open: the line as it is matched.
        line: the line of the draft.
        uid: of the line.
        connection: name of the source.
        connection_id: row id.
        account_id: row id.
        account: the vendor's id.
        account_name: for people.
        client_name: for people.
    """

    open: OpenLine
    line: Line
    uid: str
    connection: str
    connection_id: int
    account_id: int
    account: str
    account_name: str
    client_name: str

    @property
    def key(self) -> str:
        return self.open.key


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionView:
    """What could be adopted in a month.

    Attributes:
        period: the month whose lines were drafted.
        style: of the records.
        currency: of the money.
        lines: every line without a record, by external key, in the order of the bills.
        proposals: for some of them.
        untouchable: `CODE: a sentence` about look-alikes that are never adopted.
        stopped: accounts whose lines are not known, each with the codes that say why.
        records: every record of the clients that were read, by id.
        ours: PSA ids of the records that our books name.
        psa_id: row id of the PSA connection.
        data_version: of what people decided.
        made_at: UTC.
    """

    period: Period
    style: Style
    currency: str
    lines: Mapping[str, Adoptable]
    proposals: tuple[AdoptionProposal, ...]
    untouchable: tuple[str, ...]
    stopped: tuple[str, ...]
    records: Mapping[str, Subscription]
    ours: frozenset[str]
    psa_id: int
    data_version: int
    made_at: datetime
    clients: Mapping[str, str] = field(default_factory=dict)

    def against(self, record: Subscription, line: OpenLine) -> str:
        """Why a record cannot carry a line, `CODE: a sentence`, or empty."""
        if record.client != line.client:
            return (
                f"CLIENT_CHANGED: record {record.key} '{record.name}' is of client {record.client},"
                f" and the line is of {line.client}"
            )
        if record.marker == line.marker and record.key not in self.ours:
            return ""
        return reason_against(record, ours=self.ours, style=self.style, period=self.period)


async def look_for_adoptions(
    database: Database,
    *,
    rules: ReckoningRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    sources: Sources,
    clock: Callable[[], datetime],
    period: Period | None = None,
    clients: Collection[str] = (),
) -> AdoptionView:
    """Propose a record for every line that has none.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the opened PSA, which is only read.
        psa_connection: its stored connection.
        sources: which connections count.
        clock: current time in UTC.
        period: the month whose lines are meant; None for the last finished one.
        clients: only these, by id or by a name that one client has.

    Raises:
        PeriodNotOver: the month still goes on.
        ClientUnknown: a client was named that is not exactly one.
        ConnectorError: the PSA could not be read.
        StoreError: the database cannot serve.
    """
    now = clock()
    chosen = period or last_finished(now, timezone)
    if chosen.end(timezone) > now:
        message = f"{chosen} is not over: its counts are final from {chosen.end(timezone):%d %B} on"
        raise PeriodNotOver(message, remedy="adopt with the lines of an earlier --period")
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=chosen.first_day.isoformat())
        wanted = choose_clients(data, psa_connection.id, clients)
        drafting = await reckon(
            conn,
            data,
            psa_id=psa_connection.id,
            sources=sources,
            period=chosen,
            timezone=timezone,
            rules=rules,
        )
    drafts = list(drafting.drafts(wanted))
    lines = {
        found.key: found
        for draft in drafts
        if draft.needs_psa
        for found in _without_record(draft, drafting, psa)
    }
    asked = {found.open.client for found in lines.values()}
    seen = await sweep(psa, asked, [], recurring=False)
    return _view(drafting, drafts, lines, seen, psa_connection.id, now)


def _view(
    drafting: Drafting,
    drafts: Sequence[Draft],
    lines: Mapping[str, Adoptable],
    seen: Sweep,
    psa_id: int,
    now: datetime,
) -> AdoptionView:
    opens = [found.open for found in lines.values()]
    records = [record for held in seen.subscriptions.values() for record in held]
    ours = drafting.books.ours
    proposals = propose_adoptions(
        opens, records, ours=ours, style=drafting.style, period=drafting.period
    )
    return AdoptionView(
        period=drafting.period,
        style=drafting.style,
        currency=drafting.rules.currency,
        lines=lines,
        proposals=proposals,
        untouchable=_untouchable(opens, records),
        stopped=tuple(
            f"{draft.client_name}, account {draft.account.key}: {', '.join(draft.bill.errors)}"
            for draft in drafts
            if draft.bill.errors
        ),
        records={record.key: record for record in records},
        ours=ours,
        psa_id=psa_id,
        data_version=drafting.data.data_version,
        made_at=now,
        clients={found.open.client: found.client_name for found in lines.values()},
    )


def _without_record(draft: Draft, drafting: Drafting, psa: Psa) -> list[Adoptable]:
    """Lines of a draft that no record of ours carries; a rounding line is nothing to adopt."""
    states = drafting.states(draft.books)
    carried = retyped(draft.bill.lines, states) if drafting.style is Style.ROLLING else {}
    fresh = [
        line
        for line in draft.bill.lines
        if line.key not in states
        and line.key not in carried
        and line.mode is not Mode.ADJUSTMENT
        and not slot_of(line.key)[2]
    ]
    uids = draft.books.uids(
        draft.connection.uid, draft.account.key, [line.key for line in draft.bill.lines]
    )
    return [_adoptable(draft, drafting, line, uids[line.key], psa) for line in fresh]


def _adoptable(draft: Draft, drafting: Drafting, line: Line, uid: str, psa: Psa) -> Adoptable:
    key = external_key(
        draft.connection.uid,
        draft.account.key,
        configuration_of(line.key),
        uid,
        period=str(drafting.period) if drafting.style is Style.PER_PERIOD else None,
    )
    configurations = drafting.data.configurations_for(draft.account.id)
    named = [one.name for one in configurations if one.uid == line.configuration]
    products = draft.data.products if draft.data is not None else {}
    used = [products[item.product] for item in line.products if item.product in products]
    # One of several products is not what the line is; its code would prove nothing.
    alone = used if len(used) == 1 else []
    types = draft.data.asset_type_names if draft.data is not None else {}
    return Adoptable(
        open=OpenLine(
            key=key,
            marker=psa.marker(key),
            client=draft.client,
            site=draft.site,
            name=line.name,
            asset_type=line.asset_type,
            units=line.units,
            unit_price=line.unit_price,
            names=tuple(
                filter(
                    None,
                    (*named, *(one.name for one in used), types.get(line.asset_type, "")),
                )
            ),
            codes=tuple(
                filter(
                    None,
                    (
                        *(code for one in alone for code in _codes(one.key)),
                        *(one.name for one in alone),
                        line.configuration or "",
                        *named,
                    ),
                )
            ),
        ),
        line=line,
        uid=uid,
        connection=draft.connection.name,
        connection_id=draft.connection.id,
        account_id=draft.account.id,
        account=draft.account.key,
        account_name=draft.account.name,
        client_name=draft.client_name,
    )


def _codes(key: str) -> tuple[str, str]:
    """A product's key, whole and without the kind before its colon."""
    return key, key.rpartition(":")[2]


def _untouchable(lines: Sequence[OpenLine], records: Sequence[Subscription]) -> tuple[str, ...]:
    """Records of another writer that look like a line of ours."""
    told = {}
    for line in lines:
        names = {plain_name(name) for name in (line.name, *line.names)}
        for record in records:
            alike = plain_name(record.name) in names or record.asset_type == line.asset_type
            if record.foreign_writer is not None and record.client == line.client and alike:
                told[record.key] = (
                    f"FOREIGN_WRITER: record {record.key} '{record.name}' is kept by "
                    f"{record.foreign_writer}, and line '{line.name}' bills the same"
                )
    return tuple(told[key] for key in sorted(told))
