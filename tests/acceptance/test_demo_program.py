"""Commands of the demonstration run in processes of their own, warm or cold, and end the same."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.sandbox.demo.program import Program, ProgramFailed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there a process forks")

NOTHING_CONFIGURED = 2


@pytest.fixture
def program() -> Iterator[Program]:
    with Program() as found:
        yield found


def test_a_warm_command_ends_and_prints_as_a_cold_one(program: Program, tmp_path: Path) -> None:
    cold = program.run(["status"], tmp_path, {})
    warm = program.run(["status"], tmp_path, {})
    assert cold.code == NOTHING_CONFIGURED
    assert "syncd.toml" in cold.err
    assert warm == cold


def test_a_command_leaves_nothing_to_the_next(program: Program, tmp_path: Path) -> None:
    program.run(["--version"], tmp_path, {})
    (tmp_path / "elsewhere").mkdir()
    named = program.run(["status"], tmp_path / "elsewhere", {"SYNCD_CONFIG": "other.toml"})
    after = program.run(["status"], tmp_path, {})
    assert "other.toml" in named.err
    assert "other.toml" not in after.err
    assert "syncd.toml" in after.err


def test_a_warm_process_that_has_gone_is_told(program: Program, tmp_path: Path) -> None:
    program.run(["--version"], tmp_path, {})
    assert program.warm is not None
    os.kill(program.warm, signal.SIGKILL)
    with pytest.raises(ProgramFailed, match="has gone"):
        program.run(["--version"], tmp_path, {})
