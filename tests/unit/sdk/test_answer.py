"""Answers decode into types, or say where they break without showing what they hold."""

from __future__ import annotations

from enum import Enum

import msgspec
import pytest

from syncd.sdk.answer import Answer, request_id
from syncd.sdk.errors import ProtocolError


class Kind(Enum):
    SERVER = "server"


class Device(msgspec.Struct):
    id: int
    kind: Kind = Kind.SERVER


def answer(body: bytes) -> Answer:
    return Answer(
        status=200,
        url="https://eu.example.com/v2/devices?df=private",
        headers={},
        body=body,
        request_id="r-1",
        connection="ninja-eu",
    )


def test_unknown_fields_are_skipped():
    assert answer(b'[{"id": 1, "secret": 2}]').decode(list[Device]) == [Device(1)]


def test_a_decoder_is_built_once_per_type(monkeypatch):
    answer(b"[]").decode(list[Device])
    monkeypatch.setattr(msgspec.json, "Decoder", None)
    assert answer(b'[{"id": 2}]').decode(list[Device]) == [Device(2)]


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", "an empty body instead of JSON"),
        (b" \n ", "an empty body instead of JSON"),
        (b"\n <!DOCTYPE html><html>personal</html>", "a web page instead of JSON"),
        (b'[{"id": 1}, {"id"', "17 bytes that are not whole JSON"),
        (b"personal", "8 bytes that are not whole JSON"),
        (b'[{"id": 1}] personal', "20 bytes that are not whole JSON"),
        (
            b'[{"id": "personal"}]',
            "JSON of another shape: Expected `int`, got `str` at `$[0].id`",
        ),
        (b'{"id": "personal"}', "JSON of another shape: Expected `array`, got `object` at `$`"),
        (b"[{}]", "JSON of another shape: Object missing required field `id` at `$[0]`"),
        (
            b'[{"id": 1, "kind": "personal"}]',
            "JSON of another shape: Invalid enum value '…' at `$[0].kind`",
        ),
        (b'[{"id": 1, "kind": "\xff"}]', "24 bytes that are not whole JSON"),
        (b"[" * 100_000, "JSON that is nested too deep"),
    ],
)
def test_a_body_that_does_not_fit_names_the_place_and_never_the_content(body, flaw):
    type_ = object if body.startswith(b"[[") else list[Device]
    with pytest.raises(ProtocolError) as caught:
        answer(body).decode(type_)
    error = caught.value
    assert str(error) == f"ninja-eu: GET /v2/devices answered 200 with {flaw}"
    assert "personal" not in repr(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert (error.http_status, error.request_id, error.connection) == (200, "r-1", "ninja-eu")


def test_a_representation_holds_no_body_and_no_query():
    assert repr(answer(b"personal")) == "<Answer 200 to GET /v2/devices, 8 bytes>"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({"x-request-id": ""}, None),
        ({"x-request-id": "a", "request-id": "b"}, "a"),
        ({"request-id": "b"}, "b"),
        ({"x-ms-request-id": "c"}, "c"),
        ({"x-request-id": "x" * 1000}, "x" * 100),
    ],
)
def test_the_vendors_name_for_the_exchange_is_found(headers, found):
    assert request_id(headers) == found
