"""Names by which the simulated cloud knows the partner; they open nothing but the simulator."""

from __future__ import annotations

import uuid
from typing import Final

CLIENT_ID: Final = "5a5a5a5a-0000-4000-8000-00000000cccc"
SECRET: Final = "sandbox-only-not-a-secret"  # noqa: S105 - opens nothing but the simulator
REFRESH_TOKEN: Final = "sandbox-only-consent-given-before"  # noqa: S105 - likewise
PARTNER_TENANT: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "sandbox:partner"))
"""The MSP's own tenant."""

PARTNER_CENTER: Final = "partnercenter"
GRAPH: Final = "graph"
"""Paths below which the services answer, so that tokens for one of them can be told apart."""


def tenant_id(number: int) -> str:
    """The tenant of a client, which is its id as a customer, for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:tenant:{number}"))


def identity(tenant: str, what: str) -> str:
    """A GUID that belongs to a thing of a tenant for ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{tenant}:{what}"))


def commerce_id(tenant: str, sku: str) -> str:
    """The subscription under which a SKU of the directory was bought."""
    return identity(tenant, f"commerce {sku}")
