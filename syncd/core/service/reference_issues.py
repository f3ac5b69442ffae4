"""What the PSA's own lists leave for a person: shared names, and links to clients that are gone.

Neither stops a pull; both would otherwise end in a bill at the wrong door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.references import ReferenceBook, ReferenceKind, load_references

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef

AMBIGUOUS_CLIENT_NAME: Final = "AMBIGUOUS_CLIENT_NAME"
LINKED_CLIENT_GONE: Final = "LINKED_CLIENT_GONE"

_LINKED = text(
    "SELECT l.client_key, a.key, a.name, c.name AS connection FROM client_link l "
    "JOIN account a ON a.id = l.account_id JOIN connection c ON c.id = a.connection_id "
    "WHERE l.psa_connection_id = :psa AND l.superseded_at IS NULL ORDER BY l.id"
)


async def write_reference_issues(book: IssueBook, psa: ConnectionRef) -> None:
    """Open and close both codes for one PSA, inside of the caller's transaction."""
    references = await load_references(book.conn, psa.id)
    await book.replace(AMBIGUOUS_CLIENT_NAME, _ambiguous(references, psa))
    await book.replace(LINKED_CLIENT_GONE, await _gone(book.conn, references, psa))


def _ambiguous(references: ReferenceBook, psa: ConnectionRef) -> dict[str, Finding]:
    by_name: dict[str, list[tuple[str, str]]] = {}
    for client in references.of(psa.id, ReferenceKind.CLIENT).values():
        if client.active:
            name = client.name.strip()
            by_name.setdefault(name.casefold(), []).append((client.key, name))
    return {
        f"{psa.name}/{same[0][1]}": Finding(
            message=f"{len(same)} clients of {psa.name} are called '{same[0][1]}': ids "
            f"{', '.join(key for key, _ in same)}.",
            remedy="Rename one of them in the PSA, or always name them by id; nothing is linked "
            "by this name.",
            severity=IssueSeverity.WARNING,
            evidence={"clients": [key for key, _ in same]},
        )
        for same in by_name.values()
        if len(same) > 1
    }


async def _gone(
    conn: AsyncConnection, references: ReferenceBook, psa: ConnectionRef
) -> dict[str, Finding]:
    clients = references.of(psa.id, ReferenceKind.CLIENT)
    found: dict[str, Finding] = {}
    for row in await conn.execute(_LINKED, {"psa": psa.id}):
        client = clients.get(row.client_key)
        if client is not None and client.active:
            continue
        name = client.name if client else "never seen"
        found[f"{row.connection}/{row.key}"] = Finding(
            message=f"Account {row.key} ({row.name}) of {row.connection} is linked to client "
            f"{row.client_key} ({name}), which is not active in {psa.name}.",
            remedy=f"`syncd map link {row.connection} {row.key} CLIENT --replace`, or "
            f"`syncd map unlink {row.connection} {row.key}` if nobody is billed any more.",
            evidence={"client": row.client_key},
        )
    return found
