"""What QuickBooks refuses, by the code of its fault: what it means and what happens next.

Faults come in two casings, with an error status, as items of a batch, or with status 200. Codes
are those of Intuit's list of errors; where a number is told under several codes, the words decide.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import msgspec

from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    PermissionMissing,
    RequestRejected,
)
from syncd.sdk.ledger_writes import RejectedCode
from syncd.sdk.verdict import cleaned
from syncd_quickbooks.models import Fault, Faulty

_CODED: Final = re.compile(r"\[([A-Za-z]*):?(\d*)\] (.*)", re.DOTALL)
_HOLDER: Final = re.compile(r"TxnType=(\w+)\s+with\s+TxnId=(\d+)")
_ANYTHING: Final = re.compile(r"accounts?, customers?, items?", re.IGNORECASE)
"""Intuit's usual words for 610 name every kind there is, and so none."""

_DUPLICATE: Final = re.compile(r"duplicate document number", re.IGNORECASE)


class Next(Enum):
    """What happens next with what was refused."""

    REFUSED = "refused"
    LATER = "later"
    UNKNOWN = "unknown"
    PERSON = "person"


class Said(msgspec.Struct, frozen=True):
    """What a fault says.

    Attributes:
        code: number without leading zeros, or empty.
        kind: type of the fault.
        words: cleaned, one line.
    """

    code: str
    kind: str
    words: str

    @property
    def next(self) -> Next:
        """What happens next; a fault of the system leaves open what was done."""
        if self.code in _LATER:
            return Next.LATER
        if self.code in _UNKNOWN:
            return Next.UNKNOWN
        if self.code in _PERSON or "auth" in self.kind.lower():
            return Next.PERSON
        if self.kind.lower() in {"systemfault", "service", "servicefault"}:
            return Next.UNKNOWN
        return Next.REFUSED

    @property
    def holder(self) -> tuple[str, str] | None:
        """Type and id of the transaction that holds a number that is taken."""
        found = _HOLDER.search(self.words)
        return (found[1], found[2]) if found else None

    @property
    def rejected(self) -> RejectedCode:
        """The reason in our words."""
        if self.code == "6140" or _DUPLICATE.search(self.words):
            return RejectedCode.NUMBER_TAKEN
        plain = _REASONS.get(self.code)
        if plain is not None:
            return plain
        if self.code in _SPOKEN and not _ANYTHING.search(self.words):
            for pattern, reason in _WORDS:
                if pattern.search(self.words):
                    return reason
        return RejectedCode.REFUSED

    @property
    def sentence(self) -> str:
        """Number and words, with what to do where the words do not say it."""
        advice = _ADVICE.get(self.code, "")
        told = f"{self.words} ({self.code})" if self.code else self.words
        return f"{told}; {advice}" if advice else told


_LATER: Final = frozenset({"3001"})
_UNKNOWN: Final = frozenset({"600", "2130", "10000"})
_PERSON: Final = frozenset({"120", "3100", "3200"})
_SPOKEN: Final = frozenset({"610", "2010", "2020", "2500", "6000", "6540"})

_REASONS: Final = {
    "620": RejectedCode.NOT_ALLOWED_NOW,
    "5010": RejectedCode.VERSION_MOVED,
    "6100": RejectedCode.TAX_UNUSABLE,
    "6200": RejectedCode.PERIOD_LOCKED,
    "6210": RejectedCode.PERIOD_LOCKED,
    "6240": RejectedCode.NAME_TAKEN,
    "6250": RejectedCode.CONTACT_UNUSABLE,
    "6480": RejectedCode.NOT_ALLOWED_NOW,
    "6540": RejectedCode.NOT_ALLOWED_NOW,
}

