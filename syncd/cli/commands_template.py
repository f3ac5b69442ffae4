"""`syncd template`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

Name = Annotated[str, typer.Argument(help="Name of the template.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True,
        help="Named sets of configurations, rates and rules for many clients.",
    )
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("save")(save)
    group.command("export")(export)
    group.command("clients")(clients)
    group.command("apply")(apply)
    app.add_typer(group, name="template")


def list_all(context: typer.Context) -> None:
    """Show every template, its clients, and what applying it would still write."""
    from syncd.cli.output import run_async
    from syncd.cli.template import list_them

    run_async(list_them(cli_of(context)))


def show(context: typer.Context, name: Name) -> None:
    """Print the rows and the clients of a template."""
    from syncd.cli.output import run_async
    from syncd.cli.template import show_one

    run_async(show_one(cli_of(context), name))


def save(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="A CSV; - is the standard input.")],
) -> None:
    """Keep a CSV as a template; nothing is billed by it before it is applied."""
    from syncd.cli.output import run_async
    from syncd.cli.template import save_file

    run_async(save_file(cli_of(context), name, file))


def export(
    context: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(help="Where to write the CSV; - is the terminal.")],
) -> None:
    """Write a template as a CSV to edit and save again."""
    from syncd.cli.output import run_async
    from syncd.cli.template import export_file

    run_async(export_file(cli_of(context), name, file))


def clients(
    context: typer.Context,
    name: Name,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="CLIENT", help="Put a client on it, by id or name."),
    ] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option(
            "--remove", metavar="CLIENT", help="Take a client off it; its decisions stay."
        ),
    ] = None,
) -> None:
    """Show or change which clients are billed by a template."""
    from syncd.cli.output import run_async
    from syncd.cli.template import choose

    run_async(choose(cli_of(context), name, add=add or [], remove=remove or []))


def apply(
    context: typer.Context,
    name: Name,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference in money only.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask after the difference was shown.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="End decisions made by hand that are in the way.")
    ] = False,
) -> None:
    """Update all clients on a template, after showing what each would pay."""
    from syncd.cli.output import run_async
    from syncd.cli.template import apply_one

    raise typer.Exit(
        run_async(apply_one(cli_of(context), name, dry_run=dry_run, yes=yes, replace=replace))
    )
