"""Whatever customers bought, and however Partner Center tells it, every seat has its place."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.sdk.records import ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_partner import FOUR, ONE, THREE, TWO, connected, counted, market

CUSTOMERS = (ONE, TWO, THREE, FOUR)
SLOWLY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

statuses = st.sampled_from(
    ["active", "active", "active", "Active", "suspended", "expired", "deleted", "pending",
     "disabled", "none", "inTransition"]
)  # fmt: skip
cycles = st.sampled_from(["monthly", "Monthly", "annual", "triennial", "none", "weekly"])
offers = st.sampled_from(
    ["CFQ7TTC0LCHC:0002:CFQ7TTC0MADE", "CFQ7TTC0LH18:0001:CFQ7TTC0MADE",
     "DZH318Z0BPS6:0001:DZH318Z0MADE", "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"]
)  # fmt: skip
rows = st.fixed_dictionaries(
    {
        "id": st.uuids(version=4).map(str),
        "offerId": offers,
        "offerName": st.text(max_size=12),
        "quantity": st.integers(0, 5_000),
        "status": statuses,
        "billingType": st.sampled_from(["license", "License", "usage", "none"]),
        "billingCycle": cycles,
        "isTrial": st.booleans(),
    },
    optional={
        "termDuration": st.sampled_from(["P1M", "P1Y", "P3Y"]),
        "autoRenewEnabled": st.booleans(),
        "commitmentEndDate": st.sampled_from(["2026-12-31T00:00:00Z", "2027-01-05T00:00:00"]),
        "parentSubscriptionId": st.just(str(uuid.UUID(int=7))),
        "unitType": st.sampled_from(["Licenses", "none"]),
    },
)
bought = st.lists(rows, max_size=9, unique_by=lambda row: row["id"])


def counts(row: dict[str, Any]) -> bool:
    """The rule in one line, written apart from the connector's."""
    return (
        row["status"].lower() == "active"
        and row["billingType"].lower() == "license"
        and row["billingCycle"].lower() == "monthly"
        and not row["isTrial"]
        and not row["offerId"].startswith("DZH318Z0BPS6")
    )


@given(st.lists(bought, min_size=4, max_size=4))
@SLOWLY
async def test_what_counts_and_what_does_not_are_together_what_was_bought(
    worlds: list[list[dict[str, Any]]],
) -> None:
    async with connected() as seller:
        for customer, made in zip(CUSTOMERS, worlds, strict=True):
            seller.simulator.books.replaced[customer] = made
        sink, verdicts = await seller.pull()
    assert {one.state for one in verdicts.values()} == {ScopeState.COMPLETE}
    for customer, made in zip(CUSTOMERS, worlds, strict=True):
        units = [one for one in sink.observations if one.account == customer]
        assert {one.unit for one in units} == {row["id"] for row in made}
        assert sum(one.quantity for one in units) == sum(row["quantity"] for row in made)
        expected = {row["id"]: row["quantity"] for row in made if counts(row)}
        assert {one.unit: one.quantity for one in units if one.excluded is None} == expected
        assert verdicts[customer].seen == len(made)


quirks = st.fixed_dictionaries(
    {},
    optional={
        "bom": st.booleans(),
        "links": st.sampled_from(["bare", "versioned", "malformed", "none"]),
        "page_cap": st.integers(1, 5),
        "subscription_pages": st.integers(0, 3),
        "numbers_as_text": st.booleans(),
        "dates": st.sampled_from(["mixed", "zoneless", "blanks"]),
        "upper_ids": st.booleans(),
        "throttled": st.dictionaries(st.sampled_from([*CUSTOMERS, "*"]), st.integers(0, 3)),
        "throttle_shape": st.sampled_from(["gateway", "business", "both"]),
        "refresh_dies": st.booleans(),
        "token_seconds": st.sampled_from([1, 130, 3599]),
        "omitted": st.sets(
            st.sampled_from(["friendlyName", "refundOptions", "attributes", "orderId", "links"])
        ).map(tuple),
    },
)
stumbles = st.lists(
    st.builds(
        Fault,
        action=st.sampled_from(
            [Action.STATUS_BEFORE, Action.STATUS_AFTER, Action.CUT_BEFORE, Action.CUT_AFTER,
             Action.CUT_BODY]
        ),
        status=st.sampled_from([500, 502, 503, 429]),
        method=st.just("GET"),
        nth=st.integers(1, 8),
        count=st.just(1),
    ),
    max_size=3,
)  # fmt: skip


@given(quirks, stumbles, st.sampled_from(["app", "user"]))
@SLOWLY
async def test_no_sequence_of_quirks_and_stumbles_changes_a_count(
    options: dict[str, Any], faults: list[Fault], access: str
) -> None:
    expected = await _plainly()
    async with connected(options=options, access=access, page_size=2) as seller:
        seller.break_with(*faults)
        sink, verdicts = await seller.pull()
    assert {one.state for one in verdicts.values()} == {ScopeState.COMPLETE}, verdicts
    found = Counter(
        (one.account, one.product, one.unit, one.quantity, one.excluded)
        for one in sink.observations
    )
    assert found == expected


_EXPECTED: list[Counter[tuple[object, ...]]] = []


async def _plainly() -> Counter[tuple[object, ...]]:
    """What a seller without quirks tells, asked once."""
    if not _EXPECTED:
        async with connected() as seller:
            sink, _ = await seller.pull()
        assert counted(sink.observations, ONE)
        _EXPECTED.append(
            Counter(
                (one.account, one.product, one.unit, one.quantity, one.excluded)
                for one in sink.observations
            )
        )
    return _EXPECTED[0]


@given(st.sets(st.sampled_from(CUSTOMERS), max_size=3), st.sampled_from([403, 404, 400, 503]))
@SLOWLY
async def test_whoever_fails_fails_alone(broken: set[str], status: int) -> None:
    expected = await _plainly()
    async with connected(market()) as seller:
        seller.break_with(
            *(
                Fault(action=Action.STATUS_BEFORE, status=status, path=f"/customers/{one}/")
                for one in broken
            )
        )
        sink, verdicts = await seller.pull()
    proven = {key for key, one in verdicts.items() if one.state is ScopeState.COMPLETE}
    assert proven == set(CUSTOMERS) - broken
    for key in broken:
        assert verdicts[key].reasons
    found = Counter(
        (one.account, one.product, one.unit, one.quantity, one.excluded)
        for one in sink.observations
        if one.account in proven
    )
    assert found == Counter({key: n for key, n in expected.items() if key[0] in proven})
