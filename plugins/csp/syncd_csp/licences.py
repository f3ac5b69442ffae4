"""The licences of a customer's directory, as Partner Center passes them on to a person.

The same numbers as Graph's; for those who buy through Partner Center and do not connect Graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation, canonical_json
from syncd_csp.exclusions import Exclusions
from syncd_csp.models import SubscribedSku
from syncd_csp.products import Catalogue, licence_product
from syncd_csp.values import whole


def licences(
    customer: str,
    rows: Iterable[SubscribedSku],
    catalogue: Catalogue,
    exclusions: Exclusions,
    connection: str,
) -> list[Observation]:
    """Three units per licence: assigned, bought, and the greater of assigned and usable.

    Raises:
        ProtocolError: a number of seats is none.
    """
    units = []
    for row in rows:
        guid = row.sku.id.strip().lower()
        name = row.sku.name or row.sku.part or guid
        try:
            assigned, active, warning = map(whole, (row.consumed, row.active, row.warning))
        except ValueError:
            raise ProtocolError(
                f"COUNT_UNREADABLE: licence {guid} has no whole number of seats",
                remedy="former counts stay in force; if it stays, ask Microsoft",
                connection=connection,
            ) from None
        numbers = {
            "assigned": assigned,
            "bought": active,
            "committed": max(assigned, active + warning),
        }
        why = exclusions.licence(guid)
        facts = {"part": row.sku.part, "why": why.words, "warning": warning or None}
        told = canonical_json({key: fact for key, fact in facts.items() if fact is not None})
        catalogue.licence(guid, name)
        units += [
            Observation(customer, licence_product(guid, kind), guid, number, name, told, why.code)
            for kind, number in numbers.items()
        ]
    return units
