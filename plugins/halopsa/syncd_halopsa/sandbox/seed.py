"""What the simulated HaloPSA holds at the start: the world's clients, and what people made by hand.

By hand: a client that shares another's name, a closed one, a distributor's subscription, one with a
SKU of its own, an inactive one, a software licence that is no subscription, and recurring invoices
with plain, linked and asset-counting lines.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.sdk.sandbox import World, WorldClient
from syncd_halopsa.sandbox import CLIENT_OFFSET
from syncd_halopsa.sandbox.fields import LICENCE
from syncd_halopsa.sandbox.recurring_fields import HEADER, LINE, QUANTITY, blank

Row = dict[str, Any]

SITE_OFFSET = 20_000
LINE_OFFSET = 24_000
TWIN, CLOSED = 901, 902

ASSET_TYPES = (
    (101, "Workstation"),
    (102, "Server"),
    (103, "Network device"),
    (104, "VM host"),
    (105, "VM guest"),
    (106, "Mobile"),
    (107, "Cloud monitor"),
    (108, "Printer"),
    (109, "Backup"),
)
SUPPLIERS = (
    (301, "NinjaOne"),
    (302, "Microsoft"),
    (303, "MSP360"),
    (304, "Pax8"),
    (305, "Ingram Micro"),
)
TAXES = (
    (1, "Standard", "1", "20"),
    (2, "Zero rated", "2", "0"),
    (3, "Exempt", "3", "0"),
    (4, "Out of scope", "4", "0"),
    (5, "Reduced", "5", "5"),
)
CURRENCIES = (
    (1, "Pound sterling", "£", "GBP", "1"),
    (2, "Euro", "€", "EUR", "1.17"),
    (3, "US dollar", "$", "USD", "1.31"),
)
_FORMS = (" Limited", " Ltd", " LLP", " BV", " GmbH")


def asset_types() -> list[Row]:
    return [
        {"id": one, "name": name, "assetgroup_id": 1, "assetgroup_name": "Hardware", "fields": []}
        for one, name in ASSET_TYPES
    ]


def taxes() -> list[Row]:
    return [
        {"id": one, "name": name, "code": code, "value": Decimal(value), "is_composite": False}
        for one, name, code, value in TAXES
    ]


def currencies() -> list[Row]:
    return [
        {"id": one, "name": name, "symbol": sign, "code": code, "conversion_rate": Decimal(rate)}
        for one, name, sign, code, rate in CURRENCIES
    ]


def suppliers() -> list[Row]:
    return [{"id": one, "name": name, "inactive": False} for one, name in SUPPLIERS]


def client(one: WorldClient) -> Row:
    """A world's client; every fifth is written with another legal form than its name has."""
    name = one.name
    if one.id % 5 == 0 and not one.internal:
        form = next((form for form in _FORMS if name.endswith(form)), None)
        name = name.removesuffix(form) if form else f"{name} Ltd"
    return client_row(CLIENT_OFFSET + one.id, name, main_site_id=SITE_OFFSET + one.sites[0].id)


def client_row(number: int, name: str, *, main_site_id: int, inactive: bool = False) -> Row:
    return {
        "id": number,
        "name": name,
        "toplevel_id": 1,
        "inactive": inactive,
        "main_site_id": main_site_id,
        "accountsid": "",
        "ninjarmmid": 0,
        "datto_id": "",
        "itglue_id": "",
        "xeroid": "",
    }


def sites(one: WorldClient) -> list[Row]:
    return [
        site_row(SITE_OFFSET + site.id, CLIENT_OFFSET + one.id, site.name) for site in one.sites
    ]


def site_row(number: int, client_id: int, name: str) -> Row:
    """`client_id` of a site is a double in HaloPSA's schema, and looks like one."""
    return {
        "id": number,
        "name": name,
        "client_id": Decimal(f"{client_id}.0"),
        "inactive": False,
    }


