"""Discovery of plugins with broken ones isolated, and a typed door to what they offer.

pluggy stays behind this file: the rest of the program sees connectors, guards and objections. A
plugin that fails to load is a value (`BrokenPlugin`), so that its connections alone are lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from syncd.offers import new_hooks, offer_of
from syncd.sdk import SDK_VERSION
from syncd.sdk.connector import Connector, EventLog, Guard, Sandbox
from syncd.sdk.errors import PluginError
from syncd.sdk.notices import NotifierKind

if TYPE_CHECKING:
    import typer

    from syncd.sdk.records import Objection, Plan, PlanContext, RunReport

GROUP = "syncd"
"""Entry points that name plugins."""

COMMANDS_GROUP = "syncd.commands"
"""Entry points of those plugins that add commands; only they are imported to print a help text."""

DISABLED_VARIABLE = "SYNCD_PLUGINS_DISABLED"
"""Names of plugins, separated by commas, that are not loaded."""


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that is installed and cannot be used.

    Attributes:
        name: of its entry point, which by convention is that of its connector.
        error: one sentence.
        distribution: what to install, upgrade or remove.
    """

    name: str
    error: str
    distribution: str = ""


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A plugin in use, for `syncd plugins`."""

    name: str
    distribution: str
    version: str
    connectors: tuple[str, ...]
    guards: tuple[str, ...]
    notifiers: tuple[str, ...] = ()


@dataclass(slots=True)
class Plugins:
    """What all plugins offer; made by `load`.

    Attributes:
        connectors: by name.
        broken: installed and unusable, each with its reason.
        loaded: in use.
        guards: extra brakes on plans; `review_plan` runs them, nobody else needs to.
        notifiers: ways to tell people, by name.
    """

    connectors: Mapping[str, Connector[Any]]
    broken: Sequence[BrokenPlugin] = ()
    loaded: Sequence[LoadedPlugin] = ()
    guards: Sequence[Guard] = ()
    notifiers: Mapping[str, NotifierKind[Any]] = field(default_factory=dict)
    _hooks: pluggy.PluginManager = field(default_factory=new_hooks, repr=False, compare=False)

    def sandboxes(self) -> Mapping[str, Sandbox]:
        """Simulators by connector name; a plugin that fails here stops the sandbox by name.

        Raises:
            PluginError: a plugin's simulator does not load, or two simulate one connector.
        """
        found: dict[str, Sandbox] = {}

        def register(sandbox: Sandbox) -> None:
            if sandbox.connector in found:
                message = f"two plugins simulate the connector '{sandbox.connector}'"
                raise PluginError(message, remedy=_disable_one())
            found[sandbox.connector] = sandbox

        for name, call in self._each("register_sandboxes"):
            try:
                call(register=register)
            except PluginError:
                raise
            except Exception as error:
                message = f"the simulator of plugin '{name}' does not load: {_sentence(error)}"
                raise PluginError(message, remedy=_disable_one()) from error
        return found

    def review_plan(self, plan: Plan, context: PlanContext) -> tuple[Objection, ...]:
        """Objections of every guard and of every `review_plan` hook.

        An exception becomes an objection `PLUGIN_REVIEW_FAILED` that holds the whole plan: a brake
        that cannot be tried counts as pulled.
        """
        from syncd.sdk.records import Objection

        found: list[Objection] = []

        def collect(source: str, review: Callable[[], Iterable[Any] | None]) -> None:
            try:
                found.extend(_objections(review(), plan))
            except Exception as error:  # noqa: BLE001 - recorded as an objection that holds
                found.append(
                    Objection(
                        "PLUGIN_REVIEW_FAILED",
                        f"{source} could not review this plan: {_sentence(error)}",
                    )
                )

        for guard in self.guards:
            collect(f"guard '{guard.name}'", lambda guard=guard: guard.review(plan, context))  # type: ignore[misc]
        for name, call in self._each("review_plan"):
            collect(
                f"plugin '{name}'",
                lambda call=call: _flat(call(plan=plan, context=context)),  # type: ignore[misc]
            )
        return tuple(found)

    def run_finished(self, report: RunReport, log: EventLog) -> None:
        """Tell every plugin that a run ended; a failure is logged, never raised."""
        for name, call in self._each("run_finished"):
            try:
                call(report=report)
            except Exception as error:  # noqa: BLE001 - a notifier must not fail a run; logged
                log("plugin.notify_failed", plugin=name, error=_sentence(error))

    def _each(self, hook: str) -> list[tuple[str, Callable[..., Any]]]:
        """The hook of each plugin alone, so that one failure does not silence the others."""
        plugins = self._hooks.list_name_plugin()
        return [
            (
                name,
                self._hooks.subset_hook_caller(
                    hook, [other for _, other in plugins if other is not plugin]
                ),
            )
            for name, plugin in plugins
            if plugin is not None and hasattr(plugin, hook)
        ]


def load(found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every installed plugin.

    Args:
        found: entry points to load instead of the installed ones.

    Raises:
        PluginError: two connectors share a name, or one was written for another SDK.
    """
    offered = list(entry_points(group=GROUP) if found is None else found)
    disabled = disabled_plugins()
    manager = new_hooks()
    broken: list[BrokenPlugin] = []
    loaded: list[LoadedPlugin] = []
    guards: list[Guard] = []
    connectors: dict[str, Connector[Any]] = {}
    notifiers: dict[str, NotifierKind[Any]] = {}
    origin: dict[tuple[str, str], str] = {}
    for entry in sorted(offered, key=lambda entry: (entry.name, entry.value)):
        distribution = entry.dist.name if entry.dist is not None else entry.value
        if entry.name in disabled:
            reason = f"switched off by the environment variable {DISABLED_VARIABLE}"
            broken.append(BrokenPlugin(entry.name, reason, distribution))
            continue
        try:
            plugin = entry.load()
            offer = offer_of(entry.name, plugin)
            manager.register(plugin, name=entry.name)
        except Exception as error:  # noqa: BLE001 - isolation: reported by name, the rest runs
            broken.append(BrokenPlugin(entry.name, _sentence(error), distribution))
            continue
        for connector in offer.connectors:
            _require_same_sdk("connector", connector.name, connector.sdk, distribution)
            _require_unique("connector", connector.name, distribution, origin)
            connectors[connector.name] = connector
        for notifier in offer.notifiers:
            _require_same_sdk("notifier", notifier.name, notifier.sdk, distribution)
            _require_unique("notifier", notifier.name, distribution, origin)
            notifiers[notifier.name] = notifier
        guards += offer.guards
        loaded.append(
            LoadedPlugin(
                name=entry.name,
                distribution=distribution,
                version=entry.dist.version if entry.dist is not None else "",
                connectors=tuple(connector.name for connector in offer.connectors),
                guards=tuple(guard.name for guard in offer.guards),
                notifiers=tuple(notifier.name for notifier in offer.notifiers),
            )
        )
    return Plugins(connectors, tuple(broken), tuple(loaded), tuple(guards), notifiers, manager)


