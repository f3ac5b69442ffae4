"""What a person does with recurring invoices, their lines and invoices in HaloPSA's own screens.

Part of `Hand`; over HTTP `recurring`, `lines`, `prorata` and `invoices` below `/__hand__/`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd_halopsa.sandbox import seed
from syncd_halopsa.sandbox.invoice_saving import stored
from syncd_halopsa.sandbox.invoices import processed
from syncd_halopsa.sandbox.proration import counts_watched
from syncd_halopsa.sandbox.recurring import amended
from syncd_halopsa.sandbox.recurring_fields import HEADER, LINE, PRORATA, QUANTITY, blank, sent
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import Row, State
from syncd_halopsa.sandbox.wording import encoded

PREFIX = "/__hand__"
PERSON = "Alex Admin"


class RecurringHand:
    """A person with every right over invoices."""

    def __init__(self, state: State) -> None:
        self._state = state

    def recurring(self, *, client: int | None = None) -> list[Row]:
        """Copies of all recurring invoices, or of one client's."""
        return self._copies("recurringinvoice", client)

    def invoices(self, *, client: int | None = None) -> list[Row]:
        """Copies of all invoices with their lines, or of one client's; the oldest first."""
        return self._copies("invoice", client)

    def link(
        self,
        licence: int,
        *,
        line: int | None = None,
        linked_price: bool = True,
        pro_rata: int = 0,
        name: str = "",
        **source: Any,
    ) -> int:
        """Let a recurring line count a subscription; returns the line's id.

        Args:
            licence: the subscription.
            line: the line that counts it from now on; a new one of its client unless given.
            linked_price: whether the line takes its price from it.
            pro_rata: 1 to prorate its changes.
            name: of a new line; the subscription's unless given.
            source: further columns of the quantity's source, e.g. `qty_free`.

        Raises:
            Refusal: 404, there is no such subscription or line.
        """
        row = self._state.row("softwarelicence", licence)
        made = {
            **seed.source(0, licence, pro_rata=pro_rata, linked_price=linked_price),
            **self._fields(QUANTITY, source),
        }
        if line is None:
            line = self.add_line(
                row["client_id"], name or row["name"], unit_price=Decimal(row["price"])
            )
        self._amend_line(line, lambda one: one["quantity_subscriptions"].append(made))
        return line

    def unlink(self, line: int) -> None:
        """A line counts no subscription any more, and bills the quantity that it last had."""
        self._amend_line(line, lambda one: one["quantity_subscriptions"].clear())

    def add_line(self, client: int, name: str, **fields: Any) -> int:
        """A line of a client's recurring invoice, typed by hand; returns its id."""
        found = self._state.recurring_of(client)
        if not found:
            raise Refusal(404, f"Client {client} has no recurring invoice")
        header = found[0]
        made = {**blank(LINE), "item_shortdescription": name, **self._fields(LINE, fields)}
        made["id"] = number = self._state.new_id("line")
        amended(self._state, header["id"], lambda one: one["lines"].append(made), PERSON)
        return number

    def edit_line(self, line: int, **fields: Any) -> None:
        """Change columns of a recurring line, as HaloPSA names them.

        Raises:
            Refusal: 404, there is none; 400, a column does not exist or the value does not fit.
        """
        found = self._fields(LINE, fields)
        self._amend_line(line, lambda one: one.update(found))

    def delete_line(self, line: int) -> None:
        """Take a line off its recurring invoice."""
        header = self._header_of(line)

        def without(one: Row) -> None:
            one["lines"] = [row for row in one["lines"] if row["id"] != line]

        amended(self._state, header["id"], without, PERSON)

    def edit_recurring(self, number: int, **fields: Any) -> None:
        """Change columns of a recurring invoice itself, e.g. `disabled` or `nextcreationdate`."""
        found = self._fields(HEADER, fields)
        amended(self._state, number, lambda one: one.update(found), PERSON)

    def delete_recurring(self, number: int) -> None:
        """Remove a recurring invoice for good."""
        self._state.row("recurringinvoice", number)
        del self._state.tables["recurringinvoice"][number]
        self._state.relinked()

    def raise_price(self, line: int, percent: Decimal) -> None:
        """Let HaloPSA raise the price of a recurring line by a percentage."""
        self.edit_line(line, percent_increase=percent)

    def prorate(self, line: int, day: str, quantity: Decimal | int, **fields: Any) -> None:
        """Add a proration row to a line, from an ISO day on."""
        made = {
            **blank(PRORATA),
            **self._fields(PRORATA, fields),
            "date": f"{day[:10]}T00:00:00",
            "quantity": Decimal(quantity),
        }
        self._amend_line(line, lambda one: one["prorata_data"].append(made))

    def invoice(self, *, client: int | None = None, recurring: int | None = None) -> list[Row]:
        """Make the invoices of a client, or of one recurring invoice, now; copies of them.

        Raises:
            Refusal: 404, there is none to make; 400, it is disabled.
        """
        ids = [recurring] if recurring is not None else []
        if client is not None:
            ids = [one["id"] for one in self._state.recurring_of(client) if not one["disabled"]]
        if not ids:
            raise Refusal(404, "No recurring invoice")
        return deepcopy(processed(self._state, ids))

    def post_invoice(self, number: int) -> None:
        """Post an invoice to the books, after which nobody edits it."""
        row = deepcopy(self._state.row("invoice", number))
        stored(self._state, row | {"posted": True, "dateposted": self._state.stamp()})

    def delete_invoice(self, number: int) -> None:
        """Remove an invoice for good; its recurring invoice stays as it left it."""
        self._state.row("invoice", number)
        del self._state.tables["invoice"][number]

    def add_user(self, client: int, name: str, *, site: int = 0) -> int:
        """A user at a client, whom lines may count; returns the id."""
        table = self._state.tables["users"]
        number = max(table, default=4000) + 1
        with counts_watched(self._state, client):
            table[number] = {
                "id": number,
                "name": name,
                "client_id": client,
                "site_id": site,
                "inactive": False,
            }
        return number

    def _amend_line(self, line: int, change: Any) -> None:
        header = self._header_of(line)
        amended(
            self._state,
            header["id"],
            lambda one: change(next(row for row in one["lines"] if row["id"] == line)),
            PERSON,
        )

    def _header_of(self, line: int) -> Row:
        for header in self._state.tables["recurringinvoice"].values():
            if any(row["id"] == line for row in header["lines"]):
                return header
        raise Refusal(404, f"No record with id {line}")

    def _copies(self, table: str, client: int | None) -> list[Row]:
        return [
            deepcopy(row)
            for row in self._state.tables[table].values()
            if client in (None, row["client_id"])
        ]

    def _fields(self, schema: Row, fields: Row) -> Row:
        unknown = set(fields) - set(schema)
        if unknown:
            raise Refusal(400, f"there is no {sorted(unknown)}")
        exact = {
            name: Decimal(str(one)) if isinstance(one, float) else one
            for name, one in fields.items()
        }
        return sent(schema, exact, self._state.options)


