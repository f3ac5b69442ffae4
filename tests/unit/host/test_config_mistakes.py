"""Every mistake of a configuration is told in one answer, with its line, reason and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.config import ConfigErrors, Problem, load
from syncd.plugins import BrokenPlugin
from syncd.sdk.errors import ConfigError
from tests.builders_host import installed, line_of, written

GOOD = """\
base_url = "https://api.acme.example"
client_id = "abc"
client_secret = { env = "ACME_SECRET" }
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", "s3cr3t-value")
    monkeypatch.delenv("NOT_SET", raising=False)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def problems(folder: Path, text: str, *broken: BrokenPlugin) -> list[Problem]:
    with pytest.raises(ConfigErrors) as caught:
        load(written(folder, text), installed(*broken))
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def only(folder: Path, text: str, *broken: BrokenPlugin) -> Problem:
    found = problems(folder, text, *broken)
    assert len(found) == 1, found
    return found[0]


TEN = """\
[syncd]
timezone = "Europe/Londn"                # here:zone
databse = "sqlite:///syncd.db"           # here:unknown

[connections.one]
plugin = "acme"
base_url = "http://api.acme.example"     # here:plain
client_id = "abc"
client_secret = "s3cr3t-in-the-file"     # here:secret
schedule = "0 6 * * 0"                   # here:weekday

[connections.two]
plugin = "acmee"                         # here:plugin

[connections.three]                      # here:missing
plugin = "acme"
client_secret = { env = "NOT_SET" }      # here:env
region = "uk"                            # here:region

[billing]
guards = { line_percent = -1 }           # here:guard
"""


def test_ten_mistakes_make_one_answer_with_ten_problems_on_the_right_lines(tmp_path: Path) -> None:
    found = problems(tmp_path, TEN)
    words = ("zone", "unknown", "plain", "secret", "weekday", "plugin", "missing", "env", "region")
    expected = [line_of(TEN, word) for word in (*words, "guard")]
    assert [problem.line for problem in found] == expected
    assert all(f"syncd.toml:{problem.line} [" in problem.place for problem in found)
    assert all(problem.reason and problem.remedy for problem in found)


