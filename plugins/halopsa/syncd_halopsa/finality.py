"""When an invoice is no draft any more, as a setting says: drafts are never carried into books."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from syncd_halopsa.invoice_models import WireInvoice
from syncd_halopsa.translation import day_of

CHECKS = ("sent", "approved", "posted", "dated", "numbered")

_SYNONYMS = {
    "emailed": "sent",
    "mailed": "sent",
    "is_sent": "sent",
    "approval": "approved",
    "is_posted": "posted",
}
_BETWEEN = re.compile(r"\s*(?:\band\b|[+,&\s])\s*")


def checks_of(text: str) -> list[str]:
    """The checks that a setting names, each once, in their order; unknown ones included."""
    words = [one for one in _BETWEEN.split(text.strip().lower().replace("-", "_")) if one]
    return list(dict.fromkeys(_SYNONYMS.get(one, one) for one in words))


def is_final(
    wire: WireInvoice, checks: Collection[str], approved: Collection[int], today: date
) -> bool:
    """Whether every check holds; one that a person still has to review is never final.

    Args:
        wire: as decoded.
        checks: of the setting.
        approved: numbers of `approval_status` that mean approved.
        today: an invoice of a later date is not yet final where `dated` is asked for.
    """
    if wire.reviewrequired:
        return False
    dated = day_of(wire.invoice_date)
    holds = {
        "sent": day_of(wire.datesent) is not None,
        "approved": wire.approval_status in approved,
        "posted": wire.posted is True,
        "dated": dated is not None and dated <= today.isoformat(),
        "numbered": bool((wire.invoicenumber or "").strip()),
    }
    return all(holds[check] for check in checks)
