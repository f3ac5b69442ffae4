"""What a late change says to the person who answers it."""

from __future__ import annotations

from typing import Final

from syncd.core.billing.wording import amount
from syncd.core.service.late_difference import LateContent
from syncd.core.store.bills import SentBill
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.late_changes import StoredLateChange

LATE_CHANGE: Final = "LATE_CHANGE"

_SHOWN = 3


def late_subject(connection: str, account: str, period: str) -> str:
    """The subject of the issue: one for each month of an account."""
    return f"{connection}/{account}/{period}"


def late_finding(
    client: str, bill: SentBill, content: LateContent, change: StoredLateChange
) -> Finding:
    """The issue: what was billed, what it would be, the money, and what can be done."""
    where = f"{client} was billed for {bill.period}"
    if content.unproven:
        message = f"{where}, and the pull that proved its counts was voided since."
    else:
        money = change.price_change
        worth = "money unknown" if money is None else f"{money:+,} {bill.currency}"
        products = [one for line in content.lines for one in line.products]
        said = "; ".join(
            f"{one.name} {amount(one.raw_before, 0)} -> {amount(one.raw_after, 0)}"
            for one in products[:_SHOWN]
        )
        more = f"; and {len(products) - _SHOWN} more" if len(products) > _SHOWN else ""
        message = f"{where}, and facts that arrived since count otherwise ({worth}): {said}{more}."
    return Finding(
        message=message,
        remedy="Bill the difference by hand in the PSA; or, while no newer month stands on its "
        f"records, `syncd bill reopen {bill.client_key} --period {bill.period} --reason TEXT` and "
        "plan the month again.",
        severity=IssueSeverity.WARNING,
        evidence={
            "client": client,
            "period": bill.period,
            "revision": bill.revision,
            "currency": bill.currency,
            "price_change": _text(change.price_change),
            "cost_change": _text(change.cost_change),
            "lines": [
                {
                    "name": line.name,
                    "before": line.quantity_before,
                    "after": line.quantity_after,
                    "price_change": _text(line.price_change),
                    "counts": {
                        one.key: [str(one.raw_before), str(one.raw_after)] for one in line.products
                    },
                }
                for line in content.lines
            ],
            "units": [
                {
                    "product": one.product,
                    "joined": list(one.joined),
                    "left": list(one.left),
                    "resized": list(one.resized),
                    "n": one.n,
                }
                for one in content.units
            ],
        },
    )


def _text(money: object) -> str | None:
    return None if money is None else str(money)
