"""`[notify.<name>]`: every mistake in one answer, with its line; secrets by reference only."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd import plugins
from syncd.config import load
from syncd.config.problem import ConfigErrors
from syncd.config.settings import Settings
from syncd.plugins import BrokenPlugin, Plugins
from syncd.sdk.notices import NoticeKind

MAIL = """\
[notify.ops]
plugin = "mail"
host = "smtp.example.com"
user = "u"
password = { env = "SMTP_PASSWORD" }
from = "syncd@msp.test"
to = ["ops@msp.test"]
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2")
    monkeypatch.setenv("WEBHOOK", "https://hooks.test/T0/hunter2")
    installed = plugins.load()

    def load_text(text: str, with_plugins: Plugins = installed) -> Settings:
        file = tmp_path / "syncd.toml"
        file.write_text(text)
        return load(file, with_plugins)

    return load_text


def mistakes(read, text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        read(text)
    return [str(one) for one in caught.value.problems]


def test_a_notifier_tells_everything_as_counts_unless_told_otherwise(read) -> None:
    found = read(MAIL).notifiers["ops"]
    assert found.on == frozenset(NoticeKind)
    assert (found.clients, found.always, found.enabled) == (False, False, True)
    assert found.kind.name == "mail"
    assert "hunter2" not in repr(found)


def test_what_is_told_can_be_chosen(read) -> None:
    text = MAIL + 'on = ["held"]\ndetail = "clients"\ndigest = "always"\n'
    found = read(text).notifiers["ops"]
    assert found.on == {NoticeKind.HELD}
    assert (found.clients, found.always) == (True, True)


def test_all_mistakes_come_in_one_answer_with_their_lines(read) -> None:
    text = """\
[connections.ops]
plugin = "no_such"

[notify.ops]
plugin = "mail"
on = ["held", "helt"]
detail = "everything"
host = "smtp.example.com"
security = "none"
password = "hunter2"
from = "nobody"
to = []
colour = "red"

[notify.chat]
plugin = "chat"
url = "https://hooks.test/T0/hunter2"

[notify.Bad]
plugin = "mial"

[notify]
loose = 1
"""
    told = mistakes(read, text)
    for line, words in (
        (4, "a connection is called 'ops' too"),
        (6, "did you mean 'held'?"),
        (7, "'everything' is not one of its values"),
        (9, "unencrypted"),
        (10, "a secret stands in the file in plain text"),
        (11, "is not a mail address"),
        (12, "too_short"),
        (13, "there is no such setting"),
        (17, "a secret stands in the file in plain text"),
        (19, "not a name for a notifier"),
        (20, "did you mean 'mail'?"),
    ):
        if words == "too_short":
            assert any(f"syncd.toml:{line} " in one for one in told), told
        else:
            assert any(f"syncd.toml:{line} " in one and words in one for one in told), told
    assert "hunter2" not in str(told)


def test_a_webhook_by_reference_is_judged_without_being_repeated(read, monkeypatch) -> None:
    text = '[notify.chat]\nplugin = "chat"\nurl = { env = "WEBHOOK" }\n'
    assert read(text).notifiers["chat"].kind.name == "chat"
    monkeypatch.setenv("WEBHOOK", "http://hooks.test/T0/hunter2")
    told = mistakes(read, text)
    assert "plain http is allowed only to this machine" in told[0]
    assert "hunter2" not in str(told)


def test_a_missing_plugin_name_is_one_mistake(read) -> None:
    (told,) = mistakes(read, "[notify.ops]\n")
    assert "add `plugin = …`" in told


def test_a_login_is_whole_or_not_there(read) -> None:
    (told,) = mistakes(read, MAIL.replace('user = "u"\n', ""))
    assert "a login needs `user` and `password`" in told


def test_a_silent_notifier_needs_no_secret(read, monkeypatch) -> None:
    monkeypatch.delenv("SMTP_PASSWORD")
    assert mistakes(read, MAIL)
    resting = MAIL.replace('user = "u"\n', "") + "enabled = false\n"
    assert "a login needs" in str(mistakes(read, resting))
    assert not read(MAIL + "enabled = false\n").notifiers["ops"].enabled


def test_a_broken_plugin_silences_its_notifier_and_nothing_else(read) -> None:
    broken = Plugins({}, broken=(BrokenPlugin("mail", "ImportError: x"),))
    settings = read(MAIL, broken)
    assert settings.notifiers == {}
    assert "nobody is told, as plugin 'mail' does not load" in str(settings.warnings[0])


def test_notify_is_a_table(read) -> None:
    (told,) = mistakes(read, "notify = 1\n")
    assert "write [notify.<name>]" in told
