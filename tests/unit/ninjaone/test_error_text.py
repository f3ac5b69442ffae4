"""How the vendor's errors read: four shapes, and nothing that may repeat what was sent."""

from __future__ import annotations

import pytest
from syncd_ninjaone.client import error_text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"error":"invalid_client","error_description":"id abc","error_code":100}',
            "invalid_client",
        ),
        (
            b'{"resultCode":"FAILURE","errorMessage":"no such thing","incidentId":"i-7"}',
            "no such thing (incident i-7)",
        ),
        (b'{"resultCode":"FAILURE","incidentId":"i-7"}', "FAILURE (incident i-7)"),
        (b'{"errorMessage":{"code":"bad_filter","params":{"df":"x"}}}', "bad_filter"),
        (b'"plain words"', "plain words"),
        (b"", ""),
        (b"{}", ""),
        (b"<html>down</html>", ""),
        (b"[1]", ""),
        (b"\xff\xfe", ""),
        (b'{"error":{"unexpected":1}}', ""),
    ],
)
def test_every_shape_seen_in_the_field_is_read(body, text):
    assert error_text(400, body) == text
