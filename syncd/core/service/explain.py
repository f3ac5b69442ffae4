"""Why a billed number is what it is: from the stored basis and the census at the pull it names.

Nothing is computed anew from today's rates, rules or links, so the answer is the same after later
pulls, edits and renames.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.basis import LineBasis
from syncd.core.service.clients import choose_client
from syncd.core.service.explained import Evidence, names
from syncd.core.service.explanation import Explanation
from syncd.core.service.refusals import NothingToExplain
from syncd.core.service.replay import FoundLine, Replay
from syncd.core.store.billed import linked_accounts, linked_clients
from syncd.core.store.connections import find_connection
from syncd.core.store.reference_entries import ReferenceKind, find_references
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.service.sources import Reckoner
    from syncd.core.store.asking import Reader
    from syncd.core.store.database import Database


async def explain(
    database: Database,
    client: str,
    product: str | None,
    *,
    psa_name: str,
    timezone: ZoneInfo,
    period: Period | None = None,
    as_of: datetime | None = None,
    reckoner: Reckoner | None = None,
) -> Explanation:
    """Explain what a client was billed, or would be by the newest plan where nothing was sent.

    Args:
        database: where everything is.
        client: PSA id, or a name that one client has.
        product: only this product, by key or name; None for all.
        psa_name: connection of the PSA.
        timezone: of billing.
        period: the month; None for the one billed last.
        as_of: what was known then; None for now.
        reckoner: computes a month, asked for by `period` or `as_of`, that nobody billed or planned.

    Raises:
        ClientUnknown: the client is not exactly one.
        NothingToExplain: no bill and no plan has it, and nothing can be computed.
    """
    async with AsyncExitStack() as stack:
        conn: Reader = await stack.enter_async_context(database.brief_reader())
        psa = await find_connection(conn, psa_name)
        if psa is None:
            message = f"nothing was ever read from '{psa_name}', so no client is known"
            raise NothingToExplain(message, remedy="run `syncd map refresh`")
        clients = await find_references(conn, psa.id, ReferenceKind.CLIENT, client)
        entry = choose_client(clients, await linked_clients(conn, psa.id, clients), client)
        accounts = await linked_accounts(conn, psa.id, entry.key, as_of=as_of)
        replay = Replay(conn=conn, client=entry.key, accounts=accounts, as_of=as_of)
        found = await replay.lines(period)
        if not found and reckoner is not None and (period is not None or as_of is not None):
            from syncd.core.service.recomputed import recomputed

            conn = whole = await stack.enter_async_context(database.reader())
            found = await recomputed(
                whole,
                reckoner,
                psa=psa,
                accounts=accounts,
                timezone=timezone,
                period=period,
                as_of=as_of,
            )
        chosen = [one for one in found if _has(one.line, product)]
        if not chosen:
            _refuse(entry.name, product, period, found)
        behind = Evidence(conn, timezone, product)
        lines = [await behind.line(one) for one in chosen]
    return Explanation(
        client=entry.key,
        client_name=lines[0].bill.client_name,
        period=lines[0].bill.period,
        as_of=as_of,
        lines=tuple(lines),
    )


def _has(line: LineBasis, product: str | None) -> bool:
    if product is None or any(names(item, product) for item in line.products):
        return True
    wanted = product.strip().casefold()
    return any(
        wanted in {item.key.casefold(), item.name.casefold()}
        for one in line.corrections
        for item in one.products
    )


def _refuse(
    client: str, product: str | None, period: Period | None, found: Sequence[FoundLine]
) -> None:
    when = "" if period is None else f" for {period}"
    if product is None or not found:
        message = f"{client} has no bill and no planned bill{when}"
        raise NothingToExplain(
            message, remedy="`syncd plan billing` makes one; `syncd issues` says what stops it"
        )
    offered = sorted({item.key for one in found for item in one.line.products})
    message = f"no line of {client}{when} has a product '{product}'"
    raise NothingToExplain(message, remedy=f"it is billed for: {', '.join(offered) or 'nothing'}")
