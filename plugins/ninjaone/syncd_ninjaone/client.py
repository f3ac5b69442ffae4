"""The calls of NinjaOne that are used, and how its errors read.

Only `pageSize` and `after` are ever sent: the vendor ignores unknown parameters in silence and then
answers with the whole fleet.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import Self

import msgspec

from syncd.sdk.auth import ClientCredentials
from syncd.sdk.connector import Context, EventLog, RateLimit
from syncd.sdk.http import ApiClient
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.models import Device, Location, Organisation


class NinjaOneClient(AbstractAsyncContextManager["NinjaOneClient"]):
    """One connection to one instance.

    Attributes:
        connection: name in the configuration, for messages.
        organisations_path: path of the roster.
        devices_path: path of the configured list of devices.
        locations_path: path of the locations of all organisations.
    """

    def __init__(
        self,
        *,
        connection: str,
        config: NinjaOneConfig,
        limits: RateLimit,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        self.connection = connection
        self.organisations_path = f"{config.api_prefix}/organizations"
        self.locations_path = f"{config.api_prefix}/locations"
        self.devices_path = f"{config.api_prefix}/{config.detail}"
        self._api = ApiClient(
            connection=connection,
            base_url=config.base_url,
            auth=ClientCredentials(
                connection=connection,
                token_url=config.token_url,
                client_id=config.client_id,
                client_secret=config.client_secret.get_secret_value(),
                scope=config.scope,
                clock=clock,
                log=log,
            ),
            limits=limits,
            clock=clock,
            log=log,
            error_text=error_text,
        )

    @classmethod
    def of(cls, context: Context[NinjaOneConfig]) -> Self:
        return cls(
            connection=context.connection,
            config=context.config,
            limits=context.limits,
            clock=context.clock,
            log=context.log,
        )

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def organisations(self, after: int, size: int) -> list[Organisation]:
        """A page of organisations with an id above `after`.

        Raises:
            ConnectorError: of any kind; a page that is not a list of organisations with whole
                numbers as ids is a ProtocolError.
        """
        answer = await self._api.read(self.organisations_path, _page(after, size))
        return answer.decode(list[Organisation])

    async def locations(self, after: int, size: int) -> list[Location]:
        """A page of locations with an id above `after`; raises like `organisations`."""
        answer = await self._api.read(self.locations_path, _page(after, size))
        return answer.decode(list[Location])

    async def devices(self, after: int, size: int) -> list[Device]:
        """A page of devices with an id above `after`; raises like `organisations`."""
        answer = await self._api.read(self.devices_path, _page(after, size))
        return answer.decode(list[Device])


def _page(after: int, size: int) -> dict[str, str | int]:
    return {"pageSize": size, "after": after} if after else {"pageSize": size}


class _Coded(msgspec.Struct):
    code: str | None = None


class _ErrorBody(msgspec.Struct, rename="camel"):
    error: str | None = None
    result_code: str | None = None
    error_message: str | _Coded | None = None
    incident_id: str | None = None


_ERROR_BODY = msgspec.json.Decoder(_ErrorBody | str)


def error_text(status: int, body: bytes) -> str:
    """What the vendor says about an error, from the four shapes seen in the field.

    `{"error", "error_description"}`, `{"resultCode", "errorMessage", "incidentId"}`,
    `{"errorMessage": {"code", "params"}}` and a plain string; a web page of a proxy or an empty
    body says nothing. Descriptions and parameters may repeat what was sent and are left out.
    """
    del status
    try:
        said = _ERROR_BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if isinstance(said, str):
        return said
    message = said.error_message
    words = message.code if isinstance(message, _Coded) else message
    text = said.error or words or said.result_code or ""
    return f"{text} (incident {said.incident_id})" if text and said.incident_id else text
