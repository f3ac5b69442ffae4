"""Describing the connector costs little: no HTTP client and no web framework is loaded for it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import syncd_halopsa
found = []
syncd_halopsa.register_connectors(register=found.append)
syncd_halopsa.register_sandboxes(register=found.append)
found[0].config(base_url="https://a.halopsa.com", client_id="x", client_secret="y")
print([one for one in ("httpx", "starlette", "uvicorn", "sqlalchemy") if one in sys.modules])
"""


def test_registering_and_validating_loads_neither_client_nor_framework() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
