"""Counts many tenants side by side: one scope each, so that none waits for or fails with another.

Only what is everybody's, such as the secret of a shared app, ends the whole read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    PermissionMissing,
    ProtocolError,
    SignInExpired,
    TransientError,
)
from syncd.sdk.period import Period
from syncd.sdk.ports import ObservationSink
from syncd.sdk.records import (
    Account,
    CheckResult,
    Observation,
    Product,
    ScopeState,
    ScopeVerdict,
)
from syncd_entra.client import Door, GraphClient
from syncd_entra.config import EntraConfig
from syncd_entra.products import Catalogue
from syncd_entra.reading import Found, TenantReading
from syncd_entra.refusals import ENDED, Blame, Refusal

AT_ONCE: Final = {"counted": 20, "listed": 4}
"""Tenants in progress for each call in flight: those that pause leave their turn to others.

Fewer where users are listed, since each of them may hold a page of users in memory.
"""

_NAMED: Final = 3
_CODED: Final = re.compile(r"([A-Z][A-Z_]+): ")


class EntraSource:
    """The usage source of one connection."""

    def __init__(self, client: GraphClient, context: Context[EntraConfig]) -> None:
        self._client = client
        self._context = context
        self._config = context.config
        self._catalogue = Catalogue(context.config)

    async def check(self) -> CheckResult:
        """Try the token and every kind of call in each tenant."""
        # Imported here: a pull does not pay for it.
        from syncd_entra.trial import run

        return await run(self._client, self._context)

    async def accounts(self) -> AsyncIterator[Sequence[Account]]:
        """The tenants of the configuration and of the partner's lists."""
        yield _roster(await self._client.doors())

    def products(self) -> Sequence[Product]:
        """What the settings ask for, and every SKU met so far."""
        return self._catalogue.all()

    async def observe(self, sink: ObservationSink, period: Period | None) -> Sequence[ScopeVerdict]:
        """Read every tenant once.

        Raises:
            AuthError: the shared app or sign-in is refused, or no tenant takes its token.
            TransientError: no tenant could be read at all.
            ConnectorError: a list of tenants could not be read to its end, or names none.
        """
        del period  # Graph tells what is true now
        doors = await self._client.doors()
        if not doors:
            raise ProtocolError(
                f"NO_TENANTS: {self._context.connection}: the partner's lists name no tenant",
                remedy="nothing was changed; check that the relationships of tenants_from exist and"
                " that the app or the signed-in account may see them",
                connection=self._context.connection,
            )
        await sink.accounts(_roster(doors))
        for door in doors:
            await sink.scope(door.tenant.id, [door.tenant.id])
        outcomes = await self._all(doors, sink)
        _require_something(list(outcomes.values()))
        once = self._once(doors, outcomes)
        return [self._verdict(door, *outcomes[door.tenant.id], once) for door in doors]

    async def _all(
        self, doors: Sequence[Door], sink: ObservationSink
    ) -> dict[str, tuple[Found, ConnectorError | None]]:
        at_once = AT_ONCE[self._config.users] * self._context.limits.concurrency
        places = asyncio.Semaphore(at_once)
        outcomes: dict[str, tuple[Found, ConnectorError | None]] = {}

        async def one(door: Door) -> None:
            async with places:
                outcomes[door.tenant.id] = await self._one(door, sink)

        try:
            async with asyncio.TaskGroup() as group:
                for door in doors:
                    group.create_task(one(door))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return outcomes

    async def _one(self, door: Door, sink: ObservationSink) -> tuple[Found, ConnectorError | None]:
        if door.is_shut:
            return Found(), Refusal(ENDED, self._context.connection, _on(door.known.ended))

        async def emit(units: Sequence[Observation]) -> None:
            await sink.add(door.tenant.id, units)

        reading = TenantReading(
            door,
            self._config,
            self._catalogue,
            connection=self._context.connection,
            now=self._context.clock(),
            emit=emit,
        )
        try:
            return await reading.run(), None
        except Refusal as refusal:
            if door.shared and refusal.blame in {Blame.APP, Blame.SIGN_IN}:
                raise
            return reading.found, refusal
        except SignInExpired:
            raise
        except ConnectorError as error:
            return reading.found, error

    def _once(
        self, doors: Sequence[Door], outcomes: Mapping[str, tuple[Found, ConnectorError | None]]
    ) -> dict[str, list[str]]:
        """Notes that are made once in a pull, at the first tenant that they are about."""
        about: dict[str, list[str]] = {}
        for door in doors:
            found, error = outcomes[door.tenant.id]
            if error is not None:
                continue
            topics = [
                f"UNKNOWN_SKU: {guid}{f' ({part})' if part else ''} has no name in this version's"
                " table and is counted under its part number"
                for guid, part in sorted(found.strangers.items())
            ]
            topics += [f"GROUP_NOT_FOUND: no group '{name}'" for name in found.absent]
            if found.without_sign_ins:
                topics.append("SIGN_IN_DATA_MISSING: rules about sign-ins are left out")
            for topic in topics:
                about.setdefault(topic, []).append(door.tenant.id)
        names = {door.tenant.id: door.tenant.name for door in doors}
        notes: dict[str, list[str]] = {}
        for topic, tenants in about.items():
            listed = ", ".join(names[tenant] for tenant in tenants[:_NAMED])
            more = f" and {len(tenants) - _NAMED} more" if len(tenants) > _NAMED else ""
            notes.setdefault(tenants[0], []).append(f"{topic}, in {listed}{more}")
        return notes

    def _verdict(
        self,
        door: Door,
        found: Found,
        error: ConnectorError | None,
        once: Mapping[str, list[str]],
    ) -> ScopeVerdict:
        tenant = door.tenant
        known = self._of_relationship(door)
        if error is not None:
            return ScopeVerdict(
                scope=tenant.id,
                state=ScopeState.PARTIAL if found.seen else ScopeState.UNKNOWN,
                declared=None,
                seen=found.seen,
                reasons=(reason(tenant.name, error),),
                notes=known,
            )
        return ScopeVerdict(
            scope=tenant.id,
            state=ScopeState.COMPLETE,
            # Graph states no total of everything: the proof is that every question was answered.
            declared=None,
            seen=found.seen,
            notes=(*known, *found.notes, *once.get(tenant.id, ())),
        )

    def _of_relationship(self, door: Door) -> tuple[str, ...]:
        """What a person should know of a tenant's relationship that does not stop the read."""
        known, name = door.known, door.tenant.name
        if known.ended is not None:
            ended = f"GDAP_EXPIRED: {name}: the GDAP relationship has ended{_on(known.ended)}"
            return () if door.is_shut else (ended,)
        soon = timedelta(days=self._config.gdap_ends_days)
        if known.ends is None or known.ends - self._context.clock() > soon:
            return ()
        ends = f"GDAP_ENDS: {name}: the GDAP relationship ends{_on(known.ends)}"
        return (f"{ends}, and with it this tenant's counts; let the customer approve a new one",)


