"""What a notifier plugin registers, and the message that it carries to people.

The host decides who is told what, keeps the message before it is sent, and never repeats one that
may have arrived; a notifier only carries it, and says honestly how that ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from syncd.sdk import SDK_VERSION
from syncd.sdk.connector import EventLog
from syncd.sdk.usage_records import CheckResult

if TYPE_CHECKING:
    from pydantic import BaseModel

ConfigT = TypeVar("ConfigT", bound="BaseModel")


class NoticeKind(StrEnum):
    """What a message is about; a person chooses kinds with the setting `on`."""

    HELD = "held"
    CREDENTIALS = "credentials"
    WINDOW = "window"
    FAILED = "failed"
    DIGEST = "digest"


class NoticeSection(msgspec.Struct, frozen=True):
    """A heading with its lines, all of them plain text of one line each."""

    heading: str
    lines: tuple[str, ...]


class Notice(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        id: never that of another message of this installation's notifier; a receiver may use it
            to recognise a repetition.
        title: what is needed, on one line.
        sections: what there is to say, in its order.
        kinds: what it is about.
        made_at: UTC.
    """

    id: str
    title: str
    sections: tuple[NoticeSection, ...]
    kinds: tuple[NoticeKind, ...]
    made_at: datetime

    @property
    def text(self) -> str:
        """The sections as plain text, without the title."""
        parts = [
            "\n".join((one.heading, *(f"  - {line}" for line in one.lines)))
            for one in self.sections
        ]
        return "\n\n".join(parts)


class Notifier(Protocol):
    """An opened way to people."""

    async def check(self) -> CheckResult:
        """Try whether messages could be sent, without sending one.

        Raises:
            ConnectorError: it cannot be tried.
        """
        ...

    async def send(self, notice: Notice, begun: Callable[[], None]) -> str:
        """Carry one message, once.

        Args:
            notice: the message.
            begun: to be called just before the message may arrive: until then, whatever happens,
                it counts as not sent and is tried again.

        Returns:
            empty, or what was not as it should be although the message went out.

        Raises:
            OutcomeUnknown: it may have arrived; it is not sent again.
            ConnectorError: of any other kind: it surely did not arrive; tried again later.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierContext(Generic[ConfigT]):
    """What the host hands to a plugin when a notifier is opened.

    Attributes:
        notifier: name in the configuration, for messages.
        config: validated settings; secrets are `pydantic.SecretStr`.
        clock: current time in UTC; never call `datetime.now` instead.
        log: closed catalogue of events.
    """

    notifier: str
    config: ConfigT
    clock: Callable[[], datetime]
    log: EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierKind(Generic[ConfigT]):
    """One way to tell people, described.

    Attributes:
        name: `^[a-z][a-z0-9_]{1,31}$`, unique; what `plugin = "…"` names in `[notify.<name>]`.
        title: for people.
        config: pydantic model of the notifier's own settings.
        open: async context manager over one opened notifier; it need not connect yet.
        sdk: major version of the SDK it was written for.
    """

    name: str
    title: str
    config: type[ConfigT]
    open: Callable[[NotifierContext[ConfigT]], AbstractAsyncContextManager[Notifier]]
    sdk: str = SDK_VERSION
