"""Which device counts as what, and the reason code of each that does not count."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from syncd_ninjaone.assessment import Assessment
from syncd_ninjaone.models import System

from syncd.sdk.records import canonical_json
from tests.builders_ninjaone import NOW, config, device

ROSTER = {15: "15", 16: "16"}


def assess(*devices, now=NOW, internal=(), **settings):
    rules = Assessment(config(**settings), roster=ROSTER, internal=internal, now=now)
    return rules.observations(devices)


def reason(*facts_of_last, now=NOW, internal=(), settings=None, **facts):
    return assess(device(1, **facts), now=now, internal=internal, **(settings or {}))[0].excluded


def ago(**time):
    return (NOW - timedelta(**time)).timestamp()


@pytest.mark.parametrize(
    ("state", "switch", "code"),
    [
        ("PENDING", "exclude_pending", "not_approved"),
        ("STAGED", "exclude_staged", "not_approved"),
        ("DECOMMISSIONED", "exclude_decommissioned", "decommissioned"),
    ],
)
def test_a_state_other_than_approved_is_excluded_unless_switched_off(state, switch, code):
    assert reason(approval_status=state) == code
    assert reason(approval_status=state, settings={switch: False}) is None


def test_an_absent_state_counts_and_an_unknown_state_never_does():
    assert reason(approval_status=None) is None
    assert reason(approval_status="QUARANTINED") == "unknown_state"


def test_unmanaged_records_count_only_when_switched_on():
    assert reason(node_class="UNMANAGED_DEVICE") == "unmanaged"
    counted = assess(device(node_class="UNMANAGED_DEVICE"), exclude_unmanaged=False)[0]
    assert (counted.product, counted.excluded) == ("device:other", None)


def test_a_device_silent_for_longer_than_the_limit_is_stale():
    assert reason(last_contact=ago(days=30, seconds=1)) == "stale"
    assert reason(last_contact=ago(days=30)) is None
    assert reason(last_contact=ago(days=8), settings={"stale_days": 7}) == "stale"


def test_stale_days_zero_switches_the_rule_off():
    assert reason(last_contact=ago(days=900), settings={"stale_days": 0}) is None


def test_the_stale_exclusion_flips_when_the_threshold_passes_and_nothing_else_changes():
    silent = device(last_contact=ago(days=29), serial="SN1")
    first, second = (assess(silent, now=NOW + timedelta(days=n))[0] for n in (0, 1))
    assert first == second
    later = assess(silent, now=NOW + timedelta(days=1, seconds=1))[0]
    assert (first.excluded, later.excluded) == (None, "stale")
    assert assess(silent, now=NOW + timedelta(days=40))[0] == later


@pytest.mark.parametrize("settings", [{}, {"stale_days": 0}, {"stale_days": 3}])
def test_a_device_silent_for_days_says_since_when_and_that_stands_still(settings):
    silent = device(last_contact=ago(days=7, hours=1))
    expected = (NOW - timedelta(days=7, hours=1)).date().isoformat()
    for later in range(60):
        unit = assess(silent, now=NOW + timedelta(days=later), **settings)[0]
        assert json.loads(unit.attributes)["silent_since"] == expected
    short = device(last_contact=ago(days=6, hours=23))
    carries = "silent_since" in json.loads(assess(short, **settings)[0].attributes)
    assert carries == (settings == {"stale_days": 3})
    longer = assess(silent, silence_days=8, **settings)[0]
    assert ("silent_since" in json.loads(longer.attributes)) == (settings == {"stale_days": 3})


def test_a_moving_last_contact_never_changes_a_unit():
    seen = {assess(device(last_contact=ago(hours=n)))[0].attributes for n in range(7 * 24)}
    assert len(seen) == 1


def test_an_agent_that_never_reported_is_never_seen_unless_switched_off():
    for nothing in (None, 0.0, -1.0):
        assert reason(last_contact=nothing) == "never_seen"
    assert reason(last_contact=None, settings={"exclude_never_seen": False}) is None


@pytest.mark.parametrize("agentless", ["CLOUD_MONITOR_TARGET", "NMS_SWITCH", "VMWARE_VM_GUEST"])
def test_an_absent_last_contact_means_nothing_for_what_does_not_report_by_itself(agentless):
    assert reason(node_class=agentless, last_contact=None) is None


def test_tags_exclude_whatever_their_case():
    assert reason(tags=["Spare "]) == "tag:spare"
    assert reason(tags=["prod"]) is None
    assert reason(tags=["loan"], settings={"exclude_tags": ["Loan"]}) == "tag:Loan"
    assert reason(tags=["spare"], settings={"exclude_tags": []}) is None
    assert reason(tags=["a; b"], settings={"exclude_tags": ["a; b"]}) == "tag:a_b"


def test_roles_exclude_by_id():
    assert reason(node_role_id=202, settings={"exclude_roles": [202]}) == "role:202"
    assert reason(node_role_id=203, settings={"exclude_roles": [202]}) is None


def test_devices_of_an_internal_organisation_are_excluded():
    assert reason(organization_id=15, internal={15}) == "internal_org"
    assert reason(organization_id=16, internal={15}) is None


def test_the_most_lasting_reason_is_the_one_that_is_kept():
    everything = {"tags": ["spare"], "last_contact": None, "internal": {15}}
    assert reason(node_class="NMS_COMPUTER", approval_status="PENDING", **everything) == (
        "network_discovered"
    )
    assert reason(approval_status="PENDING", **everything) == "not_approved"
    assert reason(**everything) == "internal_org"
    assert reason(tags=["spare"], last_contact=None) == "tag:spare"


def test_a_class_named_in_products_is_counted_there():
    kinds = {
        "NMS_PRINTER": "device:printer",
        "NMS_COMPUTER": "device:workstation",
        "NMS_FUTURE": "device:network",
    }
    for node_class, product in kinds.items():
        unit = assess(device(node_class=node_class), products=kinds)[0]
        assert (unit.product, unit.excluded) == (product, None)
    assert reason(node_class="NMS_PRINTER", approval_status="STAGED", settings={"products": kinds})


def test_product_overrides_go_tag_before_role_before_class():
    products = {"MAC": "device:mac", "role:7": "device:kiosk", "tag:VIP": "device:vip"}

    def product(**facts):
        return assess(device(node_class="MAC", **facts), products=products)[0].product

    assert product() == "device:mac"
    assert product(node_role_id=7) == "device:kiosk"
    assert product(node_role_id=7, tags=["vip"]) == "device:vip"


def test_a_role_or_tag_override_does_not_lift_the_exclusion_of_a_class():
    settings = {"products": {"role:7": "device:kiosk", "tag:vip": "device:vip"}}
    for facts in ({"node_role_id": 7}, {"tags": ["vip"]}):
        assert reason(node_class="UNMANAGED_DEVICE", settings=settings, **facts) == "unmanaged"


def codes(*devices, **settings):
    return [unit.excluded for unit in assess(*devices, **settings)]


def test_a_serial_seen_before_in_the_organisation_is_a_duplicate():
    assert codes(device(1, serial="SN1"), device(2, serial=" sn1")) == [None, "duplicate"]


def test_equal_serials_of_two_organisations_are_never_merged():
    twice = device(1, serial="SN1"), device(2, serial="SN1", organization_id=16)
    assert codes(*twice) == [None, None]


def test_duplicates_can_be_switched_off():
    assert codes(device(1, serial="A1"), device(2, serial="A1"), duplicates=False) == [None, None]


def test_a_device_that_is_not_counted_makes_no_other_one_a_duplicate():
    old = device(1, serial="SN1", last_contact=ago(days=90))
    assert codes(old, device(2, serial="SN1")) == ["stale", None]


@pytest.mark.parametrize(
    "serial",
    ["0", "", "System Serial Number", "to be filled by o.e.m.", "123456789", "......", "XXXX"],
)
def test_placeholder_serials_make_no_duplicates(serial):
    assert codes(device(1, serial=serial), device(2, serial=serial)) == [None, None]


def test_more_placeholders_can_be_named():
    twice = device(1, serial="ACME-KIT"), device(2, serial="ACME-KIT")
    assert codes(*twice, placeholder_serials=["acme-kit"]) == [None, None]


def test_the_firmware_serial_stands_in_for_a_missing_one():
    one, two = (device(n, system=System(bios_serial_number="B1")) for n in (1, 2))
    assert codes(one, two) == [None, "duplicate"]


def test_a_unit_is_named_by_the_vendors_ids_and_counts_one():
    unit = assess(device(1041))[0]
    assert (unit.account, unit.unit, unit.quantity, unit.name) == ("15", "1041", 1, "PC-1041")


def test_a_device_without_display_name_is_called_by_the_next_best():
    assert assess(device(7, display_name=None, system_name="sys"))[0].name == "sys"
    assert assess(device(7, display_name=None))[0].name == "device 7"


def test_a_device_outside_the_roster_keeps_its_organisation_as_account():
    units = assess(device(1, organization_id=99), device(2, organization_id=None))
    assert [unit.account for unit in units] == ["99", "unassigned"]


@pytest.mark.parametrize("serial", [None, "SN1", 'odd "quoted" ü'])
@pytest.mark.parametrize("state", ["APPROVED", "PENDING"])
@pytest.mark.parametrize("role", [None, 202])
@pytest.mark.parametrize("contact", [ago(days=1), ago(days=60)])
def test_attributes_are_canonical_json_of_lasting_facts(serial, state, role, contact):
    facts = {"serial": serial, "approval_status": state, "node_role_id": role}
    unit = assess(device(last_contact=contact, **facts))[0]
    known = json.loads(unit.attributes)
    assert unit.attributes == canonical_json(known)
    expected = {"class": "WINDOWS_WORKSTATION", "serial": serial, "role": role}
    expected["state"] = None if state == "APPROVED" else state
    expected["silent_since"] = "2026-10-01" if unit.excluded == "stale" else None
    assert known == {name: value for name, value in expected.items() if value is not None}


def test_unknown_classes_and_states_are_named_in_notes_with_their_number():
    rules = Assessment(config(), roster=ROSTER, internal=(), now=NOW)
    rules.observations([device(n, node_class="NMS_FUTURE") for n in range(1, 4)])
    rules.observations([device(9, approval_status="LOST"), device(10, node_class="A\nB")])
    assert rules.strangers.notes() == (
        "UNKNOWN_CLASS: 'A\\nB', 1 device not counted",
        "UNKNOWN_CLASS: NMS_FUTURE, 3 devices not counted",
        "UNKNOWN_STATE: LOST, 1 device not counted",
    )
    assert rules.seen == 5
