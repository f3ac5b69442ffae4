"""Batches: every question is answered once and in whatever order, and only the throttled repeat."""

from __future__ import annotations

import base64
from itertools import count

import httpx
import msgspec
import pytest
import respx
from syncd_entra.batch import PATH, Batches, Question, got, number_in
from syncd_entra.models import Organizations

from syncd.sdk.answer import Answer
from syncd.sdk.errors import (
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.http import HttpPolicy
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, NullLog
from tests.builders_sdk import VENDOR, api


class Vendor:
    """Answers each question by its path; a list of answers is given one after the other."""

    def __init__(self, answers):
        self.answers = {path: list(given) for path, given in answers.items()}
        self.asked = []
        self.change = lambda responses: responses

    def __call__(self, request):
        given = msgspec.json.decode(request.content)["requests"]
        self.asked.append([one["url"] for one in given])
        responses = []
        for one in given:
            left = self.answers[one["url"]]
            status, body, headers = left.pop(0) if len(left) > 1 else left[0]
            responses.append({"id": one["id"], "status": status, "body": body, "headers": headers})
        return httpx.Response(200, json={"responses": self.change(responses[::-1])})


def ok(body):
    return 200, body, {}


def slow(seconds=None):
    headers = {} if seconds is None else {"retry-after": seconds}
    return 429, {"error": {"code": "TooManyRequests"}}, headers


def question(path):
    return Question(path, path, "Some.Right")


async def ask(vendor, *paths, policy=None):
    watch = FakeStopwatch()
    with respx.mock() as mock, watch.running():
        mock.post(f"{VENDOR}{PATH}").mock(side_effect=vendor)
        async with api() as client:
            batches = Batches(
                client,
                connection="m365",
                numbers=count(1),
                policy=policy or HttpPolicy(),
                clock=FakeClock(),
                log=NullLog(),
            )
            return await batches.ask([question(path) for path in paths]), watch


async def test_answers_find_their_questions_in_any_order():
    vendor = Vendor({f"/p{n}": [ok(n)] for n in range(45)})
    answers, _ = await ask(vendor, *vendor.answers)
    assert [answers[f"/p{n}"].decode(int) for n in range(45)] == list(range(45))
    assert [len(one) for one in vendor.asked] == [20, 20, 5]


async def test_only_throttled_questions_are_asked_again_after_the_longest_pause():
    vendor = Vendor({"/a": [ok(1)], "/b": [slow(7), ok(2)], "/c": [slow("19"), ok(3)]})
    answers, watch = await ask(vendor, "/a", "/b", "/c")
    assert [answers[path].decode(int) for path in ("/a", "/b", "/c")] == [1, 2, 3]
    assert vendor.asked == [["/a", "/b", "/c"], ["/b", "/c"]]
    assert 19 <= watch.now < 60


async def test_a_question_that_is_throttled_for_ever_ends_within_the_bounds():
    vendor = Vendor({"/a": [ok(1)], "/b": [slow()]})
    with pytest.raises(RateLimited):
        await ask(vendor, "/a", "/b", policy=HttpPolicy(attempts=3))
    assert vendor.asked == [["/a", "/b"], ["/b"], ["/b"]]


async def test_a_question_that_stumbles_is_asked_again():
    vendor = Vendor({"/a": [(503, {"error": {}}, {}), ok(1)]})
    answers, _ = await ask(vendor, "/a")
    assert answers["/a"].decode(int) == 1


async def test_a_call_that_fails_is_not_retried_twice_over():
    calls = []

    def vendor(request):
        calls.append(request)
        return httpx.Response(503)

    with pytest.raises(VendorUnavailable):
        await ask(vendor, "/a")
    assert len(calls) == HttpPolicy().attempts


async def test_a_refused_question_is_refused_alone_and_says_what_it_needs():
    denied = {"error": {"code": "Authorization_RequestDenied", "message": "no"}}
    vendor = Vendor({"/a": [ok(1)], "/b": [(403, denied, {})], "/c": [(404, None, {})]})
    answers, _ = await ask(vendor, "/a", "/b", "/c")
    assert answers["/a"].decode(int) == 1
    assert isinstance(answers["/b"], PermissionMissing)
    assert "Some.Right" in str(answers["/b"])
    assert isinstance(answers["/c"], RequestRejected)
    with pytest.raises(PermissionMissing):
        got(answers, "/b", int)


@pytest.mark.parametrize(
    "change",
    [
        lambda responses: responses[:-1],
        lambda responses: [],
        lambda responses: [*responses, {**responses[0], "id": "99"}],
        lambda responses: [{**one, "id": f"x{one['id']}"} for one in responses],
    ],
)
async def test_an_answer_that_is_missing_or_nobodys_is_refused(change):
    vendor = Vendor({"/a": [ok(1)], "/b": [ok(2)]})
    vendor.change = change
    with pytest.raises(ProtocolError, match="BATCH_INCOMPLETE"):
        await ask(vendor, "/a", "/b")


async def test_an_answer_that_comes_twice_is_refused():
    vendor = Vendor({"/a": [ok(1)], "/b": [ok(2)]})
    vendor.change = lambda responses: [responses[0], *responses]
    with pytest.raises(ProtocolError, match="BATCH_INCOMPLETE"):
        await ask(vendor, "/a", "/b")


def counted(body):
    answer = Answer(
        status=200, url="/n", headers={}, body=msgspec.json.encode(body), request_id=None
    )
    return number_in({"n": answer}, "n")


@pytest.mark.parametrize(
    "body",
    [17, "17", "\N{ZERO WIDTH NO-BREAK SPACE}17", " 17 ", base64.b64encode(b"17").decode(),
     base64.b64encode(b"\xef\xbb\xbf17").decode()],
)  # fmt: skip
def test_a_count_is_read_however_it_is_written(body):
    assert counted(body) == 17


@pytest.mark.parametrize("body", [-1, "", "many", None, 1.5, True, [1], "MQ", "\u0661\u0667"])
def test_what_is_no_count_is_refused(body):
    with pytest.raises(ProtocolError):
        counted(body)


def test_what_was_asked_decides_the_shape():
    answer = Answer(status=200, url="/o", headers={}, body=b'{"value": 5}', request_id=None)
    with pytest.raises(ProtocolError):
        got({"o": answer}, "o", Organizations)
