"""What one plugin offers, tried alone before it joins the others, and refused with a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pluggy

from syncd import hookspecs
from syncd.hookspecs import PROJECT
from syncd.sdk.connector import Connector, Guard
from syncd.sdk.errors import PluginError
from syncd.sdk.notices import NotifierKind

_NAME = re.compile(r"^[a-z][a-z0-9_]{1,31}$")


@dataclass(frozen=True, slots=True)
class Offer:
    """What one plugin registers.

    Attributes:
        connectors: what can be connected to.
        guards: extra brakes on plans.
        notifiers: ways to tell people.
    """

    connectors: tuple[Connector[Any], ...]
    guards: tuple[Guard, ...]
    notifiers: tuple[NotifierKind[Any], ...]


def new_hooks() -> pluggy.PluginManager:
    """A register of plugins that knows the hooks of this program."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(hookspecs)
    return hooks


def offer_of(name: str, plugin: Any) -> Offer:
    """What the plugin offers.

    Raises:
        PluginError: it offers nothing, or something else than it should.
    """
    alone = new_hooks()
    alone.register(plugin, name=name)
    alone.check_pending()
    if not alone.get_hookcallers(plugin):
        message = "it implements no hook of syncd; mark its functions with syncd.hookspecs.hookimpl"
        raise PluginError(message)
    connectors: list[Any] = []
    guards: list[Any] = []
    notifiers: list[Any] = []
    alone.hook.register_connectors(register=connectors.append)
    alone.hook.register_guards(register=guards.append)
    alone.hook.register_notifiers(register=notifiers.append)
    _require(connectors, Connector)
    _require(guards, Guard)
    _require(notifiers, NotifierKind)
    for kind, offered in (("connector", connectors), ("notifier", notifiers)):
        for one in offered:
            if not _NAME.match(one.name):
                message = (
                    f"its {kind}'s name '{one.name}' is not 2 to 32 lower-case letters, "
                    "digits or underscores, beginning with a letter"
                )
                raise PluginError(message)
    return Offer(tuple(connectors), tuple(guards), tuple(notifiers))


def _require(offered: list[Any], kind: type) -> None:
    for one in offered:
        if not isinstance(one, kind):
            message = f"it registers a {type(one).__name__} where a {kind.__name__} is due"
            raise PluginError(message)
