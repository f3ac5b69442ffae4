"""Log lines: a closed catalogue, JSON for machines, and no secret in any of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from syncd import log
from syncd.events import EVENTS


@pytest.fixture(autouse=True)
def _json() -> Iterator[None]:
    log.configure(log_format="json", level="debug")
    yield
    log.configure()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_event_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.event("issue.opened", code="PULL_INCOMPLETE", subject="ninja-eu/12")
    (line,) = lines(capsys)
    assert list(line)[:3] == ["timestamp", "level", "event"]
    assert line["level"] == "warning"
    assert str(line["timestamp"]).endswith("Z")


def test_bound_fields_are_in_every_line_inside_and_in_none_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with log.bound(run_id="r1"), log.bound(connection="a"):
        log.event("limit.waited", wait_ms=3)
    log.event("limit.waited", wait_ms=4)
    inside, outside = lines(capsys)
    assert (inside["run_id"], inside["connection"]) == ("r1", "a")
    assert "run_id" not in outside


def test_secrets_are_dropped_by_key_and_by_shape(capsys: pytest.CaptureFixture[str]) -> None:
    log.event(
        "issue.opened",
        code="A",
        subject="Authorization: Bearer abc.def",
        client_secret="hush",
        access_token="hush",
        url="postgresql://user:hush@db.example/x",
    )
    text = capsys.readouterr().err
    assert "hush" not in text
    assert "abc.def" not in text
    assert "user:[redacted]@db.example" in text


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_level("warning")
    log.event("limit.waited", wait_ms=3)
    assert lines(capsys) == []


def test_a_failed_run_is_an_error_and_a_good_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("run.finished", kind="pull", status="failed", ms=1)
    log.event("run.finished", kind="pull", status="succeeded", ms=1)
    assert [line["level"] for line in lines(capsys)] == ["error", "info"]


def test_an_unknown_line_is_marked_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log.event("weather.changed")
    log.event("issue.opened", code="A")
    assert [line["uncatalogued"] for line in lines(capsys)] == [True, True]


def test_a_strict_log_refuses_what_the_catalogue_does_not_know() -> None:
    log.configure(strict=True)
    with pytest.raises(LookupError, match=r"weather\.changed"):
        log.event("weather.changed")
    with pytest.raises(LookupError, match="lacks subject"):
        log.event("issue.opened", code="A")


def test_a_terminal_gets_short_lines_without_colours_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    log.configure(log_format="text")
    log.event("issue.closed", code="A", subject="b")
    text = capsys.readouterr().err
    assert "issue.closed" in text
    assert "\x1b" not in text


def test_no_event_has_a_key_that_the_second_net_would_drop() -> None:
    keys = {key for event in EVENTS.values() for key in event.keys}
    assert log.redact(None, "", dict.fromkeys(keys, 1)) == dict.fromkeys(keys, 1)