def recurring_routes(hand: RecurringHand) -> Sequence[Route]:
    """The routes of this part.

    `recurring` (GET), `recurring/ID` (PATCH, DELETE), `lines` (POST), `lines/ID` (PATCH, DELETE),
    `prorata` (POST), `invoices` (GET, POST), `invoices/ID` (DELETE) and `posted/ID` (POST).
    """

    async def recurring(request: Request) -> Response:
        return encoded(hand.recurring(client=_client(request)))

    async def recurring_one(request: Request) -> Response:
        number = int(request.path_params["id"])
        if request.method == "DELETE":
            hand.delete_recurring(number)
        else:
            hand.edit_recurring(number, **await body_of(request))
        return encoded({"id": number})

    async def lines(request: Request) -> Response:
        return encoded({"id": hand.link(**await body_of(request))}, 201)

    async def line(request: Request) -> Response:
        number = int(request.path_params["id"])
        if request.method == "DELETE":
            hand.delete_line(number)
        else:
            hand.edit_line(number, **await body_of(request))
        return encoded({"id": number})

    async def prorata(request: Request) -> Response:
        hand.prorate(**await body_of(request))
        return encoded({}, 201)

    async def invoices(request: Request) -> Response:
        if request.method == "GET":
            return encoded(hand.invoices(client=_client(request)))
        return encoded(hand.invoice(**await body_of(request)), 201)

    async def invoice(request: Request) -> Response:
        hand.delete_invoice(int(request.path_params["id"]))
        return encoded({})

    async def posted(request: Request) -> Response:
        hand.post_invoice(int(request.path_params["id"]))
        return encoded({})

    return [
        Route(f"{PREFIX}/recurring", recurring),
        Route(f"{PREFIX}/recurring/{{id}}", recurring_one, methods=["PATCH", "DELETE"]),
        Route(f"{PREFIX}/lines", lines, methods=["POST"]),
        Route(f"{PREFIX}/lines/{{id:int}}", line, methods=["PATCH", "DELETE"]),
        Route(f"{PREFIX}/prorata", prorata, methods=["POST"]),
        Route(f"{PREFIX}/invoices", invoices, methods=["GET", "POST"]),
        Route(f"{PREFIX}/invoices/{{id:int}}", invoice, methods=["DELETE"]),
        Route(f"{PREFIX}/posted/{{id:int}}", posted, methods=["POST"]),
    ]


async def body_of(request: Request) -> Row:
    """The JSON object of a request, amounts digit by digit."""
    content: Row = json.loads(await request.body(), parse_float=Decimal)
    return content


def _client(request: Request) -> int | None:
    asked = request.query_params.get("client")
    return None if asked is None else int(asked)
