"""What Xero would send to an app's address: signed events, proofs of intent, and bad ones.

Nothing is sent by itself; `Sender` makes deliveries, and whoever holds one may post it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from syncd_xero.sandbox.books import Books, Happening
from syncd_xero.sandbox.options import Options
from syncd_xero.sandbox.wording import encoded

SIGNATURE: Final = "x-xero-signature"
PATIENCE: Final = 5.0
"""Seconds in which an address must answer."""

_RESOURCES: Final = {
    "INVOICE": "Invoices",
    "CREDITNOTE": "CreditNotes",
    "CONTACT": "Contacts",
    "OVERPAYMENT": "Overpayments",
    "PREPAYMENT": "Prepayments",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST.

    Attributes:
        headers: lower-case names.
        body: raw bytes, as they are signed.
        expected: status that an honest receiver answers.
    """

    headers: dict[str, str]
    body: bytes
    expected: int = 200

    def posted(self, url: str) -> int:
        """Send it to an address of this machine; the status of the answer.

        Raises:
            ValueError: the address is another one's.
        """
        where = urlsplit(url)
        if where.scheme != "http" or where.hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError("the simulator sends to this machine only")
        call = urllib.request.Request(  # noqa: S310 - loopback, checked above
            url, data=self.body, headers=self.headers, method="POST"
        )
        try:
            with urllib.request.urlopen(call, timeout=PATIENCE) as answer:  # noqa: S310 - likewise
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


class Sender:
    """Makes deliveries of what happened in one organisation.

    Attributes:
        sent: how many happenings were put into deliveries.
    """

    def __init__(self, books: Books, options: Options) -> None:
        self._books = books
        self._options = options
        self._sequence = 0
        self.sent = 0

    def pending(self) -> list[Happening]:
        """What nobody was told yet; it counts as told from now on."""
        found = self._books.happenings[self.sent :]
        self.sent += len(found)
        return found

    def delivery(self, events: Sequence[Happening]) -> Delivery:
        """One signed POST of these events."""
        first = self._sequence + 1
        self._sequence += len(events)
        body: dict[str, Any] = {
            "events": [self._event(one) for one in events],
            "firstEventSequence": first if events else 0,
            "lastEventSequence": self._sequence if events else 0,
            "entropy": hashlib.sha256(str(first).encode()).hexdigest()[:20].upper(),
        }
        raw = encoded(body)
        return Delivery({"content-type": "application/json", SIGNATURE: self.sign(raw)}, raw)

    def forged(self, events: Sequence[Happening]) -> Delivery:
        """The same, signed with another key."""
        good = self.delivery(events)
        wrong = _signed(b"somebody-else", good.body)
        return Delivery({**good.headers, SIGNATURE: wrong}, good.body, expected=401)

    def intent(self) -> list[Delivery]:
        """What proves an address: posts without events, some signed wrongly."""
        return [self.delivery(()), self.forged(()), self.delivery(()), self.forged(())]

    def sign(self, body: bytes) -> str:
        """Signature of raw bytes."""
        return _signed(self._options.webhook_key.encode(), body)

    def _event(self, one: Happening) -> dict[str, Any]:
        resource = _RESOURCES[one.category]
        return {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/{resource}/{one.key}",
            "resourceId": one.key,
            "eventDateUtc": one.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3],
            "eventType": one.kind,
            "eventCategory": one.category,
            "tenantId": self._books.tenant,
            "tenantType": "ORGANISATION",
        }


def _signed(key: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
