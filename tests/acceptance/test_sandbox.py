"""`syncd sandbox up` as a person meets it: every simulated vendor is ready for every command."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox.demo.browser import sign_in

SECONDS = 60


def syncd(folder: Path, environment: Mapping[str, str], *words: str) -> Any:
    """What `syncd --json WORDS` answers, whatever its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "--json", *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def sandbox(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder that was written, and the environment that its words ask for."""
    folder = tmp_path_factory.mktemp("up") / "sandbox"
    with subprocess.Popen(
        [sys.executable, "-m", "syncd", "sandbox", "up", "--world", "small", "--dir", folder],
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        try:
            assert host.stdout is not None
            said = ""
            while "Ctrl-C" not in said:
                line = host.stdout.readline()
                assert line, said
                said += line
            now = re.search(r"SYNCD_NOW=(\S+)", said)
            assert now is not None
            exported = (folder / "secrets.env").read_text(encoding="utf-8").splitlines()
            pairs = (line.removeprefix("export ").split("=", 1) for line in exported)
            yield folder, {**dict(pairs), "SYNCD_NOW": now[1]}
            host.send_signal(signal.SIGTERM)
            assert host.wait(SECONDS) == 0
        finally:
            host.kill()


def test_all_of_it_can_be_used_once_a_person_has_signed_in_at_the_books(
    sandbox: tuple[Path, dict[str, str]],
) -> None:
    folder, environment = sandbox
    sign_in("quickbooks", folder, environment)

    checked = syncd(folder, environment, "check")
    assert {one["name"]: one["error"] for one in checked["connections"] if one["error"]} == {}
    assert checked["warnings"] == []

    read = syncd(folder, environment, "invoices", "read")
    assert set(read["books"]) == {"quickbooks", "xero"}


def test_the_file_of_secrets_is_its_owner_s_alone(sandbox: tuple[Path, dict[str, str]]) -> None:
    folder, _ = sandbox
    assert (folder / "secrets.env").stat().st_mode & 0o077 == 0
