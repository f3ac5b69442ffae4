"""Whether a creation whose answer was lost happened: a key alone may be another system's."""

from __future__ import annotations

from typing import Any

import pytest

from syncd.core.service.bookkeeping_calls import DidNot, Happened, Unclear, created
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, LedgerAction

ACTION = LedgerAction(
    key="k", attempt="a", kind=ActionKind.CREATE_CONTACT, name="Acme Ltd", foreign_key="1004"
)


def contact(key: str, name: str, **more: Any) -> LedgerReference:
    return LedgerReference(kind=ReferenceKind.CONTACT, key=key, name=name, **more)


@pytest.mark.parametrize(
    ("entries", "remote"),
    [
        ([contact("a", "ACME Ltd", foreign_key="1004"), contact("b", "Acme Ltd")], "a"),
        ([contact("b", "Acme Ltd")], "b"),
        ([], None),
        ([contact("b", "Acme Ltd", active=False)], None),
        ([contact("b", "Acme Ltd", blocked=True)], None),
    ],
    ids=["our key and name", "the name", "nothing", "archived", "a vendor"],
)
def test_our_key_with_the_name_or_the_only_name_is_what_was_created(
    entries: list[LedgerReference], remote: str | None
) -> None:
    assert created(ACTION, entries) == (Happened(remote=remote) if remote else DidNot())


@pytest.mark.parametrize(
    "entries",
    [
        [contact("a", "Zeta", foreign_key="1004")],
        [contact("a", "Zeta", foreign_key="1004"), contact("b", "Acme Ltd")],
        [contact("a", "Acme Ltd", foreign_key="1004", active=False)],
        [contact("a", "Acme Ltd"), contact("b", "ACME LTD")],
    ],
    ids=["another name", "another name beside ours", "archived since", "two of the name"],
)
def test_what_cannot_be_told_is_a_person_s(entries: list[LedgerReference]) -> None:
    assert isinstance(created(ACTION, entries), Unclear)
