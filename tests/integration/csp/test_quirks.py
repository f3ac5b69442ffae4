"""What the connector makes of Partner Center's oddities: the same counts, or a named reason.

One customer's failure leaves the others proven.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pytest

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    SignInExpired,
    TransientError,
)
from syncd.sdk.records import Observation, ScopeState
from syncd.sdk.terms import Term, term_of
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_certificates import self_signed
from tests.builders_partner import (
    FIVE,
    FOUR,
    ONE,
    SEVEN,
    SIX,
    THREE,
    TWO,
    connected,
    counted,
    market,
)

ALL = {ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN}
SLOW = dict.fromkeys(sorted(ALL), 1)


def facts(units: list[Observation]) -> set[tuple[object, ...]]:
    """What decides a bill: whose, of what, how many, and why not."""
    return {(one.account, one.product, one.unit, one.quantity, one.excluded) for one in units}


@cache
def certificate() -> str:
    return self_signed()


async def pulled(options: dict[str, Any] | None = None, **more: Any) -> list[Observation]:
    async with connected(market(7), options=options or {}, **more) as seller:
        sink, verdicts = await seller.pull()
        assert {one.state for one in verdicts.values()} == {ScopeState.COMPLETE}, verdicts
        assert set(verdicts) == ALL
        assert seller.simulator.writes == []
        return sink.observations


HARMLESS: list[dict[str, Any]] = [
    {"bom": False},
    {"links": "versioned"},
    {"links": "malformed"},
    {"links": "none"},
    {"page_cap": 2},
    {"page_cap": 1, "links": "malformed", "bom": False},
    {"numbers_as_text": True},
    {"dates": "zoneless"},
    {"dates": "blanks"},
    {"upper_ids": True},
    {"subscription_pages": 1},
    {"omitted": ("friendlyName", "refundableQuantity", "scheduledActions", "hasPurchasableAddons")},
    {"omitted": ("commitmentEndDate", "effectiveStartDate", "autoRenewEnabled", "productType")},
    {"throttled": SLOW, "throttle_shape": "gateway"},
    {"throttled": SLOW, "throttle_shape": "business"},
    {"throttled": {"*": 3}, "throttle_shape": "both"},
    {"refresh_dies": True},
]


@pytest.mark.parametrize("options", HARMLESS, ids=lambda one: ",".join(map(str, one.items()))[:50])
async def test_an_oddity_changes_no_count(options: dict[str, Any]) -> None:
    expected = facts(await pulled())
    assert facts(await pulled(options, page_size=3)) == expected
    assert facts(await pulled(options, page_size=3, access="user")) == expected


async def test_a_certificate_opens_what_a_secret_opens() -> None:
    options = {"certificate": certificate()}
    signed = {"certificate": certificate(), "client_secret": None}
    assert facts(await pulled(options, **signed)) == facts(await pulled())


async def test_the_pause_that_the_gateway_names_is_kept() -> None:
    async with connected(options={"throttled": {TWO: 1}, "retry_after": 57}) as seller:
        _, verdicts = await seller.pull()
        assert verdicts[TWO].state is ScopeState.COMPLETE
        assert seller.stopwatch.now >= 57


REFUSALS = {
    "900309": "CONDITIONAL_ACCESS",
    "900308": "ROLE_MISSING",
    "20002": "NO_RELATIONSHIP",
    "2032": "ACCESS_DENIED",
    "60003": "TENANT_GONE",
    "20003": "CUSTOMER_NOT_FOUND",
    "1000": "CUSTOMER_NOT_FOUND",
}


@pytest.mark.parametrize(("code", "reason"), REFUSALS.items())
async def test_a_customer_that_refuses_is_unknown_with_its_reason(code: str, reason: str) -> None:
    expected = facts(await pulled())
    async with connected(market(7), options={"refused": {THREE: code}}) as seller:
        sink, verdicts = await seller.pull()
    assert verdicts[THREE].state is ScopeState.UNKNOWN
    assert verdicts[THREE].reasons[0].startswith(f"{reason}: Client 3: ")
    others = {key: one.state for key, one in verdicts.items() if key != THREE}
    assert set(others.values()) == {ScopeState.COMPLETE}
    assert set(others) == ALL - {THREE}
    assert facts(sink.observations) == {one for one in expected if one[0] != THREE}


@pytest.mark.parametrize("field", ["quantity", "offerId"])
async def test_a_subscription_that_cannot_be_counted_leaves_its_customer_unproven(
    field: str,
) -> None:
    async with connected(market(7)) as seller:
        books = seller.simulator.books
        active = next(row for row in books.subscriptions(FOUR) if row["status"] == "active")
        books.edits[active["id"]] = {field: None}
        _, verdicts = await seller.pull()
    assert verdicts[FOUR].state is not ScopeState.COMPLETE
    assert verdicts[FOUR].reasons[0].startswith("COUNT_UNREADABLE: Client 4: ")
    assert {one.state for key, one in verdicts.items() if key != FOUR} == {ScopeState.COMPLETE}


@pytest.mark.parametrize("value", [-1, "2.5", "many", 1.5])
async def test_no_seats_are_made_of_what_is_no_number_of_seats(value: object) -> None:
    async with connected() as seller:
        books = seller.simulator.books
        active = next(row for row in books.subscriptions(ONE) if row["status"] == "active")
        books.edits[active["id"]] = {"quantity": value}
        sink, verdicts = await seller.pull()
    assert verdicts[ONE].state is not ScopeState.COMPLETE
    assert active["id"] not in {one.unit for one in sink.observations}
    assert verdicts[TWO].state is ScopeState.COMPLETE


async def test_a_customer_with_gdap_alone_is_not_read_and_breaks_nobody() -> None:
    async with connected(market(7), options={"gdap_only": (TWO,)}) as seller:
        sink, verdicts = await seller.pull()
        assert set(verdicts) == ALL - {TWO}
        assert {one.state for one in verdicts.values()} == {ScopeState.COMPLETE}
        assert TWO not in sink.roster
        assert not any(TWO in path for path in seller.simulator.questions)


async def test_only_customers_to_whom_we_sell_are_read() -> None:
    async with connected(market(7), options={"advisors": (TWO,)}) as seller:
        _, verdicts = await seller.pull()
        assert set(verdicts) == ALL - {TWO}


async def test_a_status_that_is_new_counts_nothing_and_is_told() -> None:
    async with connected() as seller:
        active = next(
            row for row in seller.simulator.books.subscriptions(ONE) if row["status"] == "active"
        )
    async with connected(options={"statuses": {active["id"]: "inTransition"}}) as seller:
        sink, verdicts = await seller.pull()
    (unit,) = [one for one in sink.observations if one.unit == active["id"]]
    assert unit.excluded == "status_in_transition"
    assert verdicts[ONE].state is ScopeState.COMPLETE
    assert any("UNKNOWN_VALUE: status in_transition" in note for note in verdicts[ONE].notes)


async def test_a_page_that_comes_again_and_again_proves_nothing() -> None:
    async with connected(market(7), options={"repeat_page": True}, page_size=2) as seller:
        with pytest.raises(ProtocolError, match=r"PAGE_REPEATED|LINK_LOOPS"):
            await seller.pull()


WHOLE: list[tuple[dict[str, Any], dict[str, Any], type[ConnectorError], str]] = [
    ({"indirect": True}, {}, AuthError, "ACCESS_DENIED"),
    ({"audience": "graph.windows.net"}, {}, AuthError, "WRONG_AUDIENCE"),
    ({"mfa": False}, {"access": "user"}, AuthError, "MFA_REQUIRED"),
    ({"mfa": False, "mfa_refusal": (403, "2032")}, {"access": "user"}, AuthError, "MFA_REQUIRED"),
    ({"missing_rights": ("Admin agent",)}, {}, AuthError, "ROLE_MISSING"),
    ({"login_refusal": 7000222}, {}, AuthError, "SECRET_EXPIRED"),
    ({"login_refusal": 700016}, {}, AuthError, "CONSENT_MISSING"),
    ({"secret": "another"}, {}, AuthError, "SECRET_WRONG"),
    ({"refresh_refusal": 700082}, {"access": "user"}, SignInExpired, "SIGN_IN_EXPIRED"),
    ({"refresh_refusal": 50076}, {"access": "user"}, SignInExpired, "MFA_REQUIRED"),
    ({"refresh_token": "another"}, {"access": "user"}, SignInExpired, "SIGN_IN_EXPIRED"),
    ({"login_refusal": 90033}, {}, TransientError, "LOGIN_BUSY"),
    ({"throttled": {"*": 100}}, {}, TransientError, "429"),
]


@pytest.mark.parametrize(
    ("options", "more", "kind", "reason"),
    WHOLE,
    ids=[f"{one[3]}-{n}" for n, one in enumerate(WHOLE)],
)
async def test_what_is_everybodys_ends_the_read(
    options: dict[str, Any], more: dict[str, Any], kind: type[ConnectorError], reason: str
) -> None:
    async with connected(options=options, **more) as seller:
        with pytest.raises(kind, match=reason) as raised:
            await seller.pull()
        assert raised.value.remedy
        if not issubclass(kind, AuthError):
            return
        result = await seller.ports.usage.check()  # type: ignore[union-attr]
        assert not result.ok
        assert result.error


async def test_a_sign_in_is_stored_before_it_is_used_and_again_each_time() -> None:
    async with connected(options={"refresh_dies": True}, access="user") as seller:
        await seller.pull()
        seller.simulator.logins.revoke()
        await seller.pull()
        assert len(seller.vault.stored) == 2
        assert seller.simulator.logins.uses == 2
        assert seller.vault.stored[-1] in seller.simulator.logins.refresh


async def test_a_customer_that_breaks_for_good_leaves_the_others_proven() -> None:
    async with connected(market(7)) as seller:
        broken = Fault(action=Action.STATUS_BEFORE, status=503, path=f"/customers/{FIVE}/")
        seller.break_with(broken)
        sink, verdicts = await seller.pull()
    assert verdicts[FIVE].state is ScopeState.UNKNOWN
    assert {one.state for key, one in verdicts.items() if key != FIVE} == {ScopeState.COMPLETE}
    assert all(one.account != FIVE for one in sink.observations)


async def test_a_second_page_that_is_refused_leaves_the_customer_partial() -> None:
    async with connected(options={"subscription_pages": 2}) as seller:
        path = f"/customers/{ONE}/subscriptions"
        seller.break_with(Fault(action=Action.STATUS_BEFORE, status=403, path=path, nth=2))
        _, verdicts = await seller.pull()
    assert verdicts[ONE].state is ScopeState.PARTIAL
    assert verdicts[TWO].state is ScopeState.COMPLETE


def terms(units: list[Observation], account: str) -> dict[str, Term]:
    found = {one.name: term_of(one.attributes) for one in units if one.account == account}
    return {name: term for name, term in found.items() if term is not None}


async def test_seats_that_roll_into_the_extended_term_go_on_under_the_new_id() -> None:
    world = market(7)
    world.clock.set(datetime(2026, 12, 9, 12, tzinfo=UTC))
    async with connected(world) as seller:
        before, _ = await seller.pull()
        world.clock.set(datetime(2026, 12, 10, 12, tzinfo=UTC))
        after, verdicts = await seller.pull()
    was, now = counted(before.observations, FIVE), counted(after.observations, FIVE)
    assert sum(was.values()) == sum(now.values())
    (gone,), (new,) = set(was) - set(now), set(now) - set(was)
    assert was[gone] == now[new]
    excluded = {one.unit: one.excluded for one in after.observations}
    assert excluded[gone] == "status_expired"
    assert terms(before.observations, FIVE)["Visio Plan 2"] == Term(
        ends=date(2026, 12, 9), then="extended", length="P1Y", billed="monthly"
    )
    extended = terms(after.observations, FIVE)["Visio Plan 2 (Extended Service Term)"]
    assert extended.extended
    assert verdicts[FIVE].state is ScopeState.COMPLETE


async def test_what_is_scheduled_for_the_next_term_is_told_and_not_counted_early() -> None:
    world = market(7)
    world.clock.set(datetime(2026, 12, 13, 12, tzinfo=UTC))
    async with connected(world, not_monthly="count") as seller:
        before, _ = await seller.pull()
        world.clock.set(datetime(2026, 12, 14, 12, tzinfo=UTC))
        after, _ = await seller.pull()
    name = "Microsoft 365 Copilot"
    seats = [
        {one.name: one.quantity for one in sink.observations if one.account == TWO}[name]
        for sink in (before, after)
    ]
    assert seats == [5, 3]
    assert terms(before.observations, TWO)[name].next_quantity == 3
    assert terms(before.observations, TWO)[name].then == "renews"
    renewed = terms(after.observations, TWO)[name]
    assert (renewed.next_quantity, renewed.falls_until) == (None, date(2026, 12, 20))


async def test_what_is_not_seats_of_a_month_is_kept_and_not_counted() -> None:
    units = await pulled()
    reasons = {one.excluded for one in units}
    assert reasons >= {None, "trial", "suspended", "not_monthly", "usage", "status_expired",
                       "status_pending"}  # fmt: skip
    everything = await pulled(
        {}, suspended="count", count_trials=True, not_monthly="count", limits=RateLimit()
    )
    assert {one.excluded for one in everything} == {
        None, "usage", "status_expired", "status_pending",
    }  # fmt: skip
    assert facts([one for one in units if one.excluded is None]) < facts(everything)
