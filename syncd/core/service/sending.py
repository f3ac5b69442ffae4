"""A send by hand: which accounts' bills it makes, of the month before and of the running one.

What it leaves alone is told with the reason; what it makes is planned and applied like any bill.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.billing.bill_life import Action, Life
from syncd.core.billing.plan_input import Style
from syncd.core.service.clients import choose_clients
from syncd.core.service.lives import load_lives
from syncd.core.service.queueing import IN_SHADOW
from syncd.core.service.refusals import ShadowMode
from syncd.core.store.billing_data import BillingData, SourceAccount, load_billing_data
from syncd.core.store.golive import load_golive
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

RUNNING_MONTH_OFF = "RUNNING_MONTH_OFF"


class SendRules(Protocol):
    """The settings of `[billing]` that a send needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...
    @property
    def subscription_style(self) -> str: ...
    @property
    def running_month_record(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A bill that a send does not touch.

    Attributes:
        client: PSA client id.
        client_name: for people.
        account: the vendor's id.
        period: of which month.
        reason: code.
    """

    client: str
    client_name: str
    account: str
    period: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendChoice:
    """What a send is about.

    Attributes:
        previous: the month before.
        running: the month that goes on.
        finished: row ids of the accounts whose bill of the month before is made.
        current: likewise of the running month.
        left: bills that stay as they are.
    """

    previous: Period
    running: Period
    finished: frozenset[int]
    current: frozenset[int]
    left: tuple[LeftAlone, ...]


async def choose_send(
    database: Database,
    *,
    rules: SendRules,
    timezone: ZoneInfo,
    psa_connection: ConnectionRef,
    now: datetime,
    clients: Collection[str] = (),
) -> SendChoice:
    """Which bills a send makes now; only accounts with a client and a configuration count.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa_connection: where the clients are.
        now: UTC.
        clients: only these, by id or by a name that one client has.

    Raises:
        ShadowMode: no client is live.
        ClientUnknown: a client was named that is not exactly one.
    """
    previous, running = last_finished(now, timezone), Period.containing(now, timezone)
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=previous.first_day.isoformat())
        linked = data.accounts_of_psa(psa_connection.id)
        accounts = [
            account
            for account in choose_clients(data, psa_connection.id, clients)
            if account in linked and data.configurations_for(account)
        ]
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        if not golive.anyone:
            message = 'this installation is in shadow: [billing] mode = "shadow" sends nothing'
            remedy = f"`syncd shadow {previous}` shows what would be sent beside what is billed"
            raise ShadowMode(message, remedy=remedy)
        lives = await load_lives(
            conn, data, accounts, zone=timezone, months=[previous, running], golive=golive
        )
    finished: set[int] = set()
    current: set[int] = set()
    left: list[LeftAlone] = []
    for account, life in lives.items():
        for action, chosen in zip(life.manual_send(now), (finished, current), strict=True):
            reason = action.reason
            client = data.links[account].client_key
            # Before the month in which a live client is billed first, that is the better reason.
            if not (golive.is_live(client, str(action.period)) or golive.first_period(client)):
                reason = IN_SHADOW
            if chosen is current and not reason and not _kept(life, rules):
                reason = RUNNING_MONTH_OFF
            if reason:
                left.append(_left(data, psa_connection.id, data.accounts[account], action, reason))
            else:
                chosen.add(account)
    return SendChoice(
        previous=previous,
        running=running,
        finished=frozenset(finished),
        current=frozenset(current),
        left=tuple(sorted(left, key=lambda one: (one.client_name.casefold(), one.period))),
    )


def _kept(life: Life, rules: SendRules) -> bool:
    """Whether a record of the running month is kept; a record of one month needs no second one."""
    if rules.running_month_record == "by_hand":
        return rules.subscription_style == Style.PER_PERIOD or not life.automatic
    return rules.running_month_record == "always"


def _left(
    data: BillingData, psa_id: int, account: SourceAccount, action: Action, reason: str
) -> LeftAlone:
    client = data.links[account.id].client_key
    return LeftAlone(
        client=client,
        client_name=data.references.name(psa_id, ReferenceKind.CLIENT, client),
        account=account.key,
        period=str(action.period),
        reason=reason,
    )
