"""The pull that proved a count, as it is kept with the count."""

from __future__ import annotations

from datetime import datetime

import msgspec


class SnapshotBasis(msgspec.Struct, frozen=True):
    """The pull that proved the count.

    Attributes:
        seq: its number within the connection.
        pull_id: row id.
        taken_at: start of the read.
        recorded_at: its commit.
        late: it was taken after the month, within the days of grace.
    """

    seq: int
    pull_id: int
    taken_at: datetime
    recorded_at: datetime
    late: bool = False
