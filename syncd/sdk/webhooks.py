"""Vendors' webhooks: proof of origin and what they announce; nothing in them is believed.

A receiver is pure: it gets the raw bytes and the header fields of a request and decides. The host
limits size and time, stores what is accepted, answers at once, and asks the vendor later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Announced(StrEnum):
    """What kind of thing is said to have changed."""

    DOCUMENT = "document"
    PAYMENT = "payment"
    CONTACT = "contact"
    OTHER = "other"


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """One event.

    Attributes:
        key: the same when the vendor repeats it, another one for everything else.
        book: the organisation it is about, `LedgerBook.key`.
        what: kind of thing.
        remote: its id.
        at: when it happened as the vendor says, UTC.
    """

    key: str
    book: str
    what: Announced
    remote: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnswer:
    """What to answer, and what to keep.

    Attributes:
        status: HTTP status code of the answer, which has an empty body.
        announcements: to be stored before the answer; empty on a refusal.
        refusal: upper-case code of why it was refused, for the log; empty when accepted.
    """

    status: int
    announcements: tuple[Announcement, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """How a connector's vendor calls us.

    Attributes:
        receive: from settings, header fields (lower-case names), raw body and the current moment
            to an answer. Compares signatures in constant time; never raises for bad input.
        enabled: whether the settings hold the secret that proves the origin.
        answer_seconds: the vendor's patience.
    """

    receive: Callable[[Any, Mapping[str, str], bytes, datetime], WebhookAnswer]
    enabled: Callable[[Any], bool]
    answer_seconds: float
