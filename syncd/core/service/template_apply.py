"""Applying a billing template: the decisions of every client on it, written in one transaction.

The preview reckons the same edits without storing them, so that their money is seen first.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import BadFile
from syncd.core.service.mapping_csv import require_version, settle_issues
from syncd.core.service.refusals import DecisionsMoved, TemplateConflict
from syncd.core.service.sheet_change import Edit
from syncd.core.service.sheets.row import SheetContext
from syncd.core.service.sheets.templates import KINDS, read_template
from syncd.core.service.template_expansion import Expander, Expansion, edits
from syncd.core.service.templates import Drawer, clients_of, stored_template
from syncd.core.store.connections import data_version
from syncd.core.store.mappings import (
    CONFIGURATIONS,
    LINKS,
    TEMPLATE_CLIENTS,
    TEMPLATES,
    current_decisions,
    known_uids,
    uids_by_name,
    write_decisions,
)
from syncd.core.store.pending import Edits, Pending

_SHOWN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateState:
    """A template at a glance.

    Attributes:
        name: of the template.
        clients: of the PSA, id to name.
        configurations: how many rows of this kind.
        rates: likewise.
        rules: likewise.
        open_edits: decisions that `apply` would write or end; None where it cannot be applied.
        obstacle: why not, or empty.
    """

    name: str
    clients: dict[str, str]
    configurations: int
    rates: int
    rules: int
    open_edits: int | None
    obstacle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePreview:
    """What applying a template would do.

    Attributes:
        name: of the template.
        clients: id to name.
        without_accounts: ids of clients that no account is linked to.
        edits: what is added, changed and ended.
        unchanged: how many decisions stand already.
        pending: the same as rows.
        data_version: of the decisions they were compared with.
        edition: row ids of the template and of its choice of clients, which no `data_version`
            tells apart.
    """

    name: str
    clients: dict[str, str]
    without_accounts: tuple[str, ...]
    edits: Sequence[Edit]
    unchanged: int
    pending: Pending
    data_version: int
    edition: tuple[int, ...]


async def list_templates(drawer: Drawer) -> list[TemplateState]:
    """Every template, by name, and what applying it would still write."""
    async with drawer.database.reader() as conn:
        context = await drawer.context(conn)
        found = []
        for (name,) in sorted(await current_decisions(conn, TEMPLATES)):
            rows = await stored_template(conn, name, context)
            entries, problems = read_template(rows, context)
            open_edits: int | None = None
            obstacle = str(problems[0]) if problems else ""
            if not problems:
                expansion, _ = await _expanded(conn, name, context, replace=False)
                obstacle = _several(expansion.conflicts) if expansion.conflicts else ""
                if not obstacle:
                    open_edits = sum(len(_edits(context, expansion, kind)) for kind in KINDS)
            found.append(
                TemplateState(
                    name=name,
                    clients=await clients_of(conn, name, context),
                    configurations=len(entries["configuration"]),
                    rates=len(entries["rate"]),
                    rules=len(entries["rule"]),
                    open_edits=open_edits,
                    obstacle=obstacle,
                )
            )
    return found


async def preview_template(drawer: Drawer, name: str, *, replace: bool) -> TemplatePreview:
    """What applying the template would do, without doing it.

    Raises:
        TemplateUnknown: there is none of that name.
        BadFile: its rows do not fit what is known any more.
        TemplateConflict: hand-made decisions are in the way.
    """
    async with drawer.database.reader() as conn:
        context = await drawer.context(conn)
        expansion, accounts = await _expanded(conn, name, context, replace=replace)
        _require_no_conflict(name, expansion)
        return TemplatePreview(
            name=name,
            clients=await clients_of(conn, name, context),
            without_accounts=tuple(client for client, found in accounts.items() if not found),
            edits=[edit for kind in KINDS for edit in _edits(context, expansion, kind)],
            unchanged=expansion.unchanged,
            pending=Pending(
                at=drawer.now,
                tables={
                    str(sheet.decisions.table.__tablename__): Edits(
                        new=[entry.values for entry in expansion.new[kind]],
                        ended=frozenset(expansion.ended[kind]),
                    )
                    for kind, sheet in KINDS.items()
                },
            ),
            data_version=await data_version(conn),
            edition=await _edition(conn, name, context),
        )


async def apply_template(
    drawer: Drawer, name: str, *, replace: bool, seen: TemplatePreview | None = None
) -> None:
    """Write the decisions of all clients on the template in one transaction.

    Args:
        drawer: where templates are kept.
        name: of the template.
        replace: end hand-made decisions that are in the way.
        seen: what a person agreed to; None: whatever comes of it now.

    Raises:
        DecisionsMoved: the template, its clients or other decisions are not as they were seen;
            nothing was stored.
        TemplateUnknown: there is none of that name.
        BadFile: its rows do not fit what is known any more.
        TemplateConflict: hand-made decisions are in the way.
    """
    async with drawer.database.writer() as conn:
        await require_version(conn, seen.data_version if seen is not None else None)
        context = await drawer.context(conn)
        if seen is not None and seen.edition != await _edition(conn, name, context):
            message = f"template '{name}' or its clients changed while the effect was looked at"
            remedy = "nothing was stored; run the command again and look at the new effect"
            raise DecisionsMoved(message, remedy=remedy)
        expansion, _ = await _expanded(conn, name, context, replace=replace)
        _require_no_conflict(name, expansion)
        for kind, sheet in KINDS.items():
            await write_decisions(
                conn,
                sheet.decisions,
                new=[entry.values for entry in expansion.new[kind]],
                superseded=sorted(expansion.ended[kind]),
                now=drawer.now,
            )
        books = await settle_issues(conn, drawer.psa, drawer.now)
    for book in books:
        book.speak(drawer.log)


async def _edition(conn: AsyncConnection, name: str, context: SheetContext) -> tuple[int, ...]:
    """Row ids of what the template says, and of who is on it."""
    template = (await current_decisions(conn, TEMPLATES)).get((name,))
    chosen = (await current_decisions(conn, TEMPLATE_CLIENTS)).items()
    clients = [
        found.id
        for (psa, _), found in chosen
        if psa == context.psa.id and found.values["template"] == name
    ]
    return (template.id if template is not None else 0, *sorted(clients))


async def _expanded(
    conn: AsyncConnection, name: str, context: SheetContext, *, replace: bool
) -> tuple[Expansion, dict[str, list[int]]]:
    """What the template writes, and the accounts of its clients.

    Raises:
        BadFile: its rows do not fit what is known any more.
    """
    entries, problems = read_template(await stored_template(conn, name, context), context)
    if problems:
        raise BadFile(f"template '{name}'", problems)
    accounts: dict[str, list[int]] = {key: [] for key in await clients_of(conn, name, context)}
    for (account_id,), link in sorted((await current_decisions(conn, LINKS)).items()):
        values = link.values
        if values["psa_connection_id"] == context.psa.id and values["client_key"] in accounts:
            accounts[values["client_key"]].append(account_id)
    before = await uids_by_name(conn)
    held = {key[0] for key in await current_decisions(conn, CONFIGURATIONS)}
    taken = set(await known_uids(conn))

    def uid_of(account_id: int, configuration: str) -> str:
        """What the account's configuration of this name was called last, or a new uid."""
        uid = before.get((account_id, configuration), "")
        while not uid or uid in held:
            uid = secrets.token_hex(4)
            uid = "" if uid in taken else uid
        held.add(uid)
        taken.add(uid)
        return uid

    expander = Expander(
        name=name,
        entries=entries,
        current={
            kind: await current_decisions(conn, sheet.decisions) for kind, sheet in KINDS.items()
        },
        context=context,
        uid_of=uid_of,
        replace=replace,
    )
    return expander.expand(accounts), accounts


def _edits(context: SheetContext, expansion: Expansion, kind: str) -> list[Edit]:
    return edits(KINDS[kind], context, expansion.new[kind], expansion.ended[kind].values())


def _require_no_conflict(name: str, expansion: Expansion) -> None:
    if expansion.conflicts:
        message = f"template '{name}' was not applied: {_several(expansion.conflicts)}"
        remedy = (
            "`--replace` ends them; or take them out of the template, or out of the way by hand"
        )
        raise TemplateConflict(message, remedy=remedy)


def _several(conflicts: Sequence[str]) -> str:
    listed = "".join(f"\n  {one}" for one in conflicts[:_SHOWN])
    if len(conflicts) > _SHOWN:
        listed += f"\n  and {len(conflicts) - _SHOWN} more"
    count = "a decision" if len(conflicts) == 1 else f"{len(conflicts)} decisions"
    return f"{count} made by hand would be overruled:{listed}"
