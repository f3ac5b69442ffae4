"""Every issue that can be opened says what, why, and what to do: no exception anywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.codes import CODES
from syncd.core.service import (
    connection_health,
    delivery_issues,
    plan_issues,
    pull_issues,
    wiring_issues,
)
from syncd.core.store.issues import Finding
from tests.architecture.reference_pages import error_classes

ROOT = Path(__file__).parents[2]
MODULES = [*(ROOT / "syncd" / "core").rglob("*.py"), *(ROOT / "syncd" / "daemon").rglob("*.py")]
KNOWN = {*CODES, *(kind.code for kind in error_classes())}


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                yield f"{path.name}:{node.lineno}", node


FINDINGS = dict(calls("Finding"))


@pytest.mark.parametrize("place", [one for one in FINDINGS if not one.startswith("issues.py")])
def test_a_finding_has_a_sentence_a_remedy_and_evidence(place: str) -> None:
    given = {keyword.arg for keyword in FINDINGS[place].keywords}
    assert given >= {"message", "remedy", "evidence"}


@pytest.mark.parametrize(("message", "remedy"), [("", "Do."), ("What.", " "), ("What.", "")])
def test_a_finding_without_words_is_a_defect(message: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="an issue needs"):
        Finding(message=message, remedy=remedy)


def test_every_code_that_is_opened_is_in_the_catalogue() -> None:
    """Codes given as constants; the others come from the lists below."""
    opened: dict[str, str] = {}
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(node.value, ast.Constant)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"open", "replace"}
                and "book" in ast.unparse(node.func.value)
            ):
                code = node.args[0]
                if isinstance(code, ast.Name) and code.id in constants:
                    opened[str(constants[code.id])] = path.name
    assert len(opened) >= 8
    assert opened.keys() - KNOWN - {plan_issues.PLAN_HELD, plan_issues.PLAN_STALE} == set()


TEXTS = {
    **{code: remedy for code, (_, remedy) in plan_issues.ERRORS.items()},
    **{f"{code}, line": text for code, text in plan_issues.LINES.items()},
    **{f"{code}, wiring": remedy for code, (_, remedy) in wiring_issues.WIRING.items()},
    **{f"{code}, hint": text for code, text in plan_issues.HINTS.items()},
    **{f"{code}, delivery": text for code, text in delivery_issues._REMEDIES.items()},
    **{f"{code}, pull": text for code, text in pull_issues._REMEDIES.items()},
    **{f"{code}, connection": text for code, text in connection_health._REMEDIES.items()},
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_remedy_is_a_sentence_of_a_code_in_the_catalogue(code: str) -> None:
    assert code.partition(",")[0] in KNOWN
    assert TEXTS[code][:1].isupper() or TEXTS[code].startswith("`")
    assert TEXTS[code].endswith(".")


def test_every_code_that_delivery_closes_has_a_remedy() -> None:
    assert delivery_issues._REMEDIES.keys() == delivery_issues.DELIVERY_CODES
    assert set(connection_health.FAILURES) >= connection_health._REMEDIES.keys()