def licence(number: int, client_id: int, name: str, **fields: Any) -> Row:
    return {
        **LICENCE,
        "customfields": [],
        "id": number,
        "type": 1,
        "client_id": client_id,
        "site_id": -1,
        "name": name,
        "billing_cycle": "Monthly",
        "status": "Active",
        **fields,
    }


def by_hand(world: World) -> tuple[list[Row], list[Row], list[Row]]:
    """Clients, sites and subscriptions that people made."""
    present = [one for one in world.clients() if not one.internal]
    clients = [client_row(CLOSED, "Closed Down Ltd", main_site_id=20_902, inactive=True)]
    homes = [site_row(20_902, CLOSED, "Head office")]
    if not present:
        return clients, homes, []
    first = present[0]
    second = present[min(1, len(present) - 1)]
    proven = next((one for one in present if one.id_proof), first)
    clients.append(client_row(TWIN, proven.name, main_site_id=20_901))
    homes.append(site_row(20_901, TWIN, "Head office"))
    at_first, at_second = CLIENT_OFFSET + first.id, CLIENT_OFFSET + second.id
    subscriptions = [
        licence(
            501,
            at_first,
            "Microsoft 365 Business Premium",
            count=12,
            price=Decimal("18.1"),
            purchase_price=Decimal("15.02"),
            tenant_id="6f3c8f0e-1111-4222-8333-944455556666",
            tenant_name=first.name,
            azure_connection_id=3,
            distributor="Pax8",
            product_sku="CFQ7TTC0LCHC",
        ),
        licence(
            502,
            at_second,
            "Hosted telephony seats",
            count=6,
            price=Decimal("9.5"),
            product_sku="TEL-01",
        ),
        licence(503, at_first, "Legacy web filter", count=4, is_active=False),
        licence(504, at_first, "Design suite", count=2, type=0),
    ]
    return clients, homes, subscriptions


def recurring(one: WorldClient, position: int, now: datetime, *, linked: int | None) -> Row:
    """A client's recurring invoice; ids of recurring invoices are negative."""
    number = -(10 + one.id)
    first_line = LINE_OFFSET + one.id * 10
    lines = [line(first_line, number, "Managed services", quantity=1, price=Decimal(250))]
    if linked is not None:
        lines.append(
            line(
                first_line + 1,
                number,
                "Microsoft 365",
                quantity=0,
                price=Decimal("18.1"),
                quantity_subscriptions=[source(first_line, linked, pro_rata=1, linked_price=True)],
            )
        )
    if position == 1:
        counted = {**source(first_line + 1, 0), "type_id": 102, "type_name": "Server"}
        lines.append(
            line(
                first_line + 2,
                number,
                "Server care",
                quantity=2,
                price=Decimal(60),
                quantity_assets=[counted],
            )
        )
    return {
        **blank(HEADER),
        "id": number,
        "client_id": CLIENT_OFFSET + one.id,
        "name": one.name,
        "reference": f"REC-{one.id:04d}",
        "nextcreationdate": next_month(now).strftime("%Y-%m-%dT00:00:00"),
        "lines": lines,
    }


def line(number: int, header: int, name: str, *, quantity: int, price: Decimal, **more: Any) -> Row:
    return {
        **blank(LINE),
        "id": number,
        "ihid": header,
        "item_shortdescription": name,
        "qty_order": Decimal(quantity),
        "unit_price": price,
        **more,
    }


def source(number: int, licence_id: int, *, pro_rata: int = 0, linked_price: bool = False) -> Row:
    """Where a line's quantity comes from."""
    return {
        **blank(QUANTITY),
        "id": number,
        "licence_id": licence_id,
        "pro_rata": pro_rata,
        "use_linked_subscription_price": linked_price,
    }


def next_month(now: datetime) -> datetime:
    """The first day of the month after `now`."""
    return now.replace(year=now.year + now.month // 12, month=now.month % 12 + 1, day=1)
