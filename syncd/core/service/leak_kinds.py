"""The kinds of leaks: why units are billed nowhere, and why a line bills what nobody counts."""

from __future__ import annotations

from enum import StrEnum


class LeakKind(StrEnum):
    """Why units are billed nowhere, or why a line bills what is not counted."""

    UNLINKED_ACCOUNT = "unlinked account"
    NOT_CONFIGURED = "product in no configuration"
    UNMAPPED_PRODUCT = "product without asset type"
    KEPT_OUT_BY_HAND = "kept out by hand"
    PRICE_UNSET = "no price set"
    FREE = "price 0"
    NOT_BILLED = "month not billed"
    BILLING_ENDED = "billing ended"
    BOUGHT = "bought and not billed"
    FELL_TO_ZERO = "count fell to 0"
    NOT_CONFIGURED_ANY_MORE = "configuration gone"
    UNLINKED_SINCE = "link gone"
    FROZEN = "connection rests"
    ACCOUNT_REMOVED = "account removed"

    @property
    def bills_too_much(self) -> bool:
        """Billed and no longer counted, rather than counted and not billed."""
        return self in _TOO_MUCH

    @property
    def remedy(self) -> str:
        return _REMEDIES[self]


_TOO_MUCH = frozenset(
    {
        LeakKind.FELL_TO_ZERO,
        LeakKind.NOT_CONFIGURED_ANY_MORE,
        LeakKind.UNLINKED_SINCE,
        LeakKind.FROZEN,
        LeakKind.ACCOUNT_REMOVED,
    }
)
_REMEDIES = {
    LeakKind.UNLINKED_ACCOUNT: "syncd map propose",
    LeakKind.NOT_CONFIGURED: "syncd map configurations --export FILE",
    LeakKind.UNMAPPED_PRODUCT: "syncd map products --export FILE",
    LeakKind.KEPT_OUT_BY_HAND: "syncd map exclusions --export FILE",
    LeakKind.PRICE_UNSET: "syncd map rates --export FILE",
    LeakKind.FREE: "syncd map rates --export FILE",
    LeakKind.NOT_BILLED: "syncd plan billing",
    LeakKind.BILLING_ENDED: "syncd map billing --export FILE",
    LeakKind.BOUGHT: "syncd reconcile",
    LeakKind.FELL_TO_ZERO: "syncd plan billing",
    LeakKind.NOT_CONFIGURED_ANY_MORE: "syncd plan billing",
    LeakKind.UNLINKED_SINCE: "end the record in the PSA, or `syncd map links --export FILE`",
    LeakKind.FROZEN: "enable the connection, or end the record in the PSA",
    LeakKind.ACCOUNT_REMOVED: "syncd plan billing",
}
