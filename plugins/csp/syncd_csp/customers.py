"""Lists of Partner Center, page by page; and the customers that the partner sells to.

The next page is asked for at an address of our own making: only the token is taken from the link,
as the link itself is relative, with or without a version, or malformed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.paging import next_link
from syncd_csp.client import PartnerClient
from syncd_csp.models import Collection, Customer, Customers, Row
from syncd_csp.values import enum, party

CUSTOMERS: Final = "/v1/customers"
RESELLER: Final = "reseller"
RELATIONS: Final = {
    "unknown", "reseller", "advisor", "syndication", "microsoft_support", "none",
}  # fmt: skip

_REMEDY: Final = "former counts stay in force; the next pull asks again"


async def pages(
    client: PartnerClient,
    path: str,
    kind: type[Collection[Row]],
    *,
    id_of: Callable[[Row], str],
    params: Mapping[str, str | int] | None = None,
) -> AsyncGenerator[Sequence[Row]]:
    """Every page of a list, in order.

    Args:
        client: an open connection.
        path: of the list.
        kind: of its pages.
        id_of: a row's id, by which a row that comes twice is noticed.
        params: query of the first page, repeated with all others.

    Yields:
        the rows of each page that has some.

    Raises:
        ProtocolError: `PAGE_REPEATED`, `LINK_LOOPS`, `CURSOR_MISSING`, or `TOTAL_MISSED` where the
            numbers that the pages declare come true neither for the list nor for each page.
        ConnectorError: the read itself failed.
    """
    sizes: list[tuple[int, int | None]] = []
    seen: set[str] = set()
    asked = dict(params or {})

    async def fetch(token: str | None) -> Collection[Row]:
        if token is None:
            answer = await client.read(path, asked or None)
        else:
            answer = await client.read(
                path, {**asked, "seekOperation": "Next"}, {"MS-ContinuationToken": token}
            )
        page = answer.decode(kind)
        sizes.append((len(page.rows), page.total))
        for row in page.rows:
            if id_of(row) in seen:
                raise _broken(f"PAGE_REPEATED: {path} gave a row again")
            seen.add(id_of(row))
        return page

    async for rows in next_link(fetch, rows_of=lambda page: page.rows, link_of=_token):
        yield rows
    _require_totals(path, sizes)


def _token(page: Collection[Row]) -> str | None:
    if page.token == "":
        raise _broken("CURSOR_MISSING: a page names a next one, and no token for it")
    return page.token


def _require_totals(path: str, sizes: Sequence[tuple[int, int | None]]) -> None:
    """Totals are of the list or of the page; Microsoft documents neither."""
    read = sum(size for size, _ in sizes)
    declared = [(size, total) for size, total in sizes if total is not None]
    if all(total == read for _, total in declared) or all(size == n for size, n in declared):
        return
    raise _broken(f"TOTAL_MISSED: {path} declares {declared[-1][1]} rows, {read} read")


class Roster:
    """The customers of a partner.

    Attributes:
        others: how many customers have another relation than that of a reseller.
        notes: for a person.
    """

    def __init__(self, client: PartnerClient, page_size: int) -> None:
        self._client = client
        self._size = page_size
        self.others = 0
        self.notes: list[str] = []

    async def read(self) -> AsyncGenerator[Sequence[Customer]]:
        """Customers that the partner sells to; their ids are those of their tenants.

        A list without any is asked for once more before it is believed.
        """
        for _ in range(2):
            found = False
            self.others, self.notes = 0, []
            async for rows in pages(
                self._client,
                CUSTOMERS,
                Customers,
                id_of=lambda row: party(row.id),
                params={"size": self._size},
            ):
                found = True
                yield [row for row in rows if self._is_ours(row)]
            if found:
                return

    def _is_ours(self, customer: Customer) -> bool:
        relation = enum(customer.relation)
        if relation not in RELATIONS:
            self.notes.append(
                f"UNKNOWN_VALUE: relationshipToPartner {relation or '(none)'} of"
                f" {customer.title}, who is not read"
            )
        ours = relation == RESELLER
        self.others += not ours
        return ours


def _broken(what: str) -> ProtocolError:
    return ProtocolError(what, remedy=_REMEDY)
