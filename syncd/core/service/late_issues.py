"""What a late change says to the person who answers it."""

from __future__ import annotations

from typing import Final

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
        said = "; ".join(one.said for one in products[:_SHOWN])
        more = f"; and {len(products) - _SHOWN} more" if len(products) > _SHOWN else ""
        message = f"{where}, and facts that arrived since count otherwise ({worth}): {said}{more}."
    return Finding(
        message=message,
        remedy=_remedy(bill, content, change),
        severity=IssueSeverity.WARNING,
        evidence={
            "client": client,
            "correction": change.id,
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


def by_hand(client: str, period: str, currency: str, content: LateContent) -> str:
    """What to adjust in the PSA where the difference cannot be billed by syncd, line by line."""
    said = "; ".join(
        f"'{line.name}' "
        + (
            f"{line.quantity_after - line.quantity_before:+} units at the PSA's own price"
            if line.price_change is None
            else f"{line.price_change:+,} {currency}"
        )
        for line in content.lines
    )
    return f"adjust the next invoice of client {client} in the PSA by hand for {period}: {said}"


def _remedy(bill: SentBill, content: LateContent, change: StoredLateChange) -> str:
    dismiss = f"`syncd corrections dismiss {change.id} --reason TEXT`"
    if content.unproven:
        return f"Pull again with `syncd pull NAME`; to leave the bill as it is: {dismiss}."
    if change.price_change is None:
        hand = by_hand(bill.client_key, bill.period, bill.currency, content)
        return f"{hand[0].upper()}{hand[1:]}; then {dismiss}."
    return (
        f"`syncd corrections accept {change.id} --reason TEXT` puts the difference on the next "
        f"bill; {dismiss} leaves it."
    )


def _text(money: object) -> str | None:
    return None if money is None else str(money)
