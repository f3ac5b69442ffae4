"""Names that never change: of a ledger row, of its marker, and of one attempt to write it.

They are derived and not drawn, so that a process that lost its memory arrives at the same ones.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import LedgerDocument
from syncd.sdk.records import canonical_json

MARKER = "syncd-"
_MARKER_CHARACTERS = 16
_ATTEMPT_CHARACTERS = 32


def ledger_key(
    *, ledger_uid: str, book_key: str, psa_uid: str, invoice: str, kind: DocumentKind, issue: int
) -> str:
    """The key of one document of ours; `issue` counts documents that replaced a voided one."""
    return f"{ledger_uid}:{book_key}:{psa_uid}:{invoice}:{kind.value}:{issue}"


def marker_of(key: str) -> str:
    """What is written into the document so that it is found again."""
    digest = hashlib.sha256(key.encode()).digest()
    return MARKER + base64.b32encode(digest).decode().lower()[:_MARKER_CHARACTERS]


def attempt_of(key: str, digest: str, generation: int) -> str:
    """Names one intent to write: the same for its repeats, another one after it was given up."""
    text = f"{key}|{digest}|{generation}"
    return hashlib.sha256(text.encode()).hexdigest()[:_ATTEMPT_CHARACTERS]


def document_digest(document: LedgerDocument) -> str:
    """Digest of what a document says, whoever tries to write it and however often."""
    plain = msgspec.structs.replace(document, key="", attempt="", marker="", url="")
    return hashlib.sha256(canonical_json(plain)).hexdigest()
