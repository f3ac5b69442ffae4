"""Saves assets in arrays, and says of each what is proven: saved, refused, not sent, or unknown.

What an array answers and whether it is saved as a whole is not documented, so that only an asset
that is shown with what was written counts; what a refused array left out goes again, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncd.sdk import waiting
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    ProtocolError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.http import Answer
from syncd.sdk.records import (
    AssetChange,
    Delivered,
    NotSent,
    Outcome,
    PsaAsset,
    Receipt,
    Rejected,
    Unknown,
)
from syncd_halopsa.assets import AssetShape, differences
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.models import WireAsset
from syncd_halopsa.resources import ASSETS
from syncd_halopsa.wire import lenient

ASSET_GONE = "ASSET_GONE"


class AssetWriter:
    """Applies changes over one opened connection.

    Args:
        api: the signed API.
        config: the connection's settings.
        shape: how an asset is read and written.
    """

    def __init__(self, api: HaloApi, config: HaloPsaConfig, shape: AssetShape) -> None:
        self._api = api
        self._config = config
        self._shape = shape

    async def apply(self, changes: Sequence[AssetChange]) -> list[Outcome]:
        """One outcome per change.

        Raises:
            AuthError: credentials or rights are missing, and nothing of this call was saved.
            ValueError: a key stands in two changes of one call.
        """
        if len({change.key for change in changes}) != len(changes):
            raise ValueError("a key stands in two changes of one call")
        outcomes: list[Outcome] = []
        groups = [list(changes)] if changes else []
        barrier: NotSent | None = None
        while groups:
            group = groups.pop(0)
            if barrier is not None:
                outcomes += [_behind(barrier, one) for one in group]
                continue
            try:
                done, again = await self._send(group)
            except AuthError as error:
                if not outcomes and len(group) == len(changes):
                    raise
                done, again = [NotSent(one.key, str(error)) for one in group], []
            outcomes += done
            groups += [[one] for one in again]
            barrier = next((one for one in done if isinstance(one, NotSent)), None)
        return outcomes

    async def _send(self, group: list[AssetChange]) -> tuple[list[Outcome], list[AssetChange]]:
        """One POST; outcomes, and what is surely unsaved and goes again alone."""
        try:
            answer = await self._api.save_assets([self._shape.element(one) for one in group])
        except AuthError:
            raise
        except RequestRejected as error:
            if len(group) == 1:
                refusal = Rejected(group[0].key, "REFUSED_BY_PSA", str(error))
                return [await self._refused(group[0], refusal)], []
            await waiting.sleep(self._config.settle_seconds)
            return await self._read_back(group, refused=True)
        except (ConnectFailed, RateLimited) as error:
            after = error.retry_after if isinstance(error, RateLimited) else None
            return [NotSent(one.key, str(error), after) for one in group], []
        except ConnectorError as error:
            return [Unknown(one.key, str(error)) for one in group], []
        outcomes, left = self._proven(group, self._shown(answer), answer.request_id)
        if not left:
            return outcomes, []
        read, again = await self._read_back(left, refused=False)
        return outcomes + read, again

    async def _read_back(
        self, group: list[AssetChange], *, refused: bool
    ) -> tuple[list[Outcome], list[AssetChange]]:
        """What an answered array did, from one list per client.

        A new asset goes again only when the array was refused and the whole list does not hold it.
        """
        try:
            found = await self._of_clients({int(one.client) for one in group})
        except ConnectorError as error:
            why = f"saved, and not read again: {error}"
            return [Unknown(one.key, why) for one in group], []
        outcomes, left = self._proven(group, found, None)
        if refused:
            again = [one for one in left if one.remote or not self._shape.matching(one, found)]
        else:
            again = []
        for one in left:
            if one not in again:
                outcomes.append(self._undelivered(one, self._shape.matching(one, found)))
        return outcomes, again

    async def _of_clients(self, clients: set[int]) -> list[PsaAsset]:
        found = []
        for client in sorted(clients):
            rows = await self._api.rows(ASSETS, client_id=client)
            found += [self._shape.record(row) for row in rows]
        return found

    async def _refused(self, change: AssetChange, refusal: Rejected) -> Outcome:
        """A refusal by itself; of an asset that is gone it says so."""
        if change.remote is None:
            return refusal
        try:
            found = await self._of_clients({int(change.client)})
        except ConnectorError:
            return refusal  # the refusal stands; only its cause stays open
        if self._shape.matching(change, found):
            return refusal
        return Rejected(change.key, ASSET_GONE, refusal.message, gone=True)

    def _proven(
        self, group: Sequence[AssetChange], assets: Sequence[PsaAsset], request_id: str | None
    ) -> tuple[list[Outcome], list[AssetChange]]:
        outcomes: list[Outcome] = []
        left: list[AssetChange] = []
        for change in group:
            mine = self._shape.matching(change, assets)
            if len(mine) == 1 and not differences(change, mine[0]):
                receipt = Receipt(change.key, mine[0].key, request_id=request_id)
                outcomes.append(Delivered(change.key, receipt))
            else:
                left.append(change)
        return outcomes, left

    def _undelivered(self, change: AssetChange, mine: Sequence[PsaAsset]) -> Outcome:
        """What a read-back without proof means once the save itself was answered."""
        if len(mine) > 1:
            ids = ", ".join(one.key for one in mine)
            return Unknown(change.key, f"HaloPSA has {len(mine)} assets with this key: {ids}")
        if mine:
            wrong = ", ".join(differences(change, mine[0]))
            message = f"HaloPSA accepted asset {mine[0].key} but shows other values in: {wrong}"
            return Rejected(change.key, "READ_BACK_DIFFERS", message)
        if change.remote is None:
            return Unknown(change.key, "HaloPSA accepted a new asset but does not show it")
        message = f"HaloPSA has no asset {change.remote} at this client any more"
        return Rejected(change.key, ASSET_GONE, message, gone=True)

    def _shown(self, answer: Answer) -> list[PsaAsset]:
        """The assets in the answer to a save: one object, an array, or nothing to be read."""
        try:
            if answer.body.lstrip()[:1] == b"[":
                rows = lenient(answer, list[WireAsset])
            else:
                rows = [lenient(answer, WireAsset)]
            return [self._shape.record(row) for row in rows]
        except ProtocolError:
            return []  # the save was answered; what it did is read back


def _behind(barrier: NotSent, change: AssetChange) -> NotSent:
    """Nothing more is sent after one change could not be: it would meet the same obstacle."""
    return NotSent(change.key, barrier.message, barrier.retry_after)
