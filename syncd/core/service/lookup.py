"""The look-up of writes whose answer was not seen, and what it proves about each.

Only two things are acted upon without a person: the record says exactly what we sent, or the write
provably never happened. Everything between is shown with both sides and left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from syncd.core.billing.drift import shows
from syncd.core.billing.identity import COMPARED, adopted_digest, observed_digest
from syncd.core.store.attempts import Attempt
from syncd.core.store.outbox import OutboxItem, OutboxState
from syncd.sdk.errors import ProtocolError
from syncd.sdk.ports import Psa
from syncd.sdk.records import ChangeKind, Receipt, Subscription, SubscriptionFields

AnswerT = TypeVar("AnswerT")


class VendorCall(Protocol):
    """Awaits a call to the connector and turns its defects into errors of ours."""

    async def __call__(self, call: Awaitable[AnswerT], /) -> AnswerT: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """The write happened: the PSA shows it."""

    remote: str
    request_id: str | None = None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """The write did not happen; it may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The record to update no longer exists."""

    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A person must look: what the PSA shows is neither what was nor what we sent."""

    code: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


Verdict = Stands | Absent | Gone | Doubtful


async def look_up(
    items: Sequence[OutboxItem],
    call: VendorCall,
    psa: Psa,
) -> dict[int, Verdict]:
    """A verdict for each unknown write, by row id, with two bulk reads at most.

    Raises:
        SyncdError: the PSA could not be read; nothing is proven.
    """
    updates = [item for item in items if item.change.kind is ChangeKind.UPDATE]
    keyed = [item for item in items if item.change.kind is not ChangeKind.UPDATE]
    found = await call(psa.find_many([item.key for item in keyed])) if keyed else {}
    for item in keyed:
        if item.key not in found:
            message = f"the look-up of {item.key} was not answered"
            raise ProtocolError(message, remedy="report it to the connector's author")
    unread = {
        receipt.remote for item in keyed for receipt in found[item.key] if receipt.record is None
    }
    unread |= {item.change.remote for item in items if item.change.remote is not None}
    records = await call(psa.read_many(sorted(unread))) if unread else {}
    verdicts: dict[int, Verdict] = {}
    for item in keyed:
        if item.change.kind is ChangeKind.ADOPT:
            holders = sorted(receipt.remote for receipt in found[item.key])
            verdicts[item.id] = judge_adoption(item, holders, records.get(item.change.remote or ""))
            continue
        seen = [
            (receipt, receipt.record or records.get(receipt.remote)) for receipt in found[item.key]
        ]
        verdicts[item.id] = judge_create(item, seen)
    for item in updates:
        verdicts[item.id] = judge_update(item, records.get(item.change.remote or ""))
    return verdicts


def proven_absent(history: Sequence[Attempt]) -> int:
    """How often the vendor lost a write: sent by us, not answered, and not there.

    A process that died between its claim and the call proves nothing about the vendor.
    """
    return sum(
        1
        for sent, looked in pairwise(history)
        if sent.what == "send"
        and looked.what == "find"
        and looked.outcome == OutboxState.PENDING.value
    )


def judge_create(item: OutboxItem, found: Sequence[tuple[Receipt, Subscription | None]]) -> Verdict:
    """What the records that carry our key say about a create.

    Args:
        item: the write.
        found: every record with the key, each with what it holds; None when it vanished between
            the two reads.
    """
    if not found:
        return Absent()
    if len(found) > 1:
        ids = ", ".join(sorted(receipt.remote for receipt, _ in found))
        return Doubtful(
            code="DUPLICATE_IN_PSA",
            message=f"the PSA has {len(found)} records with the key of {_title(item)}: {ids}",
            evidence={"key": item.key, "records": sorted(receipt.remote for receipt, _ in found)},
        )
    receipt, record = found[0]
    if record is None:
        return Doubtful(
            code="RECORD_VANISHED",
            message=f"record {receipt.remote} carries the key of {_title(item)} and cannot be read",
            evidence={"key": item.key, "record": receipt.remote},
        )
    fields = item.change.fields
    if record.active and record.client == fields.client and shows(record, fields):
        return Stands(remote=record.key, request_id=receipt.request_id)
    return _both(item, record)


def judge_update(item: OutboxItem, record: Subscription | None) -> Verdict:
    """What the record says about an update of it, None when the PSA has it no more."""
    fields = item.change.fields
    if record is None:
        return Gone(remote=item.change.remote or "")
    untouched = item.intent.observed == observed_digest(record, fields)
    if record.active and record.client == fields.client and shows(record, fields):
        # A write that changes only what the PSA does not show (the notes) looks the same before
        # and after. Sending it again would be harmless, taking it for sent is harmless too.
        return Stands(remote=record.key)
    return Absent() if untouched else _both(item, record)


def judge_adoption(
    item: OutboxItem, holders: Sequence[str], record: Subscription | None
) -> Verdict:
    """What the PSA says about an adoption.

    Args:
        item: the write.
        holders: ids of the records that carry our key.
        record: the record to adopt, None when the PSA has it no more.
    """
    remote = item.change.remote or ""
    if set(holders) - {remote}:
        return Doubtful(
            code="DUPLICATE_IN_PSA",
            message=f"the key of {_title(item)} was for record {remote}, and the PSA shows it on "
            f"{', '.join(holders)}",
            evidence={"key": item.key, "records": list(holders)},
        )
    if record is None:
        return Gone(remote=remote)
    if holders:
        return Stands(remote=remote)
    if item.intent.observed == adopted_digest(record):
        return Absent()
    return Doubtful(
        code="PSA_DRIFT",
        message=f"record {remote} of {_title(item)} is not the one that was chosen: it has another "
        "client, name or key by now, or it is inactive",
        evidence={"key": item.key, "record": remote, "found": _readable(record)},
    )


def differences(record: Subscription, fields: SubscriptionFields) -> tuple[str, ...]:
    """Fields that we write and the record shows otherwise, each with both values."""
    if record.active and record.client == fields.client and shows(record, fields):
        return ()
    found = []
    if not record.active:
        found.append("the record is inactive")
    for name in ("client", *COMPARED):
        ours, theirs = getattr(fields, name), getattr(record, name)
        if ours is not None and _plain(ours) != _plain(theirs):
            shown = "nothing" if theirs is None else theirs
            found.append(f"{name.replace('_', ' ')} sent as {ours}, found {shown}")
    return tuple(found)


def _both(item: OutboxItem, record: Subscription) -> Doubtful:
    shown = "; ".join(differences(record, item.change.fields)) or "another state than expected"
    return Doubtful(
        code="PSA_DRIFT",
        message=f"record {record.key} of {_title(item)} holds neither what was there nor what we "
        f"sent: {shown}",
        evidence={
            "key": item.key,
            "record": record.key,
            "sent": _readable(item.change.fields),
            "found": _readable(record),
        },
    )


def _readable(value: SubscriptionFields | Subscription) -> dict[str, str | None]:
    shown = {name: getattr(value, name) for name in ("client", *COMPARED)}
    return {name: None if found is None else str(found) for name, found in shown.items()}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return value.normalize()
    return value.strip() if isinstance(value, str) else value


def _title(item: OutboxItem) -> str:
    return f"'{item.intent.line_name}' of {item.intent.client_name}"
