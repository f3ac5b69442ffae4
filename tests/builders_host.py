"""Small connectors and configurations for tests of the host; they name no real vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from syncd.plugins import BrokenPlugin, Plugins
from syncd.sdk.connector import Capability, Connector, Context, Ports


class RuleSettings(BaseModel, extra="forbid"):
    when: str
    product: str


class AcmeSettings(BaseModel, extra="forbid"):
    base_url: str = "https://api.acme.example"
    region: Literal["eu", "us"] = "eu"
    client_id: str
    client_secret: SecretStr = Field(description="Secret of the API client.")
    stale_days: int = Field(default=30, ge=0)
    rules: list[RuleSettings] = []


@asynccontextmanager
async def nothing(_context: Context[Any]) -> AsyncIterator[Ports]:
    yield Ports()


def connector(name: str = "acme", *provides: Capability, **changes: Any) -> Connector[Any]:
    settings: dict[str, Any] = {
        "name": name,
        "title": name.title(),
        "config": AcmeSettings,
        "provides": frozenset(provides or (Capability.USAGE,)),
        "open": nothing,
    }
    return Connector(**{**settings, **changes})


def installed(*broken: BrokenPlugin) -> Plugins:
    """One source (`acme`) and two PSAs (`desk`, `bench`)."""
    found = (
        connector("acme"),
        connector("desk", Capability.PSA),
        connector("bench", Capability.PSA),
    )
    return Plugins({each.name: each for each in found}, broken)


def written(folder: Path, text: str) -> Path:
    """A configuration file; a `# here:<word>` comment marks a line that a test speaks of."""
    file = folder / "syncd.toml"
    file.write_text(text, encoding="utf-8")
    return file


def line_of(text: str, word: str) -> int:
    """Number of the line marked with `# here:<word>`."""
    lines = text.splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.endswith(f"# here:{word}"))
