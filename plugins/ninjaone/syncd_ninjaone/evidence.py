"""The facts kept with a unit, as canonical JSON that is cheap to build.

Only what changes rarely belongs here: a changed byte is a new interval in the census. So the last
contact stays out, but for the day since when a device is silent, once it has been for some days.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec


class Facts(msgspec.Struct, gc=False, omit_defaults=True, rename={"node_class": "class"}):
    """Evidence of one unit; fields in alphabetical order, so that equal facts are equal bytes.

    Attributes:
        node_class: the vendor's class.
        role: id of the device role.
        serial: as reported.
        silent_since: UTC day of the last contact, only while it is some days ago.
        state: approval state, unless approved.
    """

    node_class: str | None = None
    role: int | None = None
    serial: str | None = None
    silent_since: str | None = None
    state: str | None = None


encode: Final = msgspec.json.Encoder().encode

_MARK: Final = "\x00"


class Template(NamedTuple):
    """The JSON of devices that differ in their serial alone.

    Attributes:
        plain: without a serial.
        before: up to the serial's value.
        after: behind it.
    """

    plain: bytes
    before: bytes
    after: bytes


def template(node_class: str | None, state: str | None, role: int | None) -> Template:
    """Encode once what all devices of a class, state and role share."""
    facts = Facts(node_class=node_class, role=role, state=None if state == "APPROVED" else state)
    plain = encode(facts)
    facts.serial = _MARK
    before, _, after = encode(facts).partition(encode(_MARK))
    return Template(plain, before, after)
