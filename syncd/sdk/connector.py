"""What a plugin registers: a typed description of a connector and how to open a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from syncd.sdk import SDK_VERSION
from syncd.sdk.ports import Psa, PurchaseSource, SourceHints, UsageSource
from syncd.sdk.tokens import SignIn, TokenVault

if TYPE_CHECKING:
    from pydantic import BaseModel

    from syncd.sdk.ledger_port import Ledger
    from syncd.sdk.webhooks import Webhooks

ConfigT = TypeVar("ConfigT", bound="BaseModel")


class Capability(StrEnum):
    """Which port a connector provides."""

    USAGE = "usage"
    PURCHASES = "purchases"
    PSA = "psa"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A vendor's published quota, counted as a rolling window.

    Attributes:
        calls: most calls within the window; 0 means no quota is known.
        window_seconds: length of the window.
        concurrency: most calls in flight.
    """

    calls: int = 0
    window_seconds: float = 60.0
    concurrency: int = 10


class EventLog(Protocol):
    """Where a connector says what happened; names are in `docs/events.md`."""

    def __call__(self, event: str, /, **fields: Any) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The opened ports of a connection; those not provided are None."""

    usage: UsageSource | None = None
    purchases: PurchaseSource | None = None
    psa: Psa | None = None
    ledger: Ledger | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context(Generic[ConfigT]):
    """What the host hands to a connector when a connection is opened.

    Attributes:
        connection: name in the configuration, for messages.
        config: validated settings; secrets are `pydantic.SecretStr`.
        limits: the connector's limits with the configuration's overrides applied.
        clock: current time in UTC; never call `datetime.now` instead.
        log: closed catalogue of events.
        hints: memory of earlier pulls, None outside of a pull.
        vault: where tokens that change are kept, None where no key for it is configured.
        zone: where the installation's days begin and end.
    """

    connection: str
    config: ConfigT
    limits: RateLimit
    clock: Callable[[], datetime]
    log: EventLog
    hints: SourceHints | None = None
    vault: TokenVault | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector(Generic[ConfigT]):
    """One vendor, described.

    Attributes:
        name: `^[a-z][a-z0-9_]{1,31}$`, unique; what `plugin = "…"` names in the configuration.
        title: for people.
        config: pydantic model of the connection's settings.
        provides: which ports `open` yields.
        open: async context manager over the ports of one connection.
        limits: the vendor's quota; a configuration may override it.
        sdk: major version of the SDK it was written for.
        urls: names of the settings that hold URLs; all are checked for TLS.
        example: commented TOML lines that `syncd init` writes, without the table header.
        sign_in: a person's consent in a browser, for `syncd login`; None where there is none.
        webhooks: how the vendor calls us; None where it does not.
    """

    name: str
    title: str
    config: type[ConfigT]
    provides: frozenset[Capability]
    open: Callable[[Context[ConfigT]], AbstractAsyncContextManager[Ports]]
    limits: RateLimit = field(default_factory=RateLimit)
    sdk: str = SDK_VERSION
    urls: tuple[str, ...] = ("base_url",)
    example: str = ""
    sign_in: Callable[[Context[ConfigT]], AbstractAsyncContextManager[SignIn]] | None = None
    webhooks: Webhooks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """An extra brake on plans offered by a plugin.

    Attributes:
        name: stable upper-case rule name of its objections.
        review: pure function from plan and context to objections.
    """

    name: str
    review: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The simulator of a connector's vendor.

    Attributes:
        connector: name of the connector it simulates.
        build: from the shared world and options to an ASGI application.
        settings: lines for `syncd.toml` of a connection that speaks to the simulator at a base URL,
            as a mapping of setting to value; secrets by reference to an environment variable.
        secrets: the environment variables those references name, with their values.
        world_settings: further settings that follow from the shared world, e.g. a list of tenants.
    """

    connector: str
    build: Callable[[Any, Mapping[str, Any]], Any]
    settings: Callable[[str], Mapping[str, Any]]
    secrets: Mapping[str, str]
    world_settings: Callable[[Any], Mapping[str, Any]] | None = None
