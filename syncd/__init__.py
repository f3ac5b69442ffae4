"""Billing-integration daemon for managed service providers.

Counts devices, seats and backups at their vendors, turns the counts into subscriptions in a PSA,
and carries invoices into the books. `docs/` tells the whole story.
"""

from __future__ import annotations

__version__ = "0.1.0"
