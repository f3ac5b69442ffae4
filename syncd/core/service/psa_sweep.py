"""One bulk read of the PSA, shared by everything that plans or checks against it.

Records that our books name and the sweep of their client did not show are read by id, since a
record that a person moved to another client is not gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from syncd.sdk.ports import Psa
from syncd.sdk.records import RecurringLine, Subscription


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What the PSA showed.

    Attributes:
        subscriptions: by client id, inactive ones included.
        recurring: by client id.
        elsewhere: records of ours that stand at none of the clients that were read, by id.
    """

    subscriptions: Mapping[str, Sequence[Subscription]] = field(default_factory=dict)
    recurring: Mapping[str, Sequence[RecurringLine]] = field(default_factory=dict)
    elsewhere: Mapping[str, Subscription] = field(default_factory=dict)

    def of(self, client: str, remotes: Collection[str] = ()) -> tuple[Subscription, ...]:
        """Records of a client, and those of these ids wherever they stand."""
        own = self.subscriptions.get(client, ())
        shown = {record.key for record in own}
        moved = (self.by_id[one] for one in remotes if one in self.by_id and one not in shown)
        return (*own, *moved)

    @cached_property
    def by_id(self) -> dict[str, Subscription]:
        """Every record that was seen."""
        found = {record.key: record for held in self.subscriptions.values() for record in held}
        return {**self.elsewhere, **found}


async def sweep(
    psa: Psa, clients: Collection[str], remotes: Collection[str], *, recurring: bool = True
) -> Sweep:
    """Read the PSA once for these clients.

    Args:
        psa: the port.
        clients: whose records and recurring lines are wanted; none is no call at all.
        remotes: ids that must be known to exist or not, wherever they stand.
        recurring: the recurring lines are wanted as well.

    Raises:
        ConnectorError: the PSA could not be read whole.
    """
    wanted = frozenset(clients)
    subscriptions: dict[str, list[Subscription]] = {}
    lines: dict[str, list[RecurringLine]] = {}
    if wanted:
        async for batch in psa.subscriptions(clients=wanted, period=None):
            for record in batch:
                subscriptions.setdefault(record.client, []).append(record)
        if recurring:
            async for found in psa.recurring_lines(clients=wanted):
                for line in found:
                    lines.setdefault(line.client, []).append(line)
    seen = {record.key for held in subscriptions.values() for record in held}
    missing = sorted(set(remotes) - seen)
    elsewhere = await psa.read_many(missing) if missing else {}
    return Sweep(subscriptions=subscriptions, recurring=lines, elsewhere=elsewhere)
