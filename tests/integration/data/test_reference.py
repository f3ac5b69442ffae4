"""The PSA's lists: stored whole, never emptied by a bad read, and their traps told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.core.service.reference import Refreshed, refresh_reference
from syncd.core.store.database import Database
from syncd.core.store.references import ReferenceKind, load_references
from syncd.sdk.errors import AuthError, PluginError, ProtocolError
from syncd.sdk.records import AssetType, PsaClient, PsaSite
from tests.builders_data import NOW, Clock, Office, SmallPsa


async def refresh(office: Office, psa: SmallPsa) -> Refreshed:
    return await refresh_reference(
        office.database,
        office.psa,
        psa,  # type: ignore[arg-type]
        clock=Clock(NOW + timedelta(days=1)),
        log=office.log,
    )


async def active(database: Database, office: Office, kind: ReferenceKind) -> dict[str, str]:
    async with database.reader() as conn:
        book = await load_references(conn, office.psa.id)
    return {key: one.name for key, one in book.of(office.psa.id, kind).items() if one.active}


async def test_a_refresh_adds_renames_and_retires_but_forgets_nothing(office: Office) -> None:
    psa = SmallPsa(client_list=(PsaClient("2", "Globex plc"), PsaClient("9", "New Co")))
    refreshed = await refresh(office, psa)
    assert refreshed.seen[ReferenceKind.CLIENT] == 2
    assert refreshed.gone[ReferenceKind.CLIENT] == 3
    assert await active(office.database, office, ReferenceKind.CLIENT) == {
        "2": "Globex plc",
        "9": "New Co",
    }
    async with office.database.reader() as conn:
        book = await load_references(conn)
    assert book.name(office.psa.id, ReferenceKind.CLIENT, "1") == "Acme Ltd"
    await refresh(office, SmallPsa())
    assert "1" in await active(office.database, office, ReferenceKind.CLIENT)


async def test_a_read_that_fails_in_the_middle_stores_nothing_and_is_an_issue(
    office: Office,
) -> None:
    before = await active(office.database, office, ReferenceKind.CLIENT)
    with pytest.raises(AuthError):
        await refresh(office, SmallPsa(client_list=(), error=AuthError("refused")))
    assert await active(office.database, office, ReferenceKind.CLIENT) == before
    (issue,) = await office.issues("CREDENTIALS_REFUSED")
    assert issue.subject == "desk"
    await refresh(office, SmallPsa())
    assert await office.issues("CREDENTIALS_REFUSED") == []


async def test_a_list_that_is_suddenly_empty_is_refused(office: Office) -> None:
    with pytest.raises(ProtocolError, match="no clients where it had 4"):
        await refresh(office, SmallPsa(client_list=()))
    assert len(await active(office.database, office, ReferenceKind.CLIENT)) == 4
    assert len(await office.issues("VENDOR_CONTRACT_BROKEN")) == 1


async def test_the_first_read_and_a_list_of_suppliers_may_be_empty(office: Office) -> None:
    await refresh(office, SmallPsa(supplier_list=()))
    assert await active(office.database, office, ReferenceKind.SUPPLIER) == {}


async def test_a_defect_of_the_plugin_does_not_show_its_text(office: Office) -> None:
    with pytest.raises(PluginError, match=r"ValueError at builders_data\.py") as told:
        await refresh(office, SmallPsa(error=ValueError("Acme")))
    assert "Acme" not in str(told.value)


async def test_two_clients_of_one_name_are_an_issue_until_one_is_renamed(office: Office) -> None:
    twins = (PsaClient("1", "Acme"), PsaClient("2", "ACME "), PsaClient("3", "Acme", active=False))
    await refresh(office, SmallPsa(client_list=twins))
    (issue,) = await office.issues("AMBIGUOUS_CLIENT_NAME")
    assert (issue.subject, issue.evidence["clients"]) == ("desk/Acme", ["1", "2"])
    await refresh(office, SmallPsa())
    assert await office.issues("AMBIGUOUS_CLIENT_NAME") == []


async def test_a_linked_client_that_is_gone_is_an_issue_until_the_link_ends(office: Office) -> None:
    await office.take("links", "connection,account,client,site\nrmm,b,2,\n")
    await refresh(office, SmallPsa(client_list=(PsaClient("1", "Acme Ltd"),)))
    (issue,) = await office.issues("LINKED_CLIENT_GONE")
    assert issue.subject == "rmm/b"
    assert "`syncd map unlink rmm b`" in issue.remedy
    await office.take("links", "connection,account,client,site\nrmm,b,1,\n")
    assert await office.issues("LINKED_CLIENT_GONE") == []


async def test_sites_and_asset_types_keep_what_belongs_to_them(office: Office) -> None:
    await refresh(
        office,
        SmallPsa(
            client_list=(PsaClient("1", "Acme", main_site="11", foreign_ids={"acme": "77"}),),
            site_list=(PsaSite("11", "1", "Main"), PsaSite("12", "1", "Old", active=False)),
            type_list=(AssetType("10", "Server"), AssetType("11", "Laptop")),
        ),
    )
    async with office.database.reader() as conn:
        book = await load_references(conn)
    client = book.of(office.psa.id, ReferenceKind.CLIENT)["1"]
    assert (client.main_site, dict(client.foreign_ids)) == ("11", {"acme": "77"})
    sites = book.of(office.psa.id, ReferenceKind.SITE)
    assert [(key, sites[key].parent, sites[key].active) for key in ("11", "12")] == [
        ("11", "1", True),
        ("12", "1", False),
    ]
    assert [
        one.key for one in book.named(office.psa.id, ReferenceKind.SITE, "main", parent="1")
    ] == ["11"]
