"""`syncd login` and `syncd check` from the command line, against the simulated company."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from syncd_quickbooks.sandbox import REALM, SANDBOX, SECRET, SECRET_VARIABLE

from syncd.cli.app import run
from syncd.core.store.token_keys import new_key
from syncd.sandbox.host import SandboxHost
from tests.builders_quickbooks_company import customers

REDIRECT = "https://www.example.com/syncd"


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def where_it_ends(address: str) -> str:
    """Where the browser of a person who consents ends."""
    try:
        urllib.request.build_opener(_Stays).open(address, timeout=10).close()
    except urllib.error.HTTPError as error:
        with error:
            return str(error.headers["location"])
    raise AssertionError("the page did not send the browser back")


@pytest.fixture(params=[REALM, "777777"], ids=["right-company", "wrong-company"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Path]]:
    options = {"realms": (REALM, "777777"), "consents_to": request.param, "refresh_token": ""}
    with SandboxHost(customers(), [SANDBOX], options={"quickbooks": options}) as host:
        base = host.simulators["quickbooks"].base_url
        settings = {**SANDBOX.settings(base), "redirect_url": REDIRECT}
        del settings["webhook_verifier"]
        settings["client_secret"] = SECRET_VARIABLE
        lines = [
            f'{name} = "{value}"' for name, value in settings.items() if name != "settle_seconds"
        ]
        text = "\n".join(lines).replace(f'"{SECRET_VARIABLE}"', f'{{ env = "{SECRET_VARIABLE}" }}')
        (tmp_path / "syncd.toml").write_text(
            '[syncd]\ndatabase = "sqlite:///syncd.db"\ntoken_key = { env = "TOKEN_KEY" }\n\n'
            f'[connections.books]\nplugin = "quickbooks"\n{text}\n'
        )
        monkeypatch.setenv("TOKEN_KEY", new_key())
        monkeypatch.setenv(SECRET_VARIABLE, SECRET)
        yield request.param, tmp_path


def command(folder: Path, *words: str) -> int:
    try:
        run(["--config", str(folder / "syncd.toml"), *words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_person_pastes_the_address_and_only_the_right_company_counts(
    place: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    realm, folder = place

    async def types() -> str:
        shown = capsys.readouterr().err
        address = next(word for word in shown.split() if "/connect/oauth2?" in word)
        ends = where_it_ends(address)
        assert urlsplit(ends).netloc == "www.example.com"
        assert f"realmId={realm}" in ends
        return ends + "\n"

    monkeypatch.setattr("syncd.cli.login.read_line", types)
    code = command(folder, "login", "books", "--by", "ada")
    shown = capsys.readouterr()
    if realm != REALM:
        assert code == 4
        assert "the consent is for company '777777'" in shown.err
        assert command(folder, "check", "books") == 4
        return
    assert code == 0, shown.err
    assert f"QuickBooks company {REALM}" in shown.out
    assert "in 99 days" in shown.out or "in 100 days" in shown.out
    assert command(folder, "--json", "check", "books") == 0
    told = json.loads(capsys.readouterr().out)
    assert "Bluebird IT" in json.dumps(told)
