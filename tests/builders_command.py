"""Commands as a user types them, in one process, against sources and a PSA in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from syncd.cli.app import run
from syncd.plugins import Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.records import AssetType, PsaClient, PsaSite
from tests.builders_data import LAPTOP, ScriptedSource, SmallPsa, device
from tests.builders_host import connector

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
timezone = "Europe/London"

[billing]
currency = "GBP"

[connections.rmm]
plugin = "acme"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.rmm-us]
plugin = "acme"
client_id = "x"
client_secret = { env = "SECRET" }

[connections.desk]
plugin = "desk"
client_id = "x"
client_secret = { env = "SECRET" }
"""

UNITS = (device("a", "1"), device("a", "2", LAPTOP), device("b", "3", LAPTOP))


@dataclass
class Office:
    """A folder with a configuration, sources and a PSA that say what they are told."""

    folder: Path
    sources: dict[str, ScriptedSource]
    psa: SmallPsa
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = 0
        try:
            run(["--config", str(self.folder / "syncd.toml"), *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        shown = self.capture.readouterr()
        return code, shown.out, shown.err

    def json(self, *arguments: str) -> Any:
        _, out, _ = self("--json", *arguments)
        return json.loads(out)

    def furnish(self) -> None:
        """Everything that must be known before links can be made."""
        assert self("pull")[0] == 0
        assert self("map", "refresh")[0] == 0


def open_office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """An installation in a folder, with two sources and a PSA, for one test."""
    sources = {
        "rmm": ScriptedSource(units=UNITS),
        "rmm-us": ScriptedSource(units=(device("a", "1"),)),
    }
    psa = SmallPsa(
        client_list=(PsaClient("1", "Acme"), PsaClient("2", "Globex"), PsaClient("3", "globex")),
        site_list=(PsaSite("11", "1", "Main"),),
        type_list=(AssetType("10", "Server"), AssetType("20", "Workstation")),
    )

    @asynccontextmanager
    async def opened(context: Context[Any]) -> AsyncIterator[Ports]:
        context.log("request.sent", method="GET", path="/x", status=200, ms=1)
        yield Ports(usage=sources.get(context.connection), psa=psa)  # type: ignore[arg-type]

    known = (
        replace(connector("acme"), open=opened),
        replace(connector("desk", Capability.PSA), open=opened),
    )
    monkeypatch.setattr("syncd.plugins.load", lambda: Plugins({one.name: one for one in known}))
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "160")  # no cell is folded, whatever the screen
    (tmp_path / "syncd.toml").write_text(CONFIG, encoding="utf-8")
    return Office(tmp_path, sources, psa, capsys)
