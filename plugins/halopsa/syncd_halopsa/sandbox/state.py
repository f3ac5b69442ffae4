"""Everything the simulated HaloPSA holds, in memory and by table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from syncd.sdk.sandbox import World
from syncd_halopsa.sandbox import CLIENT_OFFSET, agreements, history, modules, seed
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal

Row = dict[str, Any]
Source = tuple[Row, Row, Row]
"""A recurring invoice, its line, and one source of the line's quantity."""

_FIRST_IDS = {
    "invoice": 1041,
    "invoiceline": 90_000,
    "line": 500_000,
    "prorata_data": 0,
    "quantity_subscriptions": 600_000,
    "quantity_licences": 700_000,
    "quantity_assets": 800_000,
    "quantity_users": 900_000,
    "invoicepayment": 3000,
    "externallink": 7000,
}
"""What the first new id of a kind comes after."""

AGENT = "syncd (API)"
"""Who made a change through the API, in the history of changes."""


class State:
    """The tables of one instance.

    Attributes:
        tables: name of a resource → id → row.
        changes: history of subscriptions (LicenceChange), only where something really changed.
        invoice_changes: the same of recurring invoices and their lines (InvoiceChange).
        invoiced_proration: proration rows that are on an invoice.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Back to the start."""
        self.tables: dict[str, dict[int, Row]] = {
            "client": {},
            "site": {},
            "assettype": _by_id(seed.asset_types()),
            "supplier": _by_id(seed.suppliers()),
            "softwarelicence": {},
            "recurringinvoice": {},
            "invoice": {},
            "clientcontract": {},
            "tax": _by_id(seed.taxes()),
            "currency": _by_id(seed.currencies()),
            "invoicepayment": {},
            "externallink": {},
            "xerodetails": _by_id(modules.xero(self.options)),
            "quickbooksdetails": _by_id(modules.quickbooks(self.options)),
            "asset": {},
            "users": {},
        }
        self.changes: list[Row] = []
        self.invoice_changes: list[Row] = []
        self.invoiced_proration: list[Row] = []
        self._next_licence = 880
        self._ids = dict(_FIRST_IDS)
        self._linked: _Links | None = None
        self._followed: date | None = None
        if self.options.extras:
            clients, sites, licences = seed.by_hand(self.world)
            self.tables["client"] = _by_id(clients)
            self.tables["site"] = _by_id(sites)
            self.tables["softwarelicence"] = _by_id(licences)
            self.tables["clientcontract"] = _by_id(agreements.by_hand(self.world))
        self.follow_world()

    def follow_world(self) -> None:
        """Clients who arrived are there, those who left are inactive; looked at once a day."""
        today = self.world.now().date()
        if today == self._followed:
            return
        self._followed = today
        clients, present = self.tables["client"], set()
        everyone = self.world.clients()
        old = history.chosen(self.options.history, everyone)
        for position, one in enumerate(everyone):
            number = CLIENT_OFFSET + one.id
            present.add(number)
            if number in clients:
                continue
            clients[number] = seed.client(one)
            self.tables["site"].update(_by_id(seed.sites(one)))
            linked = 501 if self.options.extras and position == 0 else None
            invoice = seed.recurring(one, position, self.world.now(), linked=linked)
            self.tables["recurringinvoice"][invoice["id"]] = invoice
            if number in old:
                first = number == old[0]
                made = history.grown(self.world, one, invoice, self.new_licence_id, first=first)
                self.licences.update(_by_id(made))
            self.relinked()
        for number, row in clients.items():
            if number > CLIENT_OFFSET and number not in present:
                row["inactive"] = True

    @property
    def licences(self) -> dict[int, Row]:
        return self.tables["softwarelicence"]

    def row(self, table: str, number: int) -> Row:
        """One row.

        Raises:
            Refusal: 404, there is none.
        """
        try:
            return self.tables[table][number]
        except KeyError:
            raise Refusal(404, f"No record with id {number}") from None

    def new_licence_id(self) -> int:
        self._next_licence += 1
        return self._next_licence

    def new_id(self, kind: str) -> int:
        """The next id of invoices, of lines or of what hangs on a line."""
        self._ids[kind] += 1
        return self._ids[kind]

    def stamp(self) -> str:
        """Now, as HaloPSA writes dates."""
        return self.world.now().strftime("%Y-%m-%dT%H:%M:%S")

    def relinked(self) -> None:
        """Recurring invoices, their lines or their sources are others now."""
        self._linked = None

    def sources_of(self, licence: Row) -> Sequence[Source]:
        """The sources that may count a subscription, with their lines and recurring invoices."""
        links = self._links()
        if self.options.linked_by == "name":
            return links.by_client.get(licence["client_id"], ())
        return links.by_licence.get(licence["id"], ())

    def recurring_of(self, client: int) -> Sequence[Row]:
        """A client's recurring invoices."""
        return self._links().headers.get(client, ())

    def _links(self) -> _Links:
        if self._linked is None:
            self._linked = _Links(self.tables["recurringinvoice"].values())
        return self._linked

    def record_invoice_change(self, number: int, who: str, **told: Any) -> None:
        """A row of InvoiceChange; see `audit.py`."""
        self.invoice_changes.append(
            {
                "id": len(self.invoice_changes) + 1,
                "invoice_id": number,
                "invoice_line_id": 0,
                "invoice_detail_quantity_id": 0,
                "invoice_detail_prorata_id": 0,
                "field_id": 0,
                "who": who,
                "datetime": self.stamp(),
                **told,
            }
        )

    def record_change(self, licence: int, field: str, old: Any, new: Any, who: str) -> None:
        self.changes.append(
            {
                "id": len(self.changes) + 1,
                "licence_id": licence,
                "field_name": field,
                "old_value": str(old),
                "new_value": str(new),
                "who": who,
                "datetime": self.stamp(),
            }
        )


class _Links:
    """Who counts what: by subscription, by client, and a client's recurring invoices."""

    def __init__(self, headers: Iterable[Row]) -> None:
        self.headers: dict[int, list[Row]] = {}
        self.by_licence: dict[int, list[Source]] = {}
        self.by_client: dict[int, list[Source]] = {}
        for header in headers:
            self.headers.setdefault(header["client_id"], []).append(header)
            for line in header["lines"]:
                for kind in ("quantity_subscriptions", "quantity_licences"):
                    for source in line[kind]:
                        found = header, line, source
                        self.by_licence.setdefault(source["licence_id"], []).append(found)
                        self.by_client.setdefault(header["client_id"], []).append(found)


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}
