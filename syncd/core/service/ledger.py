"""What our own books know of an account: its lines, their records, and the bill sent last.

The books speak in row ids and external keys, planning speaks in line keys; this is the translation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.identity import CURRENT
from syncd.core.billing.model import Mode
from syncd.core.billing.plan_input import RecordState, Style
from syncd.core.service.basis import Decisions
from syncd.core.store.last_bills import LastBill, load_last_bills
from syncd.core.store.ledger_rows import LedgerRecord, LedgerRows, LineRows
from syncd.core.store.lines import known_remotes, line_uid, lines_of, records_of
from syncd.core.store.outbox import OutboxItem, unsettled_of_accounts
from syncd.sdk.period import Period
from syncd.sdk.records import ChangeKind, LineState, PlannedBill

_MODES = {mode.value: mode for mode in Mode}
_NO_LINES, _NO_RECORDS = LineRows(), LedgerRows()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBooks:
    """The books of one account.

    Attributes:
        lines: stored lines, the oldest first.
        records: ledger rows.
        last: the bill of a finished month sent last, None for none.
        unsettled: writes whose end is not known.
    """

    lines: LineRows = _NO_LINES
    records: LedgerRows = _NO_RECORDS
    last: LastBill | None = None
    unsettled: Sequence[OutboxItem] = ()

    @property
    def billed_before(self) -> bool:
        """Whether anything was ever sent for a finished month of the account."""
        return self.last is not None and any(one.period != CURRENT for one in self.records)

    @property
    def decisions(self) -> Decisions | None:
        """What the last bill rested on; None where that is not known."""
        if self.last is None or not self.last.decisions:
            return None
        return msgspec.json.decode(self.last.decisions, type=Decisions | None)

    def states(
        self, style: Style, period: Period, *, running: bool = False
    ) -> dict[str, RecordState]:
        """Records this bill writes to, by line key.

        They are the lasting ones, or those of the month; of a running month those beside the
        lasting ones.
        """
        shelf = shelf_of(style, str(period), running=running)
        slots = {uid: line_key(slot) for uid, slot in self.lines.slots.items()}
        return {
            slots[record.line_uid]: RecordState(
                uid=record.line_uid,
                key=record.key,
                remote=record.remote,
                mode=_MODES.get(record.mode),
                sent=record.sent,
                sent_period=record.sent_period or None,
                total_price=record.total_price,
                total_cost=record.total_cost,
                units=record.units,
                products=record.products,
            )
            for record in self.records
            if record.period == shelf and record.line_uid in slots
        }

    def modes(self, style: Style, period: Period, *, running: bool = False) -> dict[str, Mode]:
        """The mode in which each of `states` was last sent, by line key.

        One that was adopted and not written yet counts as `quantity`, so that its price stays.
        """
        shelf = shelf_of(style, str(period), running=running)
        slots = self.lines.slots
        return {
            line_key(slots[mark.line_uid]): _MODES.get(mark.mode, Mode.QUANTITY)
            for mark in self.records.marks
            if mark.period == shelf and mark.line_uid in slots
        }

    def last_lines(
        self, style: Style, period: Period, *, running: bool = False
    ) -> dict[str, LineState]:
        """What a record that is new is compared with, by line key.

        A monthly record with the last bill of an earlier month, and the record of a running month
        with the lasting one beside it.
        """
        if running and style is Style.ROLLING:
            return {
                key: LineState(
                    quantity=state.sent.quantity,
                    unit_price=state.sent.unit_price,
                    unit_cost=state.sent.unit_cost,
                    total_price=state.total_price,
                    total_cost=state.total_cost,
                    units=state.units,
                )
                for key, state in self.states(style, period).items()
                if state.sent is not None
            }
        if style is not Style.PER_PERIOD or self.last is None or self.last.period >= str(period):
            return {}
        return self.last.lines

    def uids(self, connection_uid: str, account_key: str, keys: Collection[str]) -> dict[str, str]:
        """The uid of each line, stored or to be stored, by line key."""
        taken = self.lines.slots
        stored = {line_key(slot): uid for uid, slot in taken.items()}
        return {
            key: stored.get(key) or line_uid(connection_uid, account_key, slot_of(key), taken)
            for key in keys
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The books of many accounts, read at one moment.

    Attributes:
        accounts: by row id.
        ours: PSA ids of all records that are ours, of every account.
    """

    accounts: Mapping[int, AccountBooks]
    ours: frozenset[str]

    def of(self, account_id: int) -> AccountBooks:
        return self.accounts.get(account_id, AccountBooks())


async def load_books(
    conn: AsyncConnection,
    psa_connection_id: int,
    account_ids: Collection[int],
    *,
    style: Style | None = None,
) -> Books:
    """Read the books of these accounts in bulk.

    Args:
        conn: a reader's connection.
        psa_connection_id: whose records.
        account_ids: whose books.
        style: of the records; lasting ones need no lines of the last bill. None reads everything.
    """
    lines = await lines_of(conn, account_ids)
    records = await records_of(conn, psa_connection_id, account_ids)
    last = await load_last_bills(conn, account_ids, with_lines=style is not Style.ROLLING)
    open_writes = await unsettled_of_accounts(conn, account_ids)
    return Books(
        accounts={
            account_id: AccountBooks(
                lines=lines.get(account_id, _NO_LINES),
                records=records.get(account_id, _NO_RECORDS),
                last=last.get(account_id),
                unsettled=open_writes.get(account_id, ()),
            )
            for account_id in account_ids
        },
        ours=await known_remotes(conn, psa_connection_id),
    )


def adopted_since(bill: PlannedBill, held: Sequence[LedgerRecord], moment: datetime) -> str:
    """A line that the bill would make a record for and that was given one meanwhile, or empty."""
    made = {change.key: change for change in bill.changes if change.kind is ChangeKind.CREATE}
    return next(
        (
            f"ALREADY_ADOPTED: '{made[one.key].line_name}' was given record {one.remote} since"
            for one in held
            if one.key in made and one.sent is None and one.updated_at > moment
        ),
        "",
    )


def shelf_of(style: Style, period: str, *, running: bool) -> str:
    """What the ledger writes in the column `period` of a record."""
    if style is Style.PER_PERIOD:
        return period
    return CURRENT if running else ""


def line_key(slot: tuple[str, str, str]) -> str:
    """`<configuration>/<asset type>`, with the part behind it where there is one."""
    return "/".join(part for part in slot if part)


def slot_of(key: str) -> tuple[str, str, str]:
    """Configuration uid, asset type and part of a line key."""
    configuration, _, rest = key.partition("/")
    asset_type, _, part = rest.partition("/")
    return configuration, asset_type, part
