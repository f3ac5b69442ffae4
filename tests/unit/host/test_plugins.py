"""Plugins: found through entry points, broken ones isolated, clashes refused by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
import typer

from syncd.plugins import COMMANDS_GROUP, GROUP, Plugins, load, load_commands
from syncd.sdk.errors import PluginError
from syncd.sdk.period import Period
from syncd.sdk.records import Plan, PlanContext, RunReport, Severity

CONNECTOR = """\
from contextlib import asynccontextmanager
from pydantic import BaseModel
from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Guard, Ports, Sandbox
from syncd.sdk.records import Objection

class Settings(BaseModel):
    pass

@asynccontextmanager
async def open_it(context):
    yield Ports()

def connector(name="{name}", **more):
    return Connector(name=name, title=name, config=Settings,
                     provides=frozenset({{Capability.USAGE}}), open=open_it, **more)
"""
REGISTERS = (
    CONNECTOR
    + """
@hookimpl
def register_connectors(register):
    register(connector())
"""
)

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one plugin where Python finds it, as an installer would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    made: list[str] = []

    def put(name: str, code: str, *, group: str = GROUP, version: str = "1.2") -> None:
        module = f"syncd_fake_{name}"
        made.append(module)
        (site / f"{module}.py").write_text(code.format(name=name))
        info = site / f"syncd_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: syncd-{name}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")

    yield put
    for module in made:
        sys.modules.pop(module, None)


def fakes(group: str = GROUP) -> list[EntryPoint]:
    return [entry for entry in entry_points(group=group) if "fake" in entry.value]


def loaded(group: str = GROUP) -> Plugins:
    return load(fakes(group))


PLAN = Plan("2026-11", "GBP", datetime(2026, 12, 1, tzinfo=UTC), ())
CONTEXT = PlanContext(Period(2026, 11), datetime(2026, 12, 1, tzinfo=UTC), Decimal(0))


def test_a_plugin_is_found_with_its_distribution_and_version(install: Install) -> None:
    install("acme", REGISTERS)
    plugins = loaded()
    assert list(plugins.connectors) == ["acme"]
    assert [(each.name, each.distribution, each.version) for each in plugins.loaded] == [
        ("acme", "syncd-acme", "1.2")
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named"),
        ("1 +", "SyntaxError"),
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("x = 1", "implements no hook"),
        (REGISTERS.replace("register_connectors", "registr_connectors"), "registr_connectors"),
        (REGISTERS.replace("(register)", "(register, surplus)"), "surplus"),
        (REGISTERS.replace("register(connector())", "register('text')"), "registers a str"),
        (REGISTERS.replace("connector()", "connector('Bad Name')"), "connector's name 'Bad Name'"),
        (REGISTERS.replace("connector()", "connector(nonsense=1)"), "TypeError"),
        (
            CONNECTOR + "@hookimpl\ndef register_guards(register):\n    register(1)\n",
            "registers a int",
        ),
    ],
)
def test_a_broken_plugin_is_a_sentence_and_the_others_run(
    install: Install, code: str, told: str
) -> None:
    install("broken", code)
    install("acme", REGISTERS)
    plugins = loaded()
    assert list(plugins.connectors) == ["acme"]
    assert [(each.name, each.distribution) for each in plugins.broken] == [
        ("broken", "syncd-broken")
    ]
    assert told in plugins.broken[0].error
    assert "\n" not in plugins.broken[0].error


def test_a_name_offered_twice_stops_the_start_and_names_both(install: Install) -> None:
    install("acme", REGISTERS)
    install("copy", REGISTERS.replace("{name}", "acme"))
    with pytest.raises(PluginError, match="by syncd-acme and by syncd-copy") as caught:
        loaded()
    assert caught.value.exit_code == 2
    assert "SYNCD_PLUGINS_DISABLED" in caught.value.remedy


def test_a_connector_for_another_sdk_stops_the_start(install: Install) -> None:
    install("old", REGISTERS.replace("connector())", 'connector(sdk="9"))'))
    with pytest.raises(PluginError, match="syncd-old was written for SDK 9, and this is SDK 1"):
        loaded()


def test_a_plugin_switched_off_by_name_is_listed_and_not_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme", REGISTERS)
    install("loud", "raise AssertionError('imported')")
    monkeypatch.setenv("SYNCD_PLUGINS_DISABLED", "loud, other")
    plugins = loaded()
    assert list(plugins.connectors) == ["acme"]
    assert "switched off" in plugins.broken[0].error
    assert "syncd_fake_loud" not in sys.modules


def test_register_sandboxes_gives_simulators_by_connector(install: Install) -> None:
    sandbox = (
        "\n@hookimpl\ndef register_sandboxes(register):\n"
        "    register(Sandbox(connector='acme', build=None, settings=None, secrets={{}}))\n"
    )
    install("acme", REGISTERS + sandbox)
    assert list(loaded().sandboxes()) == ["acme"]
    install("copy", REGISTERS + sandbox)
    with pytest.raises(PluginError, match="two plugins simulate"):
        loaded().sandboxes()


def test_a_simulator_that_does_not_load_is_told_by_name(install: Install) -> None:
    install("acme", REGISTERS + "\n@hookimpl\ndef register_sandboxes(register):\n    1 / 0\n")
    with pytest.raises(PluginError, match="simulator of plugin 'acme'"):
        loaded().sandboxes()


def test_review_plan_collects_objections_of_every_plugin(install: Install) -> None:
    review = "\n@hookimpl\ndef review_plan(plan):\n    return [Objection('{name}', plan.period)]\n"
    install("acme", REGISTERS + review)
    install("other", REGISTERS + review)
    install("silent", REGISTERS + "\n@hookimpl\ndef review_plan():\n    return None\n")
    found = loaded().review_plan(PLAN, CONTEXT)
    assert sorted((each.rule, each.message) for each in found) == [
        ("acme", "2026-11"),
        ("other", "2026-11"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "1 / 0",
        "return ['text']",
        "return 7",
        "return [Objection('A', 'of no bill of the plan', bill='17')]",
        "return [Objection('A', 'b', severity='hold')]",
    ],
)
def test_a_review_that_fails_holds_the_plan_and_silences_no_other(
    install: Install, body: str
) -> None:
    install("bad", REGISTERS + f"\n@hookimpl\ndef review_plan(plan):\n    {body}\n")
    install(
        "good",
        REGISTERS + "\n@hookimpl\ndef review_plan(plan):\n    return [Objection('A', 'b')]\n",
    )
    found = loaded().review_plan(PLAN, CONTEXT)
    assert sorted(each.rule for each in found) == ["A", "PLUGIN_REVIEW_FAILED"]
    assert all(each.severity is Severity.HOLD for each in found)


def test_register_guards_adds_brakes_that_review_plan_runs(install: Install) -> None:
    guard = (
        "\n@hookimpl\ndef register_guards(register):\n"
        "    register(Guard(name='BUDGET', review=lambda plan, context: "
        "[Objection('BUDGET', 'x')]))\n"
        "    register(Guard(name='BROKEN', review=lambda plan, context: 1 / 0))\n"
    )
    install("acme", REGISTERS + guard)
    plugins = loaded()
    assert [each.name for each in plugins.guards] == ["BUDGET", "BROKEN"]
    found = plugins.review_plan(PLAN, CONTEXT)
    assert [each.rule for each in found] == ["BUDGET", "PLUGIN_REVIEW_FAILED"]
    assert "BROKEN" in found[1].message


def test_run_finished_reaches_every_plugin_and_a_failure_is_only_logged(install: Install) -> None:
    told = "\nseen = []\n@hookimpl\ndef run_finished(report):\n    seen.append(report.run_id)\n"
    install("bad", REGISTERS + "\n@hookimpl\ndef run_finished(report):\n    1 / 0\n")
    install("good", REGISTERS + told)
    lines: list[tuple[str, dict[str, Any]]] = []
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    report = RunReport("r1", "pull", "a", "succeeded", moment, moment, {})
    loaded().run_finished(report, lambda event, **fields: lines.append((event, fields)))
    assert sys.modules["syncd_fake_good"].seen == ["r1"]
    assert [(event, fields["plugin"]) for event, fields in lines] == [
        ("plugin.notify_failed", "bad")
    ]


def test_register_commands_is_asked_only_of_plugins_in_its_group(install: Install) -> None:
    add = (
        "from syncd.hookspecs import hookimpl\n@hookimpl\ndef register_commands(cli):\n"
        "    cli.command('shout')(lambda: None)\n"
    )
    install("loud", add, group=COMMANDS_GROUP)
    install("bad", "1 / 0", group=COMMANDS_GROUP)
    install("acme", REGISTERS)
    cli = typer.Typer()
    broken = load_commands(cli, fakes(COMMANDS_GROUP))
    assert [command.name for command in cli.registered_commands] == ["shout"]
    assert [(each.name, each.error) for each in broken] == [
        ("bad", "ZeroDivisionError: division by zero")
    ]
    assert "syncd_fake_acme" not in sys.modules


NOTIFIER = """\
from contextlib import asynccontextmanager
from pydantic import BaseModel
from syncd.hookspecs import hookimpl
from syncd.sdk.notices import NotifierKind

