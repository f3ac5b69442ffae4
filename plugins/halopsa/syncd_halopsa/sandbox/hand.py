"""What a person does in HaloPSA's own screens, for tests and demonstrations.

In Python through `Hand`; over HTTP below `/__hand__/`, which the vendor does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd_halopsa.sandbox import seed
from syncd_halopsa.sandbox.admission import Tokens
from syncd_halopsa.sandbox.agreements import agreement
from syncd_halopsa.sandbox.assets import AssetHand
from syncd_halopsa.sandbox.fields import LICENCE, taken
from syncd_halopsa.sandbox.hand_invoices import InvoiceHand, invoice_routes
from syncd_halopsa.sandbox.hand_recurring import (
    PERSON,
    PREFIX,
    RecurringHand,
    body_of,
    recurring_routes,
)
from syncd_halopsa.sandbox.proration import licence_changed
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import Row, State
from syncd_halopsa.sandbox.wording import encoded


class Hand(RecurringHand, AssetHand, InvoiceHand):
    """A person with every right."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        super().__init__(state)
        self._tokens = tokens

    def subscriptions(self, *, client: int | None = None) -> list[Row]:
        """Copies of all subscriptions, or of one client's."""
        return [
            dict(row)
            for row in self._state.licences.values()
            if row["type"] == 1 and client in (None, row["client_id"])
        ]

    def add(self, client: int, name: str, **fields: Any) -> int:
        """A subscription made by hand; returns its id."""
        number = self._state.new_licence_id()
        self._state.licences[number] = seed.licence(number, client, name, **self._fitting(fields))
        return number

    def edit(self, number: int, **fields: Any) -> None:
        """Change fields of a subscription.

        Raises:
            Refusal: 404, there is none; 400, a field does not exist or the value does not fit.
        """
        row = self._state.row("softwarelicence", number)
        before = dict(row)
        for name, value in self._fitting(fields).items():
            if row[name] != value:
                self._state.record_change(number, name, row[name], value, PERSON)
                row[name] = value
        licence_changed(self._state, before, row)

    def delete(self, number: int) -> None:
        """Remove a subscription for good."""
        self._state.row("softwarelicence", number)
        licence_changed(self._state, self._state.licences.pop(number), None)

    def agree(self, client: int, ref: str, *, start: str = "", end: str = "", **more: Any) -> int:
        """Make an agreement of a client, with ISO dates; returns its id."""
        table = self._state.tables["clientcontract"]
        number = max(table, default=600) + 1
        first = date.fromisoformat(start) if start else None
        last = date.fromisoformat(end) if end else None
        table[number] = agreement(number, client, ref, start=first, end=last, **more)
        return number

    def change_agreement(self, number: int, **fields: Any) -> None:
        """Change columns of an agreement; dates as HaloPSA writes them.

        Raises:
            Refusal: 404, there is none.
        """
        self._state.row("clientcontract", number).update(fields)

    def expire_tokens(self) -> None:
        """End every token now."""
        self._tokens.expire_all()

    def reset(self) -> None:
        """Back to the start; tokens stay."""
        self._state.reset()

    def _fitting(self, fields: Row) -> Row:
        unknown = set(fields) - set(LICENCE)
        if unknown:
            raise Refusal(400, f"a subscription has no {sorted(unknown)}")
        return {
            name: taken(
                name, Decimal(str(one)) if isinstance(one, float) else one, self._state.options
            )
            for name, one in fields.items()
        }


def routes(hand: Hand) -> Sequence[Route]:
    """The routes below `/__hand__/`.

    `subscriptions` (GET, POST), `subscriptions/ID` (PATCH, DELETE), `agreements` (POST),
    `agreements/ID` (PATCH), `assets` (GET, POST), `assets/ID` (PATCH, DELETE),
    `tokens` (DELETE), `reset` (POST), and what `recurring_routes` and `invoice_routes` tell.
    """

    async def subscriptions(request: Request) -> Response:
        if request.method == "GET":
            return encoded(hand.subscriptions())
        return encoded({"id": hand.add(**await body_of(request))}, 201)

    async def subscription(request: Request) -> Response:
        number = int(request.path_params["id"])
        if request.method == "DELETE":
            hand.delete(number)
        else:
            hand.edit(number, **await body_of(request))
        return encoded({"id": number})

    async def agreements(request: Request) -> Response:
        return encoded({"id": hand.agree(**await body_of(request))}, 201)

    async def agreement_of(request: Request) -> Response:
        number = int(request.path_params["id"])
        hand.change_agreement(number, **await body_of(request))
        return encoded({"id": number})

    async def assets(request: Request) -> Response:
        if request.method == "GET":
            return encoded(hand.assets())
        return encoded({"id": hand.add_asset(**await body_of(request))}, 201)

    async def asset(request: Request) -> Response:
        number = int(request.path_params["id"])
        if request.method == "DELETE":
            hand.delete_asset(number)
        else:
            hand.edit_asset(number, **await body_of(request))
        return encoded({"id": number})

    async def tokens(request: Request) -> Response:  # noqa: ARG001
        hand.expire_tokens()
        return encoded({})

    async def reset(request: Request) -> Response:  # noqa: ARG001
        hand.reset()
        return encoded({})

    return [
        Route(f"{PREFIX}/subscriptions", subscriptions, methods=["GET", "POST"]),
        Route(f"{PREFIX}/subscriptions/{{id:int}}", subscription, methods=["PATCH", "DELETE"]),
        *recurring_routes(hand),
        *invoice_routes(hand),
        Route(f"{PREFIX}/agreements", agreements, methods=["POST"]),
        Route(f"{PREFIX}/agreements/{{id:int}}", agreement_of, methods=["PATCH"]),
        Route(f"{PREFIX}/assets", assets, methods=["GET", "POST"]),
        Route(f"{PREFIX}/assets/{{id:int}}", asset, methods=["PATCH", "DELETE"]),
        Route(f"{PREFIX}/tokens", tokens, methods=["DELETE"]),
        Route(f"{PREFIX}/reset", reset, methods=["POST"]),
    ]
