"""What a valid configuration becomes: absolute places, resolved secrets, exact amounts."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.config import ConfigErrors, Settings, load
from syncd.config.settings import BillingSettings
from syncd.config.tables import BillingTable, GuardsTable, SyncdTable
from syncd.core.billing.model import GuardLimits, RoundingPolicy
from syncd.sdk.connector import RateLimit
from tests.builders_host import installed, written

HEAD = '[connections.a]\nplugin = "acme"\nclient_id = "abc"\n'


def loaded(folder: Path, text: str) -> Settings:
    return load(written(folder, text), installed())


def secret_of(settings: Settings) -> str:
    value: str = settings.connections["a"].config.client_secret.get_secret_value()  # type: ignore[attr-defined]
    return value


def test_an_empty_file_is_a_shadow_installation(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "")
    assert settings.billing.mode == "shadow"
    assert settings.connections == {}
    assert settings.timezone.key == "Europe/London"


def test_the_database_is_beside_the_configuration_and_not_where_we_stand(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[syncd]\ndatabase = "sqlite:///data/x.db"\n')
    assert settings.database == f"sqlite:///{tmp_path}/data/x.db"
    absolute = loaded(tmp_path, '[syncd]\ndatabase = "sqlite:////var/lib/x.db"\n')
    assert absolute.database == "sqlite:////var/lib/x.db"


def test_a_database_password_stands_in_a_reference_and_in_no_representation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB", "postgresql://u:s3cr3t@db.example/syncd")
    settings = loaded(tmp_path, '[syncd]\ndatabase = { env = "DB" }\n')
    assert settings.database == "postgresql://u:s3cr3t@db.example/syncd"
    assert "s3cr3t" not in repr(settings)
    with pytest.raises(ConfigErrors, match="password in plain text") as caught:
        loaded(tmp_path, '[syncd]\ndatabase = "postgresql://u:s3cr3t@db.example/syncd"\n')
    assert "s3cr3t" not in str(caught.value)


def test_a_secret_comes_from_the_environment_and_is_in_no_representation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME", "s3cr3t")
    settings = loaded(tmp_path, HEAD + 'client_secret = { env = "ACME" }\n')
    assert secret_of(settings) == "s3cr3t"
    assert "s3cr3t" not in repr(settings) + str(settings.connections["a"].config)


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "acme.secret"
    file.write_text("s3cr3t\n")
    file.chmod(0o600)
    settings = loaded(tmp_path, HEAD + 'client_secret = { file = "acme.secret" }\n')
    assert secret_of(settings) == "s3cr3t"
    assert not any("read the secret file" in each.reason for each in settings.warnings)


def test_a_secret_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "acme.secret"
    file.write_text("s3cr3t")
    file.chmod(0o644)
    settings = loaded(tmp_path, HEAD + 'client_secret = { file = "acme.secret" }\n')
    warning = next(each for each in settings.warnings if "everybody" in each.reason)
    assert warning.line == 4
    assert "chmod" in warning.remedy


def test_a_secret_comes_from_a_systemd_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "acme").write_text("s3cr3t")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    settings = loaded(tmp_path, HEAD + 'client_secret = { credential = "acme" }\n')
    assert secret_of(settings) == "s3cr3t"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ('{ env = "EMPTY" }', "EMPTY is empty"),
        ('{ file = "none" }', "cannot be read"),
        ('{ file = "empty" }', "is empty"),
        ('{ file = "binary" }', "not UTF-8"),
        ('{ credential = "acme" }', "systemd passed no credentials"),
        ('{ env = "A", file = "b" }', "exactly one of"),
        ("{ env = 7 }", "not a reference"),
        ('{ vault = "x" }', "not a reference"),
        ("{ }", "exactly one of"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, reason: str
) -> None:
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigErrors, match=reason):
        loaded(tmp_path, f"{HEAD}client_secret = {reference}\n")


def test_a_credential_cannot_climb_out_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigErrors, match="not the name of a credential"):
        loaded(tmp_path, HEAD + 'client_secret = { credential = "../x" }\n')


def test_a_text_that_is_no_secret_may_come_by_reference_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ID", "from-env")
    monkeypatch.setenv("ACME", "s3cr3t")
    text = (
        '[connections.a]\nplugin = "acme"\n'
        'client_id = { env = "ID" }\nclient_secret = { env = "ACME" }\n'
    )
    assert loaded(tmp_path, text).connections["a"].config.client_id == "from-env"  # type: ignore[attr-defined]


def test_a_url_that_comes_by_reference_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URL", "http://api.acme.example")
    monkeypatch.setenv("ACME", "s3cr3t")
    with pytest.raises(ConfigErrors, match="base_url"):
        loaded(tmp_path, HEAD + 'client_secret = { env = "ACME" }\nbase_url = { env = "URL" }\n')


def test_a_resting_connection_may_have_lost_its_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    text = HEAD + 'enabled = false\nclient_secret = { env = "NOT_SET" }\n'
    assert not loaded(tmp_path, text).connections["a"].enabled


def test_a_resting_psa_does_not_bill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME", "s3cr3t")
    body = 'client_id = "x"\nclient_secret = { env = "ACME" }\n'
    text = (
        f'[connections.old]\nplugin = "desk"\nenabled = false\n{body}'
        f'[connections.new]\nplugin = "desk"\n{body}'
    )
    assert loaded(tmp_path, text).billing.psa == "new"


def test_limits_override_the_connector_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME", "s3cr3t")
    text = HEAD + 'client_secret = { env = "ACME" }\nlimits = { calls = 300 }\n'
    limits = loaded(tmp_path, text).connections["a"].limits
    assert limits == RateLimit(calls=300, window_seconds=60.0, concurrency=10)


@pytest.mark.parametrize("written_as", ['"250.10"', "250.10"])
def test_amounts_are_exact_however_they_are_written(tmp_path: Path, written_as: str) -> None:
    settings = loaded(tmp_path, f"[billing]\nguards = {{ line_money = {written_as} }}\n")
    assert settings.billing.guards.line_money == Decimal("250.10")


def test_billing_settings_arrive_whole(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        '[billing]\ncurrency = "EUR"\nrounding_policy = "adjust"\nsubscription_style = '
        '"per_period"\nmissing_price = "zero"\nmax_age_hours = 72\nguards.line_units = 9\n',
    ).billing
    assert settings.currency == "EUR"
    assert settings.rounding_policy is RoundingPolicy.ADJUST
    assert (settings.subscription_style, settings.missing_price) == ("per_period", "zero")
    assert (settings.max_age_hours, settings.guards.line_units) == (72, 9)


def test_a_live_installation_says_that_it_bills_by_itself_and_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME", "s3cr3t")
    head = '[syncd]\ntimezone = "Europe/London"\n[billing]\n'
    desk = (
        '[connections.desk]\nplugin = "desk"\nclient_id = "x"\nclient_secret = { env = "ACME" }\n'
    )
    said = {
        text: loaded(tmp_path, head + text + desk).billing_words
        for text in (
            "",
            'mode = "live"\n',
            'mode = "live"\nauto_time = "06:30"\n',
            'mode = "live"\nschedule = "every 1d"\n',
            'schedule = "every 1d"\n',
        )
    }
    sends = "a daemon plans, and sends what is not held: "
    only = "a daemon sends only what is not held of clients that are live: "
    assert list(said.values()) == [
        f"{only}00:15 Europe/London, hourly on days 1 to 3",
        f"{sends}00:15 Europe/London, hourly on days 1 to 3",
        f"{sends}06:30 Europe/London, hourly on days 1 to 3",
        f"{sends}every 1d",
        f"{only.replace('daemon', 'daemon plans, and')}every 1d",
    ]


def test_an_installation_without_psa_is_told_that_it_cannot_bill(tmp_path: Path) -> None:
    assert "counts can be pulled, not billed" in loaded(tmp_path, "").warnings[0].reason


def test_every_setting_of_the_file_reaches_the_program() -> None:
    assert {one.name for one in fields(BillingSettings)} == set(BillingTable.model_fields)
    assert {one.name for one in fields(GuardLimits)} == set(GuardsTable.model_fields)
    assert set(SyncdTable.model_fields) <= {one.name for one in fields(Settings)}


def test_the_defaults_of_the_file_are_those_of_the_program(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").billing == BillingSettings()
