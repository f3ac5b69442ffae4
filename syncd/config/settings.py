"""Validated settings as the program uses them: frozen, absolute, and with secrets hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr

from syncd.config.problem import Problem
from syncd.config.schedule import MonthTurn, Schedule, parse_schedule
from syncd.config.web import WebSettings
from syncd.core.billing.bill_life import WINDOW_DAYS
from syncd.core.billing.choices import RoundingPolicy
from syncd.core.billing.guard_limits import GuardLimits
from syncd.log import LogFormat
from syncd.sdk.connector import Capability, Connector, RateLimit
from syncd.sdk.notices import NoticeKind, NotifierKind

if TYPE_CHECKING:
    from syncd.core.invoicing.rules import LedgerRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One connection.

    Attributes:
        name: as in `[connections.<name>]`.
        connector: what it speaks to.
        config: the connector's own settings; secrets are `SecretStr`.
        schedule: when it is pulled by the daemon, or None.
        limits: the connector's quota with the overrides of the file.
        enabled: False while it rests.
        formerly: its earlier name.
        export_assets: its counted units are exported to the PSA as assets.
        overwrite_asset_type: the type of an asset that exists is changed as well.
    """

    name: str
    connector: Connector[Any]
    config: BaseModel
    schedule: str | None
    limits: RateLimit
    enabled: bool
    formerly: str | None
    export_assets: bool = False
    overwrite_asset_type: bool = False

    @property
    def due(self) -> Schedule | None:
        return None if self.schedule is None else parse_schedule(self.schedule)

    @property
    def urls(self) -> Mapping[str, str]:
        """The settings that hold URLs, as the connector names them."""
        named = ((name, getattr(self.config, name, None)) for name in self.connector.urls)
        return {name: str(value) for name, value in named if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnavailableConnection:
    """A connection whose plugin is broken; the others work."""

    name: str
    connector: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """One way to tell people.

    Attributes:
        name: as in `[notify.<name>]`.
        kind: what carries its messages.
        config: the kind's own settings; secrets are `SecretStr`.
        on: what is told.
        clients: names of clients, money and remedies may be told too.
        always: runs of billing that need nobody are told too.
        enabled: False while it is silent.
    """

    name: str
    kind: NotifierKind[Any]
    config: BaseModel
    on: frozenset[NoticeKind]
    clients: bool
    always: bool
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSettings:
    """The table `[billing]`; meanings in docs/config.md."""

    mode: Literal["shadow", "live"] = "shadow"
    psa: str | None = None
    currency: str = "GBP"
    money_scale: int = 2
    unit_scale: int = 4
    rounding_policy: RoundingPolicy = RoundingPolicy.REPORT
    subscription_style: Literal["rolling", "per_period"] = "rolling"
    running_month_record: Literal["by_hand", "always", "never"] = "by_hand"
    missing_price: Literal["hold", "zero"] = "hold"
    supplier: str | None = None
    max_age_hours: int = 48
    late_change_months: int = 2
    plan_max_age_days: int = 7
    write_links: bool = False
    guards: GuardLimits = field(default_factory=GuardLimits)
    auto_time: str = "00:15"
    schedule: str | None = None

    @property
    def due(self) -> Schedule | None:
        return None if self.schedule is None else parse_schedule(self.schedule)

    @property
    def opens(self) -> time:
        """Local time of day 1 at which automatic bills may be made."""
        return time.fromisoformat(self.auto_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSettings:
    """The table `[invoices]`; meanings in docs/config.md.

    Attributes:
        psa: connection whose invoices are read; None where there is no PSA.
        schedule: when a daemon carries them on.
        history_days: how far back documents of a book are matched before it goes live.
        ledgers: rules of each book by the name of its connection, resting ones included.
    """

    psa: str | None = None
    schedule: str = "every 15m"
    history_days: int = 400
    ledgers: Mapping[str, LedgerRules] = field(default_factory=dict)

    @property
    def due(self) -> Schedule | None:
        """None where no book is configured, so that there is nothing to do."""
        return parse_schedule(self.schedule) if self.ledgers else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A whole configuration.

    Attributes:
        path: of the file, absolute.
        database: URL with an absolute path; hidden from representations, since it may hold a
            password.
        timezone: zone of billing periods.
        billing: how counts become subscriptions.
        connections: usable ones by name, resting ones included.
        unavailable: those whose plugin is broken, by name.
        notifiers: who is told of finished runs, by name, silent ones included.
        invoices: which books finished invoices are carried into, and how.
        log_format: how the log is written.
        log_level: lowest level of the daemon's log.
        grace_seconds: how long running work may take after SIGTERM.
        token_key: keys that stored tokens are sealed with, None where there are none.
        web: where the daemon takes webhooks.
        warnings: what works but deserves a look.
    """

    path: Path
    database: str = field(repr=False)
    timezone: ZoneInfo
    billing: BillingSettings
    connections: Mapping[str, ConnectionSettings]
    unavailable: Mapping[str, UnavailableConnection] = field(default_factory=dict)
    notifiers: Mapping[str, NotifierSettings] = field(default_factory=dict)
    invoices: InvoiceSettings = field(default_factory=InvoiceSettings)
    log_format: LogFormat = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    grace_seconds: int = 30
    token_key: SecretStr | None = field(default=None, repr=False)
    web: WebSettings = field(default_factory=WebSettings)
    warnings: tuple[Problem, ...] = ()

    @property
    def billing_due(self) -> Schedule | None:
        """When a daemon bills: by the setting, else at the turn of the month.

        In shadow that is for clients that a person let go live.
        """
        billing = self.billing
        if billing.due is None and billing.psa in self.connections:
            return MonthTurn(self.timezone, billing.opens, WINDOW_DAYS)
        return billing.due

    @property
    def billing_words(self) -> str:
        """The same for people, with what it does then."""
        due, live = self.billing_due, self.billing.mode == "live"
        if due is None:
            return "a daemon bills nothing by itself"
        if live:
            return f"a daemon plans, and sends what is not held: {due.text}"
        compares = "plans, and " if self.billing.due is not None else ""
        return (
            f"a daemon {compares}sends only what is not held of clients that are live: {due.text}"
        )

    @property
    def asset_sources(self) -> Mapping[str, bool]:
        """Sources whose units become assets -> whether the type of existing ones is changed."""
        return {
            name: self.connections[name].overwrite_asset_type
            for name in sorted(self.sources)
            if self.connections[name].export_assets
        }

    @property
    def sellers(self) -> frozenset[str]:
        """Names of the connections that tell what the MSP itself is charged."""
        return frozenset(
            name
            for name, one in self.connections.items()
            if one.enabled and Capability.PURCHASES in one.connector.provides
        )

    @property
    def ledgers(self) -> tuple[str, ...]:
        """Names of the books that invoices are carried into at present."""
        return tuple(
            name
            for name in sorted(self.invoices.ledgers)
            if name in self.connections and self.connections[name].enabled
        )

    @property
    def in_use(self) -> frozenset[str]:
        """Names of the connections that are not switched off."""
        return frozenset(name for name, one in self.connections.items() if one.enabled)

    @property
    def sources(self) -> frozenset[str]:
        """Names of the connections that count units at present; every other one rests."""
        return frozenset(
            name
            for name, one in self.connections.items()
            if one.enabled and Capability.USAGE in one.connector.provides
        )
