"""HTTP's outcomes become the right errors, for a read and for a write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.sdk.answer import Answer
from syncd.sdk.errors import (
    AuthError,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.verdict import Exchange, cleaned, explained, not_sent, refused, unseen

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, url="https://x.test/a", headers=named, body=body, request_id="r-1")


def call(*, write: bool = False, attempt: int = 1) -> Exchange:
    return Exchange("halo", "POST /a" if write else "GET /a", write, attempt)


@pytest.mark.parametrize(
    ("status", "on_read", "on_write"),
    [
        (301, ProtocolError, OutcomeUnknown),
        (302, ProtocolError, OutcomeUnknown),
        (304, ProtocolError, OutcomeUnknown),
        (400, RequestRejected, RequestRejected),
        (401, AuthError, AuthError),
        (403, PermissionMissing, PermissionMissing),
        (404, RequestRejected, RequestRejected),
        (408, VendorUnavailable, OutcomeUnknown),
        (409, RequestRejected, RequestRejected),
        (422, RequestRejected, RequestRejected),
        (429, RateLimited, RateLimited),
        (500, VendorUnavailable, OutcomeUnknown),
        (503, VendorUnavailable, OutcomeUnknown),
        (599, VendorUnavailable, OutcomeUnknown),
        (600, ProtocolError, OutcomeUnknown),
    ],
)
def test_a_status_means_one_thing_for_a_read_and_one_for_a_write(status, on_read, on_write):
    for write, kind in ((False, on_read), (True, on_write)):
        error = refused(call(write=write), answer(status), HttpPolicy(), now=NOW)
        assert type(error) is kind
        assert str(error).startswith(f"halo: {'POST' if write else 'GET'} /a answered {status}")
        assert (error.http_status, error.request_id, error.connection) == (status, "r-1", "halo")


def test_a_5xx_on_a_write_may_be_declared_harmless_by_the_connector():
    policy = HttpPolicy(write_5xx_is_unknown=False)
    assert type(refused(call(write=True), answer(503), policy, now=NOW)) is VendorUnavailable
    for status in (302, 408):
        assert type(refused(call(write=True), answer(status), policy, now=NOW)) is OutcomeUnknown


@pytest.mark.parametrize("status", [429, 503])
def test_the_vendors_pause_is_kept(status):
    error = refused(call(), answer(status, retry_after="17"), HttpPolicy(), now=NOW)
    assert isinstance(error, RateLimited | VendorUnavailable)
    assert error.retry_after == 17


def test_a_bare_429_pauses_as_long_as_the_connector_says():
    policy = HttpPolicy(pause_after_429=60)
    bare = refused(call(), answer(429), policy, now=NOW)
    stated = refused(call(), answer(429, retry_after="5"), policy, now=NOW)
    assert isinstance(bare, RateLimited)
    assert bare.retry_after == 60
    assert "pause" not in str(bare)
    assert isinstance(stated, RateLimited)
    assert stated.retry_after == 5


def test_a_later_attempt_is_named_in_the_message():
    error = refused(call(attempt=6), answer(503), HttpPolicy(), now=NOW, words="down")
    assert str(error) == "halo: GET /a answered 503 (attempt 6): down"


def test_a_lost_answer_is_unknown_for_a_write_and_transient_for_a_read():
    assert type(unseen(call(), "was cut off")) is VendorUnavailable
    assert type(unseen(call(write=True), "was cut off")) is OutcomeUnknown
    assert type(unseen(call(), "x", contract_broken=True)) is ProtocolError
    assert type(unseen(call(write=True), "x", contract_broken=True)) is OutcomeUnknown


def test_what_was_not_sent_says_so():
    assert "was not sent" in str(not_sent(call(write=True), "ConnectError"))


def test_the_vendors_words_are_one_clean_short_line_without_secrets():
    raw = "bad\n\ttoken s3cret \x1b[31m" + "x" * 500
    text = cleaned(raw, ["s3cret", ""])
    assert text.startswith("bad token *** [31mxxx")
    assert len(text) == 300
    assert text.endswith("…")


def test_an_error_without_words_stays_without():
    assert explained(None, answer(400, b"secret"), []) == ""
    assert explained(lambda status, body: "unasked", answer(400), []) == ""


def test_a_slip_in_reading_the_explanation_does_not_hide_the_refusal():
    text = explained(lambda status, body: {}[status], answer(400, b"x"), [])
    assert text == "(its explanation is unreadable: KeyError)"
