"""Plans of wiring: which recurring lines could count our records that no line counts yet.

One sweep of the PSA for the clients asked about; nothing is written there. The digest of each
invoice is kept, so that one which a person edits meanwhile is refused instead of written over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import msgspec

from syncd.core.billing.choices import Mode, Owner
from syncd.core.billing.identity import configuration_uid
from syncd.core.billing.linking import LinkAsk, propose_links
from syncd.core.service.clients import choose_clients
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.psa_sweep import sweep
from syncd.core.service.wire_issues import close_linked, forget_refused
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.lines import LedgerRecord, RecordStatus, records_of
from syncd.core.store.plans import PlanKind, PlanRecord, insert_plan, load_plan, next_plan_id
from syncd.core.store.references import ReferenceKind
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period, last_finished
from syncd.sdk.ports import Psa, RecurringWriter
from syncd.sdk.records import Plan, PlannedLink, UnlinkedRecord, canonical_json

if TYPE_CHECKING:
    from syncd.core.service.psa_sweep import Sweep
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

LASTING = ""
"""What the ledger writes in the column `period` of a lasting record."""


class WireRules(Protocol):
    """The settings of `[billing]` that wiring needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def money_scale(self) -> int: ...
    @property
    def plan_max_age_days(self) -> int: ...
    @property
    def write_links(self) -> bool: ...


async def plan_links(
    database: Database,
    *,
    rules: WireRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    clock: Callable[[], datetime],
    log: EventLog,
    period: Period | None = None,
    clients: Collection[str] = (),
    chosen: Mapping[str, str] | None = None,
    run_id: str | None = None,
) -> PlanRecord:
    """Propose links for lasting records of ours that no recurring line counts, and store them.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the opened PSA.
        psa_connection: its stored connection.
        clock: current time in UTC.
        log: told of issues that close with it.
        period: named by the plan; None for the last finished one.
        clients: only these, by id or by a name that one client has.
        chosen: record id -> id of the recurring line that a person names for it.
        run_id: of the run this belongs to.

    Raises:
        ClientUnknown: a client was named that is not exactly one.
        ConfigError: a line was named for a record that waits for none.
        ConnectorError: the PSA could not be read.
        StoreError: the database cannot serve.
    """
    now = clock()
    month = period or last_finished(now, timezone)
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=month.first_day.isoformat())
        linked = data.accounts_of_psa(psa_connection.id)
        accounts = [
            one for one in choose_clients(data, psa_connection.id, clients) if one in linked
        ]
        ledger = await records_of(conn, psa_connection.id, accounts)
    held: dict[str, list[LedgerRecord]] = {}
    for account in accounts:
        held.setdefault(data.links[account].client_key, []).extend(
            one for one in ledger.get(account, ()) if is_lasting(one)
        )
    remotes = [one.remote for records in held.values() for one in records if one.remote]
    seen = await sweep(psa, held, remotes)
    links: list[PlannedLink] = []
    unlinked: list[UnlinkedRecord] = []
    for client, records in held.items():
        name = data.references.name(psa_connection.id, ReferenceKind.CLIENT, client)
        found, left = propose_links(
            _ask(client, name, records, seen, data, chosen or {}, rules.money_scale)
        )
        links += found
        unlinked += left
    offered = {one.change.subscription for one in links} | {one.subscription for one in unlinked}
    _require_offered(chosen or {}, offered)
    plan = Plan(
        period=str(month),
        currency=rules.currency,
        made_at=now,
        bills=(),
        links=tuple(sorted(await _observed(psa, links), key=_order)),
        unlinked=tuple(sorted(unlinked, key=_order)),
    )
    content = canonical_json(plan)
    async with database.writer() as conn:
        plan_id = await next_plan_id(conn, plan.period)
        await insert_plan(
            conn,
            plan_id,
            plan,
            kind=PlanKind.WIRING,
            data_version=data.data_version,
            digest=hashlib.sha256(content).hexdigest(),
            content=content,
            bills=(),
            objections=(),
            run_id=run_id,
        )
        book = IssueBook(conn, psa_connection.name, now)
        await forget_refused(book, psa_connection.name, held)
        await close_linked(book, data, {one: ledger.get(one, ()) for one in accounts}, seen)
        record = await load_plan(conn, plan_id)
    book.speak(log)
    assert record is not None
    return record


def _require_offered(chosen: Collection[str], offered: Collection[str]) -> None:
    """A word about a record that waits for no line is a mistake, and never passed over.

    Raises:
        ConfigError: a record is named that waits for none.
    """
    for record in chosen:
        if record not in offered:
            message = f"no record '{record}' of ours at these clients waits for a recurring line"
            raise ConfigError(
                message,
                remedy="`syncd wire` shows those that wait, with their ids in brackets; one that a "
                "line counts already is changed in the PSA",
            )


def is_lasting(record: LedgerRecord) -> bool:
    """A record that a recurring line may count: alive, made, and not of one month only."""
    return (
        record.period == LASTING
        and record.status is RecordStatus.LIVE
        and record.remote is not None
    )


def _ask(
    client: str,
    name: str,
    records: Collection[LedgerRecord],
    seen: Sweep,
    data: BillingData,
    chosen: Mapping[str, str],
    money_scale: int,
) -> LinkAsk:
    shown = [
        found
        for one in records
        if one.remote is not None
        and (found := seen.by_id.get(one.remote)) is not None
        and found.client == client
    ]
    return LinkAsk(
        client=client,
        name=name,
        records=shown,
        priced=frozenset(
            one.remote for one in records if one.remote is not None and _prices(one, data)
        ),
        recurring=seen.recurring.get(client, ()),
        chosen=chosen,
        money_scale=money_scale,
    )


def _prices(record: LedgerRecord, data: BillingData) -> bool:
    """Whether the record's price is ours: it was sent, or will be with its first bill."""
    if record.sent is not None:
        return record.sent.unit_price is not None
    uid = configuration_uid(record.key)
    return any(
        one.mode != Mode.QUANTITY.value and one.price_owner == Owner.SYNCD.value
        for one in data.configurations_for(record.account_id)
        if one.uid == uid
    )


async def _observed(psa: Psa, links: Collection[PlannedLink]) -> list[PlannedLink]:
    """The links with the digests of their invoices, where the PSA can be written to at all."""
    if not links or not isinstance(psa, RecurringWriter):
        return list(links)
    digests = await psa.invoice_digests({link.change.invoice for link in links})
    return [
        msgspec.structs.replace(
            link,
            change=msgspec.structs.replace(
                link.change, observed=digests.get(link.change.invoice, "")
            ),
        )
        for link in links
    ]


def _order(one: PlannedLink | UnlinkedRecord) -> tuple[str, str, str]:
    return (one.client_name.casefold(), one.client, one.record.casefold())
