"""The facts kept with a unit, as canonical JSON.

Only what changes rarely belongs here: a changed byte is a new interval in the census. So the moment
of a sign-in is never kept, and a user's facts are those of the account.
"""

from __future__ import annotations

from typing import Final

import msgspec

from syncd.sdk.terms import Term


class Facts(msgspec.Struct, gc=False, omit_defaults=True):
    """Evidence of one unit; fields in alphabetical order, so that equal facts are equal bytes.

    Attributes:
        applies_to: `Company` where a SKU is not per seat.
        assigned: seats assigned, beside a number that depends on them.
        bought: seats paid and usable, in grace included, beside such a number.
        enabled: false where the user may not sign in.
        locked_out: seats cancelled by the customer, not counted as bought.
        over: seats assigned beyond those that may be used.
        part: part number of the SKU.
        purchases: ids of what was bought in the seller's books.
        status: of the SKU, where it is not `Enabled`.
        suspended: seats cancelled and not usable, not counted as bought.
        term: until when what was bought stays as it is.
        type: `Guest`, or what else Graph says but `Member`.
        user: sign-in name.
        why: the configuration's reason for not importing it.
    """

    applies_to: str | None = None
    assigned: int | None = None
    bought: int | None = None
    enabled: bool = True
    locked_out: int = 0
    over: int = 0
    part: str | None = None
    purchases: list[str] | None = None
    status: str | None = None
    suspended: int = 0
    term: Term | None = None
    type: str | None = None
    user: str | None = None
    why: str | None = None


encode: Final = msgspec.json.Encoder().encode
