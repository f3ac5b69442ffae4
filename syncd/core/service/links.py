"""Links of single accounts: made and ended by a person, or accepted as a batch on proof of ids.

The database allows one current link per account; several accounts of one client are normal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.matching import Origin, Proposal, propose
from syncd.core.service.csv_text import CsvRow, write_rows
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.location_links import Location, location_proposal, site_of
from syncd.core.service.mapping_csv import Edit, settle_issues, sheet_context
from syncd.core.service.sheets.links import EVIDENCE, LINK_SHEET
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.decisions import SourceAccount
from syncd.core.store.mappings import (
    LINKS,
    current_decisions,
    load_psa_ids,
    write_decisions,
)
from syncd.core.store.references import ReferenceKind
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import DataError
from syncd.sdk.records import Account, PsaClient

_UUID: Final = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
_SHORT_KEY: Final = 8
"""So many letters of a long key must be given; tables show as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who edits, when, and against which PSA.

    Attributes:
        psa: the PSA connection that clients belong to.
        confirmed_by: name of the person.
        now: moment of the edit.
        log: gets the changes of issues.
    """

    psa: ConnectionRef
    confirmed_by: str
    now: datetime
    log: EventLog


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkProposal:
    """A link that could be made.

    Attributes:
        connection: name of the account's connection.
        account: the vendor's id.
        account_name: for people.
        client: PSA client id.
        client_name: for people.
        origin: `id` is a proof; a name or a conflict never is.
        score: 0 to 100.
        evidence: one line.
        rivals: ids of other clients that fit about as well.
        site: PSA site id, for a location that is called like one; empty for the main site.
        site_name: for people.
    """

    connection: str
    account: str
    account_name: str
    client: str
    client_name: str
    origin: Origin
    score: int
    evidence: str
    rivals: Sequence[str]
    site: str = ""
    site_name: str = ""

    @property
    def clear(self) -> bool:
        """There is one candidate; for a name that still proves nothing."""
        return not self.rivals and self.origin is not Origin.CONFLICT


async def propose_links(database: Database, psa: ConnectionRef) -> list[LinkProposal]:
    """A proposal for every account without a link for which there is any evidence."""
    async with database.reader() as conn:
        found = await _proposals(conn, psa)
    return [shown for _, shown in found]


def proposal_file(proposals: Sequence[LinkProposal]) -> str:
    """Proposals as a file of links, to be read by a person, thinned out and imported.

    Where several clients fit alike, or an id proves nothing, the client is left empty.
    """
    return write_rows(
        (*LINK_SHEET.columns, *EVIDENCE),
        [
            {
                "connection": one.connection,
                "account": one.account,
                "account_name": one.account_name,
                "client": one.client if one.clear else "",
                "client_name": one.client_name if one.clear else "",
                "site": one.site if one.clear else "",
                "site_name": one.site_name if one.clear else "",
                "origin": one.origin.value,
                "score": str(one.score),
                "evidence": one.evidence,
            }
            for one in proposals
        ],
    )


async def accept_id_proofs(database: Database, editor: Editor) -> list[LinkProposal]:
    """Link every account whose client is proven by an id; names are left to a person.

    Names are compared outside of the write lock, since that takes seconds for thousands of clients;
    an account that was linked meanwhile is left alone.
    """
    async with database.reader() as conn:
        found = await _proposals(conn, editor.psa)
    async with database.writer() as conn:
        linked = await current_decisions(conn, LINKS)
        proven = [
            (account, shown)
            for account, shown in found
            if shown.origin is Origin.ID and (account.id,) not in linked
        ]
        await write_decisions(
            conn,
            LINKS,
            new=[
                {
                    "account_id": account.id,
                    "psa_connection_id": editor.psa.id,
                    "client_key": shown.client,
                    "site_key": "",
                    "origin": shown.origin.value,
                    "evidence": shown.evidence,
                    "confirmed_by": editor.confirmed_by,
                }
                for account, shown in proven
            ],
            superseded=(),
            now=editor.now,
        )
        books = await settle_issues(conn, editor.psa, editor.now)
    _speak(books, editor.log)
    return [shown for _, shown in proven]


async def link_account(
    database: Database,
    editor: Editor,
    *,
    connection: str,
    account: str,
    client: str,
    site: str = "",
    replace: bool = False,
) -> Edit:
    """Link one account to a client named by id or by a name that is unique.

    Raises:
        DataError: something is not known or ambiguous, or the account has another client and
            `replace` is not set; the message says what and the remedy what to write.
    """
    async with database.writer() as conn:
        context = await _context(conn, editor)
        whole = _whole_key(context, connection, account)
        cells = {"connection": connection, "account": whole, "client": client, "site": site}
        row = RowReader(CsvRow(1, cells), context)
        if not client.strip():
            row.blame("client", "no client is named", "name a client by id")
        entry = LINK_SHEET.read(row)
        wrong = [*row.problems, *row.doubts]
        if entry is None or wrong:
            raise DataError(wrong[0].reason, remedy=wrong[0].remedy)
        label = LINK_SHEET.label(context, entry.values)
        after = LINK_SHEET.describe(context, entry.values)
        found = (await current_decisions(conn, LINKS)).get(LINKS.key_of(entry.values))
        before = LINK_SHEET.describe(context, found.values) if found else None
        if found is not None and not replace and not LINKS.same(found.values, entry.values):
            message = f"account {label} is linked to {before}"
            raise DataError(message, remedy="add --replace to link it elsewhere")
        if found is None or not LINKS.same(found.values, entry.values):
            await write_decisions(
                conn,
                LINKS,
                new=[entry.values],
                superseded=[found.id] if found else (),
                now=editor.now,
            )
        books = await settle_issues(conn, editor.psa, editor.now)
    _speak(books, editor.log)
    return Edit(label, before, after)


async def unlink_account(
    database: Database, editor: Editor, *, connection: str, account: str
) -> Edit:
    """End the link of one account; its lines in the PSA stay as they are.

    Raises:
        DataError: there is no such account, or it has no link.
    """
    async with database.writer() as conn:
        context = await _context(conn, editor)
        whole = _whole_key(context, connection, account)
        row = RowReader(CsvRow(1, {"connection": connection, "account": whole}), context)
        known = row.account(row.connection())
        if known is None:
            raise DataError(row.problems[0].reason, remedy=row.problems[0].remedy)
        found = (await current_decisions(conn, LINKS)).get((known.id,))
        if found is None:
            message = f"account {known.key} ({known.name}) of {connection} has no link"
            raise DataError(message, remedy="nothing is to be done")
        await write_decisions(conn, LINKS, new=(), superseded=[found.id], now=editor.now)
        books = await settle_issues(conn, editor.psa, editor.now)
    _speak(books, editor.log)
    label = LINK_SHEET.label(context, found.values)
    return Edit(label, LINK_SHEET.describe(context, found.values), None)


def _whole_key(context: SheetContext, connection: str, account: str) -> str:
    """The UUID that begins so; a number is taken as it is, since it may begin another."""
    begin = account.strip().removesuffix("…")
    found = context.connections.get(connection)
    if found is None or len(begin) < _SHORT_KEY:
        return account
    keys = [
        one.key
        for one in context.directory.accounts.values()
        if one.connection_id == found.id and one.key.startswith(begin) and _UUID.match(one.key)
    ]
    return keys[0] if len(keys) == 1 else account


async def _context(conn: AsyncConnection, editor: Editor) -> SheetContext:
    return await sheet_context(conn, psa=editor.psa, currency="", confirmed_by=editor.confirmed_by)


async def _proposals(
    conn: AsyncConnection, psa: ConnectionRef
) -> list[tuple[SourceAccount, LinkProposal]]:
    """Per connection, since the PSA keeps a source's ids under the name of its connector."""
    context = await sheet_context(conn, psa=psa, currency="", confirmed_by="")
    linked = {
        key[0]: one.values["client_key"] if one.values["psa_connection_id"] == psa.id else ""
        for key, one in (await current_decisions(conn, LINKS)).items()
    }
    psa_ids = await load_psa_ids(conn)
    clients = [
        PsaClient(
            key=entry.key,
            name=entry.name,
            active=entry.active,
            main_site=entry.main_site or None,
            foreign_ids=dict(entry.foreign_ids),
        )
        for entry in context.references(ReferenceKind.CLIENT).values()
    ]
    by_key = {client.key: client for client in clients}
    found: list[tuple[SourceAccount, LinkProposal]] = []
    for connection in context.directory.connections.values():
        open_accounts = {
            one.key: one
            for one in context.directory.accounts.values()
            if one.connection_id == connection.id and one.id not in linked and one.removed is None
        }
        asked = [
            Account(key=one.key, name=one.name, psa_ids=psa_ids[one.id])
            for one in open_accounts.values()
        ]
        whole = propose(asked, clients, system=connection.connector)
        proposals = {one.account.key: one for one in whole}
        for account in open_accounts.values():
            if not account.parent:
                if (proposal := proposals.get(account.key)) is not None:
                    found.append((account, _shown(connection.name, proposal)))
                continue
            shown = _of_location(context, account, by_key, linked, proposals)
            if shown is not None:
                found.append((account, shown))
    return found


