"""What a person, or another module, does with finished invoices in HaloPSA's own screens.

Part of `Hand`; over HTTP `finished` below `/__hand__/`: POST makes a draft, PATCH `finished/ID`
edits one, POST `finished/ID/ACT` with `send`, `approve`, `void`, `credit`, `pay` or `carry` does
that, DELETE `payments/ID` takes a payment back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd_halopsa.sandbox.fields import taken
from syncd_halopsa.sandbox.invoice_fields import INVOICE, LINE
from syncd_halopsa.sandbox.invoice_saving import net_of, paid, stored, unpaid
from syncd_halopsa.sandbox.invoices import currency_shown, taxed
from syncd_halopsa.sandbox.periods import written
from syncd_halopsa.sandbox.recurring_fields import blank
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import Row, State
from syncd_halopsa.sandbox.wording import encoded

PREFIX = "/__hand__/finished"
CURRENCIES = {"GBP": (1, "£"), "EUR": (2, "€"), "USD": (3, "$")}


class InvoiceHand:
    """A person with every right over finished invoices."""

    _state: State

    def draft(
        self,
        client: int,
        lines: Sequence[Row] = (),
        *,
        currency: str = "GBP",
        original_client: int = 0,
        **header: Any,
    ) -> int:
        """An invoice made by hand and not sent; returns its id.

        Args:
            client: who is invoiced.
            lines: columns of each as HaloPSA names them; one of 1 x 100.00 where none is given.
            currency: GBP, EUR or USD.
            original_client: whom the invoice is about, if that is another client.
            header: further columns.
        """
        state, now = self._state, self._state.world.now()
        code, symbol = CURRENCIES[currency]
        days = state.options.due_days
        row = {
            **blank(INVOICE),
            "client_id": client,
            "client_name": state.row("client", client)["name"],
            "invoice_date": state.stamp(),
            "duedate": written(now.date() + timedelta(days=days)),
            "due_date_type": 1,
            "due_date_int": days,
            "duedatename": f"{days} days",
            "currency": symbol,
            "currency_code": code,
            **self._header(header),
        }
        if original_client and state.options.alternate == "moved":
            row["original_client_id"] = original_client
            row["original_client_name"] = state.row("client", original_client)["name"]
        elif original_client:
            name = state.row("client", original_client)["name"]
            row |= {"client_id": original_client, "client_name": name}
            row["client_to_invoice_to_id"] = client
        typed = lines or [{"item_shortdescription": "Work", "qty_order": 1, "unit_price": 100}]
        row["lines"] = [self._line(one) for one in typed]
        number: int = stored(state, currency_shown(state, row))["id"]
        return number

    def finish(self, client: int, lines: Sequence[Row] = (), **more: Any) -> int:
        """A draft that is sent at once; returns its id."""
        number = self.draft(client, lines, **more)
        self.send(number)
        return number

    def send(self, number: int) -> None:
        """Send an invoice to its client."""
        self._change(number, datesent=self._state.stamp(), emailstatus=1)

    def approve(self, number: int, status: int = 1) -> None:
        """Approve an invoice, where approvals are used."""
        self._change(number, approval_status=status)

    def void_invoice(self, number: int) -> None:
        """Void an invoice; it stays in the list."""
        self._change(number, voided=True)

    def edit_invoice(
        self, number: int, *, line: int = 0, columns: Row | None = None, **fields: Any
    ) -> None:
        """Change columns of an invoice, and of one of its lines, by position.

        Raises:
            Refusal: 404, there is none; 400, a column does not exist or the value does not fit.
        """
        row = deepcopy(self._state.row("invoice", number)) | self._header(fields)
        if columns is not None:
            row["lines"][line] = self._line(columns, row["lines"][line])
        stored(self._state, row)

    def credit(self, number: int, share: Decimal | int = 1, **header: Any) -> int:
        """A credit note over a share of every line of an invoice, sent; returns its id."""
        source, options = self._state.row("invoice", number), self._state.options
        sign = -1 if options.credit_sign == "negative" else 1
        lines = [
            {
                **{name: one[name] for name in LINE if name not in {"id", "use_qbo_ast"}},
                "qty_order": sign * one["qty_order"] * Decimal(share),
            }
            for one in source["lines"]
        ]
        code = next(one for one, (_, sign) in CURRENCIES.items() if sign == source["currency"])
        return self.finish(
            source["client_id"],
            lines,
            currency=code,
            invoicetype=options.credit_type,
            creditlinkedtoinvoiceid=number,
            **header,
        )

    def pay(self, number: int, amount: Any = None, *, day: str = "", **fields: Any) -> int:
        """Record a payment, of all that is due unless told; returns its id."""
        invoice = self._state.row("invoice", number)
        due = invoice["amountdue"] if amount is None else Decimal(str(amount))
        date = f"{day[:10]}T00:00:00" if day else self._state.stamp()
        made = {"invoice_id": number, "amount": due, "date": date, **fields}
        return int(paid(self._state, made)["id"])

    def delete_payment(self, number: int) -> None:
        """Take a payment back."""
        unpaid(self._state, number)

    def payments(self, invoice: int | None = None) -> list[Row]:
        """Copies of all payments, or of one invoice's."""
        rows = self._state.tables["invoicepayment"].values()
        return [dict(row) for row in rows if invoice in (None, row["invoice_id"])]

    def carry(self, number: int, system: str = "xero", remote: str = "") -> None:
        """HaloPSA's own module carried the invoice into `xero` or `quickbooks`."""
        stamp = self._state.stamp()
        told: Row = {"posted": True, "dateposted": stamp, "last_synced": stamp}
        if system == "xero":
            told |= {"xeroid": remote or f"00000000-0000-4000-8000-{number:012d}"}
        else:
            told |= {"qboid": int(remote or number)}
        self._change(number, **told)

    def _change(self, number: int, **fields: Any) -> None:
        stored(self._state, deepcopy(self._state.row("invoice", number)) | fields)

    def _header(self, fields: Row) -> Row:
        return self._taken(INVOICE, fields)

    def _line(self, fields: Row, before: Row | None = None) -> Row:
        line = {**(before or LINE), **self._taken(LINE, fields)}
        return taxed(self._state, line, net_of(line))

    def _taken(self, schema: Row, fields: Row) -> Row:
        unknown = set(fields) - set(schema)
        if unknown:
            raise Refusal(400, f"there is no {sorted(unknown)}")
        exact = {
            name: Decimal(str(one)) if isinstance(one, float) else one
            for name, one in fields.items()
        }
        return {name: taken(name, one, self._state.options, schema) for name, one in exact.items()}


