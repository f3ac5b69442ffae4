"""Single writes of actions, each under a request id that its repeats share.

QuickBooks answers a repeated id with what it answered before, so that a repeat in the network is
carried out once.
"""

from __future__ import annotations

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.ledger_writes import LedgerAction, RejectedCode
from syncd.sdk.psa_records import Rejected
from syncd_quickbooks.client import CompanyClient
from syncd_quickbooks.models import Named, Transaction


class Made(msgspec.Struct):
    """The answer to a single write, whatever it is about."""

    invoice: Transaction | None = msgspec.field(default=None, name="Invoice")
    credit: Transaction | None = msgspec.field(default=None, name="CreditMemo")
    payment: Transaction | None = msgspec.field(default=None, name="Payment")
    customer: Named | None = msgspec.field(default=None, name="Customer")
    item: Named | None = msgspec.field(default=None, name="Item")


class Requests:
    """Sends single writes to one company.

    Args:
        client: of the company.
    """

    def __init__(self, client: CompanyClient) -> None:
        self._client = client

    def put_off(self, action: LedgerAction) -> None:
        """It was surely not done, and the refusal may be what is remembered under its id."""
        self._client.postponed[action.attempt] += 1

    async def send(
        self, action: LedgerAction, path: str, body: object, *, operation: str = "", step: str = ""
    ) -> Answer:
        """One write of an action.

        Args:
            action: what it is for.
            path: of the kind of object.
            body: of it.
            operation: `void` or `delete`, where it is one.
            step: tells the writes of one action apart.

        Raises:
            OutcomeUnknown: it may have been carried out.
            Refused: it was not, and QuickBooks says why.
            ConnectorError: it was not.
        """
        known = f"{action.attempt}{self._client.postponed[action.attempt] or ''}"
        params: dict[str, str | int] = {"requestid": f"{known}-{step}" if step else known}
        if operation:
            params["operation"] = operation
        return await self._client.write(path, body, params)


def rejected(action: LedgerAction, code: RejectedCode, message: str) -> Rejected:
    """The outcome of an action that was not done, and will not be."""
    return Rejected(action.key, code=code.value, message=message)
