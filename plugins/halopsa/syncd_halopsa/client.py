"""One connection's way to HaloPSA: signed, inside the rolling quota, missing rights named.

A quota that other integrations use up answers 429 without a time to come back, so a call then
pauses by the minute until the five-minute window has passed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from syncd.sdk.auth import ClientCredentials
from syncd.sdk.connector import Context
from syncd.sdk.errors import PermissionMissing, RequestRejected
from syncd.sdk.http import Answer, ApiClient, HttpPolicy
from syncd_halopsa.config import SCOPE, HaloPsaConfig
from syncd_halopsa.error_text import error_text
from syncd_halopsa.invoice_models import WireInvoice
from syncd_halopsa.invoice_resources import INVOICES, PAYMENTS
from syncd_halopsa.listing import Listing, Page, Query
from syncd_halopsa.models import WireAuthInfo, WireInstance, WireLicence, WireRecurring
from syncd_halopsa.resources import (
    ASSETS,
    AUTH_INFO,
    INSTANCE_INFO,
    RECURRING,
    SAVE_ASSETS_RIGHT,
    SAVE_ASSETS_SCOPE,
    SAVE_INVOICES_RIGHT,
    SAVE_INVOICES_SCOPE,
    SAVE_SCOPE,
    SUBSCRIPTIONS,
    Resource,
    Row,
)
from syncd_halopsa.wire import broken, lenient

POLICY = HttpPolicy(attempts=6, pause_after_429=60.0, total_seconds=420.0)
"""Five pauses of a minute outlast the window of five minutes that HaloPSA states in its 429."""

Element = Mapping[str, object]

Record = TypeVar("Record", WireLicence, WireRecurring, WireInvoice)

RIGHTS = (
    "in HaloPSA open Configuration > Integrations > HaloPSA API > your application: its login type"
    " must be Agent, its permissions must include {scope}, and the agent it logs in as must have"
    " the right '{right}'"
)


class HaloApi:
    """HaloPSA's lists, records and saves, over one `ApiClient`.

    Attributes:
        connection: name in the configuration, for messages.
        page_size: rows asked for per call.
    """

    def __init__(self, http: ApiClient, connection: str, page_size: int) -> None:
        self._http = http
        self.connection = connection
        self.page_size = page_size

    @property
    def calls(self) -> int:
        """HTTP requests sent, without those for tokens."""
        return self._http.calls

    async def get(
        self, resource: Resource[Row], path: str, params: Mapping[str, str | int] | None = None
    ) -> Answer:
        """One read below a resource.

        Raises:
            PermissionMissing: names the scope and the agent's right that reading it needs.
            ConnectorError: as `ApiClient.read`.
        """
        try:
            return await self._http.read(path, params)
        except PermissionMissing as error:
            if error.http_status != 403:  # the token endpoint refused the scope, and says so
                raise
            raise self._missing(error, resource.scope, resource.right) from error

    async def page(
        self, resource: Resource[Row], number: int = 1, **filters: str | int
    ) -> Page[Row]:
        """One page of a list, for a look before the whole of it is read."""
        return await self._listing(resource, filters).page(number)

    async def rows(
        self, resource: Resource[Row], first: Page[Row] | None = None, **filters: str | int
    ) -> list[Row]:
        """Every row of a list, proven whole.

        Args:
            resource: what is read.
            first: page 1 where it was read a moment ago with the same filters.
            filters: query beside the paging, e.g. `client_id`.

        Raises:
            ProtocolError: the rows and HaloPSA's own count of them do not agree.
            ConnectorError: a page could not be read.
        """
        return await self._listing(resource, filters, first).rows()

    async def subscription(self, remote: str) -> WireLicence | None:
        """One subscription by id, None when HaloPSA has none."""
        answer = await self._record(SUBSCRIPTIONS, remote)
        return None if answer is None else _checked(answer, lenient(answer, WireLicence), remote)

    async def recurring(self, remote: str) -> WireRecurring | None:
        """One recurring invoice by id with all its lines, None when HaloPSA has none."""
        answer = await self._record(RECURRING, remote)
        return None if answer is None else _checked(answer, lenient(answer, WireRecurring), remote)

    async def invoice(self, remote: str) -> WireInvoice | None:
        """One finished invoice by id with its lines and links, None when HaloPSA has none."""
        answer = await self._record(INVOICES, remote)
        return None if answer is None else _checked(answer, lenient(answer, WireInvoice), remote)

    async def whole_invoice(self, remote: str) -> Answer | None:
        """One finished invoice by id with every field it has, None when HaloPSA has none."""
        return await self._record(INVOICES, remote)

    async def save_invoices(self, elements: Sequence[Element]) -> Answer:
        """POST finished invoices as an array; each names its id, what it leaves out stays.

        Raises:
            OutcomeUnknown: sent, and the answer not seen.
            PermissionMissing: names the scope and right; nothing was saved.
            ConnectorError: as `ApiClient.write`; nothing was saved, except that a refused array may
                have been saved in part.
        """
        return await self._save(INVOICES, elements, SAVE_INVOICES_SCOPE, SAVE_INVOICES_RIGHT)

    async def save_payment(self, element: Element) -> Answer:
        """POST one payment; raises as `save_invoices`."""
        return await self._save(PAYMENTS, [element], SAVE_INVOICES_SCOPE, SAVE_INVOICES_RIGHT)

    async def whole_recurring(self, remote: str) -> Answer | None:
        """One recurring invoice by id with every field it has, None when HaloPSA has none."""
        return await self._record(RECURRING, remote)

    async def save_recurring(self, elements: Sequence[Element]) -> Answer:
        """POST recurring invoices as an array; `lines` replaces all lines of each.

        Raises:
            OutcomeUnknown: sent, and the answer not seen.
            PermissionMissing: names the scope and right; nothing was saved.
            ConnectorError: as `ApiClient.write`; nothing was saved.
        """
        return await self._save(RECURRING, elements, SAVE_INVOICES_SCOPE, SAVE_INVOICES_RIGHT)

    async def save(self, elements: Sequence[Element]) -> Answer:
        """POST subscriptions as an array; an element with an id is an update.

        Raises:
            OutcomeUnknown: sent, and the answer not seen.
            PermissionMissing: names the scope and right; nothing was saved.
            ConnectorError: as `ApiClient.write`; nothing was saved, except that a refused array may
                have been saved in part.
        """
        return await self._save(SUBSCRIPTIONS, elements, SAVE_SCOPE, SUBSCRIPTIONS.right)

    async def save_assets(self, elements: Sequence[Element]) -> Answer:
        """POST assets as an array; an element with an id is an update.

        Raises:
            OutcomeUnknown: sent, and the answer not seen.
            PermissionMissing: names the scope and right; nothing was saved.
            ConnectorError: as `ApiClient.write`; nothing was saved, except that a refused array may
                have been saved in part.
        """
        return await self._save(ASSETS, elements, SAVE_ASSETS_SCOPE, SAVE_ASSETS_RIGHT)

    async def _save(
        self, resource: Resource[Row], elements: Sequence[Element], scope: str, right: str
    ) -> Answer:
        try:
            return await self._http.write("POST", resource.path, json=elements)
        except PermissionMissing as error:
            if error.http_status != 403:
                raise
            raise self._missing(error, scope, right) from error

    async def instance(self) -> WireInstance | None:
        """The instance's version, None where it is not told."""
        try:
            return lenient(await self._http.read(INSTANCE_INFO), WireInstance)
        except (PermissionMissing, RequestRejected):
            return None

    async def auth_info(self) -> WireAuthInfo:
        """What the instance says of its authorisation server; needs a client without token."""
        return lenient(await self._http.read(AUTH_INFO), WireAuthInfo)

    def _listing(
        self,
        resource: Resource[Row],
        filters: Mapping[str, str | int],
        first: Page[Row] | None = None,
    ) -> Listing[Row]:
        async def fetch(params: Query) -> Answer:
            return await self.get(resource, resource.path, params)

        return Listing(fetch, self.connection, resource, self.page_size, filters, first)

    async def _record(self, resource: Resource[Row], remote: str) -> Answer | None:
        """The answer for one id, None when HaloPSA has none; what is no number is no id of it."""
        if not (remote.isascii() and remote.removeprefix("-").isdigit()):
            return None
        try:
            return await self.get(
                resource, f"{resource.path}/{int(remote)}", {"includedetails": "true"}
            )
        except RequestRejected as error:
            if error.http_status == 404:
                return None
            raise

    def _missing(self, error: PermissionMissing, scope: str, right: str) -> PermissionMissing:
        ask = (
            "" if scope in SCOPE else f"add {scope} to `scope` of [connections.{self.connection}]; "
        )
        return PermissionMissing(
            str(error),
            remedy=ask + RIGHTS.format(scope=scope, right=right),
            connection=self.connection,
            http_status=error.http_status,
            request_id=error.request_id,
        )


