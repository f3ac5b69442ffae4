"""The catalogue of codes and the codes that the code uses are the same set."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from syncd.codes import CODES
from tests.architecture.reference_pages import error_classes

ROOT = Path(__file__).parents[2]
WITH_UNDERSCORE = re.compile(r"^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?=$|:)")
BEFORE_DETAIL = re.compile(r"^([A-Z][A-Z0-9_]{3,}):")
VENDOR_WORDS = {"classes.py", "models.py", "assessment.py"}
"""Files of plugins whose upper-case words are the vendor's, not ours."""

NOT_CODES = {
    "CREDENTIALS_DIRECTORY": "environment of systemd",
    "NO_COLOR": "environment of terminals",
    "SSH_CONNECTION": "environment of remote terminals",
    "SSH_TTY": "environment of remote terminals",
    "WAYLAND_DISPLAY": "environment of screens",
    "EVERY_CLIENT": "name of a constant in __all__",
}


def used() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for folder in ("syncd", "plugins"):
        for path in (ROOT / folder).rglob("*.py"):
            if "sandbox" in path.parts or path.name in VENDOR_WORDS or path.name == "codes.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    code = WITH_UNDERSCORE.match(node.value) or BEFORE_DETAIL.match(node.value)
                    if code:
                        found.setdefault(code[1], set()).add(str(path.relative_to(ROOT)))
    return found


USED = used()
ERRORS = {kind.code for kind in error_classes()}


def ours(code: str) -> bool:
    return not code.startswith(("SYNCD_", "SQLITE_")) and code not in NOT_CODES


def explained_by_its_plugin(code: str, places: set[str]) -> bool:
    """Codes of a plugin may stand in the plugin's own README, as those of a third party must."""
    return all(
        place.startswith("plugins/")
        and (readme := ROOT.joinpath(*Path(place).parts[:2], "README.md")).exists()
        and code in readme.read_text(encoding="utf-8")
        for place in places
    )


def test_every_code_is_in_the_catalogue() -> None:
    unknown = {
        code: places
        for code, places in USED.items()
        if ours(code)
        and code not in CODES
        and code not in ERRORS
        and not explained_by_its_plugin(code, places)
    }
    assert unknown == {}


def test_every_code_of_the_catalogue_is_used() -> None:
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("syncd", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "codes.py"
    )
    assert [code for code in CODES if f'"{code}' not in text and f"'{code}" not in text] == []


def test_a_code_is_either_an_error_or_in_the_catalogue() -> None:
    assert set(CODES) & ERRORS == set()
