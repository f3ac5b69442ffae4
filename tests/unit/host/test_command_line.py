"""The shell around every command: global options anywhere, exit codes, errors, clean output."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from syncd import plugins
from syncd.cli import app as shell
from syncd.cli.context import Cli, current_cli
from syncd.cli.grid import Grid
from syncd.cli.init import example
from syncd.cli.output import Output, clean, print_error, run_async, table
from syncd.config import ConfigErrors, Problem, load
from syncd.sdk.connector import Capability
from syncd.sdk.errors import AuthError, ConfigError, SyncdError, VendorUnavailable
from tests.builders_host import connector, installed

EXAMPLE = """\
base_url = "https://…"               # where it lives
client_id = "…"
client_secret = { env = "ACME_SECRET" }
"""


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["pull", "--json"], ["--json", "pull"]),
        (["pull", "a", "--config", "x.toml"], ["--config", "x.toml", "pull", "a"]),
        (["pull", "--config=x.toml", "--verbose"], ["--config=x.toml", "--verbose", "pull"]),
        (["say", "--", "--json"], ["say", "--", "--json"]),
        (["pull", "--config"], ["--config", "pull"]),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], hoisted: list[str]) -> None:
    assert shell.hoist(given) == hoisted


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = CliRunner().invoke(shell.build(), ["--help"]).output
    for command in ("init", "check", "plugins", "run"):
        assert f"\n  {command} " in text
    assert "4 credentials" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    result = CliRunner().invoke(shell.build(), ["pul"])
    assert result.exit_code == 2


def test_without_configuration_a_command_says_how_to_write_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        shell.build(), ["check", "--config", str(tmp_path / "syncd.toml"), "--json"]
    )
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "CONFIG_INVALID"
    assert "syncd init" in error["remedy"]


def test_mistakes_of_a_configuration_are_a_list_in_json(tmp_path: Path) -> None:
    file = tmp_path / "syncd.toml"
    file.write_text("[billing]\nmode = 'x'\nmony = 1\n")
    result = CliRunner().invoke(shell.build(), ["--config", str(file), "--json", "check"])
    problems = json.loads(result.stdout)["error"]["problems"]
    assert [problem["line"] for problem in problems] == [2, 3]


def test_an_error_becomes_its_exit_code_and_a_sentence_with_a_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise AuthError("the secret of 'a' is refused", remedy="renew it")

    with pytest.raises(typer.Exit) as ended:
        run_async(fail())
    assert ended.value.exit_code == 4
    assert capsys.readouterr().err == (
        "error: the secret of 'a' is refused\n  what to do: renew it\n"
    )


def test_errors_of_several_tasks_end_in_the_first_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(VendorUnavailable("no answer")))
            group.create_task(fail(VendorUnavailable("no answer either")))

    with pytest.raises(typer.Exit) as ended:
        run_async(both())
    assert ended.value.exit_code == 5
    assert "no answer" in capsys.readouterr().err


def test_a_defect_among_several_errors_is_not_hidden() -> None:
    async def both() -> None:
        raise ExceptionGroup("two", [VendorUnavailable("no answer"), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup):
        run_async(both())


def test_errors_are_json_when_the_command_was_asked_for_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail() -> None:
        raise ConfigErrors("syncd.toml", [Problem("here", "wrong", "right", 3)])

    token = current_cli.set(Cli(Path("syncd.toml"), json=True))
    try:
        with pytest.raises(typer.Exit):
            run_async(fail())
    finally:
        current_cli.reset(token)
    out = capsys.readouterr()
    assert json.loads(out.out)["error"]["problems"][0]["line"] == 3
    assert out.err == ""


def test_an_error_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(SyncdError("client '\x1b[2Jx\u202e'"), json=False)
    assert "\x1b" not in capsys.readouterr().err


def test_control_characters_of_names_are_replaced() -> None:
    assert clean("a\x00b\x1b[31m") == "a\ufffdb\ufffd[31m"
    assert clean("Zürich 東京\n") == "Zürich 東京\n"


def on_terminal(grid: Grid, width: int) -> str:
    drawn = StringIO()
    Console(file=drawn, width=width, markup=False, emoji=False, highlight=False).print(grid)
    return drawn.getvalue()


@pytest.mark.parametrize("draw", [Grid.plain, on_terminal])
def test_a_table_folds_into_80_columns_and_cuts_nothing(draw: Callable[[Grid, int], str]) -> None:
    rows = [("Acme [red]x[/red] :smile:", 1234, "word " * 60), (None, 5, "https://" + "x" * 200)]
    text = draw(table("client", ("units", "right"), "note", rows=rows), 80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.count("word") == 60
    assert text.count("x") == 201
    assert "[red]x[/red]" in text
    assert "1,234" in text


def test_no_column_breaks_words_while_another_can_give_way() -> None:
    rows = [("2026-12-09", "Hartley & Sons Ltd (no client)", "Microsoft 365 Business Premium " * 2)]
    text = table("ends on", "client", "product", rows=rows).plain(60)
    assert all(len(line) <= 60 for line in text.splitlines())
    words = set(text.split())
    assert {"2026-12-09", "Hartley", "client)", "Microsoft", "Business", "Premium"} <= words
    assert len(text.splitlines()) == 5, "space is shared, so that rows stay low"


UUID = "b2d4a219-6124-526d-b462-0961926e6fed"


@pytest.mark.parametrize("draw", [Grid.plain, on_terminal])
def test_long_ids_are_shortened_only_where_a_table_does_not_fit(
    draw: Callable[[Grid, int], str],
) -> None:
    rows = [("backup", UUID, f"backup/{UUID}", f"syncd map link backup {UUID} 12")]
    grid = table("connection", "account", "subject", "remedy", rows=rows)
    assert f"{UUID} " in draw(grid, 300)
    narrow = draw(grid, 120)
    assert "b2d4a219…" in narrow
    assert "backup/b2d4a219…" in narrow
    joined = " ".join(narrow.split())
    assert UUID in joined, "a command to copy keeps the whole id"


def test_a_narrow_table_is_as_wide_as_its_cells() -> None:
    text = table("a", ("n", "right"), rows=[("x", 1), ("yy", 22)]).plain(80)
    assert text.splitlines() == ["a    n", "------", "x    1", "yy  22"]


def test_no_renderer_is_loaded_where_no_terminal_is() -> None:
    code = (
        "import sys; from syncd.cli.output import Output, table\n"
        "Output().emit(None, lambda console: console.print(table('a', rows=[('x',)])))\n"
        "assert 'rich' not in sys.modules and 'structlog' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_json_keeps_money_as_text_and_nothing_else_reaches_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = Output(json=True)
    out.say("for people")
    out.note("for people")
    out.emit({"money": Decimal("1.10")}, lambda _console: pytest.fail("drawn"))
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"money": "1.10"}
    assert captured.err == ""


def test_progress_is_silent_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Output().progress("pulling") as reached:
        reached(100)
    assert capsys.readouterr().err == ""


def test_init_writes_an_example_once_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "syncd.toml"
    first = CliRunner().invoke(shell.build(), ["init", "--config", str(file)])
    assert first.exit_code == 0
    before = file.read_text()
    second = CliRunner().invoke(shell.build(), ["init", "--config", str(file)])
    assert second.exit_code == 2
    assert file.read_text() == before
    assert 'mode = "shadow"' in before


def test_the_example_is_refused_until_filled_in_and_valid_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_SECRET", "x")
    found = (
        connector("acme", example=EXAMPLE),
        connector("desk", Capability.PSA, example=EXAMPLE),
    )
    text = example(found)
    file = tmp_path / "syncd.toml"
    file.write_text(text)
    with pytest.raises(ConfigErrors) as caught:
        load(file, installed())
    assert {problem.reason for problem in caught.value.problems} == {"is not filled in yet"}
    file.write_text(text.replace("…", "acme.example"))
    settings = load(file, installed())
    assert settings.billing.psa == "desk"
    assert settings.connections["acme"].schedule == "0 */6 * * *"
    assert settings.warnings == ()


def test_the_example_of_every_installed_connector_is_valid_once_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.load()
    assert not real.broken
    text = example(real.connectors.values())
    filled = text.replace("https://…", "https://host.example").replace("…", "filled-in")
    for line in filled.splitlines():
        if "env = " in line:
            monkeypatch.setenv(line.split('"')[1], "a-filled-in-secret")
    file = tmp_path / "syncd.toml"
    file.write_text(filled)
    settings = load(file, real)
    assert set(settings.connections) == {name.replace("_", "-") for name in real.connectors}
    assert settings.warnings == ()


def test_plugins_lists_connectors_and_what_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        plugins, "load", lambda: installed(plugins.BrokenPlugin("gone", "ImportError: x", "gone"))
    )
    listed = json.loads(CliRunner().invoke(shell.build(), ["plugins", "--json"]).stdout)
    assert [each["name"] for each in listed["connectors"]] == ["acme", "desk", "bench"]
    shown = CliRunner().invoke(shell.build(), ["plugins"]).stdout
    assert "broken: gone (gone): ImportError: x" in shown


def test_a_mistake_in_the_configuration_has_the_configuration_exit_code() -> None:
    assert ConfigError("x").exit_code == 2
