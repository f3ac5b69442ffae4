"""The vendor's records, decoded straight from the bytes with only the fields that are used.

The vendor's description marks no field as required, so everything but an id may be absent or
null; a field of another type than described is an error, never a guess.
"""

from __future__ import annotations

import msgspec


class Organisation(msgspec.Struct, gc=False):
    """A customer: `Organization` of the vendor's description 2.0.9."""

    id: int
    name: str | None = None
    description: str | None = None


class Location(msgspec.Struct, gc=False, rename="camel"):
    """A location of a customer: `Location` of the vendor's description 2.0.9."""

    id: int
    name: str | None = None
    organization_id: int | None = None


class System(msgspec.Struct, gc=False, rename="camel"):
    """The part of `system` that tells machines apart; agents and phones have one."""

    serial_number: str | None = None
    bios_serial_number: str | None = None


class Device(msgspec.Struct, gc=False, rename="camel"):
    """A device of any subtype: `Node` and `Device` of the vendor's description 2.0.9.

    Attributes:
        last_contact: Unix seconds with a fraction.
        system: absent in the short list and in agentless subtypes.
    """

    id: int
    organization_id: int | None = None
    location_id: int | None = None
    node_class: str | None = None
    node_role_id: int | None = None
    approval_status: str | None = None
    display_name: str | None = None
    system_name: str | None = None
    last_contact: float | None = None
    tags: list[str] | None = None
    system: System | None = None
