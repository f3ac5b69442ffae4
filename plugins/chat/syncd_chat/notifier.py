"""The notifier: one POST for each message, whose address never reaches a log line or an error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import AuthError, ProtocolError, RequestRejected
from syncd.sdk.http import ApiClient, HttpPolicy
from syncd.sdk.notices import Notice, NotifierContext
from syncd.sdk.records import CheckResult
from syncd_chat.config import ChatConfig, split_url
from syncd_chat.payloads import FORMATS

# One attempt: the host repeats what was surely not taken, later.
POLICY = HttpPolicy(
    connect_seconds=5,
    read_seconds=10,
    write_seconds=10,
    attempts=1,
    total_seconds=20,
    max_body_bytes=1 << 20,
)

REMEDY = "check the address of the webhook, make a new one if it was withdrawn, then test it"


def webhook_client(context: NotifierContext[ChatConfig]) -> ApiClient:
    """A client for the webhook's host, which calls no address by its path."""
    origin, _ = split_url(context.config.url.get_secret_value())
    return ApiClient(
        connection=context.notifier,
        base_url=origin,
        auth=None,
        limits=RateLimit(concurrency=1),
        clock=context.clock,
        log=context.log,
        policy=POLICY,
        secret_paths=True,
    )


class ChatNotifier:
    """One `[notify.<name>]` that writes to a webhook."""

    def __init__(self, client: ApiClient, context: NotifierContext[ChatConfig]) -> None:
        self._client = client
        self._config = context.config
        self._origin, self._target = split_url(context.config.url.get_secret_value())

    async def check(self) -> CheckResult:
        """Reach the webhook's host; no message is sent, so that the address itself stays untried.

        Raises:
            ConnectorError: the host cannot be reached.
        """
        # Any answer at all says that the host is there.
        with suppress(RequestRejected, AuthError, ProtocolError):
            await self._client.read("/")
        return CheckResult(
            ok=True,
            summary=f"{self._origin} answers; `syncd notify test` tries the webhook itself",
        )

    async def send(self, notice: Notice, begun: Callable[[], None]) -> str:
        """POST one message.

        Raises:
            OutcomeUnknown: the webhook may have taken it.
            ConnectorError: of another kind: it surely did not.
        """
        payload = FORMATS[self._config.format](notice)
        begun()
        try:
            await self._client.write("POST", self._target, json=payload)
        except RequestRejected as error:
            raise RequestRejected(
                str(error),
                remedy=REMEDY,
                connection=error.connection,
                http_status=error.http_status,
            ) from None
        return ""
