"""`check` enters every tenant and names what is missing, tenant by tenant."""

from __future__ import annotations

import pytest

from tests.builders_entra import ONE, TWO, cloud, connected

EVERYTHING = {
    "users": "listed",
    "user_counts": [{"key": "a", "name": "A", "group": "Staff", "signed_in_days": 30}],
    "devices": ["entra", "intune"],
}


async def test_a_healthy_cloud_is_entered_with_every_right():
    async with connected(cloud(4), **EVERYTHING) as running:
        found = await running.source.check()
    assert found.ok
    assert found.summary == "4 of 4 tenants can be read"
    assert [one.name for one in found.permissions] == [
        "Organization.Read.All",
        "Device.Read.All",
        "DeviceManagementManagedDevices.Read.All",
        "User.Read.All and AuditLog.Read.All",
        "GroupMember.Read.All",
    ]
    assert all(one.granted for one in found.permissions)


@pytest.mark.parametrize(
    "right",
    [
        "Organization.Read.All",
        "Device.Read.All",
        "DeviceManagementManagedDevices.Read.All",
        "User.Read.All",
        "AuditLog.Read.All",
        "GroupMember.Read.All",
    ],
)
async def test_a_missing_right_is_named_with_the_tenant_that_lacks_it(right):
    options = {"missing_rights": {TWO: [right]}}
    async with connected(cloud(3), options=options, **EVERYTHING) as running:
        found = await running.source.check()
    assert not found.ok
    assert right in found.error
    assert "Client 2" in found.error
    assert [right in one.name for one in found.permissions if not one.granted] == [True]


async def test_tenants_that_shut_us_out_are_warnings_while_others_work():
    async with connected(cloud(3), options={"refusals": {TWO: 65001}}) as running:
        found = await running.source.check()
    assert found.ok
    assert found.summary == "2 of 3 tenants can be read"
    (warning,) = found.warnings
    assert warning.startswith("Client 2: CONSENT_MISSING: ")
    assert "consent link" in warning


async def test_no_tenant_at_all_and_a_wrong_secret_are_results():
    async with connected(cloud(1), options={"refusals": {ONE: 65001}}) as running:
        found = await running.source.check()
        assert (found.ok, found.summary) == (False, "no tenant can be read")
        assert "CONSENT_MISSING" in found.error
    async with connected(cloud(2), options={"secret": "another"}) as running:
        found = await running.source.check()
        assert not found.ok
        assert "SECRET_WRONG" in found.error


async def test_a_tenant_without_sign_in_data_is_a_warning():
    async with connected(cloud(5), **EVERYTHING) as running:
        found = await running.source.check()
    assert found.ok
    assert any("Client 5" in one and "Entra ID P1" in one for one in found.warnings)
