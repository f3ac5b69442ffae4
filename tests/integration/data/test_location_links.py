"""Locations of a split account: proposals with a site, an issue of their own, nothing hidden."""

from __future__ import annotations

from datetime import date, timedelta

from syncd.core.service.links import (
    Editor,
    accept_id_proofs,
    link_account,
    proposal_file,
    propose_links,
)
from syncd.core.service.pull import pull_connection
from syncd.core.service.unmapped import find_unmapped
from syncd.core.store.mappings import load_accounts
from syncd.sdk.records import Account
from tests.builders_data import NOW, Clock, Office, ScriptedSource, device


def editor(office: Office) -> Editor:
    return Editor(psa=office.psa, confirmed_by="ann", now=NOW, log=office.log)


async def split(office: Office, *, day: int = 1, proof: str = "", rest: bool = True) -> None:
    """Account a becomes a whole with two locations, of which one is called like a site."""
    roster = [
        Account("a", "Acme", {"psa_client": proof} if proof else {}),
        Account("a/1", "Acme / Depot", parent="a"),
        Account("a/2", "Acme / Farm", parent="a"),
        Account("b", "Globex"),
    ]
    units = [device("a/1", "1"), device("a/2", "2"), device("a/2", "3"), device("b", "4")]
    units += [device("a", "5")] if rest else []
    await pull_connection(
        office.database,
        office.source,
        ScriptedSource(roster=roster, units=units),
        clock=Clock(NOW + timedelta(days=day)),
        log=office.log,
    )


async def test_the_parent_is_kept_and_follows_what_the_source_says(office: Office) -> None:
    await split(office)
    async with office.database.reader() as conn:
        parents = {one.key: one.parent for one in (await load_accounts(conn)).values()}
    assert parents == {"a": "", "b": "", "a/1": "a", "a/2": "a"}
    await pull_connection(
        office.database,
        office.source,
        ScriptedSource(roster=[Account(key, "X") for key in ("a", "b", "a/1", "a/2")]),
        clock=Clock(NOW + timedelta(days=2)),
        log=office.log,
    )
    async with office.database.reader() as conn:
        assert {one.parent for one in (await load_accounts(conn)).values()} == {""}


async def test_a_location_is_proposed_the_client_of_the_whole_and_the_site_of_its_name(
    office: Office,
) -> None:
    await split(office)
    await link_account(office.database, editor(office), connection="rmm", account="a", client="1")
    found = {one.account: one for one in await propose_links(office.database, office.psa)}
    assert (found["a/1"].client, found["a/1"].site, found["a/1"].site_name) == ("1", "12", "Depot")
    assert (found["a/2"].client, found["a/2"].site) == ("1", "")
    assert found["a/1"].origin.value == "name"
    assert "location of a (Acme), which is linked to 1" in found["a/1"].evidence
    rows = proposal_file(list(found.values()))
    assert "rmm,a/1,Acme / Depot,1,Acme Ltd,12,Depot,name,90" in rows
    await office.take("links", rows)
    assert await office.issues("SPLIT_LOCATION_UNLINKED") == []


async def test_an_id_proves_the_whole_and_no_part_of_it(office: Office) -> None:
    await split(office, proof="1")
    found = {one.account: one for one in await propose_links(office.database, office.psa)}
    assert found["a"].origin.value == "id"
    assert (found["a/1"].origin.value, found["a/1"].client, found["a/1"].site) == (
        "name",
        "1",
        "12",
    )
    accepted = await accept_id_proofs(office.database, editor(office))
    assert [one.account for one in accepted] == ["a"]


async def test_an_unlinked_location_with_units_is_an_issue_and_listed_as_unmapped(
    office: Office,
) -> None:
    await split(office)
    await link_account(office.database, editor(office), connection="rmm", account="a", client="1")
    await split(office, day=2)
    found = {one.subject: one for one in await office.issues("SPLIT_LOCATION_UNLINKED")}
    assert set(found) == {"rmm/a/1", "rmm/a/2"}
    issue = found["rmm/a/2"]
    assert issue.evidence == {"account": "a", "location": "a/2", "name": "Acme / Farm", "units": 2}
    assert "2 units and no client" in issue.message
    assert "syncd map links" in issue.remedy
    assert [one.subject for one in await office.issues("UNLINKED_ACCOUNT")] == ["rmm/b"]
    unmapped = await find_unmapped(office.database, today=date(2026, 11, 20))
    assert {one.account: one.units for one in unmapped.accounts} == {"a/1": 1, "a/2": 2, "b": 1}
    await link_account(office.database, editor(office), connection="rmm", account="a/2", client="2")
    assert [one.subject for one in await office.issues("SPLIT_LOCATION_UNLINKED")] == ["rmm/a/1"]
