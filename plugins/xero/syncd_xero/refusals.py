"""Reads Xero's refusals, which have no codes: what happens next is told by the words alone.

The texts are those that public code, tests and recordings show; a text that is not known stays
`REFUSED` and is shown as it is.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from syncd.sdk.ledger_writes import RejectedCode as R
from syncd.sdk.psa_records import Rejected

_TEXTS: Final[tuple[tuple[str, R], ...]] = (
    (r"contact name (.* already assigned|must be unique)", R.NAME_TAKEN),
    (r"contact number .* already assigned", R.NAME_TAKEN),
    (r"(item|price list item).* (already exists|must be unique)", R.NAME_TAKEN),
    (r"(invoice|credit ?note)( #| number)?.* must be unique", R.NUMBER_TAKEN),
    (r"(invoice|credit ?note) number .* (already|in use)", R.NUMBER_TAKEN),
    (r"(period|year|end of year|financial year).* lock(ed)?( date)?|lock date", R.PERIOD_LOCKED),
    (r"not subscribed to currency|currency .*(not|isn't) (valid|enabled|supported)",
     R.CURRENCY_UNUSABLE),
    (r"tax ?type code|tax ?(type|rate) .*(not exist|not valid|cannot be used|invalid|archived)",
     R.TAX_UNUSABLE),
    (r"account code .*(not a valid|not exist|archived|has been)|account .*(archived|not valid)",
     R.ACCOUNT_UNUSABLE),
    (r"item code .*(not valid|not exist|archived)|item .*(not exist|not found|not sold)",
     R.ITEM_UNUSABLE),
    (r"contact .*(archived|not exist|not found|could not be found|invalid|not active)",
     R.CONTACT_UNUSABLE),
    (r"not of valid status for modification|cannot be (edited|voided|deleted|modified)",
     R.NOT_ALLOWED_NOW),
    (r"(payments|credits?) .*(allocated|applied)|has (payments|been paid)|already (paid|voided)",
     R.NOT_ALLOWED_NOW),
    (r"(amount|allocat).* (exceeds|greater than|more than)", R.NOT_ALLOWED_NOW),
)  # fmt: skip

REFUSALS: Final = tuple((re.compile(text, re.IGNORECASE), code) for text, code in _TEXTS)

_MISMATCH: Final = re.compile(r"idempotency key.*different request", re.IGNORECASE)
_LONGEST: Final = 400
_FIELDS: Final = ("Message", "Detail", "detail", "error_description", "error", "Title", "title")


class _Error(msgspec.Struct, frozen=True, kw_only=True):
    """One element of a batch that was refused as a whole."""

    number: str | None = msgspec.field(name="InvoiceNumber", default=None)
    credit: str | None = msgspec.field(name="CreditNoteNumber", default=None)
    errors: list[dict[str, object]] = msgspec.field(name="ValidationErrors", default=[])


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    elements: list[_Error] = msgspec.field(name="Elements", default=[])


def code_of(text: str) -> R:
    """What a refusal means."""
    return next((code for pattern, code in REFUSALS if pattern.search(text)), R.REFUSED)


def meaning(messages: list[str]) -> tuple[R, str]:
    """Of several messages the one that decides what happens next, and all as a sentence.

    A number that is taken goes first: the document may be there already, so that whatever else is
    wrong with the repetition does not matter.
    """
    texts = list(dict.fromkeys(" ".join(text.split()) for text in messages if text.strip()))
    codes = [code_of(text) for text in texts]
    if R.NUMBER_TAKEN in codes:
        code = R.NUMBER_TAKEN
    else:
        code = next((code for code in codes if code is not R.REFUSED), R.REFUSED)
    sentence = " ".join(texts) or "Xero refuses it without a reason"
    return code, sentence[:_LONGEST]


def refusal(key: str, messages: list[str]) -> Rejected:
    """The outcome of a write in Xero's words, with the code of what happens next."""
    code, text = meaning(messages)
    return Rejected(key, code.value, text)


def of_elements(body: bytes) -> dict[str, list[str]]:
    """Messages by document number out of a whole batch's refusal; an element without one is ""."""
    try:
        error = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    found: dict[str, list[str]] = {}
    for element in error.elements:
        texts = [str(one["Message"]) for one in element.errors if one.get("Message")]
        if texts:
            found.setdefault(element.number or element.credit or "", []).extend(texts)
    return found


def all_messages(body: bytes) -> list[str]:
    """Every message of a refusal: those of elements, else the general one.

    Plain text is no message of Xero's: whoever stands between may have put anything into it, also
    what we sent.
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    if not isinstance(content, dict):
        return []
    texts = [text for found in of_elements(body).values() for text in found]
    general = [content[name] for name in _FIELDS if isinstance(content.get(name), str)]
    return texts or general[:1]


def is_other_request(text: str) -> bool:
    """The idempotency key was used for another request before: what became of that is open."""
    return bool(_MISMATCH.search(text))


def error_text(status: int, body: bytes) -> str:  # noqa: ARG001 - the SDK's signature
    """Xero's explanation of a refusal, the elements' messages before the general one."""
    return " ".join(dict.fromkeys(all_messages(body)))[:_LONGEST]
