"""Which products of which accounts are counted in which way, by the rules that hold for them.

Clients without a rule of their own share one set, so that a way is found once for thousands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from syncd.core.service.snapshots import Snapshot
from syncd.core.store.billing_data import EVERY_CLIENT, BillingData, SourceProduct
from syncd.sdk.records import ProductKind

POINT_IN_TIME = "point_in_time"
PEAK = "peak"
AVERAGE = "average"

Way = tuple[str, tuple[str, ...], int | None]
"""method, exclusions that count after all, days of silence after which a unit counts no more"""


Groups = Mapping[int, frozenset[int]]
"""product ids by account id"""


def counting_ways(
    data: BillingData, connection_id: int, snapshots: Mapping[int, Snapshot]
) -> dict[Way, Groups]:
    """Which groups are counted in which way; accounts without rules of their own share one set."""
    products = [
        item
        for item in data.products.values()
        if item.connection_id == connection_id and not item.monthly
    ]
    own_rules = {client for _, client in data.rules}
    usual = _ways(data, products, EVERY_CLIENT)
    wanted: dict[Way, dict[int, frozenset[int]]] = defaultdict(dict)
    for account_id, snapshot in snapshots.items():
        if snapshot.pull is None or snapshot.error is not None:
            continue
        link = data.links.get(account_id)
        client = link.client_key if link is not None else EVERY_CLIENT
        ways = _ways(data, products, client) if client in own_rules else usual
        for way, ids in ways.items():
            wanted[way][account_id] = ids
    return dict(wanted)


def _ways(
    data: BillingData, products: Iterable[SourceProduct], client: str
) -> dict[Way, frozenset[int]]:
    """Which products of a client are counted in which way."""
    found: dict[Way, set[int]] = defaultdict(set)
    for product in products:
        rule = data.rule_for(product.id, client)
        method = POINT_IN_TIME if rule is None else rule.count_method
        if product.kind is ProductKind.STORAGE:
            method = AVERAGE
        included = () if rule is None else tuple(sorted(rule.included_reasons))
        stale = None if rule is None else rule.stale_after_days
        found[method, included, stale].add(product.id)
    return {way: frozenset(ids) for way, ids in found.items()}