def invoice_routes(hand: InvoiceHand) -> Sequence[Route]:
    """The routes of this part."""
    acts: dict[str, Callable[..., Any]] = {
        "send": hand.send,
        "approve": hand.approve,
        "void": hand.void_invoice,
        "credit": hand.credit,
        "pay": hand.pay,
        "carry": hand.carry,
    }

    async def made(request: Request) -> Response:
        return encoded({"id": hand.draft(**await _body(request))}, 201)

    async def edited(request: Request) -> Response:
        hand.edit_invoice(request.path_params["id"], **await _body(request))
        return encoded({})

    async def act(request: Request) -> Response:
        name = request.path_params["act"]
        if name not in acts:
            raise Refusal(404, f"nobody can {name} an invoice")
        found = acts[name](request.path_params["id"], **await _body(request))
        return encoded({"id": found}, 201)

    async def payment(request: Request) -> Response:
        hand.delete_payment(request.path_params["id"])
        return encoded({})

    return [
        Route(PREFIX, made, methods=["POST"]),
        Route(f"{PREFIX}/{{id:int}}", edited, methods=["PATCH"]),
        Route(f"{PREFIX}/{{id:int}}/{{act}}", act, methods=["POST"]),
        Route("/__hand__/payments/{id:int}", payment, methods=["DELETE"]),
    ]


async def _body(request: Request) -> Row:
    content = await request.body()
    found: Row = json.loads(content, parse_float=Decimal) if content else {}
    return found
