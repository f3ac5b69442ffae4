"""Creates a contact or an item that a person asked for, unless Xero has it already.

A contact carries the PSA's id as its ContactNumber, an item as its Code: by these, together with
the name, a repetition finds what the first try made. Another system may have used the same ids, so
that an id alone proves nothing.
"""

from __future__ import annotations

from typing import Any, Final

from syncd.sdk.errors import AuthError, ConnectorError, RequestRejected
from syncd.sdk.ledger_writes import ActionKind, ActionOutcome, Done, LedgerAction, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown
from syncd_xero.client import XeroClient
from syncd_xero.models import Envelope, Message, SavedContact
from syncd_xero.posting import SURELY_NOT_SENT, batch_key, leaves_open
from syncd_xero.refusals import all_messages, refusal
from syncd_xero.values import NOTHING, identifier, quoted

LONGEST_NAME: Final = 255
LONGEST_CONTACT_NUMBER: Final = 50
LONGEST_CODE: Final = 30
LONGEST_ITEM_NAME: Final = 50
WRITE: Final[dict[str, str | int]] = {"summarizeErrors": "false"}


class Creations:
    """Makes entries of catalogues."""

    def __init__(self, client: XeroClient, connection: str) -> None:
        self._client = client
        self._connection = connection

    async def create(self, one: LedgerAction) -> ActionOutcome:
        """One outcome.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        contact = one.kind is ActionKind.CREATE_CONTACT
        flaw = _flaw(one, contact=contact)
        if flaw:
            return Rejected(one.key, RejectedCode.REFUSED.value, flaw)
        try:
            there = await (self._contact_there(one) if contact else self._item_there(one))
        except AuthError:
            raise
        except ConnectorError as error:
            return NotSent(one.key, str(error))
        if there is not None:
            return there
        what, element = ("Contacts", _contact(one)) if contact else ("Items", _item(one))
        try:
            answer = await self._client.write(
                "PUT",
                f"/{what}",
                json={what: [element]},
                key=batch_key([f"{one.kind.value} {one.attempt}"]),
                params=WRITE,
            )
            saved = answer.decode(Envelope)
        except AuthError:
            raise
        except SURELY_NOT_SENT as error:
            return NotSent(one.key, str(error))
        except RequestRejected as error:
            if leaves_open(error):
                return Unknown(one.key, str(error))
            return refusal(one.key, all_messages(error.body) or [str(error)])
        except ConnectorError as error:
            return Unknown(one.key, str(error))
        return self._saved(one, saved, answer.request_id or "", contact=contact)

    def _saved(
        self, one: LedgerAction, saved: Envelope, request_id: str, *, contact: bool
    ) -> ActionOutcome:
        rows = (saved.contacts if contact else saved.items) or []
        if len(rows) != 1:
            return Unknown(one.key, f"{self._connection}: Xero's answer does not show what it made")
        row = rows[0]
        errors: list[Message] = row.validation_errors or []
        if errors or (row.status_attribute_string or "").upper() == "ERROR":
            return refusal(one.key, [error.message for error in errors])
        if isinstance(row, SavedContact):
            remote = identifier(row.contact_id)
            if remote in ("", NOTHING):
                return Unknown(one.key, f"{self._connection}: Xero's answer names no contact")
        else:
            remote = row.code or one.foreign_key
        return Done(key=one.key, remote=remote, request_id=request_id)

    async def _contact_there(self, one: LedgerAction) -> ActionOutcome | None:
        """The contact that the first try made, or the refusal because another one is in the way."""
        for field, value in (("ContactNumber", one.foreign_key), ("Name", one.name)):
            params: dict[str, str | int] = {
                "where": f"{field}=={quoted(value)}",
                "includeArchived": "true",
                "page": 1,
                "pageSize": 10,
            }
            rows = (await self._client.read("/Contacts", params, essential=True)).contacts or []
            if not rows:
                continue
            row = next((row for row in rows if _usable(row)), rows[0])
            if field == "ContactNumber" and _usable(row) and _same(row.name, one.name):
                return Done(key=one.key, remote=identifier(row.contact_id))
            status = (row.contact_status or "ACTIVE").lower()
            numbered = f" with the number {value}" if field == "ContactNumber" else ""
            return _taken(one, f"an {status} contact '{row.name}'{numbered}")
        return None

    async def _item_there(self, one: LedgerAction) -> ActionOutcome | None:
        rows = (await self._client.read("/Items", essential=True)).items or []
        for row in rows:
            if _same(row.code, one.foreign_key):
                sold = row.is_sold is not False
                if sold and _same(row.name or "", one.name):
                    return Done(key=one.key, remote=row.code)
                unsold = "" if sold else ", which is not sold"
                return _taken(one, f"an item '{row.name or ''}' ({row.code}){unsold}")
        for row in rows:
            if _same(row.name or "", one.name):
                return _taken(one, f"an item '{row.name}' ({row.code})")
        return None


def _usable(row: SavedContact) -> bool:
    return (row.contact_status or "ACTIVE").upper() == "ACTIVE"


def _same(text: str, other: str) -> bool:
    return " ".join(text.split()).casefold() == " ".join(other.split()).casefold()


def _taken(one: LedgerAction, what: str) -> Rejected:
    message = f"Xero has {what}; '{one.name}' ({one.foreign_key}) is not made: link it instead"
    return Rejected(one.key, RejectedCode.NAME_TAKEN.value, message)


def _flaw(one: LedgerAction, *, contact: bool) -> str:
    """Why Xero cannot hold it, in words; empty if it can. Nothing is cut."""
    name, code = one.name, one.foreign_key
    longest = LONGEST_NAME if contact else LONGEST_ITEM_NAME
    if not name or not code:
        return "it has no name or no id in the PSA"
    if len(name) > longest:
        return f"its name has {len(name)} characters and Xero keeps {longest}; shorten it"
    if any(one in name for one in '<>"') or " ".join(name.split()) != name:
        return "its name holds <, > or a quote, or blanks around or beside each other; mend it"
    most = LONGEST_CONTACT_NUMBER if contact else LONGEST_CODE
    if len(code) > most or '"' in code:
        return f"its id in the PSA has {len(code)} characters and Xero keeps {most}"
    return ""


def _contact(one: LedgerAction) -> dict[str, Any]:
    element: dict[str, Any] = {"Name": one.name, "ContactNumber": one.foreign_key}
    if one.currency:
        element["DefaultCurrency"] = one.currency
    return element


def _item(one: LedgerAction) -> dict[str, Any]:
    sales = {
        name: value
        for name, value in (("AccountCode", one.account), ("TaxType", one.tax_code))
        if value
    }
    element: dict[str, Any] = {"Code": one.foreign_key, "Name": one.name, "IsSold": True}
    if sales:
        element["SalesDetails"] = sales
    return element
