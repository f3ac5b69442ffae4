"""The way that a README shows, from nothing to the first document, is walked as it is typed.

Commands and settings are taken out of the page, in its order. A person at a terminal says yes,
fills in what the file of mappings asks for, and signs in; only addresses and credentials are the
simulators'.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from syncd_quickbooks.sandbox import REALM
from syncd_xero.sandbox import consent_settings

from syncd.plugins import load
from syncd.sandbox.config_file import secrets_of, write_config
from syncd.sandbox.demo.browser import visit
from syncd.sandbox.demo.files import read, write
from syncd.sandbox.host import SandboxHost
from syncd.sandbox.presets import small

ROOT = Path(__file__).parents[2]
SECONDS = 60
NOW = datetime(2026, 12, 5, 11, tzinfo=UTC)
CLIENT = 1001

_BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
_TYPED = re.compile(
    r"^(?:\$ )?(syncd .*?)(?: +#.*)?$|`(syncd [^`]*)`|: (syncd [^`\n]*)$", re.MULTILINE
)
_WHOLE = ("books", "PLAN", "--new-key", "syncd invoices read", "syncd plan invoices")
_PLAN = re.compile(r"inv-[0-9]{8}-[0-9]{6}-[0-9a-f]+")

DECISIONS = {
    "xero": {"account": ("200", ""), "tax": ("OUTPUT2", "standard")},
    "quickbooks": {"item": ("21", ""), "tax": ("2", "standard")},
}
"""What a person writes into the file beside the proposals."""


def way(plugin: str) -> str:
    """The part of a README that leads to the first document."""
    page = (ROOT / "plugins" / plugin / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## From nothing.*?(?=^## )", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


def typed(part: str) -> list[str]:
    """Commands that can be run as they stand; those that are only talked about are left out."""
    every = [" ".join(next(filter(None, one)).split()) for one in _TYPED.findall(part)]
    return [one for one in dict.fromkeys(every) if any(word in one for word in _WHOLE)]


def settings_of(part: str) -> dict[str, Any]:
    """All that its TOML says, in one."""
    merged: dict[str, Any] = {}
    for language, text in _BLOCK.findall(part):
        if language == "toml":
            for name, table in tomllib.loads(text).items():
                _merge(merged.setdefault(name, {}), table)
    return merged


def _merge(into: dict[str, Any], table: Mapping[str, Any]) -> None:
    for name, value in table.items():
        if isinstance(value, dict) and not {"env", "file", "credential"} & set(value):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


class Person:
    """Somebody at a terminal without a browser's screen, who has read the page."""

    def __init__(self, folder: Path, plugin: str, secrets: Mapping[str, str]) -> None:
        self.folder, self.plugin = folder, plugin
        self._environment = {**os.environ, **secrets, "SYNCD_NOW": NOW.isoformat()}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            self._environment.pop(name, None)
        self._plan = ""

    def type(self, command: str) -> None:
        """Run a command of the page, and do what it asks a person for."""
        words = shlex.split(command.replace("PLAN", self._plan))
        out = self._run(words[1:])
        if "--new-key" in words:
            (self._environment["SYNCD_TOKEN_KEY"],) = re.findall(r"^[\w-]{43}=$", out, re.MULTILINE)
        if "--export" in words:
            self._fill(self.folder / words[words.index("--export") + 1])
        if words[1] == "plan":
            found = _PLAN.search(out)
            assert found is not None, out
            self._plan = found[0]

    def _run(self, words: list[str]) -> str:
        ours, theirs = os.openpty()  # a file or a pipe is no person, and is not asked
        try:
            with subprocess.Popen(
                [sys.executable, "-m", "syncd", *words],
                cwd=self.folder,
                env=self._environment,
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                assert process.stdout is not None
                said = ""
                if words[:2] == ["login", "books"]:
                    while not (asked := re.search(r"^http://127\S+$", said, re.MULTILINE)):
                        line = process.stdout.readline()
                        assert line, said
                        said += line
                    os.write(ours, visit(asked[0]).encode() + b"\n")
                else:
                    os.write(ours, b"y\n")
                said += process.communicate(timeout=SECONDS)[0]
        finally:
            os.close(ours)
            os.close(theirs)
        held = 3 if words[0] == "plan" else 0
        assert process.returncode in {0, held}, f"syncd {' '.join(words)}: {said}"
        return said

    def _fill(self, sheet: Path) -> None:
        rows = read(sheet)
        assert rows, "there is nothing to be decided"
        for row in rows:
            if row["kind"] in DECISIONS[self.plugin]:
                row["target"], row["meaning"] = DECISIONS[self.plugin][row["kind"]]
        assert all(row["target"] for row in rows), rows
        write(sheet, rows)


@pytest.mark.parametrize("plugin", ["xero", "quickbooks"])
def test_a_readme_leads_from_nothing_to_the_first_document(plugin: str, tmp_path: Path) -> None:
    part = way(plugin)
    written = settings_of(part)
    invoices = written["invoices"]
    rules = invoices.pop("books")
    psa = settings_of((ROOT / "plugins" / "halopsa" / "README.md").read_text(encoding="utf-8"))
    offered = load().sandboxes()
    world = small()
    world.clock.set(NOW)
    with SandboxHost(world, [offered["halopsa"], offered[plugin]]) as host:
        address = host.simulators[plugin].base_url
        simulated = consent_settings(address) if plugin == "xero" else {"realm": REALM}
        write_config(
            tmp_path,
            host,
            names={"halopsa": "halo", plugin: "books"},
            extra={
                "halopsa": {"scope": psa["connections"]["halo"]["scope"]},
                plugin: {
                    **{
                        name: value
                        for name, value in written["connections"]["books"].items()
                        if name not in {"client_id", "client_secret"}
                    },
                    **simulated,
                },
            },
            installation=written["syncd"],
            tables={"invoices": invoices, "invoices.books": rules},
        )
        psa_app: Any = host.simulators["halopsa"].app
        psa_app.state.simulator.hand.invoice(client=CLIENT)

        person = Person(tmp_path, plugin, secrets_of(host))
        for command in typed(part):
            person.type(command)

        books: Any = host.simulators[plugin].app
        (number,) = numbers_in(plugin, books)
        assert number == "INV-1042"


def numbers_in(plugin: str, books: Any) -> list[str]:
    hand = books.state.simulator.hand
    if plugin == "xero":
        return [str(one["InvoiceNumber"]) for one in hand.documents() if one["Reference"]]
    return [str(one["DocNumber"]) for one in hand.documents("Invoice")]
