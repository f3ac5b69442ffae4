"""From settings to people: what each notifier needs, one round of it, and the end of a command.

Nothing here may change how a run or a command ends: what fails is logged, kept, and told later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr

from syncd.core.service.notice_content import Reader
from syncd.core.service.notice_gathering import FindWindow, gather_notice
from syncd.core.service.notice_sending import NotifierDesk, send_waiting
from syncd.sdk.errors import ConfigError, SyncdError
from syncd.sdk.notices import Notifier, NotifierContext

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.config.settings import NotifierSettings

BY_HAND_SECONDS = 5.0
"""How long a command by hand may wait for notifiers; what is not sent by then stays pending."""


def desk_of(app: App, settings: NotifierSettings) -> NotifierDesk:
    """What sending needs of a notifier."""
    return NotifierDesk(
        name=settings.name,
        reader=Reader(on=settings.on, clients=settings.clients, always=settings.always),
        open=partial(open_notifier, app, settings),
        secrets=secrets_of(settings.config),
    )


def secrets_of(config: BaseModel) -> tuple[str, ...]:
    """Values that no message about the notifier may repeat."""
    held = (getattr(config, name) for name in type(config).model_fields)
    found = [one.get_secret_value() for one in held if isinstance(one, SecretStr)]
    # Of an address the path is the key, and libraries like to name it alone.
    paths = [one.partition("://")[2].partition("/")[2] for one in found]
    return tuple(one for one in (*found, *paths) if one)


@asynccontextmanager
async def open_notifier(app: App, settings: NotifierSettings) -> AsyncIterator[Notifier]:
    """The opened notifier.

    Raises:
        SyncdError: as its plugin says.
    """
    context: NotifierContext[Any] = NotifierContext(
        notifier=settings.name, config=settings.config, clock=app.clock, log=app.log
    )
    async with settings.kind.open(context) as notifier:
        yield notifier


def notifier_settings(app: App, name: str) -> NotifierSettings:
    """Settings of a notifier that can be used.

    Raises:
        ConfigError: there is none of that name, or it is switched off.
    """
    found = app.settings.notifiers.get(name)
    if found is None:
        message = f"there is no notifier '{name}'"
        known = ", ".join(app.settings.notifiers) or "none is configured"
        raise ConfigError(message, remedy=f"write one of: {known}; or add [notify.{name}]")
    if not found.enabled:
        message = f"notifier '{name}' is switched off"
        raise ConfigError(message, remedy=f"set enabled = true in [notify.{name}]")
    return found


def window_of(app: App) -> FindWindow | None:
    """What looks for a window that closes; None where no daemon bills."""
    from syncd.core.service.closing_window import closing_window

    settings = app.settings
    psa = settings.billing.psa
    if settings.billing_due is None or psa is None:
        return None
    return partial(
        closing_window,
        psa=psa,
        mode=settings.billing.mode,
        timezone=settings.timezone,
        auto_time=settings.billing.opens,
    )


async def tell(app: App, settings: NotifierSettings, *, window: FindWindow | None = None) -> None:
    """One round of one notifier: keep what is new, send what waits. Failures are logged."""
    desk = desk_of(app, settings)
    try:
        await gather_notice(app.database, desk.name, desk.reader, now=app.clock(), window=window)
        await send_waiting(app.database, desk, clock=app.clock, log=app.log)
    except SyncdError as error:
        app.log("notice.postponed", notifier=desk.name, error=str(error))
    except Exception as error:  # noqa: BLE001 - isolation: logged; a run is never harmed by it
        app.log("notice.postponed", notifier=desk.name, error=type(error).__name__)


async def tell_by_hand(app: App) -> None:
    """The end of a command that ran something: a few seconds for all notifiers together."""
    using = [one for one in app.settings.notifiers.values() if one.enabled]
    tasks = [asyncio.create_task(tell(app, one), name=one.name) for one in using]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=BY_HAND_SECONDS)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=BY_HAND_SECONDS)
