"""Reads one NinjaOne instance: its organisations, then every device in one sweep.

The whole instance is one scope, since the devices of an organisation are spread over all pages: a
sweep that breaks off proves nothing about any organisation, and says so.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, TransientError
from syncd.sdk.period import Period
from syncd.sdk.ports import ObservationSink
from syncd.sdk.records import Account, CheckResult, Product, ScopeState, ScopeVerdict
from syncd_ninjaone.assessment import Assessment
from syncd_ninjaone.classes import products
from syncd_ninjaone.client import NinjaOneClient
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.models import Device
from syncd_ninjaone.pages import Emit, Listing
from syncd_ninjaone.roster import Roster

SCOPE: Final = "instance"
VANISHED: Final = "vanished organisations"


class NinjaOneSource:
    """The usage source of one connection."""

    def __init__(self, client: NinjaOneClient, context: Context[NinjaOneConfig]) -> None:
        self._client = client
        self._context = context
        self._config = context.config

    async def check(self) -> CheckResult:
        """Try the token, the roster and a real page of devices."""
        # Imported here: a pull does not pay for it.
        from syncd_ninjaone.trial import run

        return await run(self._client, self._config)

    async def accounts(self) -> AsyncIterator[Sequence[Account]]:
        """All organisations, in one batch: a roster that breaks off yields nothing."""
        yield (await self._roster()).accounts()

    def products(self) -> Sequence[Product]:
        return products(self._config.products.values())

    async def observe(self, sink: ObservationSink, period: Period | None) -> Sequence[ScopeVerdict]:
        """Read the roster, then every device; NinjaOne knows only "as of now".

        Raises:
            AuthError: credentials refused, or a right is missing.
            TransientError: not even the roster could be read.
        """
        del period
        now = self._context.clock()
        try:
            roster = await self._roster()
        except (AuthError, TransientError):
            raise
        except ConnectorError as error:
            return [_verdict(ScopeState.UNKNOWN, reasons=(_reason(error),))]
        accounts = roster.accounts()
        await sink.accounts(accounts)
        await sink.scope(SCOPE, [account.key for account in accounts])
        assessment = Assessment(
            self._config,
            roster=roster.keys(),
            internal=roster.internal(),
            now=now,
            split=roster.locations(),
        )

        async def emit(devices: Sequence[Device]) -> None:
            await sink.add(SCOPE, assessment.observations(devices))

        gone: list[str] = []
        reasons: tuple[str, ...] = ()
        try:
            shorter = await self._sweep(emit)
            if shorter:
                gone = await self._gone_since(accounts)
        except AuthError:
            raise
        except ConnectorError as error:
            reasons = (_reason(error),)
        verdicts = [
            _verdict(
                ScopeState.PARTIAL if reasons else ScopeState.COMPLETE,
                seen=assessment.seen,
                reasons=reasons,
                notes=assessment.strangers.notes(),
            )
        ]
        if gone:
            await sink.scope(VANISHED, gone)
            verdicts.append(_vanished(gone))
        return verdicts

    async def _gone_since(self, accounts: Sequence[Account]) -> list[str]:
        """Keys of organisations and locations that were deleted while devices were read.

        Some of their devices may have been read and others not. Asked only when there are fewer
        devices than last time, since a deletion takes devices with it.
        """
        left = {account.key for account in (await self._roster()).accounts()}
        return [account.key for account in accounts if account.key not in left]

    async def _roster(self) -> Roster:
        return await Roster.read(self._client, self._config)

    async def _sweep(self, emit: Emit[Device]) -> bool:
        """Hand every device to `emit`, in the order of ids; whether there are fewer than before."""
        hints, config = self._context.hints, self._config
        expected = await hints.unit_count() if hints else 0
        listing = Listing(
            self._client.devices,
            emit,
            path=self._client.devices_path,
            page_size=config.page_size,
            connection=self._client.connection,
            expected=expected,
        )
        # A range is a page less one row, so that a bound one row off does not cost a call: then
        # ranges cost no more calls than one chain, and none waits for another.
        pages = -(-expected // max(config.page_size - 1, 1))
        bounds: Sequence[int] = ()
        if hints and pages > 1 and config.chains > 1 and config.id_ranges == "on":
            bounds = await hints.unit_id_bounds(pages)
        if bounds:
            await listing.read_ranges(bounds, chains=config.chains)
        else:
            await listing.read()
        return listing.rows < expected


_CODED: Final = re.compile(r"[A-Z][A-Z_]+: ")


def _reason(error: ConnectorError) -> str:
    """The error behind a stable code; some texts begin with a narrower one than their class has."""
    text = str(error)
    return text if _CODED.match(text) else f"{error.code}: {text}"


def _verdict(
    state: ScopeState,
    *,
    seen: int = 0,
    reasons: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> ScopeVerdict:
    # The vendor states no total, so nothing is declared: the proof is the end of the list.
    return ScopeVerdict(
        scope=SCOPE, state=state, declared=None, seen=seen, reasons=reasons, notes=notes
    )


def _vanished(gone: Sequence[str]) -> ScopeVerdict:
    shown = ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
    return ScopeVerdict(
        scope=VANISHED,
        state=ScopeState.UNKNOWN,
        declared=None,
        seen=0,
        reasons=(f"ACCOUNT_VANISHED: {shown} was deleted while devices were read",),
    )
