"""`syncd login` from the command line to the stored token, and what its end means."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.cli.app import run
from syncd.core.store.token_keys import new_key
from syncd.plugins import Plugins
from tests.builders_host import connector
from tests.builders_login import Browser, OAuthVendor, books, fetched, to_stdin

START = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)

CONFIG = """
[syncd]
database = "sqlite:///syncd.db"
{key}

[connections.books]
plugin = "books"
base_url = "{url}"

[connections.rmm]
plugin = "acme"
base_url = "http://127.0.0.1:1"
client_id = "x"
client_secret = {{ env = "SECRET" }}
"""


@dataclass
class Place:
    """An installation beside a vendor, with a browser."""

    folder: Path
    vendor: OAuthVendor
    browser: Browser
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    said: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        self.capture.readouterr()
        code = 0
        try:
            run(["--config", str(self.folder / "syncd.toml"), "--verbose", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        shown = self.capture.readouterr()
        self.said += [shown.out, shown.err]
        return code, shown.out, shown.err

    def json(self, *arguments: str) -> Any:
        _, out, _ = self("--json", *arguments)
        return json.loads(out)

    def configure(self, key: str | None, *, redirect: str | None = None) -> None:
        named = "" if key is None else 'token_key = { env = "TOKEN_KEY" }'
        text = CONFIG.format(key=named, url=self.vendor.url)
        (self.folder / "syncd.toml").write_text(text, encoding="utf-8")
        if key is not None:
            self.monkeypatch.setenv("TOKEN_KEY", key)
        known = (books(self.browser, redirect=redirect), connector("acme"))
        installed = Plugins({one.name: one for one in known})
        self.monkeypatch.setattr("syncd.plugins.load", lambda: installed)

    def at(self, moment: datetime) -> None:
        self.monkeypatch.setenv("SYNCD_NOW", moment.isoformat())

    def issues(self) -> dict[str, str]:
        """Open issues about sign-ins."""
        found = self.json("issues")
        return {x["code"]: x["severity"] for x in found if x["code"].startswith("SIGN_IN")}


KEY = new_key()


@pytest.fixture
def place(
    tmp_path: Path,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Place]:
    assert sqlite_url == f"sqlite:///{tmp_path / 'syncd.db'}"
    vendor = OAuthVendor()
    browser = Browser(goes=lambda address: (fetched(address), None)[1])
    monkeypatch.setenv("SECRET", "s3cret")
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    one = Place(tmp_path, vendor, browser, monkeypatch, capsys)
    one.at(START)
    one.configure(KEY)
    yield one
    browser.close()
    vendor.close()
    told = "".join(one.said)
    assert told
    for secret in (*(x for x in vendor.secrets if not x.startswith("code")), KEY):
        assert secret not in told


def test_a_person_signs_in_and_the_connection_works_from_then_on(place: Place) -> None:
    code, out, err = place("login", "books", "--by", "pat")
    assert (code, out.splitlines()[0]) == (0, "books: signed in: the books of Acme")
    assert "it ends on 2027-01-01, in 59 days" in out
    assert f"{place.vendor.url}/authorize?" in err
    assert place("pull", "books")[0] == 0
    assert place("pull", "books")[0] == 0
    assert len(set(place.vendor.used)) == 2
    assert len(place.vendor.good) == 1
    assert place.vendor.sent[1] != place.vendor.sent[0]


def test_without_a_sign_in_a_pull_says_who_must_do_what(place: Place) -> None:
    code, _, err = place("pull", "books")
    assert code == 4
    assert "nobody has signed in yet" in err
    assert place.issues() == {"SIGN_IN_EXPIRED": "error"}
    [issue] = place.json("issues")
    assert issue["remedy"] == "run `syncd login books`"
    assert place("login", "books")[0] == 0
    assert place.issues() == {}


def test_the_result_is_told_to_programs(place: Place) -> None:
    told = place.json("login", "books", "--by", "pat")
    assert told["connection"] == "books"
    assert told["by"] == "pat"
    assert told["summary"] == "the books of Acme"
    assert told["ends_at"].startswith("2027-01-01")


def test_the_address_can_be_pasted_where_the_browser_runs_elsewhere(place: Place) -> None:
    reads, writes = os.pipe()
    place.browser.goes = to_stdin(writes)
    with os.fdopen(reads, "r") as stdin:
        place.monkeypatch.setattr("sys.stdin", stdin)
        code, out, err = place("login", "books", "--paste")
    os.close(writes)
    assert code == 0
    assert "signed in" in out
    assert "Copy that whole address" in err
    assert place.browser.ended_at.startswith("http://localhost:8400?")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("http://localhost:8400/?code=x&state=other", "not the address of this sign-in"),
        ("http://localhost:8400/", "it has no state"),
        ("", "it has no state"),
        ("abc123", "it has no state"),
    ],
)
def test_a_pasted_line_of_another_sign_in_is_refused(place: Place, line: str, words: str) -> None:
    place.browser.goes = lambda _: None
    file = place.folder / "pasted.txt"
    file.write_text(f"{line}\n")
    with file.open() as stdin:
        place.monkeypatch.setattr("sys.stdin", stdin)
        code, _, err = place("login", "books", "--paste")
    assert code == 2
    assert words in err
    assert "--paste" in err


def test_the_error_of_the_vendor_is_shown(place: Place) -> None:
    place.vendor.refuses = "access_denied"
    code, _, err = place("login", "books")
    assert code == 4
    assert "books: the vendor did not sign in (access_denied): The admin said no." in err


def test_an_answer_of_another_sign_in_is_ignored_and_the_right_one_still_counts(
    place: Place,
) -> None:
    seen: list[tuple[int, str]] = []

    def goes(address: str) -> None:
        base = address.partition("?")[0]
        for wrong in ("/favicon.ico", "?code=evil&state=guessed", "?error=evil", "?state="):
            seen.append(fetched(base + wrong))
        seen.append(fetched(address))

    place.browser.goes = goes
    assert place("login", "books")[0] == 0
    place.browser.close()
    assert [status for status, _ in seen] == [404, 400, 400, 400, 200]
    assert "evil" not in "".join(page for _, page in seen)


def test_noise_at_the_port_does_not_end_the_sign_in(place: Place) -> None:
    def goes(address: str) -> None:
        port = int(address.split(":")[2].partition("?")[0])
        for noise in (b"", b"\x16\x03\x01" + b"x" * 70_000, b"POST / HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(noise)
        fetched(address)

    place.browser.goes = goes
    assert place("login", "books")[0] == 0


def test_a_registered_address_fixes_the_port(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        place.configure(KEY, redirect=f"http://localhost:{port}/callback")
        code, _, err = place("login", "books")
        assert code == 2
        assert f"port {port} of 127.0.0.1 cannot be listened at" in err
        assert "--paste" in err
    assert place("login", "books")[0] == 0
    assert place.browser.ended_at.startswith(f"http://localhost:{port}/callback?")


def test_a_connection_without_a_sign_in_says_so(place: Place) -> None:
    code, _, err = place("login", "rmm")
    assert code == 2
    assert "connection 'rmm' (Acme) has no sign-in in a browser" in err
    assert "a sign-in have: books" in err


def test_an_unknown_connection_and_no_connection_are_mistakes(place: Place) -> None:
    assert place("login", "book")[0] == 2
    assert place("login")[0] == 2
    assert place("login", "books", "--new-key")[0] == 2


def test_without_a_key_nothing_is_asked_of_the_person(place: Place) -> None:
    place.configure(None)
    for command in (("login", "books"), ("pull", "books")):
        code, _, err = place(*command)
        assert code == 2
        assert "connection 'books' keeps a token, and there is no key for it" in err
        assert "syncd login --new-key" in err
    assert place.browser.threads == []


def test_a_fresh_key_can_be_used_at_once(place: Place) -> None:
    made = place.json("login", "--new-key")["token_key"]
    place.said.clear()
    place.configure(made)
    assert place("login", "books")[0] == 0


@pytest.mark.parametrize(
    ("key", "words"), [("hunter2", "is not a key"), ("", "TOKEN_KEY is empty")]
)
def test_a_wrong_key_is_a_mistake_of_the_configuration(place: Place, key: str, words: str) -> None:
    place.configure(key)
    code, _, err = place("pull", "books")
    assert code == 2
    assert words in err
    assert "hunter2" not in err


def test_another_key_than_the_stored_one_is_told_and_a_new_sign_in_helps(place: Place) -> None:
    assert place("login", "books")[0] == 0
    place.configure(new_key())
    code, _, err = place("pull", "books")
    assert code == 5
    assert "no key of token_key opens the stored token of connection 'books'" in err
    _, out, _ = place("check", "books")
    assert "no key of token_key opens" in out
    assert place("login", "books")[0] == 0
    assert place("pull", "books")[0] == 0


def test_a_stored_token_without_any_key_is_told_by_check(place: Place) -> None:
    assert place("login", "books")[0] == 0
    place.configure(None)
    _, out, _ = place("check", "books")
    assert "connection books has a stored token, and there is no token_key" in out


def test_keys_are_rotated_by_a_command(place: Place) -> None:
    assert place("login", "books")[0] == 0
    newer = new_key()
    place.configure(f"{newer}\n{KEY}")
    code, out, _ = place("login", "--reseal")
    assert (code, out) == (
        0,
        "1 stored token is encrypted with the first key; the others can be removed\n",
    )
    place.configure(newer)
    assert place("pull", "books")[0] == 0


def test_the_end_of_a_sign_in_is_counted_down_and_closed_when_it_is_renewed(place: Place) -> None:
    assert place("login", "books")[0] == 0
    place("pull", "rmm")
    assert place.issues() == {}
    place.at(START + timedelta(hours=1))
    assert "59 days left" in place("status")[1]
    for days, severity in ((13, "warning"), (3, "error"), (-1, "error")):
        place.at(START + timedelta(days=60 - days, hours=1))
        place("pull", "rmm")
        assert place.issues()["SIGN_IN_ENDS"] == severity
    _, out, _ = place("status")
    assert "ended" in out
    assert "`syncd login books`: its sign-in ended on 2027-01-01" in out
    assert "the sign-in of connection books ended" in place("check", "books")[1]
    assert place("login", "books")[0] == 0
    assert "SIGN_IN_ENDS" not in place.issues()
    place.at(START + timedelta(days=61, hours=2))
    assert "59 days left" in place("status")[1]


def test_a_pull_in_time_renews_the_sign_in_by_itself(place: Place) -> None:
    assert place("login", "books")[0] == 0
    place.at(START + timedelta(days=50))
    place("pull", "rmm")
    assert place.issues()["SIGN_IN_ENDS"] == "warning"
    assert place("pull", "books")[0] == 0
    assert "SIGN_IN_ENDS" not in place.issues()


def test_a_refused_sign_in_is_one_issue_until_somebody_signs_in(place: Place) -> None:
    assert place("login", "books")[0] == 0
    assert place("pull", "books")[0] == 0
    place.vendor.good.clear()
    code, _, err = place("pull", "books")
    assert code == 4
    assert "the vendor refuses the sign-in (invalid_grant)" in err
    assert len(place.vendor.sent) == 3
    assert place.issues() == {"SIGN_IN_EXPIRED": "error"}
    assert place("login", "books")[0] == 0
    assert place.issues() == {}
    assert place("pull", "books")[0] == 0


def test_nobody_coming_ends_the_wait_with_a_sentence(place: Place) -> None:
    place.browser.goes = lambda _: None
    place.monkeypatch.setattr("syncd.cli.login._MINUTE", 0.0)
    code, _, err = place("login", "books", "--wait", "1")
    assert code == 4
    assert "nobody signed in in time" in err