def test_the_answer_is_one_text_that_numbers_the_problems(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(written(tmp_path, TEN), installed())
    text = str(caught.value)
    assert "syncd.toml has 10 mistakes" in text
    assert "10. syncd.toml:" in text
    assert "[connections.one] base_url" in text


def test_no_secret_is_ever_in_the_answer(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(written(tmp_path, TEN), installed())
    everything = str(caught.value) + caught.value.remedy + repr(caught.value.problems)
    assert "s3cr3t" not in everything


@pytest.mark.parametrize(
    ("text", "line", "reason", "remedy"),
    [
        ("[billing]\nmode = 'lve'\n", 2, "'lve' is not one of its values", "did you mean 'live'?"),
        ("[billin]\n", 1, "no table 'billin'", "did you mean 'billing'?"),
        ("[billing]\nmoney_scale = '2x'\n", 2, "not a whole number", "without quotes"),
        ("[billing]\nmoney_scale = 9\n", 2, "too large", "at most 4"),
        ("[billing]\nguards.line_mony = 1\n", 2, "no such setting", "'line_money'"),
        ("[billing]\nguards = { line_money = true }\n", 2, "not an amount", '"250.00"'),
        ("[billing]\nguards = { line_money = 'lots' }\n", 2, "not an amount", '"250.00"'),
        ("[billing]\nguards = 3\n", 2, "not a table", "{ name = value }"),
        ("[billing]\npsa = 'nowhere'\n", 2, "no connection 'nowhere'", "remove it"),
        ("[billing]\nmode = 'live'\n", 1, "no connection is a PSA", "add the connection"),
        ("[syncd]\ndatabase = 'mysql://x/y'\n", 2, "not a database", "sqlite:///syncd.db"),
        ("[syncd]\ndatabase = 'sqlite:///:memory:'\n", 2, "not a database", "sqlite:///syncd.db"),
        ("[syncd]\ndatabase = { env = 'NOT_SET' }\n", 2, "NOT_SET is not set", "set NOT_SET"),
        ("syncd = 1\n", 1, "is not a table", "write [syncd]"),
        ("connections = 1\n", 1, "is not a table", "[connections.<name>]"),
        ("[connections]\none = 1\n", 2, "is not a table", "[connections.one]"),
        ("[connections.Big]\nplugin = 'acme'\n" + GOOD, 1, "'Big' is not a name", "lower-case"),
        ("[connections.a]\nplugin = 7\n" + GOOD, 2, "is not a text", "double quotes"),
        ("[connections.a]\n" + GOOD, 1, "is missing", "add `plugin = …`"),
    ],
)
def test_each_mistake_names_line_reason_and_remedy(
    tmp_path: Path, text: str, line: int, reason: str, remedy: str
) -> None:
    found = only(tmp_path, text)
    assert found.line == line
    assert reason in found.reason
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("setting", "reason", "remedy"),
    [
        ('base_url = "htp://x"', "is not a URL", "https://host.example"),
        ('base_url = "https://"', "is not a URL", "https://host.example"),
        ('base_url = "http://10.0.0.1"', "not encrypted", "https://host.example"),
        ('base_url = "https://u:p@x.example"', "user name or password", "https://host.example"),
        ('base_url = "https://x.example:99999"', "is not a URL", "https://host.example"),
        ("stale_days = -1", "too small", "0 or more"),
        ("stale_day = 3", "no such setting", "'stale_days'"),
        ('schedule = "every 6 parsecs"', "not an interval", '"every 6h"'),
        ('schedule = "0 25 * * *"', "'25' in the hour field", '"every 6h"'),
        ('schedule = "0 6 * *"', "4 of 5 cron fields", '"every 6h"'),
        ('schedule = "0 6 1 * mon"', "the day and the weekday", "one of the two"),
        ('schedule = "0 6 31 2 *"', "never due", "day that exists"),
        ("limits = { calls = 0 }", "too small", "1 or more"),
        ("limits = { cals = 5 }", "no such setting", "'calls'"),
        ('rules = [{ when = "x" }]', "is missing", "add `product = …`"),
        ('rules = [{ when = "x", product = "y", prise = 1 }]', "no such setting", "remove it"),
        ('formerly = "a"', "itself a connection", "rename"),
        ('enabled = "no"', "", "true or false"),
    ],
)
def test_each_mistake_of_a_connection_names_the_setting(
    tmp_path: Path, setting: str, reason: str, remedy: str
) -> None:
    others = "\n".join(line for line in GOOD.splitlines() if line.split()[0] != setting.split()[0])
    found = only(tmp_path, f'[connections.a]\nplugin = "acme"\n{others}\n{setting}\n')
    assert setting.split()[0] in found.place
    assert reason in found.reason
    assert remedy in found.remedy


def test_a_local_http_address_is_allowed(tmp_path: Path) -> None:
    text = '[connections.a]\nplugin = "acme"\n' + GOOD.replace(
        "https://api.acme.example", "http://127.0.0.1:8080"
    )
    settings = load(written(tmp_path, text), installed())
    assert settings.connections["a"].urls == {"base_url": "http://127.0.0.1:8080"}


def test_two_psas_need_the_one_that_bills_to_be_named(tmp_path: Path) -> None:
    text = f'[connections.a]\nplugin = "desk"\n{GOOD}[connections.b]\nplugin = "bench"\n{GOOD}'
    found = only(tmp_path, text)
    assert "[billing] psa" in found.place
    assert "a and b are both PSA connections" in found.reason
    assert load(written(tmp_path, text + '[billing]\npsa = "b"\n'), installed()).billing.psa == "b"


def test_a_source_cannot_be_named_as_the_psa(tmp_path: Path) -> None:
    text = f'[connections.a]\nplugin = "acme"\n{GOOD}[billing]\npsa = "a"\n'
    assert "is not a PSA" in only(tmp_path, text).reason


def test_two_connections_cannot_claim_one_history(tmp_path: Path) -> None:
    text = (
        f'[connections.a]\nplugin = "acme"\nformerly = "old"\n{GOOD}'
        f'[connections.b]\nplugin = "acme"\nformerly = "old"\n{GOOD}'
    )
    assert "'a' claims to be the former 'old'" in only(tmp_path, text).reason


def test_a_connection_of_a_broken_plugin_is_lost_and_the_others_work(tmp_path: Path) -> None:
    text = f'[connections.a]\nplugin = "acme"\n{GOOD}[connections.b]\nplugin = "gone"\n'
    settings = load(
        written(tmp_path, text), installed(BrokenPlugin("gone", "ImportError: no such module"))
    )
    assert list(settings.connections) == ["a"]
    assert settings.unavailable["b"].reason == "ImportError: no such module"


def test_an_unknown_plugin_is_told_with_the_broken_ones(tmp_path: Path) -> None:
    text = '[connections.b]\nplugin = "other"\n'
    found = only(tmp_path, text, BrokenPlugin("gone", "ImportError: no such module"))
    assert "acme, bench, desk" in found.remedy
    assert "'gone' is installed and does not load: ImportError" in found.remedy


def test_a_syntax_error_does_not_hide_the_other_mistakes(tmp_path: Path) -> None:
    text = f'[connections.a]\nplugin = "acme"\n{GOOD}stale_days = \n[billing]\nmode = "lve"\n'
    syntax, mode = problems(tmp_path, text)
    assert (syntax.line, mode.line) == (6, 8)
    assert "not valid TOML" in syntax.reason


def test_a_setting_whose_line_does_not_parse_is_not_called_missing(tmp_path: Path) -> None:
    text = (
        '[connections.a]\nplugin = "acme"\nclient_id = "abc\nclient_secret = { env = "NOT_SET" }\n'
    )
    syntax, secret = problems(tmp_path, text)
    assert "no closing quote" in syntax.reason
    assert "NOT_SET" in secret.reason


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[billing]\nmode = "live"\nmode = "shadow"\n', 3, "'mode' is written twice"),
        ("[billing]\n[syncd]\n[billing]\nmode = 'x'\n", 3, "'billing' is written twice"),
        ("[billing\nmode = 'shadow'\n", 1, "not valid TOML"),
        ('[syncd]\ntimezone = """Europe\n\n', 2, "what begins here has no end"),
        ("[billing]\nguards = { line_units = 1\n", 2, "not valid TOML"),
        ("[connections.a]\nrules = [\n  1,\nplugin = 'acme'\n", 2, "bracket of 'rules'"),
    ],
)
def test_each_syntax_error_is_told_where_it_begins(
    tmp_path: Path, text: str, line: int, reason: str
) -> None:
    found = problems(tmp_path, text)
    assert any(each.line == line and reason in each.reason for each in found), found


