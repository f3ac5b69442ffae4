"""Which process a run belongs to, and whether it is gone."""

from __future__ import annotations

import socket
import subprocess
import sys

from syncd.node import is_gone, this_node


def test_this_process_is_not_gone() -> None:
    assert not is_gone(this_node())


def test_a_process_that_ended_is_gone() -> None:
    code = "from syncd.node import this_node; print(this_node())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_gone(ended.stdout.strip())


def test_a_reused_process_id_does_not_pass_for_the_one_that_died() -> None:
    host_and_pid = this_node().rpartition("/")[0]
    assert is_gone(f"{host_and_pid}/1")


def test_a_process_of_another_host_is_never_judged() -> None:
    assert not is_gone("elsewhere/1/1")
    assert not is_gone("")
    assert not is_gone(f"{socket.gethostname()}-x/999999999/1")
