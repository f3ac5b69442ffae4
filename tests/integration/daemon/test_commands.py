"""Commands as processes: Ctrl-C and a reader that goes away end them without a traceback."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = '[connections.a]\nplugin = "scripted"\n'


def test_ctrl_c_ends_a_command_with_130_and_no_traceback(
    installation: Any, tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    began = tmp_path / "began"
    installation.configure(f'{HEAD}act = "waits:{began}"\n')
    process = installation.start("check")
    eventually(began.exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["plugins", "check"])
def test_a_reader_that_goes_away_is_no_error(installation: Any, command: str) -> None:
    installation.configure(HEAD)
    process = installation.start(command)
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait() == 141
    assert err == ""


def test_check_of_a_scripted_connection_is_well(installation: Any) -> None:
    installation.configure(HEAD)
    done = installation.command("check")
    assert done.returncode == 0, done.stderr
    assert "scripted" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_config_of_several_mistakes_ends_in_one_answer(installation: Any) -> None:
    installation.configure('[billing]\nmode = "x"\n[conections]\n')
    done = installation.command("check")
    assert done.returncode == 2
    assert "syncd.toml has 2 mistakes" in done.stderr
    assert done.stdout == ""