def test_a_file_that_is_no_toml_at_all_ends_in_an_answer(tmp_path: Path) -> None:
    assert 1 <= len(problems(tmp_path, "{ not toml !\n" * 500)) <= 20


PIECES = st.sampled_from(
    [
        *"[]{}=.,#\"'\\ \n\t1a-",
        "\n[billing]\n", "\n[connections.a]\n", 'mode = "live"\n', "plugin = 'acme'\n",
        '"""', "'''",
        "guards = { line_units = 1 }\n", "[[x]]\n", "é", "\u2028", "1.5", "true", "\r\n",
        "client_secret = { env = 'A' }\n", "x" * 50, "9" * 5000, "[" * 400,
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_the_file_holds_ends_in_settings_or_in_sentences(text: str) -> None:
    with TemporaryDirectory() as folder:
        try:
            load(written(Path(folder), text), installed())
        except ConfigError as error:
            lines = text.replace("\r\n", "\n").count("\n") + 1
            told = error.problems if isinstance(error, ConfigErrors) else ()
            assert all(1 <= (problem.line or 1) <= lines for problem in told)
            assert all(problem.reason and problem.remedy for problem in told)


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 5000])
def test_a_value_beyond_measure_ends_in_an_answer(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_a_byte_that_is_no_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "syncd.toml"
    file.write_bytes(b"[syncd]\n# caf\xe9\n")
    with pytest.raises(ConfigErrors) as caught:
        load(file, installed())
    assert caught.value.problems[0].line == 2
    assert "UTF-8" in caught.value.remedy


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "syncd.toml"
    file.write_bytes(b"\xef\xbb\xbf[syncd]\r\ntimezone = 'UTC'\r\n")
    assert load(file, installed()).timezone.key == "UTC"


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file") as caught:
        load(tmp_path / "syncd.toml", installed())
    assert "syncd init" in caught.value.remedy


def test_a_folder_or_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, installed())
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(ConfigError, match="bytes"):
        load(huge, installed())


def test_a_placeholder_that_was_left_in_is_a_mistake(tmp_path: Path) -> None:
    text = f'[connections.a]\nplugin = "acme"\n{GOOD.replace("abc", "…")}'
    assert "not filled in" in only(tmp_path, text).reason


def test_problems_can_be_printed_as_json(tmp_path: Path) -> None:
    import msgspec

    rows = json.loads(msgspec.json.encode(problems(tmp_path, TEN)))
    assert rows[0]["line"] == 2
    assert set(rows[0]) == {"place", "reason", "remedy", "line"}
