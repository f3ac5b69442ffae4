"""The daemon as a process: it works by schedule, is alone, survives crashes and stops cleanly."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

CONNECTION = '[connections.{name}]\nplugin = "scripted"\nschedule = "every 1d"\nact = "{act}"\n'


def connection(name: str, act: str = "fine") -> str:
    return CONNECTION.format(name=name, act=act)


def test_a_fresh_daemon_pulls_at_once_and_stops_cleanly(installation: Any) -> None:
    installation.configure(connection("a"))
    (installation.folder / "syncd.db").unlink()
    daemon = installation.run()
    started = daemon.until("daemon.started")
    assert (started["n_connections"], started["n_schedules"]) == (1, 1)
    finished = daemon.until("run.finished")
    assert (finished["kind"], finished["status"], finished["connection"]) == (
        "pull",
        "succeeded",
        "a",
    )
    assert daemon.stop() == 0
    assert daemon.lines[-1]["event"] == "daemon.stopped"
    assert daemon.lines[-1]["n_interrupted"] == 0


def test_a_due_time_is_worked_off_once_however_often_the_daemon_starts(installation: Any) -> None:
    installation.configure(connection("a"))
    for _ in range(2):
        daemon = installation.run()
        daemon.until("daemon.started")
        if not installation.rows("SELECT 1 FROM run WHERE status = 'succeeded'"):
            daemon.until("run.finished")
        assert daemon.stop() == 0
    (row,) = installation.rows("SELECT subject, kind, status, scheduled_for FROM run")
    assert row[:3] == ("a", "pull", "succeeded")
    assert row[3] % (86400 * 1_000_000) == 0, "the key is the due time, not the time of the start"


def test_a_commitment_that_ends_is_told_after_the_pull_that_shows_it(installation: Any) -> None:
    soon = (datetime.now(UTC) + timedelta(days=20)).date()
    installation.configure(connection("a", f"ends:{soon}"))
    daemon = installation.run()
    while daemon.until("issue.opened")["code"] != "RENEWAL_DUE":
        pass
    assert daemon.stop() == 0
    rows = installation.rows("SELECT subject, severity FROM issue WHERE code = 'RENEWAL_DUE'")
    assert rows == [("a/1", "warning")]


def test_a_second_daemon_is_refused_with_a_sentence(installation: Any) -> None:
    installation.configure(connection("a"))
    first = installation.run()
    first.until("daemon.started")
    second = installation.command("run")
    assert second.returncode == 5
    assert "another syncd daemon" in second.stderr
    assert "what to do: stop that one first" in second.stderr
    assert first.stop() == 0


def test_one_failing_connection_stops_no_other(installation: Any) -> None:
    installation.configure(
        connection("a", "down")
        + connection("b", "defect")
        + connection("c", "partial")
        + connection("d")
    )
    daemon = installation.run()
    daemon.until("daemon.started")
    while len(daemon.events("run.finished")) < 4:
        daemon.until("run.finished")
    daemon.stop()
    ended = {line["connection"]: line["status"] for line in daemon.events("run.finished")}
    assert ended == {"a": "failed", "b": "failed", "c": "partial", "d": "succeeded"}
    assert [line["connection"] for line in daemon.events("connection.unavailable")] == ["a", "b"]
    assert "client Acme" not in str(daemon.lines)
    assert "PAGE_CUT_SHORT" in daemon.events("pull.incomplete")[0]["reasons"]


def test_running_work_may_end_within_the_grace(
    installation: Any, tmp_path: Path, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    gate = tmp_path / "gate"
    installation.configure(connection("a", f"gate:{gate}"))
    daemon = installation.run()
    daemon.until("run.started")
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.until("daemon.draining")["n_running"] == 1
    gate.touch()
    assert daemon.until("run.finished")["status"] == "succeeded"
    assert daemon.end() == 0
    assert daemon.lines[-1]["n_interrupted"] == 0


def test_work_beyond_the_grace_is_interrupted_and_says_so(installation: Any) -> None:
    installation.configure("[syncd]\ngrace_seconds = 0\n" + connection("a", "slow"))
    daemon = installation.run()
    daemon.until("run.started")
    assert daemon.stop() == 0
    (finished,) = daemon.events("run.finished")
    assert (finished["status"], finished["error_code"]) == ("interrupted", "RUN_INTERRUPTED")
    assert daemon.events("daemon.stopped")[0]["n_interrupted"] == 1
    assert installation.rows("SELECT status FROM run") == [("interrupted",)]
    assert installation.rows("SELECT COUNT(*) FROM unit_interval") == [(0,)]


def test_a_second_signal_ends_the_process_at_once(installation: Any) -> None:
    installation.configure("[syncd]\ngrace_seconds = 3600\n" + connection("a", "slow"))
    daemon = installation.run()
    daemon.until("run.started")
    daemon.process.send_signal(signal.SIGTERM)
    daemon.until("daemon.draining")
    assert daemon.stop() == 128 + signal.SIGTERM


def test_a_killed_daemon_leaves_nothing_that_the_next_one_does_not_mend(installation: Any) -> None:
    installation.configure(connection("a", "slow"))
    killed = installation.run()
    killed.until("run.started")
    killed.process.kill()
    killed.process.wait()
    assert installation.rows("SELECT status FROM run") == [("running",)]
    installation.configure(connection("a"))
    daemon = installation.run()
    assert daemon.until("run.abandoned")["subject"] == "a"
    assert daemon.until("run.finished")["status"] == "succeeded"
    daemon.stop()
    statuses = installation.rows("SELECT status, error_code FROM run ORDER BY started_at")
    assert statuses == [("interrupted", "RUN_ABANDONED"), ("succeeded", None)]


def test_missed_runs_are_made_up_for_once(installation: Any) -> None:
    installation.configure(connection("a").replace("every 1d", "every 1m"))
    first = installation.run(SYNCD_NOW="2026-11-01T00:00:05Z")
    first.until("run.finished")
    first.stop()
    later = installation.run(SYNCD_NOW="2026-11-02T00:00:05Z")
    assert later.until("schedule.missed")["scheduled_for"] == "2026-11-02 00:00:00+00:00"
    later.until("run.finished")
    later.stop()
    assert len(installation.rows("SELECT 1 FROM run")) == 2


def test_the_alarm_rings_when_work_is_due(installation: Any) -> None:
    installation.configure(connection("a").replace("every 1d", "every 1m"))
    daemon = installation.run(SYNCD_NOW="2026-11-01T00:00:56Z")
    caught_up = datetime.fromisoformat(daemon.until("run.started")["scheduled_for"])
    rung = datetime.fromisoformat(daemon.until("run.started", within=90)["scheduled_for"])
    daemon.stop()
    assert rung - caught_up == timedelta(minutes=1)
    assert rung.second == 0


def test_a_shifted_clock_is_refused_when_a_connection_leaves_the_machine(installation: Any) -> None:
    installation.environment["SYNCD_NOW"] = "2026-11-01T00:00:00Z"
    installation.configure(connection("a") + 'base_url = "https://api.example.com"\n')
    result = installation.command("run")
    assert result.returncode == 2
    assert "SYNCD_NOW is set, and [connections.a] base_url leaves this machine" in result.stderr


def test_a_broken_plugin_loses_its_connections_only(installation: Any) -> None:
    installation.install("broken", "import a_module_that_is_not_there")
    installation.configure(connection("a") + '[connections.b]\nplugin = "broken"\n')
    daemon = installation.run()
    failed = daemon.until("plugin.load_failed", plugin="broken")
    assert "a_module_that_is_not_there" in failed["error"]
    assert daemon.until("connection.unavailable")["connection"] == "b"
    assert daemon.until("run.finished")["connection"] == "a"
    daemon.stop()
    issues = installation.rows("SELECT code, subject FROM issue WHERE connection = 'b'")
    assert issues == [("PLUGIN_UNUSABLE", "b")]


def test_an_older_database_is_refused_before_anything_runs(installation: Any) -> None:
    installation.configure(connection("a"))
    (installation.folder / "syncd.db").write_bytes(b"")
    result = installation.command("run")
    assert result.returncode == 2
    assert "syncd db upgrade" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_stop_as_cleanly(installation: Any, number: signal.Signals) -> None:
    installation.configure(connection("a"))
    daemon = installation.run()
    daemon.until("run.finished")
    assert daemon.stop(number) == 0
    assert daemon.lines[-1]["reason"] == number.name
