"""Mail for syncd: messages over SMTP, encrypted unless the server is this machine.

Only the description loads with the plugin; the client loads when a notifier is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.notices import Notifier, NotifierContext, NotifierKind
from syncd_mail.config import MailConfig


@asynccontextmanager
async def open_mail(context: NotifierContext[MailConfig]) -> AsyncIterator[Notifier]:
    """Open a notifier; each message makes its own connection."""
    from syncd_mail.notifier import MailNotifier

    yield MailNotifier(context)


KIND = NotifierKind(name="mail", title="Mail (SMTP)", config=MailConfig, open=open_mail)


@hookimpl
def register_notifiers(register: Callable[[NotifierKind[Any]], None]) -> None:
    register(KIND)