def _of_location(
    context: SheetContext,
    account: SourceAccount,
    clients: Mapping[str, PsaClient],
    linked: Mapping[int, str],
    proposals: Mapping[str, Proposal],
) -> LinkProposal | None:
    """A location's proposal, with the site that is called like it."""
    whole = context.accounts.get((account.connection_id, account.parent))
    location = Location(part=account, whole=whole)
    proposal = location_proposal(
        location,
        clients,
        linked_client=linked.get(whole.id) if whole is not None else None,
        of_whole=proposals.get(account.parent),
        own=proposals.get(account.key),
    )
    if proposal is None:
        return None
    connection = context.directory.connections[account.connection_id].name
    site, site_name = site_of(context, proposal.client.key, location)
    return replace(_shown(connection, proposal), site=site, site_name=site_name)


def _shown(connection: str, proposal: Proposal) -> LinkProposal:
    return LinkProposal(
        connection=connection,
        account=proposal.account.key,
        account_name=proposal.account.name,
        client=proposal.client.key,
        client_name=proposal.client.name,
        origin=proposal.origin,
        score=proposal.score,
        evidence=proposal.evidence,
        rivals=[rival.key for rival in proposal.rivals],
    )


def _speak(books: Sequence[IssueBook], log: EventLog) -> None:
    for book in books:
        book.speak(log)
