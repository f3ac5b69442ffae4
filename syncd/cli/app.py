"""The command line: global options, one module of commands per noun, and how a command ends.

The modules `commands_<noun>` define options and one-line helps only; what a command does is
imported inside its function, so that `syncd --help` costs next to nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from syncd import __version__
from syncd.cli.context import Cli, current_cli

CONFIG_VARIABLE = "SYNCD_CONFIG"
DEFAULT_CONFIG = "syncd.toml"

NOUNS = (
    "demo", "init", "check", "login", "plugins", "db", "pull", "pulls", "map", "template", "policy",
    "golive", "plan", "apply", "adopt", "wire", "assets", "plans", "bill", "invoices",
    "corrections", "month", "explain", "margin", "reconcile", "renewals", "status", "runs",
    "issues", "notify", "run", "sandbox",
)  # fmt: skip
"""Modules of commands, in the order in which `--help` lists them."""

PIPE_CLOSED = 141
"""Exit code when the reader of our output went away, as shells report it."""

_FLAGS = frozenset({"--json", "--verbose"})
_VALUES = frozenset({"--config"})


class AnywhereGroup(TyperGroup):
    """A group whose global options may stand after the command's name, and whose errors speak."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoist(args))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours is printed and becomes the exit code."""
        from syncd.sdk.errors import SyncdError

        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has gone; Python's own last flush must not say so again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except SyncdError as error:
            from syncd.cli.output import print_error

            print_error(error, json=isinstance(ctx.obj, Cli) and ctx.obj.json)
            raise typer.Exit(error.exit_code) from error


def hoist(args: list[str]) -> list[str]:
    """The arguments with global options moved to the front; nothing after `--` is touched."""
    ahead: list[str] = []
    rest: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            rest += [arg, *waiting]
        elif arg in _FLAGS or any(arg.startswith(f"{name}=") for name in _VALUES):
            ahead.append(arg)
        elif arg in _VALUES:
            ahead += [arg, *([value] if (value := next(waiting, None)) is not None else [])]
        else:
            rest.append(arg)
    return ahead + rest


def named(args: Sequence[str]) -> Sequence[str]:
    """The module of the command that a line names; every module where it names none of ours."""
    waiting = iter(hoist(list(args)))
    for arg in waiting:
        if arg in _VALUES:
            next(waiting, None)
        elif not arg.startswith("-"):
            return (arg,) if arg in NOUNS else NOUNS
    return NOUNS


def build(nouns: Sequence[str] = NOUNS) -> typer.Typer:
    """The command line of these modules; of all of them, with the commands of plugins."""
    cli = typer.Typer(
        name="syncd",
        cls=AnywhereGroup,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Counts in, subscriptions out: bills what your clients really use.",
        epilog=(
            "--config, --json and --verbose may stand anywhere on the line. Exit codes: 0 done, "
            "2 configuration, 3 held, 4 credentials, 5 transient or unknown, 6 partial, "
            "7 a vendor broke its contract."
        ),
    )
    cli.callback()(_options)
    for noun in nouns:
        import_module(f"syncd.cli.commands_{noun}").register(cli)
    if nouns is NOUNS:
        _add_plugin_commands(cli)
    return cli


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and end the process with the exit code of what happened."""
    given = sys.argv[1:] if arguments is None else arguments
    build(named(given))(args=given, prog_name="syncd")


def _options(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Option(
            "--config", envvar=CONFIG_VARIABLE, help="The configuration file.", metavar="PATH"
        ),
    ] = Path(DEFAULT_CONFIG),
    json: Annotated[bool, typer.Option("--json", help="Print data as JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print what happens on stderr.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool,
        typer.Option("--version", help="Print the version.", callback=lambda on: _version(on)),
    ] = False,
) -> None:
    from syncd import log

    # A command by hand tells its outcome itself; its log lines would say everything twice.
    log.set_level("info" if verbose else "error")
    context.obj = Cli(config=config, json=json, verbose=verbose)
    current_cli.set(context.obj)
    context.call_on_close(lambda: current_cli.set(None))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncd {__version__}")
        raise typer.Exit


def _add_plugin_commands(cli: typer.Typer) -> None:
    from importlib.metadata import entry_points

    if not entry_points(group="syncd.commands"):
        return
    from syncd.plugins import load_commands

    own = len(cli.registered_commands)
    names = {command.name for command in cli.registered_commands}
    for broken in load_commands(cli):
        typer.echo(f"warning: commands of plugin '{broken.name}': {broken.error}", err=True)
    for command in cli.registered_commands[own:]:
        if command.name in names:
            cli.registered_commands.remove(command)
            typer.echo(
                f"warning: a plugin's command '{command.name}' is already one of syncd's", err=True
            )
