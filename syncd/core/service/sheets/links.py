"""The file of client links: each account of a source beside the client that is billed for it.

An export lists the accounts without a client too, so that it is the list of what is to be done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Entry, Sheet, account_label
from syncd.core.store.mappings import LINKS
from syncd.core.store.references import ReferenceKind

BY_PERSON: Final = "person"
"""Origin of a link that a person made."""


EVIDENCE: Final = ("origin", "score", "evidence")
"""Columns of a file of proposals, for the person who reads it; an import passes them over."""


def _read(row: RowReader) -> Entry | None:
    connection = row.connection()
    account = row.account(connection)
    client = row.reference(ReferenceKind.CLIENT, "client")
    site = None
    if client is not None:
        site = row.reference(ReferenceKind.SITE, "site", parent=client.key)
    elif row.text("site"):
        row.blame("site", "there is a site and no client", "name the client too")
    if account is not None and account.removed is not None:
        reason = f"account {account.key} ({account.name}) no longer exists at the vendor"
        row.doubt("account", reason, "remove the row")
    if row.problems or connection is None or account is None or client is None:
        return None
    return Entry(
        line=row.row.line,
        connection_id=connection.id,
        values={
            "account_id": account.id,
            "psa_connection_id": row.context.psa.id,
            "client_key": client.key,
            "site_key": site.key if site else "",
            "origin": BY_PERSON,
            "evidence": "",
            "confirmed_by": row.context.confirmed_by,
        },
        doubts=row.doubts,
    )


def _write(context: SheetContext, current: Current) -> Iterator[Mapping[str, str]]:
    for account in context.directory.accounts.values():
        link = current.get((account.id,))
        if link is None and account.removed is not None:
            continue
        client = link.values["client_key"] if link else ""
        site = link.values["site_key"] if link else ""
        yield {
            "connection": context.directory.connections[account.connection_id].name,
            "account": account.key,
            "account_name": account.name,
            "client": client,
            "client_name": context.reference_name(ReferenceKind.CLIENT, client),
            "site": site,
            "site_name": context.reference_name(ReferenceKind.SITE, site),
        }


def _describe(context: SheetContext, values: Mapping[str, Any]) -> str:
    client, site = values["client_key"], values["site_key"]
    said = f"client {client} ({context.reference_name(ReferenceKind.CLIENT, client)})"
    if site:
        said += f", site {site} ({context.reference_name(ReferenceKind.SITE, site)})"
    return said


LINK_SHEET: Final = Sheet(
    name="links",
    title="client links",
    decisions=LINKS,
    columns=(
        "connection",
        "account",
        "account_name",
        "client",
        "client_name",
        "site",
        "site_name",
    ),
    optional=("account_name", "client_name", "site_name"),
    ignored=EVIDENCE,
    read=_read,
    write=_write,
    label=lambda context, values: account_label(context, values["account_id"]),
    describe=_describe,
    connection_of=lambda context, values: (
        context.directory.accounts[values["account_id"]].connection_id
    ),
)
"""Columns and rules of the file."""
