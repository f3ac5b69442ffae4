"""Proposals are one for one, rest on what they say, and choose nothing that fits several ways."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.core.billing.adoption import (
    AdoptionProposal,
    Ground,
    OpenLine,
    propose_adoptions,
    reason_against,
)
from syncd.core.billing.plan_input import Style
from syncd.sdk.period import Period
from syncd.sdk.records import Subscription

OCTOBER = Period(2026, 10)


def line(key: str = "k1", name: str = "Managed - Workstation", **more: Any) -> OpenLine:
    whole: dict[str, Any] = {
        "marker": f"m:{key}",
        "client": "1001",
        "site": None,
        "asset_type": "10",
        "units": 10,
        "unit_price": Decimal(5),
        **more,
    }
    return OpenLine(key=key, name=name, **whole)


def record(key: str = "88", name: str = "Anything", **more: Any) -> Subscription:
    whole: dict[str, Any] = {
        "client": "1001",
        "site": None,
        "marker": None,
        "quantity": 4,
        "unit_price": None,
        "unit_cost": None,
        **more,
    }
    return Subscription(key=key, name=name, **whole)


def proposed(
    lines: list[OpenLine], records: list[Subscription], **more: Any
) -> dict[str, AdoptionProposal]:
    whole: dict[str, Any] = {"ours": (), "style": Style.ROLLING, "period": OCTOBER, **more}
    return {one.line.key: one for one in propose_adoptions(lines, records, **whole)}


def test_our_own_key_is_certain_whatever_else_the_record_says():
    one = proposed([line()], [record(marker="m:k1", name="Telephony")])["k1"]
    assert (one.ground, one.certain) == (Ground.KEY, True)


def test_our_key_on_two_records_is_ambiguous():
    one = proposed([line()], [record("1", marker="m:k1"), record("2", marker="m:k1")])["k1"]
    assert one.record is None
    assert not one.certain
    assert [rival.key for rival in one.rivals] == ["1", "2"]


def test_a_sku_is_compared_without_case_and_signs():
    found = proposed([line(codes=("device:desktop",))], [record(sku="Device-Desktop")])
    assert (found["k1"].ground, found["k1"].certain) == (Ground.SKU, True)


def test_a_sku_at_another_site_or_asset_type_proves_nothing():
    for more in ({"site": "7"}, {"asset_type": "11"}):
        found = proposed([line(codes=("DESKTOP",), site="3")], [record(sku="DESKTOP", **more)])
        assert found == {}


def test_two_records_with_one_sku_are_shown_and_not_chosen():
    records = [record("1", sku="DESKTOP"), record("2", sku="DESKTOP")]
    one = proposed([line(codes=("DESKTOP",))], records)["k1"]
    assert one.record is None
    assert "1 (SKU DESKTOP" in one.evidence
    assert "2 (SKU DESKTOP" in one.evidence


def test_one_sku_for_two_lines_is_given_to_neither():
    lines = [line("k1", codes=("DESKTOP",)), line("k2", codes=("DESKTOP",), asset_type="11")]
    found = proposed(lines, [record(sku="DESKTOP")])
    assert {one.record for one in found.values()} == {None}


def test_a_name_is_never_certain_and_says_what_speaks_for_it():
    one = proposed(
        [line(site="3")],
        [
            record(
                name="Managed Workstation",
                quantity=10,
                unit_price=Decimal("5.00"),
                asset_type="10",
                site="3",
            )
        ],
    )["k1"]
    assert not one.certain
    assert one.evidence == (
        "name equal, asset type equal, site equal, units equal, price equal (5.00)"
    )


def test_units_that_are_near_are_evidence_and_others_are_not():
    near = proposed([line(units=100)], [record(name="Managed workstations", quantity=95)])
    assert "units near (95 and 100)" in near["k1"].evidence
    far = proposed([line(units=100)], [record(name="Managed workstations", quantity=80)])
    assert "units" not in far["k1"].evidence


def test_units_alone_propose_nothing():
    assert proposed([line()], [record(name="Telephony", quantity=10)]) == {}


def test_the_better_evidence_decides_between_alike_names():
    records = [
        record("1", "Managed Workstation", asset_type="10"),
        record("2", "Managed Workstation"),
    ]
    one = proposed([line()], records)["k1"]
    assert one.record is not None
    assert one.record.key == "1"


def test_what_fits_equally_is_ambiguous():
    records = [record("1", "Managed Workstation"), record("2", "Managed Workstation")]
    one = proposed([line()], records)["k1"]
    assert (one.record, [rival.key for rival in one.rivals]) == (None, ["1", "2"])


def test_records_that_never_change_hands_are_not_proposed():
    for more in (
        {"foreign_writer": "Parts Co"},
        {"active": False},
        {"end": "2026-09-30"},
        {"marker": "syncd:c0ffee:5:c1:u1"},
        {"name": "Managed - Workstation (running month)"},
        {"client": "1002"},
    ):
        one = record(**{"name": "Managed - Workstation", "asset_type": "10", **more})
        assert proposed([line()], [one]) == {}, more
    assert proposed([line()], [record("88", "Managed - Workstation")], ours={"88"}) == {}


def test_a_foreign_record_with_our_key_is_not_proposed_either():
    assert proposed([line()], [record(marker="m:k1", foreign_writer="Parts Co")]) == {}


def test_of_monthly_records_only_that_of_the_month_is_proposed():
    month = record("1", "Managed Workstation", start="2026-10-01", end="2026-10-31")
    lasting = record("2", "Managed Workstation")
    one = proposed([line()], [month, lasting], style=Style.PER_PERIOD)["k1"]
    assert one.record == month
    why = reason_against(lasting, ours=(), style=Style.PER_PERIOD, period=OCTOBER)
    assert why.startswith("NOT_OF_THE_MONTH")


NAMES = st.sampled_from(["Managed Workstation", "Managed Server", "Backup", "Telephony", ""])
CODES = st.sampled_from([None, "DESKTOP", "SERVER", "desktop"])
SITES = st.sampled_from([None, "3", "7"])
TYPES = st.sampled_from(["10", "11"])


@st.composite
def worlds(draw: Any) -> tuple[list[OpenLine], list[Subscription], frozenset[str]]:
    lines = [
        line(
            f"k{n}",
            draw(NAMES),
            client=draw(st.sampled_from(["1001", "1002"])),
            site=draw(SITES),
            asset_type=draw(TYPES),
            units=draw(st.integers(0, 12)),
            codes=tuple(filter(None, [draw(CODES)])),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    records = [
        record(
            str(n),
            draw(NAMES),
            client=draw(st.sampled_from(["1001", "1002"])),
            site=draw(SITES),
            asset_type=draw(st.none() | TYPES),
            quantity=draw(st.integers(0, 12)),
            sku=draw(CODES),
            active=draw(st.integers(0, 5)) > 0,
            foreign_writer=draw(st.sampled_from([None, None, None, "Parts Co"])),
            marker=draw(st.sampled_from([None, None, None, "m:k0", "m:k1", "TEL-01"])),
        )
        for n in range(draw(st.integers(0, 6)))
    ]
    ours = frozenset(one.key for one in records if draw(st.integers(0, 5)) == 0)
    return lines, records, ours


@settings(max_examples=300, deadline=None)
@given(world=worlds(), seed=st.randoms(use_true_random=False))
def test_proposals_are_one_for_one_and_do_not_depend_on_the_order(world: Any, seed: Any) -> None:
    lines, records, ours = world
    found = propose_adoptions(lines, records, ours=ours, style=Style.ROLLING, period=OCTOBER)
    given_out = [one.record.key for one in found if one.record is not None]
    assert len(given_out) == len(set(given_out))
    assert len({one.line.key for one in found}) == len(found)
    for one in found:
        if one.record is None:
            assert one.rivals
            assert not set(given_out) & {rival.key for rival in one.rivals}
            continue
        assert one.record.client == one.line.client
        assert one.record.key not in ours
        assert one.record.active
        assert one.record.foreign_writer is None
    shuffled_lines, shuffled = list(lines), list(records)
    seed.shuffle(shuffled_lines)
    seed.shuffle(shuffled)
    again = propose_adoptions(
        shuffled_lines, shuffled, ours=ours, style=Style.ROLLING, period=OCTOBER
    )
    pairs = {one.line.key: one.record and one.record.key for one in found}
    assert {one.line.key: one.record and one.record.key for one in again} == pairs
