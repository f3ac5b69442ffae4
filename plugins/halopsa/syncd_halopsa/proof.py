"""What HaloPSA shows after a save: which records are ours, and what that proves of a change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.sdk.errors import ConnectorError, ProtocolError
from syncd.sdk.http import Answer
from syncd.sdk.records import (
    ChangeKind,
    Delivered,
    KeyedChange,
    NotSent,
    Outcome,
    Receipt,
    Rejected,
    Unknown,
)
from syncd_halopsa.client import Element
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.models import WireLicence
from syncd_halopsa.payload import differences
from syncd_halopsa.translation import marker_of, subscription_of
from syncd_halopsa.wire import lenient


@dataclass(frozen=True, slots=True)
class Item:
    """A change with its marker and the element that is sent for it."""

    change: KeyedChange
    marker: str
    element: Element

    @property
    def key(self) -> str:
        return self.change.key

    @property
    def creates(self) -> bool:
        return self.change.kind is ChangeKind.CREATE

    @property
    def marks(self) -> bool:
        """It puts our key where none of ours stood before."""
        return self.change.kind is not ChangeKind.UPDATE


def shown(answer: Answer) -> list[WireLicence]:
    """The records in the answer to a save: one object, an array, or nothing that can be read."""
    try:
        if answer.body.lstrip()[:1] == b"[":
            return lenient(answer, list[WireLicence])
        return [lenient(answer, WireLicence)]
    except ProtocolError:
        return []  # the save was answered; what it did is read back


def matching(
    item: Item, records: Iterable[WireLicence], config: HaloPsaConfig
) -> list[WireLicence]:
    """The records that the change speaks of: by id for an update, by marker for a create."""
    if item.creates:
        return [one for one in records if marker_of(one, config.key_field) == item.marker]
    return [one for one in records if str(one.id) == item.change.remote]


def kept(item: Item, records: Iterable[WireLicence], config: HaloPsaConfig) -> bool:
    """Whether any of the records carries the key of the change."""
    return any(marker_of(one, config.key_field) == item.marker for one in records)


def delivered(
    item: Item, records: Sequence[WireLicence], config: HaloPsaConfig, request_id: str | None
) -> Delivered | None:
    """The receipt, if exactly one record shows everything that was written."""
    mine = matching(item, records, config)
    if len(mine) != 1 or differences(item.change, item.marker, config, mine[0]):
        return None
    record = subscription_of(
        mine[0], key_field=config.key_field, asset_type_field=config.asset_type_field
    )
    return Delivered(item.key, Receipt(item.key, str(mine[0].id), record, request_id))


def undelivered(item: Item, records: Sequence[WireLicence], config: HaloPsaConfig) -> Outcome:
    """What a read-back without proof means once the save itself was answered."""
    mine = matching(item, records, config)
    if len(mine) > 1:
        ids = ", ".join(str(one.id) for one in mine)
        return Unknown(item.key, f"HaloPSA has {len(mine)} subscriptions with this key: {ids}")
    if mine:
        wrong = ", ".join(differences(item.change, item.marker, config, mine[0]))
        return Rejected(
            item.key,
            "READ_BACK_DIFFERS",
            f"HaloPSA accepted subscription {mine[0].id} but shows other values in: {wrong}",
        )
    if item.creates:
        return Unknown(item.key, "HaloPSA accepted a new subscription but does not show it")
    return Rejected(
        item.key,
        "RECORD_GONE",
        f"HaloPSA has no subscription {item.change.remote} any more",
        gone=True,
    )


def key_lost(item: Item, record: WireLicence, config: HaloPsaConfig) -> Rejected:
    """A record that does not carry our key could never be found again."""
    if not item.creates:
        return Rejected(
            item.key,
            "KEY_NOT_KEPT",
            f"HaloPSA shows {config.key_field} of subscription {record.id} otherwise than our key: "
            "set another key_field or a smaller key_length",
        )
    return Rejected(
        item.key,
        "KEY_NOT_KEPT",
        f"HaloPSA saved subscription {record.id} without our key in {config.key_field}: delete that"
        " subscription, then set another key_field or a smaller key_length",
    )


def not_sent(key: str, error: ConnectorError) -> NotSent:
    """Surely not saved, with what to do about it."""
    text = f"{error} ({error.remedy})" if error.remedy else str(error)
    return NotSent(key, text, getattr(error, "retry_after", None))


def unread(key: str, error: ConnectorError) -> Unknown:
    """Answered, but the read-back failed."""
    return Unknown(key, f"saved or not is unknown, since the read-back failed: {error}")
