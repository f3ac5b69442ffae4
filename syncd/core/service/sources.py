"""Which connections count, and with what else a month is reckoned.

Values of their own, so that handing them on does not load what counts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.core.service.reckoning import ReckoningRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Which connections count, by name; every other one that ever did rests.

    Attributes:
        active: configured, enabled, and their plugin works.
        broken: configured, and their plugin does not.
    """

    active: Collection[str]
    broken: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoner:
    """What a month is computed with where nobody billed or planned it.

    Attributes:
        rules: settings of `[billing]`.
        sources: which connections count.
        now: the present moment.
    """

    rules: ReckoningRules
    sources: Sources
    now: datetime
