"""`syncd check`: every connection is tried, each failure has its place and its exit code."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from syncd import plugins
from syncd.cli import app as shell
from syncd.core.store.schema import upgrade
from syncd.plugins import BrokenPlugin, Plugins
from syncd.sdk.connector import Capability, Context, Ports
from syncd.sdk.errors import ProtocolError, VendorUnavailable
from syncd.sdk.records import CheckResult, Permission
from tests.builders_host import connector, written

Trial = Callable[[], Awaitable[CheckResult]]
CONNECTION = """\
[connections.{name}]
plugin = "{name}"
client_id = "x"
client_secret = {{ env = "ACME_SECRET" }}
"""


class Checked:
    def __init__(self, trial: Trial) -> None:
        self.check = trial


def source(name: str, trial: Trial, provides: Capability = Capability.USAGE) -> Any:
    @asynccontextmanager
    async def opened(_context: Context[Any]) -> AsyncIterator[Ports]:
        yield Ports(usage=Checked(trial))  # type: ignore[arg-type]

    return connector(name, provides, open=opened)


async def fine() -> CheckResult:
    return CheckResult(ok=True, summary="12 organisations", warnings=("one is odd; look",))


async def forbidden() -> CheckResult:
    right = Permission("read:assets", granted=False, needed_for="counting devices")
    return CheckResult(ok=False, summary="", permissions=(right,), error="a right is missing")


async def refused() -> CheckResult:
    return CheckResult(ok=False, summary="", error="the secret is refused")


async def silent() -> CheckResult:
    raise VendorUnavailable("no answer from acme", remedy="try again later")


async def odd() -> CheckResult:
    raise ProtocolError("HTML instead of JSON")


async def defect() -> CheckResult:
    raise KeyError("client Acme")


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any], str]]:
    """Run `syncd check` over connectors with these trials; exit code, JSON, and what people see."""
    monkeypatch.setenv("ACME_SECRET", "s3cr3t")

    def run(
        trials: dict[str, Trial],
        *arguments: str,
        broken: tuple[BrokenPlugin, ...] = (),
        extra: str = "",
    ) -> tuple[int, dict[str, Any], str]:
        found = {name: source(name, trial) for name, trial in trials.items()}
        monkeypatch.setattr(plugins, "load", lambda: Plugins(found, broken))
        text = "".join(CONNECTION.format(name=name) for name in trials) + extra
        common = ["check", "--config", str(written(tmp_path, text)), *arguments]
        result = CliRunner().invoke(shell.build(), [*common, "--json"])
        shown = CliRunner().invoke(shell.build(), common)
        assert shown.exit_code == result.exit_code
        return result.exit_code, json.loads(result.stdout), shown.output

    return run


def test_all_is_well_is_exit_0_and_writes_no_database(check: Any, tmp_path: Path) -> None:
    code, data, shown = check({"acme": fine})
    assert code == 0
    assert data["connections"][0]["summary"] == "12 organisations"
    assert data["database"]["summary"] == "is made at the first use"
    assert "one is odd; look" in shown
    assert not list(tmp_path.glob("*.db*"))


def test_a_missing_right_is_named_with_what_stops_without_it(check: Any) -> None:
    code, data, shown = check({"acme": forbidden})
    assert code == 4
    assert data["connections"][0]["code"] == "PERMISSION_MISSING"
    assert "missing right: acme read:assets, needed for counting devices" in shown


@pytest.mark.parametrize(
    ("trial", "code"), [(refused, 4), (silent, 5), (odd, 7), (defect, 2), (fine, 0)]
)
def test_each_failure_has_its_exit_code(check: Any, trial: Trial, code: int) -> None:
    assert check({"acme": trial})[0] == code


def test_one_failing_connection_stops_no_other_and_the_gravest_decides(check: Any) -> None:
    code, data, _ = check({"a1": silent, "a2": fine, "a3": refused, "a4": odd})
    assert code == 4
    assert [(each["name"], each["ok"]) for each in data["connections"]] == [
        ("a1", False),
        ("a2", True),
        ("a3", False),
        ("a4", False),
    ]


def test_a_defect_of_a_plugin_is_told_without_its_text(check: Any) -> None:
    _, data, shown = check({"acme": defect})
    assert "KeyError in plugin 'acme'" in data["connections"][0]["error"]
    assert "client Acme" not in shown


def test_a_connection_lost_with_its_plugin_is_listed(check: Any) -> None:
    code, data, shown = check(
        {"acme": fine},
        broken=(BrokenPlugin("gone", "ImportError: x"),),
        extra='[connections.b]\nplugin = "gone"\n',
    )
    assert code == 2
    assert data["connections"][1]["error"] == "ImportError: x"
    assert "syncd plugins" in shown


def test_one_connection_can_be_checked_alone(check: Any) -> None:
    code, data, _ = check({"a1": fine, "a2": silent}, "a1")
    assert (code, [each["name"] for each in data["connections"]]) == (0, ["a1"])


def test_an_unknown_name_says_which_there_are(check: Any, tmp_path: Path) -> None:
    file = written(tmp_path, "")
    result = CliRunner().invoke(shell.build(), ["check", "a9", "--config", str(file)])
    assert result.exit_code == 2
    assert "there is no connection 'a9'" in result.output


def test_a_resting_connection_is_not_tried(check: Any) -> None:
    code, data, shown = check({"acme": fine}, extra="enabled = false\n")
    assert (code, data["connections"], data["switched_off"]) == (0, [], ["acme"])
    assert "switched off, not tried: acme" in shown


def test_a_schedule_whose_last_pull_is_early_is_a_warning(check: Any) -> None:
    _, data, _ = check({"acme": fine}, extra='schedule = "0 6 * * *"\n')
    assert any("h before midnight in Europe/London" in text for text in data["warnings"])
    _, data, _ = check({"acme": fine}, extra='schedule = "every 6h"\n')
    assert not any("midnight" in text for text in data["warnings"])


def test_a_database_of_another_version_is_found(check: Any, tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'syncd.db'}")
    assert check({"acme": fine})[0] == 0
    (tmp_path / "syncd.db").write_bytes(b"")
    code, data, shown = check({"acme": fine})
    assert code == 2
    assert data["database"]["code"] == "SCHEMA_OUTDATED"
    assert "syncd db upgrade" in shown
