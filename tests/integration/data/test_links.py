"""Links: proven ids may be taken as they are, names never, and an account has one client."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from syncd.core.service.links import (
    Editor,
    accept_id_proofs,
    link_account,
    propose_links,
    unlink_account,
)
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.mappings import LINKS, write_decisions
from syncd.core.store.references import ReferenceEntry, ReferenceKind, store_references
from syncd.sdk.errors import DataError
from syncd.sdk.records import Account
from tests.builders_data import NOW, Clock, Office, ScriptedSource, device


def editor(office: Office) -> Editor:
    return Editor(psa=office.psa, confirmed_by="ann", now=NOW, log=office.log)


async def linked(office: Office) -> dict[str, str]:
    async with office.database.reader() as conn:
        data = await load_billing_data(conn, period_first_day="2026-11-01")
    return {
        data.accounts[account].key: f"{link.client_key}/{link.site_key}"
        for account, link in data.links.items()
    }


async def rename(office: Office, **accounts: tuple[str, dict[str, str]]) -> None:
    """A pull in which the accounts have these names and ids."""
    from syncd.core.service.pull import pull_connection

    roster = [Account(key, name, ids) for key, (name, ids) in accounts.items()]
    await pull_connection(
        office.database,
        office.source,
        ScriptedSource(roster=roster, units=[device(one.key, f"u{one.key}") for one in roster]),
        clock=Clock(NOW + timedelta(days=1)),
        log=office.log,
    )


async def test_an_id_is_a_proof_and_a_name_is_only_a_proposal(office: Office) -> None:
    await rename(office, a=("Whatever", {"psa_client": "1"}), b=("Globex", {}))
    found = {one.account: one for one in await propose_links(office.database, office.psa)}
    assert (found["a"].origin.value, found["a"].client) == ("id", "1")
    assert (found["b"].origin.value, found["b"].client, found["b"].score) == ("name", "2", 100)
    accepted = await accept_id_proofs(office.database, editor(office))
    assert [one.account for one in accepted] == ["a"]
    assert await linked(office) == {"a": "1/"}
    assert await accept_id_proofs(office.database, editor(office)) == []


async def test_names_that_fit_two_clients_show_the_rival(office: Office) -> None:
    await rename(office, a=("Twin", {}), b=("Nobody at all", {}))
    found = {one.account: one for one in await propose_links(office.database, office.psa)}
    assert sorted([found["a"].client, *found["a"].rivals]) == ["3", "4"]
    assert "b" not in found


async def test_the_id_that_the_psa_keeps_of_an_account_is_a_proof_too(office: Office) -> None:
    async with office.database.writer() as conn:
        await store_references(
            conn,
            office.psa.id,
            ReferenceKind.CLIENT,
            [ReferenceEntry(key="1", name="Client a", foreign_ids={"acme": "a"})],
            now=NOW,
        )
    await accept_id_proofs(office.database, editor(office))
    assert await linked(office) == {"a": "1/"}


async def test_an_account_is_linked_by_id_or_by_a_unique_name(office: Office) -> None:
    first = await link_account(
        office.database, editor(office), connection="rmm", account="a", client="1", site="Depot"
    )
    assert (first.subject, first.before) == ("rmm/a (Client a)", None)
    await link_account(
        office.database, editor(office), connection="rmm", account="b", client="globex"
    )
    assert await linked(office) == {"a": "1/12", "b": "2/"}


async def test_a_long_key_may_be_named_by_its_beginning(sqlite_office: Office) -> None:
    office = sqlite_office
    keys = ("b2d4a219-6124-526d-b462-0961926e6fed", "b2d4a219-7000-526d-b462-0961926e6fed")
    await rename(office, **{key: (f"Client {key}", {}) for key in keys})
    with pytest.raises(DataError, match="no account 'b2d4a219…'"):
        await link_account(
            office.database, editor(office), connection="rmm", account="b2d4a219…", client="1"
        )
    await link_account(
        office.database, editor(office), connection="rmm", account="b2d4a219-7", client="1"
    )
    assert await linked(office) == {keys[1]: "1/"}
    await unlink_account(office.database, editor(office), connection="rmm", account="b2d4a219-7")
    assert await linked(office) == {}


async def test_a_number_is_not_taken_for_the_beginning_of_another(sqlite_office: Office) -> None:
    office = sqlite_office
    await rename(office, **{"1234567890": ("Client", {})})
    with pytest.raises(DataError, match="no account '12345678'"):
        await link_account(
            office.database, editor(office), connection="rmm", account="12345678", client="1"
        )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"connection": "nope"}, "connection 'nope' is not known"),
        ({"account": "zz"}, "rmm has no account 'zz'"),
        ({"client": "TWIN"}, "2 of the clients are called"),
        ({"client": "99"}, "client '99' is not known"),
        ({"client": "5"}, "client 5 .* is not active"),
        ({"client": " "}, "no client is named"),
        ({"site": "21"}, "site '21' is not known"),
    ],
)
async def test_what_is_not_known_is_refused_with_a_remedy(
    sqlite_office: Office, given: dict[str, str], told: str
) -> None:
    words = {"connection": "rmm", "account": "a", "client": "1", **given}
    with pytest.raises(DataError, match=told) as refused:
        await link_account(sqlite_office.database, editor(sqlite_office), **words)  # type: ignore[arg-type]
    assert refused.value.remedy
    assert await linked(sqlite_office) == {}


async def test_another_client_needs_the_word_and_keeps_the_history(office: Office) -> None:
    words = {"connection": "rmm", "account": "a"}
    await link_account(office.database, editor(office), client="1", **words)  # type: ignore[arg-type]
    version = await office.version()
    again = await link_account(office.database, editor(office), client="1", **words)  # type: ignore[arg-type]
    assert (again.before, await office.version()) == (again.after, version)
    with pytest.raises(DataError, match="is linked to client 1") as refused:
        await link_account(office.database, editor(office), client="2", **words)  # type: ignore[arg-type]
    assert "--replace" in refused.value.remedy
    await link_account(
        office.database,
        editor(office),
        client="2",
        replace=True,
        **words,  # type: ignore[arg-type]
    )
    assert await linked(office) == {"a": "2/"}
    assert await office.rows("client_link") == 2
    assert await office.version() == version + 1


async def test_an_unlinked_account_is_an_issue_again(office: Office) -> None:
    for account in ("a", "b"):
        await link_account(
            office.database, editor(office), connection="rmm", account=account, client="1"
        )
    assert await office.issues("UNLINKED_ACCOUNT") == []
    edit = await unlink_account(office.database, editor(office), connection="rmm", account="b")
    assert (edit.before, edit.after) == ("client 1 (Acme Ltd)", None)
    assert [one.subject for one in await office.issues("UNLINKED_ACCOUNT")] == ["rmm/b"]
    with pytest.raises(DataError, match="has no link"):
        await unlink_account(office.database, editor(office), connection="rmm", account="b")


async def test_the_database_itself_allows_an_account_one_client(office: Office) -> None:
    async with office.database.reader() as conn:
        account = (await conn.execute(text("SELECT MIN(id) FROM account"))).scalar_one()
    rows = [
        {
            "account_id": account,
            "psa_connection_id": office.psa.id,
            "client_key": client,
            "site_key": "",
            "origin": "person",
            "evidence": "",
            "confirmed_by": "ann",
        }
        for client in ("1", "2")
    ]
    with pytest.raises(IntegrityError):
        async with office.database.writer() as conn:
            await write_decisions(conn, LINKS, new=rows, superseded=(), now=NOW)
    assert await office.rows("client_link") == 0
