"""Microsoft Partner Center for syncd: subscriptions that are bought, and what they cost."""

from __future__ import annotations
