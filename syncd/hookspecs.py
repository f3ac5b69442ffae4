"""The hooks that a plugin may implement, all synchronous and all called with keywords.

pluggy says who is there; the typed Protocols in `syncd.sdk.ports` say what it can do. An
implementation may accept fewer arguments than its spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from syncd.sdk.connector import Connector, Guard, Sandbox
    from syncd.sdk.notices import NotifierKind
    from syncd.sdk.records import Objection, Plan, PlanContext, RunReport

PROJECT = "syncd"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    """Offer connectors; called once when plugins are loaded.

    A duplicate name or a foreign SDK major stops the start. An exception marks the plugin as broken
    and its connections as unavailable.
    """


@hookspec
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    """Offer simulators of vendors; called when a sandbox is started."""


@hookspec
def register_commands(cli: typer.Typer) -> None:
    """Add commands to the command line; called when the command line starts."""


@hookspec
def register_guards(register: Callable[[Guard], None]) -> None:
    """Offer extra brakes on plans; called once when plugins are loaded."""


@hookspec
def register_notifiers(register: Callable[[NotifierKind[Any]], None]) -> None:
    """Offer ways to tell people; called once when plugins are loaded.

    What is said, to whom and when is decided by the program after a run; a notifier carries it.
    """


@hookspec
def review_plan(plan: Plan, context: PlanContext) -> Iterable[Objection] | None:
    """Object to a plan before it is stored; an exception here is itself an objection that holds."""


@hookspec
def run_finished(report: RunReport) -> None:
    """Tell somebody that a run ended; exceptions are logged and never raised."""
