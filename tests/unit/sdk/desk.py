"""A correct connector to a small PSA named Desk, for the trial of the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
from pydantic import BaseModel, ConfigDict, SecretStr

from syncd.sdk.connector import Capability, Connector, Context, Ports
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.http import ApiClient
from syncd.sdk.paging import page_number
from syncd.sdk.period import Period
from syncd.sdk.records import (
    AssetType,
    BatchLimit,
    ChangeKind,
    CheckResult,
    Delivered,
    KeyedChange,
    NotSent,
    Outcome,
    Permission,
    PsaClient,
    PsaSite,
    Receipt,
    RecurringLine,
    Rejected,
    Subscription,
    Supplier,
    Unknown,
)


class DeskConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    base_url: str
    api_key: SecretStr


class Client(msgspec.Struct):
    id: int
    name: str


class Row(msgspec.Struct):
    id: int
    client: int
    name: str
    quantity: int
    ref: str


class Page(msgspec.Struct):
    total: int
    rows: msgspec.Raw


class Desk:
    write_batch = BatchLimit(size=10)
    asset_type_field = "kind"

    def __init__(self, api: ApiClient, context: Context[DeskConfig]) -> None:
        self._api = api
        self._context = context

    async def check(self) -> CheckResult:
        try:
            await self._api.read("/clients")
        except PermissionMissing as error:
            missing = Permission("clients", granted=False, needed_for="linking accounts")
            return CheckResult(False, "not permitted", (missing,), error=str(error))
        except AuthError as error:
            return CheckResult(False, "refused", error=str(error))
        return CheckResult(True, "clients can be read")

    def marker(self, key: str) -> str:
        return key

    async def clients(self) -> AsyncIterator[Sequence[PsaClient]]:
        async for rows in self._pages("/clients", list[Client]):
            yield [PsaClient(key=str(row.id), name=row.name) for row in rows]

    async def sites(self) -> AsyncIterator[Sequence[PsaSite]]:
        yield []

    async def asset_types(self) -> AsyncIterator[Sequence[AssetType]]:
        yield []

    async def suppliers(self) -> AsyncIterator[Sequence[Supplier]]:
        yield []

    async def subscriptions(
        self, *, clients: Collection[str] | None, period: Period | None
    ) -> AsyncIterator[Sequence[Subscription]]:
        async for rows in self._pages("/subscriptions", list[Row]):
            yield [_record(row) for row in rows]

    async def recurring_lines(
        self, *, clients: Collection[str] | None
    ) -> AsyncIterator[Sequence[RecurringLine]]:
        yield []

    async def find_many(self, keys: Collection[str]) -> Mapping[str, Sequence[Receipt]]:
        found: dict[str, list[Receipt]] = {key: [] for key in keys}
        async for rows in self._pages("/subscriptions", list[Row]):
            for row in rows:
                if row.ref in found:
                    found[row.ref].append(Receipt(row.ref, str(row.id), _record(row)))
        return found

    async def read_many(self, remotes: Collection[str]) -> Mapping[str, Subscription]:
        pages = self.subscriptions(clients=None, period=None)
        records = [record async for page in pages for record in page]
        return {record.key: record for record in records if record.key in remotes}

    async def apply(self, changes: Sequence[KeyedChange]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for change in changes:
            outcome = await self._save(change)
            outcomes.append(outcome)
        return outcomes

    async def _save(self, change: KeyedChange) -> Outcome:
        key, fields = change.key, change.fields
        body = {
            "client": int(fields.client),
            "name": fields.name,
            "quantity": fields.quantity,
            "ref": self.marker(key),
        }
        if change.kind is ChangeKind.ADOPT:
            body = {"ref": self.marker(key)}
        update = change.kind is not ChangeKind.CREATE
        path = f"/subscriptions/{change.remote}" if update else "/subscriptions"
        try:
            answer = await self._api.write("PUT" if update else "POST", path, json=body)
        except OutcomeUnknown as error:
            return Unknown(key, str(error))
        except AuthError as error:
            return NotSent(key, str(error))
        except (ConnectFailed, RateLimited) as error:
            return NotSent(key, str(error), error.retry_after)
        except RequestRejected as error:
            return Rejected(key, error.code, str(error), gone=error.http_status == 404)
        try:
            row = answer.decode(Row)
        except ProtocolError as error:
            return Unknown(key, str(error))
        return Delivered(key, Receipt(key, str(row.id), _record(row), answer.request_id))

    def _pages(self, path, rows):
        async def fetch(number: int) -> Page:
            return (await self._api.read(path, {"page": number})).decode(Page)

        def rows_of(page: Page):
            try:
                return msgspec.json.decode(page.rows, type=rows)
            except msgspec.ValidationError:
                raise ProtocolError(f"{path}: rows of another shape") from None

        return page_number(
            fetch, rows_of=rows_of, total_of=lambda page: page.total, id_of=lambda row: row.id
        )


def _record(row: Row) -> Subscription:
    return Subscription(
        key=str(row.id),
        client=str(row.client),
        site=None,
        marker=row.ref,
        name=row.name,
        quantity=row.quantity,
        unit_price=None,
        unit_cost=None,
    )


@asynccontextmanager
async def open_connection(context: Context[DeskConfig]) -> AsyncIterator[Ports]:
    async with ApiClient(
        connection=context.connection,
        base_url=context.config.base_url,
        auth=None,
        limits=context.limits,
        clock=context.clock,
        log=context.log,
        headers={"x-api-key": context.config.api_key.get_secret_value()},
    ) as api:
        yield Ports(psa=Desk(api, context))


CONNECTOR = Connector(
    name="desk",
    title="Desk",
    config=DeskConfig,
    provides=frozenset({Capability.PSA}),
    open=open_connection,
)
