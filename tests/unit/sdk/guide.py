"""The example of docs/writing-a-plugin.md, taken out of the page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-plugin.md"

_BLOCK = re.compile(r"```python\n# (?P<name>\S+)\n(?P<code>.*?)```", re.DOTALL)


def files() -> dict[str, str]:
    """Name and content of each file that the page shows."""
    return {block["name"]: block["code"] for block in _BLOCK.finditer(PAGE.read_text("utf-8"))}


def rules() -> list[str]:
    """The rules that the page lists, in its words."""
    _, _, listed = PAGE.read_text("utf-8").partition("## The rules\n")
    return re.findall(r"^- (.*)$", listed, re.MULTILINE)
