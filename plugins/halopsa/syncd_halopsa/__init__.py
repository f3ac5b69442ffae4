"""HaloPSA for syncd: clients, sites, asset types, suppliers, subscriptions, recurring invoices.

The hooks hand over objects; what they describe is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from syncd.hookspecs import hookimpl

if TYPE_CHECKING:
    from syncd.sdk.connector import Connector, Sandbox


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    from syncd_halopsa.connector import CONNECTOR

    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_halopsa.sandbox import SANDBOX

    register(SANDBOX)
