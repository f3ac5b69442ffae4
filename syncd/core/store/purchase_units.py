"""Units that are purchases, and units that name the purchases by which they were bought."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from syncd.core.store.asking import fetch
from syncd.core.store.census.selection import alive, among, listed
from syncd.sdk.purchase_records import PURCHASES, SKU

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader


class PurchaseUnit(NamedTuple):
    """A purchase as its source counts it.

    Attributes:
        account_id: row id.
        product_id: row id.
        unit: id of the purchase.
        name: for people.
        quantity: seats.
        excluded: why it does not count, None where it does.
        attributes: JSON.
        sku: the vendor's id of what was bought.
    """

    account_id: int
    product_id: int
    unit: str
    name: str
    quantity: int
    excluded: str | None
    attributes: str
    sku: str


class _Facts(msgspec.Struct):
    sku: str = ""
    purchases: tuple[str, ...] = ()


_FACTS = msgspec.json.Decoder(_Facts)
_COLUMNS = "u.account_id, u.product_id, u.unit, u.name, u.quantity, u.excluded, u.attributes"


async def purchase_units(
    connection: Reader, connection_id: int, seq: int, accounts: Collection[int]
) -> list[PurchaseUnit]:
    """Purchases of these accounts at a pull: units that state a term and what was bought."""
    rows = await _stating(connection, connection_id, seq, f'"{SKU}":"', accounts=accounts)
    found = []
    for row in rows:
        sku = _facts(row[6]).sku
        if sku and '"term":{' in row[6]:
            found.append(PurchaseUnit._make((*row, sku)))
    return found


async def purchase_names(
    connection: Reader,
    connection_id: int,
    seq: int,
    accounts: Collection[int],
    products: Collection[int],
) -> dict[tuple[int, int], set[str]]:
    """Ids of purchases that units name, by account and product, at a pull."""
    rows = await _stating(
        connection, connection_id, seq, f'"{PURCHASES}":[', accounts=accounts, products=products
    )
    found: dict[tuple[int, int], set[str]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), set()).update(_facts(row[6]).purchases)
    return found


async def _stating(
    connection: Reader,
    connection_id: int,
    seq: int,
    mark: str,
    *,
    accounts: Collection[int],
    products: Collection[int] | None = None,
) -> list[Any]:
    sqlite = connection.dialect.name == "sqlite"
    bound: dict[str, Any] = {
        "connection": connection_id,
        "seq": seq,
        "mark": mark,
        "accounts": listed(connection, accounts),
    }
    conditions = [
        "u.connection_id = :connection",
        "u.period = ''",
        alive(":seq"),
        f"{'instr' if sqlite else 'strpos'}(u.attributes, :mark) > 0",
        among(connection, "u.account_id", "accounts"),
    ]
    if products is not None:
        conditions.append(among(connection, "u.product_id", "products"))
        bound["products"] = listed(connection, products)
    return list(
        await fetch(
            connection,
            f"SELECT {_COLUMNS} FROM unit_interval u WHERE {' AND '.join(conditions)}"  # noqa: S608 - values are bound
            " ORDER BY u.account_id, u.unit",
            bound,
        )
    )


def _facts(attributes: str) -> _Facts:
    """What a unit states; nothing where it states it in another shape."""
    try:
        return _FACTS.decode(attributes)
    except msgspec.ValidationError:
        return _Facts()
