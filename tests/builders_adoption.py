"""Records that a person made in the PSA before us, and what an office does with them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from syncd.core.service.adoption import AdoptionView, look_for_adoptions
from syncd.core.service.adoption_csv import choices_of
from syncd.core.service.adoption_plan import Choice, proposed_choices, store_adoption_plan
from syncd.core.service.reckoning import Sources
from syncd.core.store.plans import PlanRecord
from syncd.sdk.records import Subscription
from tests.builders_month import Office


def by_hand(key: str, name: str, quantity: int = 10, **more: Any) -> Subscription:
    """A record without our marker; of client 1001, at 4.50."""
    whole: dict[str, Any] = {
        "client": "1001",
        "site": None,
        "marker": None,
        "unit_price": Decimal("4.50"),
        "unit_cost": Decimal("1.00"),
        "start": "2024-03-01",
        **more,
    }
    return Subscription(key=key, name=name, quantity=quantity, **whole)


def put(office: Office, *records: Subscription) -> None:
    """What the PSA holds before us."""
    office.psa.records.update({record.key: record for record in records})


async def view_of(office: Office, *clients: str, **given: Any) -> AdoptionView:
    return await look_for_adoptions(
        office.database,
        rules=office.settings,
        timezone=office.zone,
        psa=office.psa,
        psa_connection=office.psa_connection,
        sources=Sources(active=office.active, broken=office.broken),
        clock=office.clock,
        clients=clients,
        **given,
    )


async def plan_adoptions(
    office: Office, choices: Sequence[Choice] | None = None, *, view: AdoptionView | None = None
) -> PlanRecord:
    """A plan of these choices, or of every proposal."""
    seen = view or await view_of(office)
    chosen = proposed_choices(seen) if choices is None else choices
    return await store_adoption_plan(office.database, seen, chosen, by="ann", log=office.log)


async def chosen_in(office: Office, view: AdoptionView, *rows: str) -> list[Choice]:
    """What a file with these rows chooses."""
    text = "\n".join(("connection,account,line,record", *rows))
    return await choices_of(view, text.encode(), "adopt.csv", psa=office.psa)
