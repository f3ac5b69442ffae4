"""The open connections to Intuit: for tokens, and for the interface of one company.

Kept beside the connection's own quota: ten calls a second and forty batches a minute. Intuit counts
for each company and app, so what is opened one after the other in this process counts together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from syncd.sdk.connector import Context
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    OutcomeUnknown,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.http import Answer, ApiClient, HttpPolicy
from syncd.sdk.limits import shared, shared_window
from syncd.sdk.refresh import RefreshExchange, vault_of
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.faults import Next, Refused, Said, fault_in, fault_text, not_open, refined
from syncd_quickbooks.models import Found
from syncd_quickbooks.token import TOKEN_NAME, CompanyToken, token_endpoint

T = TypeVar("T")

PAUSE: Final = 60.0
"""Seconds to wait after a 429, as Intuit asks."""

POLICY: Final = HttpPolicy(
    read_seconds=130.0, total_seconds=480.0, retry_after_cap=PAUSE, pause_after_429=PAUSE
)
"""Intuit cuts a call after 120 seconds."""

PAGE: Final = 1000
"""Most rows of one answer."""

ROUNDS: Final = 3
"""How often rows that change meanwhile are read before it is given up."""


class CompanyClient(AbstractAsyncContextManager["CompanyClient"]):
    """One connection; open it before asking.

    Attributes:
        postponed: how often each attempt was put off, by whichever connection of this process.
    """

    def __init__(self, context: Context[QuickBooksConfig]) -> None:
        """Describe the connection.

        Raises:
            ConfigError: a sign-in has no place to be kept.
        """
        config = context.config
        self._context = context
        self._stack = AsyncExitStack()
        self._home = f"/v3/company/{config.realm}"
        self._login = token_endpoint(context)
        # Intuit changes the token now and then, and the former one dies; so each has a turn.
        self._tokens = RefreshExchange(
            vault_of(context), connection=context.connection, name=TOKEN_NAME, log=context.log
        )
        auth = CompanyToken(
            self._login,
            self._tokens,
            config,
            connection=context.connection,
            clock=context.clock,
            log=context.log,
        )
        limits, owner = context.limits, f"{config.base_url} {config.realm}"
        concurrency = limits.concurrency
        self._api = ApiClient(
            connection=context.connection,
            base_url=config.base_url,
            auth=auth,
            limits=shared_window(owner, limits.calls, limits.window_seconds, concurrency),
            clock=context.clock,
            log=context.log,
            policy=POLICY,
            error_text=fault_text,
        )
        # What a process before this one sent a moment ago counts as well: the first second is slow.
        self._each_second = shared_window(owner, 10, 1.0, concurrency, used=7)
        self._batches = shared_window(f"{owner} batches", 40, 60.0, concurrency)
        self.postponed: Counter[str] = shared(("postponed", owner), Counter)

    @property
    def calls(self) -> int:
        """Calls to the company so far."""
        return self._api.calls

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._login)
        await self._stack.enter_async_context(self._tokens)
        await self._stack.enter_async_context(self._api)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def read(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """One read of the company.

        Raises:
            Refused: it refuses, and says why.
            ConnectorError: it does not serve, or not as it should.
        """
        try:
            async with self._each_second:
                answer = await self._api.read(f"{self._home}/{path}", self._query(params))
        except (AuthError, RequestRejected) as error:
            raise self._refined(error) from error
        fault = fault_in(answer.body)
        if fault is not None:
            raise self._found_in_200(answer, fault)
        return answer

    async def write(
        self,
        path: str,
        body: object,
        params: Mapping[str, str | int] | None = None,
        *,
        batch: bool = False,
    ) -> Answer:
        """One write, never repeated when it may have been carried out.

        Raises:
            OutcomeUnknown: it may have been carried out.
            Refused: it was not, and QuickBooks says why.
            AuthError: the consent or a right is missing; it was not carried out.
            TransientError: it was not carried out.
        """
        async with AsyncExitStack() as turn:
            if batch:
                await turn.enter_async_context(self._batches)
            await turn.enter_async_context(self._each_second)
            try:
                answer = await self._api.write(
                    "POST", f"{self._home}/{path}", json=body, params=self._query(params)
                )
            except (AuthError, RequestRejected) as error:
                raise self._refined(error) from error
        # The fault of an item of a batch is the item's; only the answer's own counts here.
        fault = fault_in(answer.body)
        if fault is not None:
            raise self._found_in_200(answer, fault, write=True)
        return answer

    async def query(self, entity: str, kind: type[T], where: str = "") -> list[T]:
        """All rows of a query, proven whole where they are more than one answer holds.

        Raises:
            ProtocolError: they change faster than they can be read.
            ConnectorError: as with `read`.
        """
        rows: list[T] = []
        async for page in self.pages(entity, kind, where):
            rows += page
        return rows

    async def pages(self, entity: str, kind: type[T], where: str = "") -> AsyncIterator[list[T]]:
        """The same, answer by answer."""
        seen: set[str] = set()
        for _ in range(ROUNDS):
            start = 1
            while True:
                rows = await self._page(entity, kind, where, start)
                fresh = [row for row in rows if _id(row) not in seen]
                seen.update(_id(row) for row in rows)
                yield fresh
                if len(rows) < PAGE:
                    break
                start += PAGE
            # Rows that moved between two answers must not be missing silently.
            if start == 1 or await self.count(entity, where) <= len(seen):
                return
        name = self._context.connection
        raise ProtocolError(
            f"{name}: the rows of {entity} change faster than they can be read",
            remedy="nothing was believed; the next run reads them again",
            connection=name,
        )

    async def count(self, entity: str, where: str = "") -> int:
        """How many rows a query finds.

        Raises:
            ProtocolError: the answer holds no number.
            ConnectorError: as with `read`.
        """
        text = f"select count(*) from {entity}{where}"  # noqa: S608 - no SQL; values are quoted
        return (await self.read("query", {"query": text})).decode(Counted).rows.total

    async def _page(self, entity: str, kind: type[T], where: str, start: int) -> list[T]:
        text = (
            f"select * from {entity}{where}"  # noqa: S608 - no SQL; values are quoted
            f" startposition {start} maxresults {PAGE}"
        )
        return rows_of(await self.read("query", {"query": text}), entity, kind)

    def _query(self, params: Mapping[str, str | int] | None) -> dict[str, str | int]:
        return {"minorversion": self._context.config.minor_version, **(params or {})}

    def _refined(self, error: ConnectorError) -> ConnectorError:
        return refined(error, self._context.connection, self._context.config.realm)

    def _found_in_200(self, answer: Answer, fault: Said, *, write: bool = False) -> ConnectorError:
        """The error for a fault with status 200, by what it says."""
        name = self._context.connection
        sentence = f"{name}: {fault.sentence}"
        known = {
            "connection": name,
            "http_status": answer.status,
            "request_id": answer.request_id,
        }
        match fault.next:
            case Next.LATER:
                return RateLimited(sentence, retry_after=PAUSE, **known)  # type: ignore[arg-type]
            case Next.PERSON:
                return not_open(fault, name, self._context.config.realm, None)
            case Next.UNKNOWN:
                unseen = OutcomeUnknown if write else VendorUnavailable
                return unseen(sentence, **known)  # type: ignore[arg-type]
        rejected = RequestRejected(
            sentence,
            remedy="mend what QuickBooks names, then try again",
            **known,  # type: ignore[arg-type]
        )
        return Refused(fault, rejected)


class _Total(msgspec.Struct):
    total: int = msgspec.field(name="totalCount")


class Counted(msgspec.Struct):
    """The answer of a query that counts."""

    rows: _Total = msgspec.field(name="QueryResponse")


def _id(row: object) -> str:
    return str(getattr(row, "id", ""))


def rows_of(answer: Answer, entity: str, kind: type[T]) -> list[T]:
    """The rows of a query's answer; an absent list is an empty one.

    Raises:
        ProtocolError: not an answer to a query.
    """
    return rows_in(answer, answer.decode(Found).rows.get(entity), kind)


def rows_in(answer: Answer, raw: msgspec.Raw | None, kind: type[T]) -> list[T]:
    """Rows out of a part of an answer.

    Raises:
        ProtocolError: they have another shape.
    """
    if raw is None:
        return []
    try:
        return msgspec.json.decode(raw, type=list[kind])  # type: ignore[valid-type]
    except msgspec.MsgspecError as error:
        raise ProtocolError(
            f"{answer.connection}: rows of another shape: {type(error).__name__}",
            remedy="nothing was changed; if it stays, QuickBooks changed its interface",
            connection=answer.connection,
            http_status=answer.status,
            request_id=answer.request_id,
        ) from error


def quoted(text: str) -> str:
    """A literal of a query; an inner quote is escaped by a backslash."""
    inner = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inner}'"


def one_of(field: str, values: list[str]) -> str:
    """A condition on a list of values."""
    return f" where {field} in ({', '.join(quoted(value) for value in values)})"
