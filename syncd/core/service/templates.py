"""Billing templates: one named set of configurations, rates and rules for many clients.

Saving a template and choosing its clients change no bill; that is for `template_apply` to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import BadFile, decode, read_rows
from syncd.core.service.mapping_csv import sheet_context
from syncd.core.service.refusals import ClientUnknown, TemplateUnknown
from syncd.core.service.sheets.row import SheetContext
from syncd.core.service.sheets.templates import (
    OPTIONAL,
    REQUIRED,
    TemplateRows,
    decoded,
    read_template,
    template_rows,
)
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.mappings import (
    TEMPLATE_CLIENTS,
    TEMPLATES,
    current_decisions,
    write_decisions,
)
from syncd.core.store.references import ReferenceEntry, ReferenceKind
from syncd.sdk.connector import EventLog

_NAME: Final = re.compile(r"^\w[\w .+&-]{0,59}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Where templates are kept, and who works with them.

    Attributes:
        database: where decisions are.
        psa: the PSA connection that clients belong to.
        currency: billing currency.
        person: who edits.
        now: moment of the edit.
        log: gets the changes of issues.
    """

    database: Database
    psa: ConnectionRef
    currency: str
    person: str
    now: datetime
    log: EventLog

    async def context(self, conn: AsyncConnection) -> SheetContext:
        return await sheet_context(
            conn, psa=self.psa, currency=self.currency, confirmed_by=self.person
        )


async def save_template(drawer: Drawer, name: str, content: bytes, file: str) -> bool:
    """Keep a template; nothing that is billed changes before it is applied.

    Returns:
        whether it says something else than before.

    Raises:
        BadFile: all mistakes of the file at once; nothing was stored.
        TemplateUnknown: a template cannot have that name.
    """
    if not _NAME.match(name):
        message = f"'{name}' cannot be the name of a template"
        raise TemplateUnknown(message, remedy="use up to 60 letters, digits, spaces and . + & -")
    rows = read_rows(decode(content, file), file, required=REQUIRED, optional=OPTIONAL)
    template = template_rows(rows)
    async with drawer.database.writer() as conn:
        context = await drawer.context(conn)
        _, problems = read_template(template, context)
        if problems:
            raise BadFile(file, problems)
        current = (await current_decisions(conn, TEMPLATES)).get((name,))
        text = template.encoded(context)
        if current is not None and current.values["content"] == text:
            return False
        await write_decisions(
            conn,
            TEMPLATES,
            new=[{"name": name, "content": text, "confirmed_by": drawer.person}],
            superseded=[current.id] if current is not None else [],
            now=drawer.now,
        )
    return True


async def export_template(drawer: Drawer, name: str) -> str:
    """The template as a file.

    Raises:
        TemplateUnknown: there is none of that name.
    """
    async with drawer.database.reader() as conn:
        return (await stored_template(conn, name, await drawer.context(conn))).csv


async def choose_template_clients(
    drawer: Drawer, name: str, *, add: Sequence[str], remove: Sequence[str]
) -> dict[str, str]:
    """Put clients on a template and take others off; the clients it has then, id to name.

    A client that comes from another template leaves that one. Decisions that a template wrote
    stay until another one is applied or a person edits them.

    Raises:
        TemplateUnknown: there is none of that name.
        ClientUnknown: a client was named that is not exactly one, or is not on the template.
    """
    async with drawer.database.writer() as conn:
        context = await drawer.context(conn)
        await stored_template(conn, name, context)
        current = await current_decisions(conn, TEMPLATE_CLIENTS)
        new, ended = [], []
        for wanted in add:
            client = _client(context, wanted)
            found = current.get((drawer.psa.id, client.key))
            if found is not None and found.values["template"] == name:
                continue
            ended += [found.id] if found is not None else []
            new.append(
                {
                    "psa_connection_id": drawer.psa.id,
                    "client_key": client.key,
                    "template": name,
                    "confirmed_by": drawer.person,
                }
            )
        for wanted in remove:
            client = _client(context, wanted)
            found = current.get((drawer.psa.id, client.key))
            if found is None or found.values["template"] != name:
                message = f"{client.name} ({client.key}) is not on the template '{name}'"
                raise ClientUnknown(message, remedy=f"`syncd template clients {name}` lists them")
            ended.append(found.id)
        unique = list({one["client_key"]: one for one in new}.values())
        await write_decisions(
            conn, TEMPLATE_CLIENTS, new=unique, superseded=sorted(set(ended)), now=drawer.now
        )
        return await clients_of(conn, name, context)


async def stored_template(conn: AsyncConnection, name: str, context: SheetContext) -> TemplateRows:
    """The rows of a template.

    Raises:
        TemplateUnknown: there is none of that name.
    """
    known = await current_decisions(conn, TEMPLATES)
    if (name,) not in known:
        message = f"there is no template '{name}'"
        names = ", ".join(key[0] for key in sorted(known))
        remedy = f"there are: {names}" if names else "`syncd template save NAME FILE` makes one"
        raise TemplateUnknown(message, remedy=remedy)
    return decoded(known[name,].values["content"], context)


async def clients_of(conn: AsyncConnection, name: str, context: SheetContext) -> dict[str, str]:
    """Clients on the template, id to name."""
    return {
        client: context.reference_name(ReferenceKind.CLIENT, client)
        for (psa, client), found in sorted(
            (await current_decisions(conn, TEMPLATE_CLIENTS)).items()
        )
        if psa == context.psa.id and found.values["template"] == name
    }


def _client(context: SheetContext, wanted: str) -> ReferenceEntry:
    """A client by id, or by a name that one client has.

    Raises:
        ClientUnknown: it is not exactly one.
    """
    known = context.references(ReferenceKind.CLIENT)
    if wanted in known:
        return known[wanted]
    named = context.named(ReferenceKind.CLIENT, wanted, None)
    if len(named) == 1:
        return named[0]
    if not named:
        message = f"no client has the id or the name '{wanted}'"
        raise ClientUnknown(message, remedy="`syncd map refresh` reads new clients")
    ids = ", ".join(sorted(one.key for one in named))
    raise ClientUnknown(f"{len(named)} clients are called '{wanted}'", remedy=f"use an id: {ids}")
