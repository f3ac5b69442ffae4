"""Decoding the vendor's records: anything may be absent or null, nothing may be of another type."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_ninjaone.assessment import Assessment
from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.models import Device, Organisation

from syncd.sdk.answer import Answer
from syncd.sdk.errors import ProtocolError
from tests.builders_ninjaone import NOW, config

FIELDS = {
    "organizationId": st.integers(1, 50),
    "nodeClass": st.sampled_from([*CLASSES, "NMS_FUTURE", ""]),
    "nodeRoleId": st.integers(1, 300),
    "approvalStatus": st.sampled_from(["APPROVED", "PENDING", "STAGED", "DECOMMISSIONED", "NEW"]),
    "displayName": st.text(),
    "systemName": st.text(),
    "lastContact": st.floats(-1e18, 1e18),
    "tags": st.lists(st.text()),
    "system": st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.text() for name in ("serialNumber", "biosSerialNumber", "model")
        },
    ),
    "userData": st.dictionaries(st.text(), st.integers()),
    "somethingNew": st.integers() | st.text() | st.lists(st.integers()),
}
DEVICES = st.fixed_dictionaries(
    {"id": st.integers(1, 2**31 - 1)},
    optional={name: st.none() | values for name, values in FIELDS.items()},
)


def answer(body: bytes) -> Answer:
    return Answer(
        status=200,
        url="https://eu.ninjarmm.com/v2/devices-detailed?after=5",
        headers={},
        body=body,
        request_id=None,
        connection="ninja-eu",
    )


@given(st.lists(DEVICES, max_size=5))
def test_absent_and_null_fields_are_tolerated_and_give_one_unit_each(raw):
    devices = answer(msgspec.json.encode(raw)).decode(list[Device])
    rules = Assessment(config(), roster={15: "15"}, internal=(), now=NOW)
    units = rules.observations(devices)
    assert [unit.unit for unit in units] == [str(one["id"]) for one in raw]
    assert all(msgspec.json.decode(unit.attributes) is not None for unit in units)
    assert all(unit.name and unit.account and unit.product for unit in units)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"id": "1041"}, "$[0].id"),
        ({"id": None}, "$[0].id"),
        ({"id": 10.5}, "$[0].id"),
        ({"id": True}, "$[0].id"),
        ({"id": 1, "organizationId": "15"}, "$[0].organizationId"),
        ({"id": 1, "lastContact": "2026-11-30T12:00:00Z"}, "$[0].lastContact"),
        ({"id": 1, "tags": "spare"}, "$[0].tags"),
        ({"id": 1, "system": {"serialNumber": 12}}, "$[0].system.serialNumber"),
    ],
)
def test_a_field_of_another_type_is_one_clear_error_naming_its_place(row, place):
    with pytest.raises(ProtocolError) as refused:
        answer(msgspec.json.encode([row])).decode(list[Device])
    assert place in str(refused.value)
    assert "/v2/devices-detailed" in str(refused.value)


def test_a_device_without_an_id_is_an_error():
    with pytest.raises(ProtocolError, match="missing required field `id`"):
        answer(b'[{"organizationId": 15}]').decode(list[Device])


def test_an_organisation_needs_only_its_id():
    assert answer(b'[{"id": 12, "nodeApprovalMode": "MANUAL"}]').decode(list[Organisation]) == [
        Organisation(id=12)
    ]
