"""Writes the reference pages of `docs/` from the code, so that they cannot drift.

`python -m tests.architecture.reference_pages` (or `make docs`) writes them; a test compares them.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

import syncd
from syncd import hookspecs, plugins
from syncd.codes import CODES
from syncd.config import invoices, tables, web
from syncd.config.validation import model_of, setting_names
from syncd.events import EVENTS
from syncd.sdk.errors import SyncdError

DOCS = Path(__file__).parents[2] / "docs"
NOTE = "<!-- Written by `make docs` from the code; change the code, not this page. -->\n\n"


def config_page() -> str:
    parts = [
        "# Settings\n\n"
        + NOTE
        + "`syncd.toml` is looked for in the working directory, at `$SYNCD_CONFIG`, or where "
        "`--config` says. `syncd init` writes a commented example and `syncd check` tries it. "
        "Every mistake of the file is told in one answer, with its line and what to write.\n\n"
        "A **reference** stands for a value that must not be in the file: "
        '`{ env = "VARIABLE" }`, `{ file = "/path" }` (relative to the file) or '
        '`{ credential = "name" }` (systemd\'s `LoadCredential`). Secrets are accepted in no other '
        "form; any other text may be given by reference too.\n\n"
        "A **schedule** is five cron fields in UTC with weekdays by name (`30 22 * * mon-fri`), or "
        "an interval (`every 30m`, `every 6h`, `every 1d`) counted from 1970-01-01, so that a "
        "restart moves nothing. Limit the day or the weekday, not both.\n",
    ]
    for title, kind in (
        ("`[syncd]`", tables.SyncdTable),
        ("`[connections.<name>]`", tables.ConnectionTable),
        ("`limits` of a connection", tables.LimitsTable),
        ("`[billing]`", tables.BillingTable),
        ("`guards` of billing", tables.GuardsTable),
        ("`[web]`", web.WebTable),
        ("`[invoices]`", invoices.InvoicesTable),
        ("`[invoices.<connection>]`", invoices.LedgerTable),
    ):
        parts.append(f"\n## {title}\n\n{inspect.getdoc(kind)}\n\n{_settings(kind)}")
    installed = plugins.load()
    for connector in installed.connectors.values():
        parts.append(
            f'\n## `[connections.<name>]` with `plugin = "{connector.name}"`\n\n'
            f"{connector.title}; beside the settings of every connection.\n\n"
            f"{_settings(connector.config)}"
        )
    parts.append(
        f"\n## `[notify.<name>]`\n\n{inspect.getdoc(tables.NotifierTable)}\n\n"
        f"{_settings(tables.NotifierTable)}"
    )
    for kind in installed.notifiers.values():
        parts.append(
            f'\n## `[notify.<name>]` with `plugin = "{kind.name}"`\n\n'
            f"{kind.title}; beside the settings of every notifier.\n\n{_settings(kind.config)}"
        )
    parts.append(
        "\n## Environment\n\n| variable | meaning |\n| --- | --- |\n"
        "| `SYNCD_CONFIG` | the configuration file |\n"
        f"| `{plugins.DISABLED_VARIABLE}` | plugins that are not loaded, separated by commas |\n"
        "| `SYNCD_NOW` | a moment from which the clock counts; refused unless every connection "
        "stays on this machine |\n"
        "| `NO_COLOR` | no colours, also on a terminal |\n"
    )
    return "".join(parts)


def events_page() -> str:
    parts = [
        "# Log events\n\n"
        + NOTE
        + "`syncd run` writes one JSON object per line on stderr (short lines on a terminal). The "
        "names are a closed catalogue. Fields bound by context, such as `run_id` and `connection`, "
        "are in every line of a run. A key with `?` may be absent. No line holds a secret, a token "
        "or a body. Lines about documents name clients and sums, and `error` may repeat the words "
        "of a vendor, in which a client's or a contact's name can stand: keep the log as you keep "
        "the books.\n\n"
        "| event | level | keys | meaning |\n| --- | --- | --- | --- |\n",
    ]
    for name, event in EVENTS.items():
        keys = " ".join(f"`{key}`" for key in event.keys)
        parts.append(f"| `{name}` | {event.level} | {keys} | {event.sentence} |\n")
    return "".join(parts)


def hooks_page() -> str:
    parts = [
        "# Hooks\n\n"
        + NOTE
        + "What a plugin may implement, marked with `syncd.hookspecs.hookimpl`. All hooks are "
        "synchronous and called with keywords; an implementation may take fewer arguments. A "
        "misspelt hook makes the plugin unusable and says so. How to write a plugin: "
        "[writing-a-plugin.md](writing-a-plugin.md).\n\n"
        f"Plugins are found through the entry-point group `{plugins.GROUP}`. A plugin that adds "
        f"commands names itself in the group `{plugins.COMMANDS_GROUP}` as well: only those "
        "plugins are imported to print a help text.\n",
    ]
    for name, function in hooks():
        parts.append(f"\n## {name}\n\n```python\n{signature(name, function)}\n```\n\n")
        parts.append(f"{inspect.getdoc(function)}\n")
    return "".join(parts)


def errors_page() -> str:
    parts = [
        "# Errors and codes\n\n"
        + NOTE
        + "Every error is one sentence with a remedy, a stable code, and an exit code. With "
        '`--json` it is printed as `{"error": {"code", "message", "remedy", "exit_code"}}`.\n\n'
        "| exit code | meaning |\n| --- | --- |\n"
        "| 0 | done |\n| 1 | a defect of syncd itself |\n| 2 | configuration, plugin or usage |\n"
        "| 3 | held for a person |\n| 4 | credentials or rights |\n"
        "| 5 | transient, unknown, or the database |\n| 6 | partial: some items were refused |\n"
        "| 7 | a vendor broke its own contract |\n| 130 | interrupted by Ctrl-C |\n\n"
        "## Errors\n\n| error | code | exit | meaning |\n| --- | --- | --- | --- |\n",
    ]
    for kind in error_classes():
        meaning = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
        parts.append(f"| `{kind.__name__}` | `{kind.code}` | {kind.exit_code} | {meaning} |\n")
    parts.append(
        "\n## Codes\n\nReasons of verdicts, issues, objections and warnings. `syncd issues` lists "
        "what is open, each with its own remedy.\n\n"
        "| code | where | meaning |\n| --- | --- | --- |\n"
    )
    parts += [f"| `{name}` | {code.where} | {code.meaning} |\n" for name, code in CODES.items()]
    return "".join(parts)


def commands_page() -> str:
    parts = [
        "# Commands\n\n"
        + NOTE
        + "`--config PATH`, `--json` and `--verbose` may stand anywhere on the line. Data goes to "
        "stdout, everything else to stderr. Exit codes: [errors.md](errors.md).\n",
    ]
    for path, command in commands():
        parts.append(f"\n## {' '.join(path)}\n\n{command.help or ''}\n")
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts.append("\n| argument | meaning |\n| --- | --- |\n" + "".join(rows))
    return "".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "config.md": config_page,
    "events.md": events_page,
    "hooks.md": hooks_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
}


def hooks() -> list[tuple[str, Callable[..., Any]]]:
    """Every hookspec, in the order of the file."""
    return [
        (name, function)
        for name, function in vars(hookspecs).items()
        if hasattr(function, f"{hookspecs.PROJECT}_spec")
    ]


def signature(name: str, function: Callable[..., Any]) -> str:
    return f"def {name}{inspect.signature(function)}".replace("'", "")


def error_classes() -> list[type[SyncdError]]:
    """Every error class of the program, each after the class it belongs to."""
    for module in pkgutil.walk_packages(syncd.__path__, "syncd."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(kind: type[SyncdError]) -> Iterator[type[SyncdError]]:
        yield kind
        for child in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
            yield from below(child)

    return [kind for kind in below(SyncdError) if kind.__module__.startswith("syncd.")]


def commands() -> list[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    from syncd.cli.app import build

    def below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        inner = getattr(command, "commands", None)
        if not inner:
            yield path, command
            return
        for name, child in inner.items():
            yield from below((*path, name), child)

    return list(below(("syncd",), typer.main.get_command(build())))


def _settings(kind: type[BaseModel]) -> str:
    rows = ["| setting | default | meaning |\n| --- | --- | --- |\n"]
    for name, field_name in setting_names(kind).items():
        info = kind.model_fields[field_name]
        text = (info.description or "") + _unnamed_choices(info)
        escaped = text.replace("|", "\\|")
        rows.append(f"| `{name}` | {_default(info)} | {escaped} |\n")
    return "".join(rows)


def choices(annotation: Any) -> tuple[str, ...]:
    """The words that a setting takes, where it takes no others; empty otherwise."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(one.value) for one in annotation)
    inner = get_args(annotation)
    if get_origin(annotation) is Literal:
        return tuple(one for one in inner if isinstance(one, str) and one)
    found = [choices(one) for one in inner if one is not NoneType]
    if get_origin(annotation) in {Union, UnionType} and not all(found):
        return ()
    return tuple(dict.fromkeys(word for words in found for word in words))


def _unnamed_choices(info: Any) -> str:
    """The words that the description leaves to be guessed."""
    taken = choices(info.annotation)
    if all(f"`{one}`" in (info.description or "") for one in taken):
        return ""
    return f" One of {', '.join(f'`{one}`' for one in taken)}."


def _default(info: Any) -> str:
    if model_of(info.annotation) is not None:
        return "see there"
    if info.is_required():
        return "**required**"
    value = info.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ("", [], {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.name.upper()
        shown = f"`{name}`" if parameter.required else f"`[{name}]`"
    else:
        shown = ", ".join(f"`{name}`" for name in parameter.opts)
    return f"| {shown} | {(parameter.help or '').replace('|', chr(92) + '|')} |\n"


def write() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