class Settings(BaseModel):
    pass

@asynccontextmanager
async def open_it(context):
    yield None

@hookimpl
def register_notifiers(register):
    register(NotifierKind(name="{name}", title="Tells", config=Settings, open=open_it))
"""


def test_register_notifiers_offers_a_way_to_tell_people(install: Install) -> None:
    install("bell", NOTIFIER)
    plugins = loaded()
    assert list(plugins.notifiers) == ["bell"]
    assert plugins.loaded[0].notifiers == ("bell",)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (NOTIFIER.replace('"{name}"', '"Bad Name"'), "notifier's name 'Bad Name'"),
        (NOTIFIER.replace("NotifierKind(", "print("), "TypeError"),
        (NOTIFIER.replace("register(N", "register('x' or N"), "str where a NotifierKind is due"),
    ],
)
def test_a_broken_notifier_is_a_sentence(install: Install, code: str, told: str) -> None:
    install("bell", code)
    plugins = loaded()
    assert not plugins.notifiers
    assert told in plugins.broken[0].error


def test_two_notifiers_of_one_name_are_refused(install: Install) -> None:
    install("bell", NOTIFIER)
    install("ring", NOTIFIER.replace("{name}", "bell"))
    with pytest.raises(PluginError, match="notifier 'bell' is offered twice"):
        loaded()


def test_a_notifier_of_another_sdk_is_refused(install: Install) -> None:
    install("bell", NOTIFIER.replace("open=open_it", 'open=open_it, sdk="99"'))
    with pytest.raises(PluginError, match=r"notifier 'bell' .* was written for SDK 99"):
        loaded()
