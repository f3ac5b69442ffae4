"""How Xero writes answers and reads values: dates in milliseconds, exact numbers, JSON or XML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from syncd_xero.sandbox.refusals import Invalid, malformed

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLIS: Final = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def encoded(body: object) -> bytes:
    """JSON with exact numbers."""
    return _ENCODER.encode(body)


def decoded(body: bytes) -> Any:
    """JSON whose fractions stay exact.

    Raises:
        Refusal: 400, it is none.
    """
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        raise malformed("The posted data could not be read as JSON") from None


def moment(when: datetime) -> str:
    """A moment as Xero's JSON has it."""
    return f"/Date({(when - _EPOCH) // timedelta(milliseconds=1)}+0000)/"


def day(when: date) -> str:
    """A day as Xero's JSON has it, midnight UTC."""
    return moment(datetime(when.year, when.month, when.day, tzinfo=UTC))


def read_day(value: object, name: str) -> date:
    """A day in one of the three ways in which it may be written.

    Raises:
        Invalid: it is in none of them.
    """
    text = str(value)
    if found := _MILLIS.fullmatch(text):
        return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Invalid(f"The {name} is not a valid date") from None


def read_number(value: object, name: str) -> Decimal:
    """A number, exact.

    Raises:
        Invalid: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Invalid(f"The {name} is not a valid number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Invalid(f"The {name} is not a valid number") from None
    if not number.is_finite():
        raise Invalid(f"The {name} is not a valid number")
    return number


def xml(name: str, value: object) -> str:
    """The same answer in XML, which is what who sends no `Accept` gets."""
    if isinstance(value, Mapping):
        inner = "".join(xml(key, one) for key, one in value.items())
    elif isinstance(value, list):
        single = name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")
        inner = "".join(xml(single, one) for one in value)
    elif value is None:
        inner = ""
    else:
        inner = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inner}</{name}>"
