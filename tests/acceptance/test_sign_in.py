"""A partner's sign-in as processes: by a browser, used by pulls, ended by the vendor, renewed."""

from __future__ import annotations

import json
import socket
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from syncd_entra.sandbox import over_gdap

from syncd.core.store.token_keys import new_key
from tests.builders_site import SECONDS, Done, Site

CLOUD = "cloud"
KEY = new_key()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@pytest.fixture
def partner(make_site: Callable[..., Site]) -> Site:
    """A site that enters its customers by the partner's own sign-in."""
    ways = {
        name: value
        for name, value in over_gdap("").items()
        if name in {"access", "partner_tenant", "tenants_from"}
    }
    redirect = {"redirect_url": f"http://localhost:{free_port()}", "tenants": []}
    made = make_site(beside={"entra": CLOUD}, extra={"entra": {**ways, **redirect}})
    file = made.folder / "syncd.toml"
    text = file.read_text(encoding="utf-8")
    key = '[syncd]\ntoken_key = { env = "TOKEN_KEY" }'
    file.write_text(text.replace("[syncd]", key, 1), encoding="utf-8")
    made.secrets["TOKEN_KEY"] = KEY
    return made


def logins(site: Site) -> Any:
    app: Any = site.host.simulators["entra"].app
    return app.state.simulator.logins


def sign_in(site: Site) -> Done:
    """`syncd login`, and a browser that opens the address it names."""
    process = site.start("--json", "login", CLOUD, "--by", "pat")
    assert process.stderr is not None
    read: list[str] = []
    while not read or not read[-1].startswith("http"):
        read.append(process.stderr.readline())
        assert read[-1], f"it ended without an address: {read}"
    with urllib.request.urlopen(read[-1].strip(), timeout=SECONDS) as page:
        assert "syncd has the answer" in page.read().decode()
    out, err = process.communicate(timeout=SECONDS)
    return Done(process.returncode, out, "".join(read) + err)


def test_a_partner_signs_in_once_and_every_pull_renews_it(partner: Site) -> None:
    told = partner.run("pull", CLOUD, expect=4)
    assert f"syncd login {CLOUD}" in told.said
    assert "SIGN_IN_EXPIRED" in partner.issue_codes()

    done = sign_in(partner)
    assert done.code == 0, done.said
    assert json.loads(done.out)["by"] == "pat"
    assert "SIGN_IN_EXPIRED" not in partner.issue_codes()

    said = [done.said]
    for _ in range(2):
        said.append(partner.run("--verbose", "pull", CLOUD).said)
    said.append(partner.run("status").said)
    assert "90 days left" in said[-1] or "89 days left" in said[-1]

    made = list(logins(partner).living)
    assert len(made) > 2
    kept = b"".join(one.read_bytes() for one in partner.folder.iterdir() if one.is_file())
    for token in made:
        assert token not in "".join(said)
        assert token.encode() not in kept
    assert KEY not in "".join(said)

    logins(partner).living.clear()
    partner.run("pull", CLOUD, expect=4)
    assert "SIGN_IN_EXPIRED" in partner.issue_codes()
    assert sign_in(partner).code == 0
    partner.run("pull", CLOUD)
    assert "SIGN_IN_EXPIRED" not in partner.issue_codes()
