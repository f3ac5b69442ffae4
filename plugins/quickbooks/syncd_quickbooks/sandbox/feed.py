"""The feed of changes: whole objects, deletions, thirty days back, and one cap over all kinds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from syncd_quickbooks.sandbox.company import Company, Event, Row
from syncd_quickbooks.sandbox.refusals import Refusal

BACK: Final = timedelta(days=30)
FED: Final = ("Invoice", "CreditMemo", "Payment", "Customer", "Vendor", "Employee", "Item",
              "Account", "Class", "Term")  # fmt: skip


def changes(company: Company, entities: str, since: str) -> Row:
    """The body of an answer of `/cdc`.

    Raises:
        Refusal: 2020, 2010: what is asked for is missing or no kind of the feed; 4001, the moment
            is none, or too long ago.
    """
    kinds = [one.strip() for one in entities.split(",") if one.strip()]
    if not kinds or not since:
        raise Refusal("2020", "entities and changedSince are required")
    named = {kind.casefold(): kind for kind in FED}
    for kind in kinds:
        if kind.casefold() not in named:
            raise Refusal("2010", f"there is no feed of {kind}", element="entities")
    latest = _latest(company, [named[kind.casefold()] for kind in kinds], _moment(company, since))
    answers: list[Row] = []
    for kind in (named[one.casefold()] for one in kinds):
        rows = [_shown(company, event) for event in latest if event.kind == kind]
        found: Row = {kind: rows, "startPosition": 1, "maxResults": len(rows)}
        answers.append(found if rows else {})
    return {"CDCResponse": [{"QueryResponse": answers}]}


def _latest(company: Company, kinds: list[str], since: datetime) -> list[Event]:
    """The last event of each object since then, as many as the cap allows."""
    visible = company.options.monotonic() - company.options.search_lag
    last: dict[tuple[str, str], Event] = {}
    for event in company.journal:
        if event.at >= since and event.kind in kinds and event.written <= visible:
            last[event.kind, event.id] = event
    events = sorted(last.values(), key=lambda event: event.number)
    cap = company.options.cdc_cap
    if company.options.cdc_order == "oldest":
        return events[:cap]
    return events[-cap:] if cap else []


def _shown(company: Company, event: Event) -> Row:
    row = company.tables[event.kind].get(event.id)
    if row is not None:
        return row
    return {
        "domain": "QBO",
        "status": "Deleted",
        "Id": event.id,
        "MetaData": {"LastUpdatedTime": company.moment(event.at)},
    }


def _moment(company: Company, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refusal("4001", f"changedSince {text!r} is no moment") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=company.world.now().tzinfo)
    if moment < company.world.now() - BACK:
        raise Refusal("4001", "changedSince is more than 30 days ago")
    return moment
