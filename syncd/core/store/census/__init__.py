"""The ledger of which units existed from which pull to which.

Storage and time grow with changes, not with fleet times days; every count, list and replay is a
query over the intervals.
"""

from __future__ import annotations

from syncd.core.store.census.records import Gap, PullResult
from syncd.core.store.census.staging import Staging, census_staging

__all__ = ["Gap", "PullResult", "Staging", "census_staging"]
