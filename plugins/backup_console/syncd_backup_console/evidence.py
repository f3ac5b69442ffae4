"""The facts kept with a unit, as canonical JSON.

Only what changes rarely belongs here: a changed byte is a new interval in the census.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Facts(msgspec.Struct, gc=False, omit_defaults=True):
    """Evidence of one unit; fields in alphabetical order, so that equal facts are equal bytes.

    Attributes:
        currency: of an amount, by the settings.
        expires: as the console writes it.
        joined: how it came to its company, where not by the user's id.
        number: the licence's number in the console.
        os: as the console writes it.
        user: login.
    """

    currency: str | None = None
    expires: str | None = None
    joined: str | None = None
    number: int | None = None
    os: str | None = None
    user: str | None = None


encode: Final = msgspec.json.Encoder().encode
