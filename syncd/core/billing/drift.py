"""Whether the PSA still shows what was sent, and records that look like a line without being ours.

Only fields we own are compared; what the PSA does not show cannot be told from what it never had.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from syncd.core.billing.identity import COMPARED
from syncd.sdk.records import Subscription, SubscriptionFields

_ALWAYS_SHOWN = frozenset({"quantity", "unit_price", "unit_cost", "name", "agreement"})
_NO_LETTER = re.compile(r"[\W_]+")


def shows(record: Subscription, fields: SubscriptionFields) -> bool:
    """Whether the record already holds everything that the write would bring."""
    return not _different(record, fields)


def drifted(
    record: Subscription, sent: SubscriptionFields, desired: SubscriptionFields
) -> tuple[str, ...]:
    """Fields that somebody else changed since we wrote them, each with both values.

    A field that is not ours any more is not looked at, nor one that was changed to what we are
    about to write.
    """
    conflicts = set(_different(record, desired))
    return tuple(
        f"{name.replace('_', ' ')} sent as {getattr(sent, name)}, now {getattr(record, name)}"
        for name in _different(record, sent)
        if name in conflicts
    )


def lookalikes(
    fields: SubscriptionFields, records: Sequence[Subscription], ours: Collection[str]
) -> tuple[Subscription, ...]:
    """Live records of the same client that may bill the same thing and are not ours.

    The same name (case, accents and punctuation aside) or the same asset type is enough.
    """
    return tuple(
        record
        for record in records
        if record.key not in ours
        and record.client == fields.client
        and record.active
        and not (record.end is not None and fields.start is not None and record.end < fields.start)
        and (
            plain_name(record.name) == plain_name(fields.name)
            or (record.asset_type is not None and record.asset_type == fields.asset_type)
        )
    )


def plain_name(name: str) -> str:
    """Letters and digits only, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NO_LETTER.sub(" ", letters).strip()


def _different(record: Subscription, fields: SubscriptionFields) -> list[str]:
    return [
        name
        for name in COMPARED
        if (ours := getattr(fields, name)) is not None
        and (getattr(record, name) is not None or name in _ALWAYS_SHOWN)
        and _value(getattr(record, name)) != _value(ours)
    ]


def _value(value: object) -> object:
    return value.strip() if isinstance(value, str) else value
