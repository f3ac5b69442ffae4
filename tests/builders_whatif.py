"""By what the month of a test office is reckoned, for every question of the kind "what if"."""

from __future__ import annotations

from syncd.core.service.reckoning import Sources
from syncd.core.service.whatif import Terms
from tests.builders_month import LONDON, Office


def terms(office: Office) -> Terms:
    """The terms of the office as it stands now."""
    return Terms(
        psa_id=office.psa_connection.id,
        sources=Sources(active=office.active),
        rules=office.settings,
        timezone=LONDON,
        now=office.clock(),
    )
