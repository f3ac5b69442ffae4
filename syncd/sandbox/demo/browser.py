"""The browser of the demonstration: signs in at a simulated vendor and pastes where it ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from syncd.sdk.errors import SyncdError

_SECONDS = 60
_ADDRESS = re.compile(r"^(http://127\.0\.0\.1:\S+)$")


class SignInFailed(SyncdError):
    """The sign-in of the demonstration did not come to its end."""

    code = "DEMO_SIGN_IN_FAILED"
    exit_code = 1


def sign_in(connection: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run `syncd login CONNECTION --paste` and play the person in front of it; what it said.

    Raises:
        SignInFailed: the vendor, the program or the browser did not do its part.
    """
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "syncd", "login", connection, "--paste"],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as login:
        assert login.stdin is not None
        assert login.stdout is not None
        alarm = threading.Timer(_SECONDS, login.kill)
        alarm.start()
        try:
            asked = _address(login.stdout)
            ended = visit(asked) if asked else ""
            login.stdin.write(ended + "\n")
            login.stdin.close()
            told = login.stdout.read()
            code = login.wait()
        finally:
            alarm.cancel()
    if code != 0 or not ended:
        message = f"the sign-in of {connection} ended with {code}: {told.strip()}"
        raise SignInFailed(message)
    return "\n".join(line for line in told.splitlines() if line.startswith(connection))


def _address(lines: IO[str]) -> str:
    """Where the program sends the browser."""
    for line in lines:
        found = _ADDRESS.match(line.strip())
        if found is not None:
            return found[1]
    return ""


class _Stay(urllib.request.HTTPRedirectHandler):
    """The address at which the browser ends need not open, so it is not followed."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


def visit(address: str) -> str:
    """Open a simulated page of consent; where the browser ends, empty if it stays there."""
    try:
        urllib.request.build_opener(_Stay).open(address, timeout=_SECONDS).close()
    except urllib.error.HTTPError as answer:
        return answer.headers.get("Location", "")
    return ""