_WORDS: Final = (
    (re.compile(r"clos(ed|ing)", re.IGNORECASE), RejectedCode.PERIOD_LOCKED),
    (re.compile(r"currenc", re.IGNORECASE), RejectedCode.CURRENCY_UNUSABLE),
    (re.compile(r"tax ?(code|rate)|TaxCodeRef", re.IGNORECASE), RejectedCode.TAX_UNUSABLE),
    (re.compile(r"customer|\bnames?\b", re.IGNORECASE), RejectedCode.CONTACT_UNUSABLE),
    (
        re.compile(r"\bitems?\b|ItemRef|product/service", re.IGNORECASE),
        RejectedCode.ITEM_UNUSABLE,
    ),
    (re.compile(r"\baccounts?\b|AccountRef", re.IGNORECASE), RejectedCode.ACCOUNT_UNUSABLE),
    (
        re.compile(r"\b(paid|payment|linked|applied|deposit)", re.IGNORECASE),
        RejectedCode.NOT_ALLOWED_NOW,
    ),
)
"""Words of the catch-all codes, the surest first."""

_ADVICE: Final = {
    "5020": "the person who signed in lacks the right for it",
    "5030": "the company's plan does not have this feature",
    "6070": "an amount is not quantity times price",
    "6190": "the company's QuickBooks subscription has ended",
    "6210": "only a person who knows the closing password can book there",
}


def said(fault: Fault) -> Said:
    """The first error of a fault; further ones are repetitions of it."""
    errors = fault.capital_error or fault.error or []
    if not errors:
        return Said("", fault.type or "", "no reason given")
    first = errors[0]
    message = first.capital_message or first.message or ""
    detail = first.capital_detail or first.detail or ""
    words = f"{message}: {detail}"
    if detail in message:
        words = message
    elif message in detail:
        words = detail
    if first.element:
        words = f"{words} [{first.element}]"
    code = str(first.code or "").lstrip("0")
    return Said(code, fault.type or "", cleaned(words, []) or "no reason given")


def fault_in(body: bytes) -> Said | None:
    """The fault of an answer of any status; None where there is none."""
    if b"ault" not in body:
        return None
    try:
        answer = msgspec.json.decode(body, type=Faulty)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    fault = answer.capital_fault or answer.fault
    return None if fault is None else said(fault)


def fault_text(status: int, body: bytes) -> str:
    """A fault as words for a message: its type and code in brackets first."""
    del status
    found = fault_in(body)
    return "" if found is None else f"[{found.kind}:{found.code}] {found.words}"


class Refused(RequestRejected):
    """A call that QuickBooks refuses, with what it says."""

    def __init__(self, said: Said, error: ConnectorError) -> None:
        super().__init__(
            str(error),
            remedy=error.remedy,
            connection=error.connection,
            http_status=error.http_status,
            request_id=error.request_id,
        )
        self.said = said


def refined(error: ConnectorError, connection: str, realm: str) -> ConnectorError:
    """A refusal with what it says and what a person can do; any other error as it is."""
    if not isinstance(error, AuthError | RequestRejected) or isinstance(error, Refused):
        return error
    found = _CODED.search(str(error))
    if found is None:
        return error
    words = Said(found[2], found[1], found[3])
    if isinstance(error, RequestRejected) and words.next is not Next.PERSON:
        return Refused(words, error)
    return not_open(words, connection, realm, error)


def not_open(words: Said, connection: str, realm: str, error: ConnectorError | None) -> AuthError:
    """The error for a consent that does not open the company, by its code."""
    kind: type[AuthError] = PermissionMissing
    again = f"sign in again with `syncd login {connection}`"
    match words.code:
        case "3100":
            what = f"the app's keys or the consent do not open company {realm}"
            remedy = (
                "check realm, and that client_id and base_url are both of production or both of"
                f" development; then {again}"
            )
        case "120" | "5020":
            what = "the person who signed in has no right to do this in the company"
            remedy = f"let an administrator of the company sign in: `syncd login {connection}`"
        case _:
            kind, what, remedy = AuthError, "the access token is refused", again
    return kind(
        f"{connection}: {what}: {words.words} ({words.code or words.kind})",
        remedy=remedy,
        connection=connection,
        http_status=error.http_status if error else None,
        request_id=error.request_id if error else None,
    )