def load_commands(
    cli: typer.Typer, found: Iterable[EntryPoint] | None = None
) -> list[BrokenPlugin]:
    """Let the plugins of the group `syncd.commands` add their commands; the broken ones come back.

    Only these plugins are imported, so that `syncd --help` stays quick with many connectors.
    """
    broken: list[BrokenPlugin] = []
    disabled = disabled_plugins()
    for entry in entry_points(group=COMMANDS_GROUP) if found is None else found:
        if entry.name in disabled:
            continue
        try:
            alone = new_hooks()
            alone.register(entry.load(), name=entry.name)
            alone.check_pending()
            alone.hook.register_commands(cli=cli)
        except Exception as error:  # noqa: BLE001 - isolation: the other commands still work
            distribution = entry.dist.name if entry.dist is not None else entry.value
            broken.append(BrokenPlugin(entry.name, _sentence(error), distribution))
    return broken


def disabled_plugins() -> frozenset[str]:
    """Names switched off by the environment."""
    names = os.environ.get(DISABLED_VARIABLE, "").split(",")
    return frozenset(name.strip() for name in names if name.strip())


def _require_same_sdk(kind: str, name: str, sdk: str, distribution: str) -> None:
    if sdk != SDK_VERSION:
        message = (
            f"{kind} '{name}' of {distribution} was written for SDK {sdk}, "
            f"and this is SDK {SDK_VERSION}"
        )
        raise PluginError(message, remedy=f"install a matching {distribution}, or {_disable_one()}")


def _require_unique(
    kind: str, name: str, distribution: str, origin: dict[tuple[str, str], str]
) -> None:
    if (kind, name) in origin:
        message = f"{kind} '{name}' is offered twice, by {origin[kind, name]} and by {distribution}"
        raise PluginError(message, remedy=f"uninstall one of the two, or {_disable_one()}")
    origin[kind, name] = distribution


def _disable_one() -> str:
    return f"switch one off with {DISABLED_VARIABLE}=<plugin name>"


def _objections(given: Iterable[Any] | None, plan: Plan) -> list[Objection]:
    """What a plugin returned; one that could hold nothing is refused, and so holds the plan."""
    from syncd.sdk.records import Objection, Severity

    checked = list(given or ())
    bills = {None, *(bill.key for bill in plan.bills)}
    for objection in checked:
        if not isinstance(objection, Objection):
            message = f"it returned a {type(objection).__name__} where an Objection is due"
            raise TypeError(message)
        if objection.bill not in bills:
            message = f"it objected to a bill '{objection.bill}' that the plan does not have"
            raise ValueError(message)
        severity: Any = objection.severity
        if not isinstance(severity, Severity):
            message = f"it gave {severity!r} where a Severity is due"
            raise TypeError(message)
    return checked


def _flat(results: Iterable[Iterable[Any] | None]) -> list[Any]:
    return [objection for result in results for objection in result or ()]


def _sentence(error: BaseException) -> str:
    """The error on one line with its type, since plugin authors read it too."""
    text = " ".join(str(error).split())
    if isinstance(error, PluginError):
        return text
    name = type(error).__name__
    return f"{name}: {text}"[:300] if text else name
