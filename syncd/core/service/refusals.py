"""Why planning or applying is refused as a whole; each says what to do instead."""

from __future__ import annotations

from typing import ClassVar

from syncd.sdk.errors import ConfigError, DataError, PlanHeld


class PeriodNotOver(DataError):
    """The month is not over, so its counts are not final."""

    code: ClassVar[str] = "PERIOD_NOT_OVER"


class ClientUnknown(DataError):
    """A name or id that is not exactly one client."""

    code: ClassVar[str] = "CLIENT_UNKNOWN"


class PlanNotFound(DataError):
    """There is no such plan."""

    code: ClassVar[str] = "PLAN_NOT_FOUND"


class PlanConsumed(DataError):
    """Everything of the plan was applied already."""

    code: ClassVar[str] = "PLAN_CONSUMED"


class PlanStale(DataError):
    """What the plan rests on changed since it was made."""

    code: ClassVar[str] = "PLAN_STALE"


class DecisionsMoved(DataError):
    """Somebody decided something between the look at an effect and the word to go on."""

    code: ClassVar[str] = "DECISIONS_MOVED"


class TemplateUnknown(DataError):
    """There is no such billing template, or it cannot be called so."""

    code: ClassVar[str] = "TEMPLATE_UNKNOWN"


class TemplateConflict(DataError):
    """Decisions made by hand stand where a template would write its own."""

    code: ClassVar[str] = "TEMPLATE_CONFLICT"


class ReleaseRefused(DataError):
    """Nothing is held there, or no reason was given."""

    code: ClassVar[str] = "RELEASE_REFUSED"


class ReopenRefused(DataError):
    """The month has no final bill to make again, or no reason was given."""

    code: ClassVar[str] = "REOPEN_REFUSED"


class MonthNotClosable(PlanHeld):
    """A month that is sealed already, or of which something still waits for a person."""

    code: ClassVar[str] = "MONTH_NOT_CLOSABLE"


class PullUnknown(DataError):
    """There is no such pull."""

    code: ClassVar[str] = "PULL_UNKNOWN"


class VoidRefused(DataError):
    """The pull was voided before, or no reason was given."""

    code: ClassVar[str] = "VOID_REFUSED"


class GoLiveRefused(DataError):
    """A client cannot go live, or cannot be put back now."""

    code: ClassVar[str] = "GOLIVE_REFUSED"


class CorrectionRefused(DataError):
    """The difference cannot be billed or put aside as asked, or somebody decided before."""

    code: ClassVar[str] = "CORRECTION_REFUSED"


class NothingToSettle(DataError):
    """No write of this key waits for a person."""

    code: ClassVar[str] = "NOTHING_TO_SETTLE"


class NothingToExplain(DataError):
    """No bill and no plan has this number."""

    code: ClassVar[str] = "NOTHING_TO_EXPLAIN"


class AdoptionRefused(DataError):
    """Nothing was chosen to adopt, or a record or a line twice."""

    code: ClassVar[str] = "ADOPTION_REFUSED"


class ShadowMode(ConfigError):
    """The installation compares only; writing is switched on by a person."""

    code: ClassVar[str] = "SHADOW_MODE"


class LinksByHand(ConfigError):
    """Recurring invoices are not written by us; a person links them in the PSA."""

    code: ClassVar[str] = "LINKS_BY_HAND"


class AssetsNotKept(ConfigError):
    """No source exports assets, or the connector of the PSA keeps none."""

    code: ClassVar[str] = "ASSETS_NOT_KEPT"


def anew(kind: str) -> str:
    """How a plan of this kind is made again."""
    return {
        "adoption": "`syncd adopt` looks again and makes a new one",
        "wiring": "`syncd wire` makes a new one",
        "assets": "`syncd assets` makes a new one",
    }.get(kind, "`syncd plan billing` makes a new one")
