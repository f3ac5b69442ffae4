"""Saves subscriptions, and says of each what is proven: saved, refused, not sent, or unknown.

A save is never repeated while it may have happened. HaloPSA does not document what an array's
answer holds, nor that an array is saved as a whole: so an element counts only when a record shows
it, and what a refused array surely left unsaved is sent again, one by one.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence

from syncd.sdk import waiting
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.http import Answer
from syncd.sdk.records import ChangeKind, KeyedChange, NotSent, Outcome, Rejected, Unknown
from syncd_halopsa.asset_type import NONE
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.models import WireLicence
from syncd_halopsa.payload import Unsendable, element_of
from syncd_halopsa.proof import (
    Item,
    delivered,
    kept,
    key_lost,
    matching,
    not_sent,
    shown,
    undelivered,
    unread,
)
from syncd_halopsa.resources import SUBSCRIPTIONS

SURELY_NOT_SAVED = (ConnectFailed, RateLimited)

Sent = tuple[list[Outcome], list[Item]]
"""Outcomes, and the items that are surely unsaved and go again, each alone."""


class Writer:
    """Applies changes over one opened connection.

    Args:
        api: the signed API.
        config: the connection's settings.
        marker: from our key to the text of the key field.
        names: reads asset type names, id → name.
    """

    def __init__(
        self,
        api: HaloApi,
        config: HaloPsaConfig,
        marker: Callable[[str], str],
        names: Callable[[], Awaitable[Mapping[str, str]]],
    ) -> None:
        self._api = api
        self._config = config
        self._marker = marker
        self._names = names
        self._answers_whole = True  # until an array's answer shows less than its records
        self._longest_kept = 0  # of the markers that HaloPSA is proven to keep
        self._suspects: set[str] = set()
        self._keeps_no_keys = False

    async def apply(self, changes: Sequence[KeyedChange]) -> list[Outcome]:
        """One outcome per change; never raises for an item or for the vendor's failure.

        Raises:
            AuthError: credentials or rights are missing, and nothing of this call was saved.
            ValueError: a key stands in two changes of one call.
        """
        if len({change.key for change in changes}) != len(changes):
            raise ValueError("a key stands in two changes of one call")
        try:
            names = await self._names_for(changes)
        except AuthError:
            raise
        except ConnectorError as error:
            return [not_sent(change.key, error) for change in changes]
        outcomes: list[Outcome] = []
        groups = deque(self._groups(self._prepared(changes, names, outcomes)))
        barrier: NotSent | None = None
        began = False
        while groups:
            group = groups.popleft()
            if barrier is not None:
                outcomes += [_behind(barrier, item) for item in group]
                continue
            if self._keeps_no_keys:
                outcomes += [_would_be_lost(item) for item in group if item.marks]
                group = [item for item in group if not item.marks]
            if not group:
                continue
            try:
                done, again = await self._send(group)
            except AuthError as error:
                if not began:
                    raise
                done, again = [not_sent(item.key, error) for item in group], []
            began = True
            outcomes += done
            groups.extend([item] for item in again)
            barrier = next((one for one in done if isinstance(one, NotSent)), None)
        return outcomes

    async def _names_for(self, changes: Sequence[KeyedChange]) -> Mapping[str, str]:
        field = self._config.asset_type_field
        typed = (one for one in changes if one.kind is not ChangeKind.ADOPT)
        if field == NONE or not any(change.fields.asset_type for change in typed):
            return {}
        return await self._names()

    def _prepared(
        self, changes: Sequence[KeyedChange], names: Mapping[str, str], refused: list[Outcome]
    ) -> list[Item]:
        items = []
        for change in changes:
            marker = self._marker(change.key)
            try:
                element = element_of(change, marker, self._config, names)
            except Unsendable as error:
                refused.append(Rejected(change.key, "FIELDS_UNUSABLE", str(error)))
            else:
                items.append(Item(change, marker, element))
        return items

    def _groups(self, items: Sequence[Item]) -> list[list[Item]]:
        """What goes into one POST, those that must go alone first.

        Alone goes a key that was in a failed array, since it may be what made the array fail, and
        the new key that is longest until HaloPSA is proven to keep keys of that length.

        An array whose answer does not show every record costs a read per client, so it is worth
        its while only where the clients are fewer than the changes that it saves.
        """
        alone = [item for item in items if item.key in self._suspects]
        together = [item for item in items if item.key not in self._suspects]
        longest = max((item for item in together if item.marks), key=_length, default=None)
        if longest is not None and _length(longest) > self._longest_kept:
            together.remove(longest)
            alone.insert(0, longest)
        if not self._answers_whole:
            sizes = Counter(map(_client, together))
            crowd = [item for item in together if sizes[_client(item)] > 1]
            if 1 + sum(size > 1 for size in sizes.values()) >= len(crowd):
                crowd = []
            chosen = {item.key for item in crowd}
            alone += [item for item in together if item.key not in chosen]
            together = sorted(crowd, key=_client)
        size = self._config.write_batch
        return [
            *([item] for item in alone),
            *(together[n : n + size] for n in range(0, len(together), size)),
        ]

    async def _send(self, group: list[Item]) -> Sent:
        """One POST and what it takes to prove it.

        Raises:
            AuthError: refused; nothing of the group was saved.
        """
        try:
            answer = await self._api.save([item.element for item in group])
        except AuthError:
            raise
        except RequestRejected as error:
            if len(group) == 1:
                return [await self._refused(group[0], error)], []
            await waiting.sleep(self._config.settle_seconds)
            return await self._read_back(group, refused=True)
        except SURELY_NOT_SAVED as error:
            return [not_sent(item.key, error) for item in group], []
        except ConnectorError as error:
            if len(group) > 1:
                self._suspects.update(item.key for item in group)
            return [Unknown(item.key, str(error)) for item in group], []
        return await (
            self._single(group[0], answer) if len(group) == 1 else self._batch(group, answer)
        )

    async def _batch(self, items: list[Item], answer: Answer) -> Sent:
        outcomes, left = self._proven(items, shown(answer), answer.request_id)
        self._answers_whole = not left
        if not left:
            return outcomes, []
        read, again = await self._read_back(left, refused=False)
        return outcomes + read, again

    async def _read_back(self, items: list[Item], *, refused: bool) -> Sent:
        """What an answered array did, from one listing per client.

        An update that is not shown goes again: it names its record, so that repeating it is
        harmless. A create goes again only when the array was refused and the client's whole list
        does not hold it.
        """
        clients = {int(_client(item)) for item in items}
        records: list[WireLicence] = []
        try:
            for client in sorted(clients):
                records += await self._api.rows(SUBSCRIPTIONS, client_id=client)
        except ConnectorError as error:
            return [unread(item.key, error) for item in items], []
        outcomes, left = self._proven(items, records, None)
        again = [
            item
            for item in left
            if not item.creates or (refused and not matching(item, records, self._config))
        ]
        final = [undelivered(item, records, self._config) for item in left if item not in again]
        self._suspects.update(one.key for one in final if isinstance(one, Unknown))
        return outcomes + final, again

    async def _single(self, item: Item, answer: Answer) -> Sent:
        records = shown(answer)
        outcomes, left = self._proven([item], records, answer.request_id)
        if not left:
            return outcomes, []
        try:
            found = await self._found_again(item, records)
        except ConnectorError as error:
            return [unread(item.key, error)], []
        outcomes, left = self._proven([item], found, answer.request_id)
        if not left:
            return outcomes, []
        lost = item.marks and found and not kept(item, found, self._config)
        if lost and (len(records) == 1 or not item.creates):
            self._keeps_no_keys = True
            return [key_lost(item, found[0], self._config)], []
        return [undelivered(item, found, self._config)], []

    async def _found_again(self, item: Item, records: Sequence[WireLicence]) -> list[WireLicence]:
        """The record of a save, read anew: by its id where that is known, else by its client."""
        remote = item.change.remote or (str(records[0].id) if len(records) == 1 else None)
        if remote is None:
            client = int(_client(item))
            return await self._api.rows(SUBSCRIPTIONS, client_id=client)
        record = await self._api.subscription(remote)
        return [] if record is None else [record]

    async def _refused(self, item: Item, error: RequestRejected) -> Outcome:
        refusal = Rejected(item.key, "REFUSED_BY_PSA", str(error))
        if item.change.remote is None:
            return refusal
        try:
            if await self._api.subscription(item.change.remote) is not None:
                return refusal
        except ConnectorError:
            return refusal  # the refusal stands; only its cause stays open
        return undelivered(item, [], self._config)

    def _proven(
        self, items: Sequence[Item], records: Sequence[WireLicence], request_id: str | None
    ) -> Sent:
        outcomes: list[Outcome] = []
        left: list[Item] = []
        for item in items:
            receipt = delivered(item, records, self._config, request_id)
            if receipt is None:
                left.append(item)
            else:
                outcomes.append(receipt)
                self._suspects.discard(item.key)
                if item.marks:
                    self._longest_kept = max(self._longest_kept, _length(item))
        return outcomes, left


def _length(item: Item) -> int:
    return len(item.marker)


def _client(item: Item) -> str:
    return item.change.fields.client


def _behind(barrier: NotSent, item: Item) -> NotSent:
    """Nothing more is sent after one change could not be: it would meet the same obstacle."""
    return NotSent(item.key, barrier.message, barrier.retry_after)


def _would_be_lost(item: Item) -> Rejected:
    return Rejected(
        item.key,
        "KEY_NOT_KEPT",
        "not sent: HaloPSA saved another subscription without its key, see there",
    )
