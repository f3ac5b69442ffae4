"""Which clients got their contact after a linking pass, and up to which day they are doubted.

The day is one that nobody's calendar has passed in that moment, whatever the time zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from syncd.core.store.database import Database
from syncd.core.store.ledger_mappings import (
    MADE,
    LedgerDecision,
    contacts_since,
    write_ledger_mappings,
)
from syncd.sdk.ledger_records import ReferenceKind
from tests.builders_invoices import START, connected

EVENING = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
"""The next day already east of London: 11:30 in Auckland."""


async def test_a_contact_is_doubted_up_to_the_day_that_it_may_be_anywhere(
    database: Database,
) -> None:
    psa, ledger = await connected(database)
    mapped = LedgerDecision(kind=ReferenceKind.CONTACT, source="c3", target="contact-3", by="ann")
    made = LedgerDecision(
        kind=ReferenceKind.CONTACT, source="c4", target="contact-4", by="ann", reason=MADE
    )
    async with database.writer() as conn:
        await write_ledger_mappings(conn, psa.id, ledger.id, new=[mapped, made], now=EVENING)
    async with database.reader() as conn:
        found = await contacts_since(conn, psa.id, ledger.id, START + timedelta(hours=1))
        assert found == {"c3": date(2026, 11, 21)}
        assert await contacts_since(conn, psa.id, ledger.id, EVENING) == {}
