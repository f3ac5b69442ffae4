"""With `subscriptions = true` one batch tells what was bought, in words that other books share."""

from __future__ import annotations

import json
import uuid

from syncd.sdk.records import ScopeState
from syncd.sdk.terms import term_of
from tests.builders_entra import ONE, PREMIUM, TWO, cloud, connected, counted, of

COMPLETE = ScopeState.COMPLETE


async def test_what_was_bought_comes_in_the_same_call():
    async with connected(cloud(2), subscriptions=True) as running:
        sink, verdicts = await running.pull()
        assert running.calls["POST /v1.0/$batch"] == 2
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    (unit,) = of(sink.observations, ONE, f"sku:{PREMIUM}:bought").values()
    expected = str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{ONE}:commerce {PREMIUM}"))
    assert json.loads(unit.attributes)["purchases"] == [expected]
    term = term_of(unit.attributes)
    assert term is not None
    assert term.ends is not None


async def test_counts_are_the_same_with_and_without_subscriptions():
    async with connected(cloud(6), subscriptions=True) as running:
        told, _ = await running.pull()
    async with connected(cloud(6)) as running:
        plain, _ = await running.pull()
    for account in (ONE, TWO):
        assert counted(told.observations, account) == counted(plain.observations, account)


async def test_subscriptions_are_read_to_the_last_page():
    async with connected(cloud(1, people=30), subscriptions=True) as running:
        running.state.graph.page_cap = 1
        running.state.graph.empty_pages = True
        sink, verdicts = await running.pull()
        rows = running.state.tenants[ONE].subscriptions
    assert len(rows) > 2
    assert verdicts[ONE].state is COMPLETE
    told = [one for one in sink.observations if b'"purchases"' in one.attributes]
    assert len(told) == sum(row["commerceSubscriptionId"] is not None for row in rows)


async def test_a_trial_that_graph_tells_is_kept_uncounted():
    async with connected(cloud(1), subscriptions=True) as running:
        for row in running.state.tenants[ONE].subscriptions:
            row["isTrial"] = row["skuId"] == PREMIUM
        sink, _ = await running.pull()
    reasons = {one.excluded for one in sink.observations if PREMIUM in one.product}
    assert reasons == {"trial_subscription"}


async def test_committed_seats_follow_the_users_that_count():
    rules = [{"user": "scanner@client1.example.com", "reason": "shared"}]
    async with connected(cloud(1), users="listed", do_not_import=rules) as running:
        for row in running.state.tenants[ONE].skus:
            row["prepaidUnits"]["enabled"] = 0
        sink, _ = await running.pull()
    sums = counted(sink.observations, ONE)
    for product, number in sums.items():
        if product.endswith(":assigned"):
            assert sums[product.replace(":assigned", ":committed")] == number
