"""The vendor's webhooks as it sends them: CloudEvents and the older form, signed with HMAC.

They may come twice, late, in another order or from somebody else; all of that can be asked for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from syncd_quickbooks.sandbox.company import Event

RETRIES: Final = (10, 20, 30, 300, 1_200, 7_200, 14_400, 21_600)
"""Seconds after which an unanswered call is repeated; then every six hours."""
PATIENCE: Final = 3.0
"""Seconds in which a call must be answered."""
_OLD: Final = {"created": "Create", "updated": "Update", "deleted": "Delete", "voided": "Void"}


@dataclass(frozen=True, slots=True)
class Message:
    """One call of the vendor.

    Attributes:
        headers: of the request, lower-case names.
        body: raw.
        at: when it is sent, UTC.
    """

    headers: dict[str, str]
    body: bytes
    at: datetime


class Sender:
    """Makes the calls about one company."""

    def __init__(self, realm: str, verifier: str) -> None:
        self._realm = realm
        self._verifier = verifier

    def messages(
        self,
        events: Sequence[Event],
        *,
        at: datetime,
        form: str = "cloud",
        each: bool = False,
        times: int = 1,
        backwards: bool = False,
        forged: str = "",
    ) -> list[Message]:
        """Calls about events.

        Args:
            events: what happened.
            at: moment of sending.
            form: `cloud` or `old`.
            each: one call for each event, not one for all.
            times: how often each is sent.
            backwards: the latest first.
            forged: `signature` (of another key), `unsigned`, or `body` (changed after signing).

        Raises:
            ValueError: an unknown form or forgery.
        """
        if form not in {"cloud", "old"} or forged not in {"", "signature", "unsigned", "body"}:
            raise ValueError("form is cloud or old, forged signature, unsigned or body")
        ordered = sorted(events, key=lambda event: event.number, reverse=backwards)
        groups = [[event] for event in ordered] if each else [list(ordered)]
        sent = []
        for group in filter(None, groups):
            content = self._cloud(group) if form == "cloud" else self._old(group)
            body = json.dumps(content, separators=(",", ":")).encode()
            message = Message(self._headers(body), body, at)
            sent += [_falsified(message, forged)] * times
        return sent

    def signature(self, body: bytes) -> str:
        """Value of `intuit-signature`."""
        digest = hmac.new(self._verifier.encode(), body, hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "intuit-signature": self.signature(body),
            "intuit-notification-schema-version": "1.0",
        }

    def _cloud(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        return [
            {
                "specversion": "1.0",
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._realm}:{event.number}")),
                "source": "intuit.sandbox",
                "type": f"qbo.{event.kind.lower()}.{event.what}.v1",
                "datacontenttype": "application/json",
                "time": _utc(event.at),
                "intuitentityid": event.id,
                "intuitaccountid": self._realm,
                "data": {},
            }
            for event in events
        ]

    def _old(self, events: Sequence[Event]) -> dict[str, Any]:
        entities = [
            {
                "name": event.kind,
                "id": event.id,
                "operation": _OLD[event.what],
                "lastUpdated": _utc(event.at),
            }
            for event in events
        ]
        changed = {"realmId": self._realm, "dataChangeEvent": {"entities": entities}}
        return {"eventNotifications": [changed]}


def _falsified(message: Message, how: str) -> Message:
    headers = dict(message.headers)
    if how == "signature":
        headers["intuit-signature"] = Sender("", "another key").signature(message.body)
    elif how == "unsigned":
        del headers["intuit-signature"]
    elif how == "body":
        return replace(message, body=message.body.replace(b"invoice", b"Invoice", 1) + b" ")
    return replace(message, headers=headers)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
