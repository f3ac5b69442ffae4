"""The HTTP client loads without httpx's command line, and leaves the import system as it was."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_client_loads_no_command_line():
    probe = "print(*[n for n in ('click', 'pygments', 'rich') if n in sys.modules])"
    assert run(f"import sys\nimport syncd.sdk.http\n{probe}") == ""
    assert run(f"import sys\nimport httpx\n{probe}") != "", "httpx is lean now: drop lean_httpx.py"


@pytest.mark.parametrize("first", ["syncd.sdk.http", "httpx"])
def test_whoever_wants_the_command_line_still_gets_it(first):
    assert run(f"import {first}\nimport httpx._main\nprint(httpx._main.main.name)") == "main"


def test_a_library_that_is_there_is_not_hidden(tmp_path):
    (tmp_path / "sniffio.py").write_text("here = True\n")
    code = (
        f"import sys\nsys.path.append({str(tmp_path)!r})\nimport syncd.sdk.http\nimport sniffio\n"
    )
    assert run(f"{code}print(sniffio.__name__)") == "sniffio"
