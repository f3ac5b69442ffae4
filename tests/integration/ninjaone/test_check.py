"""`check` names what is wrong with a connection, reads little, and changes nothing."""

from __future__ import annotations

import json

from syncd.sdk.testing.faults import Action, Fault
from tests.builders_ninjaone import PlainWorld, client, fleet, stand


async def test_a_good_connection_is_ok_and_says_that_ids_ascend():
    async with stand(fleet(300)) as st:
        result = await st.source.check()
        assert sum(st.calls.values()) == 4
    assert (result.ok, result.error, result.warnings) == (True, None, ())
    assert "ids of devices ascend, so id_ranges may be on" in result.summary
    assert [(one.name, one.granted) for one in result.permissions] == [("monitoring", True)]


async def test_too_few_devices_prove_no_order():
    async with stand(fleet(2)) as st:
        assert "too few devices to tell" in (await st.source.check()).summary


async def test_a_wrong_secret_is_a_result_that_names_the_region():
    async with stand(fleet(3), client_secret="wrong-wrong") as st:
        result = await st.source.check()
    assert result.ok is False
    assert "invalid_client" in result.error
    assert "another region refuses it in the same words" in result.error
    assert "wrong-wrong" not in result.error


async def test_a_missing_scope_is_named_with_what_it_is_needed_for():
    async with stand(fleet(3), options={"scopes": ()}) as st:
        result = await st.source.check()
    (permission,) = result.permissions
    assert (permission.name, permission.granted) == ("monitoring", False)
    assert "nothing can be counted" in permission.needed_for
    assert "tick the scope Monitoring" in result.error


async def test_ids_that_do_not_ascend_forbid_ranges():
    shuffled = json.dumps([{"id": number} for number in (5, 3, 9, 1)])
    fault = Fault(
        action=Action.REPLACE, path="/devices", body=shuffled, content_type="application/json"
    )
    async with stand(fleet(3)) as st:
        st.break_with(fault)
        result = await st.source.check()
    assert result.ok
    assert "ids of devices do not ascend, so id_ranges must stay off" in result.summary
    async with stand(fleet(3), id_ranges="on", chains=4) as st:
        st.break_with(fault)
        result = await st.source.check()
    assert not result.ok
    assert 'set id_ranges = "off"' in result.error


async def test_an_after_that_is_no_id_forbids_ranges():
    async with stand(fleet(20)) as st:
        st.break_with(Fault(action=Action.REPEAT, path="/devices", nth=2))
        assert "do not ascend" in (await st.source.check()).summary


async def test_an_internal_organisation_that_does_not_exist_is_a_warning():
    world = PlainWorld([client(1, name="Bluebird IT"), client(2)])
    async with stand(world, internal_organisations=["Bluebird IT", "Blubird", 12, 99]) as st:
        warnings = (await st.source.check()).warnings
    assert [warning.split("'")[1] for warning in warnings] == ["Blubird", "99"]


async def test_an_empty_instance_and_an_unknown_class_are_warnings():
    async with stand(PlainWorld(), products={"NMS_PRINTR": "device:printer"}) as st:
        warnings = (await st.source.check()).warnings
    assert "NMS_PRINTR, which this version does not know" in warnings[0]
    assert "no organisation yet" in warnings[1]
