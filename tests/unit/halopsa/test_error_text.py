"""HaloPSA's explanations are read from every shape that its errors are known to have."""

from __future__ import annotations

import pytest
from syncd_halopsa.error_text import error_text


@pytest.mark.parametrize(
    "body",
    [
        b'{"resultCode": 400, "errorMessage": "An Outcome must be entered"}',
        b'{"ClassName": "System.Exception", "Message": "An Outcome must be entered"}',
        b'{"Message": "An Outcome must be entered"}',
        b'{"error": "An Outcome must be entered"}',
        b'"An Outcome must be entered"',
        b"An Outcome must be entered",
        b'{"error": {"message": "An Outcome must be entered"}}',
        b'[{"Message": "An Outcome must be entered"}]',
    ],
)
def test_every_shape_gives_the_same_sentence(body: bytes) -> None:
    assert error_text(400, body) == "An Outcome must be entered"


@pytest.mark.parametrize("body", [b"", b"<html>secret page</html>", b"{}", b"[]", b"17", b"\xff<"])
def test_a_body_without_a_sentence_gives_none(body: bytes) -> None:
    assert "secret" not in error_text(500, body)
    assert len(error_text(500, body)) <= 2


def test_a_long_explanation_is_cut() -> None:
    assert len(error_text(400, b'"' + b"x" * 5000 + b'"')) == 200