@asynccontextmanager
async def open_api(context: Context[HaloPsaConfig]) -> AsyncIterator[HaloApi]:
    """The signed API of a connection; no call is made before the first is needed."""
    config = context.config
    auth = ClientCredentials(
        connection=context.connection,
        token_url=config.token_url,
        client_id=config.client_id,
        client_secret=config.client_secret.get_secret_value(),
        scope=config.scope,
        params={"tenant": config.tenant} if config.tenant else None,
        clock=context.clock,
        log=context.log,
    )
    async with _http(context, auth) as http:
        yield HaloApi(http, context.connection, config.page_size)


@asynccontextmanager
async def open_unsigned(context: Context[HaloPsaConfig]) -> AsyncIterator[HaloApi]:
    """The same host without a token, to ask where its authorisation server is."""
    async with _http(context, None) as http:
        yield HaloApi(http, context.connection, context.config.page_size)


def _checked(answer: Answer, found: Record, remote: str) -> Record:
    if found.id != int(remote):
        raise broken(answer, f"record {found.id} where {remote} was asked for")
    return found


def _http(context: Context[HaloPsaConfig], auth: ClientCredentials | None) -> ApiClient:
    secret = context.config.client_secret.get_secret_value()

    def words(status: int, body: bytes) -> str:
        """HaloPSA's words, also when an error quotes what we signed in with."""
        return error_text(status, body.replace(secret.encode(), b"***"))

    return ApiClient(
        connection=context.connection,
        base_url=context.config.base_url,
        auth=auth,
        limits=context.limits,
        clock=context.clock,
        log=context.log,
        policy=POLICY,
        error_text=words,
    )
