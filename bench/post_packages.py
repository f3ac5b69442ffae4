"""The accounting packages whose posting is measured, and what their published limits are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncd.sdk.connector import Connector, Sandbox
from syncd.sdk.ledger_records import ReferenceKind


@dataclass(frozen=True)
class Package:
    """What differs between packages.

    Attributes:
        load: connector, simulator and the token of a consent given before.
        contact: key of the first client's contact.
        mapped: mapping kind, the PSA's key, the books' key.
        batch: documents in a call.
        looks: look-ups before each batch, where the books do not keep numbers unique for sure.
        minute: calls, or batches of documents, that the vendor lets through in a minute.
        second: calls that it lets through in a second; 0 for no such limit.
    """

    load: Callable[[], tuple[Connector[Any], Sandbox, str]]
    contact: Callable[[], str]
    mapped: tuple[tuple[ReferenceKind, str, str], ...]
    batch: int
    looks: int
    minute: int
    second: int


def _xero() -> tuple[Connector[Any], Sandbox, str]:
    from syncd_xero import CONNECTOR
    from syncd_xero.sandbox import REFRESH_TOKEN, SANDBOX

    return CONNECTOR, SANDBOX, REFRESH_TOKEN


def _xero_contact() -> str:
    from syncd_xero.sandbox import contact_id

    return contact_id(1)


def _quickbooks() -> tuple[Connector[Any], Sandbox, str]:
    from syncd_quickbooks import CONNECTOR
    from syncd_quickbooks.sandbox import REFRESH_TOKEN, SANDBOX

    return CONNECTOR, SANDBOX, REFRESH_TOKEN


PACKAGES = {
    "xero": Package(
        load=_xero,
        contact=_xero_contact,
        mapped=((ReferenceKind.ACCOUNT, "*", "200"), (ReferenceKind.TAX, "1", "OUTPUT2")),
        batch=50,
        looks=0,
        minute=60,
        second=0,
    ),
    "quickbooks": Package(
        load=_quickbooks,
        contact=lambda: "101",
        mapped=((ReferenceKind.ITEM, "*", "21"), (ReferenceKind.TAX, "1", "2")),
        batch=30,
        looks=1,
        minute=40,
        second=10,
    ),
}