def _roster(doors: Sequence[Door]) -> list[Account]:
    return [Account(key=door.tenant.id, name=door.tenant.name) for door in doors]


def _on(when: datetime | None) -> str:
    return f" on {when:%Y-%m-%d}" if when is not None else ""


def _require_something(outcomes: Sequence[tuple[Found, ConnectorError | None]]) -> None:
    """Raise what ended every tenant alike: refused tokens, or a service that does not answer."""
    errors = [error for _, error in outcomes if error is not None]
    if len(errors) < len(outcomes) or any(found.seen for found, _ in outcomes):
        return
    if all(isinstance(error, TransientError) for error in errors):
        raise errors[0]
    if all(isinstance(error, Refusal) and error.blame is Blame.FACTOR for error in errors):
        raise errors[0]
    if all(
        isinstance(error, AuthError) and not isinstance(error, Refusal | PermissionMissing)
        for error in errors
    ):
        raise errors[0]


def reason(name: str, error: ConnectorError) -> str:
    """Code, tenant, what happened and what to do; without the mark that parts reasons."""
    text = str(error)
    coded = _CODED.match(text)
    code, what = (coded[1], text[coded.end() :]) if coded else (error.code, text)
    what = what.removeprefix(f"{error.connection}: ")
    advice = f" ({error.remedy})" if error.remedy else ""
    return f"{code}: {name}: {what}{advice}".replace("; ", ", ")
