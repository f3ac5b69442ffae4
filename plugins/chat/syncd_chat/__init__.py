"""Chat for syncd: messages to a webhook, in the format of Teams, Slack or plain JSON.

Only the description loads with the plugin; the client loads when a notifier is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.notices import Notifier, NotifierContext, NotifierKind
from syncd_chat.config import ChatConfig


@asynccontextmanager
async def open_chat(context: NotifierContext[ChatConfig]) -> AsyncIterator[Notifier]:
    """Open a notifier; the HTTP client lives as long as the context."""
    from syncd_chat.notifier import ChatNotifier, webhook_client

    async with webhook_client(context) as client:
        yield ChatNotifier(client, context)


KIND = NotifierKind(
    name="chat", title="Chat webhook (Teams, Slack, JSON)", config=ChatConfig, open=open_chat
)


@hookimpl
def register_notifiers(register: Callable[[NotifierKind[Any]], None]) -> None:
    register(KIND)
