"""How a line is found again: its key, the hash of what was sent, the digest of what is seen.

Keys are made of ids that are minted once, so that renaming a connection, an account or a
configuration changes no key, and two regions of one vendor never share one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal

from syncd.core.billing.arithmetic import EXACT
from syncd.sdk.records import Subscription, SubscriptionFields, canonical_json

PREFIX = "syncd"
CURRENT = "current"
"""Suffix reserved for the second lasting record of a line, that of the running month."""

COMPARED = (
    "quantity",
    "unit_price",
    "unit_cost",
    "name",
    "asset_type",
    "supplier",
    "start",
    "end",
    "agreement",
)
"""Fields we own that a PSA shows us again; notes are written and not read back."""


def external_key(
    connection_uid: str,
    account_key: str,
    configuration_uid: str,
    line_uid: str,
    period: str | None = None,
    suffix: str | None = None,
) -> str:
    """The key under which the PSA's record of a line can be found.

    Args:
        connection_uid: minted once per connection.
        account_key: the vendor's id of the account.
        configuration_uid: minted once per configuration.
        line_uid: minted once per line.
        period: `YYYY-MM` where each month has a record of its own, else None.
        suffix: `CURRENT` for the record of the running month, else None.
    """
    parts = [PREFIX, connection_uid, account_key, configuration_uid, line_uid]
    parts += [part for part in (period, suffix) if part is not None]
    return joined_key(*parts)


def joined_key(*parts: str) -> str:
    """Parts of a key as one text from which they could be told apart again."""
    return ":".join(_escaped(part) for part in parts)


def configuration_uid(key: str) -> str:
    """The uid of the configuration in an external key; empty where it is no key of ours."""
    parts = key.split(":")
    return _plain_part(parts[3]) if len(parts) > 4 and parts[0] == PREFIX else ""


def content_hash(fields: SubscriptionFields) -> str:
    """Hash of everything a write would contain; equal amounts hash equally however written."""
    absent = fields.agreement is None  # not there before agreements were, and so not in any hash
    return _digest(
        {
            name: getattr(fields, name)
            for name in fields.__struct_fields__
            if not (absent and name == "agreement")
        }
    )


def observed_digest(record: Subscription, owned: SubscriptionFields) -> str:
    """Digest of what the PSA shows in the fields that `owned` would write, and of whose it is.

    Args:
        record: the PSA's record as read.
        owned: the planned write; its absent fields are the PSA's business and do not count.
    """
    seen: dict[str, object] = {
        name: getattr(record, name) for name in COMPARED if getattr(owned, name) is not None
    }
    return _digest({"seen": seen, "record": _identity(record)})


def adopted_digest(record: Subscription) -> str:
    """Digest of what makes a record the one that a person adopted: whose it is, and its name.

    Its figures are not in it: they are the PSA's until the first bill.
    """
    return _digest({"record": _identity(record), "name": record.name})


def _identity(record: Subscription) -> dict[str, object]:
    return {
        "key": record.key,
        "client": record.client,
        "marker": record.marker,
        "active": record.active,
        "foreign_writer": record.foreign_writer,
    }


def _digest(value: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical_json(_plain(value))).hexdigest()


def _plain(value: object) -> object:
    """The value with amounts written in one way, so that 5, 5.0 and 5.00 are the same."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return format(value.normalize(EXACT), "f") if value else "0"
    return value


def _escaped(part: str) -> str:
    """The part without a colon of its own, so that different parts never make one key."""
    return part.replace("%", "%25").replace(":", "%3A")


def _plain_part(part: str) -> str:
    return part.replace("%3A", ":").replace("%25", "%")
