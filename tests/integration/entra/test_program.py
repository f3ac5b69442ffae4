"""The program itself over GDAP: a sign-in, pulls, and processes that are killed in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from syncd_entra.sandbox import SANDBOX, SECRET, SECRET_VARIABLE, over_gdap

from syncd.core.store.token_keys import new_key
from syncd.sandbox.host import SandboxHost
from tests.builders_entra import cloud

TOML = """\
[syncd]
database = "sqlite:///syncd.db"
token_key = {{ env = "TOKEN_KEY" }}

[connections.partner]
plugin = "entra"
access = "gdap"
partner_tenant = "{partner_tenant}"
tenants_from = ["gdap"]
login_url = "{base_url}"
graph_url = "{base_url}"
client_id = "{client_id}"
client_secret = {{ env = "{variable}" }}
"""


class Place:
    """A folder with a configuration, beside a simulated cloud."""

    def __init__(self, folder, simulator, now):
        self.folder, self.state = folder, simulator.app.state.simulator
        given = over_gdap(simulator.base_url)
        text = TOML.format(
            partner_tenant=given["partner_tenant"], base_url=simulator.base_url,
            client_id=given["client_id"], variable=SECRET_VARIABLE,
        )  # fmt: skip
        (folder / "syncd.toml").write_text(text)
        self.environment = {
            **os.environ, SECRET_VARIABLE: SECRET, "TOKEN_KEY": new_key(),
            "SYNCD_NOW": now.isoformat(),
        }  # fmt: skip

    def started(self, *words):
        return subprocess.Popen(
            [sys.executable, "-m", "syncd", "--json", *words],
            cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, *words):
        process = self.started(*words)
        said, _ = process.communicate(timeout=120)
        return process.returncode, said

    def sign_in(self):
        """Sign in as a person whose browser runs elsewhere."""
        process = self.started("login", "partner", "--paste", "--by", "tests")
        assert process.stdout is not None
        assert process.stdin is not None
        address = None
        while address is None:
            line = process.stdout.readline()
            assert line, "no address was shown"
            address = re.search(r"http://\S+/authorize\?\S+", line)
        back = httpx.get(address[0]).headers["location"]
        said, _ = process.communicate(f"{back}\n", timeout=60)
        assert process.returncode == 0, said


@pytest.fixture
def place(tmp_path):
    world = cloud(5, people=10)
    with SandboxHost(world, [SANDBOX]) as host:
        made = Place(tmp_path, host.simulators["entra"], world.now())
        made.state.logins.living.clear()
        assert made.run("db", "upgrade")[0] == 0
        yield made


def test_a_sign_in_opens_every_tenant_until_it_is_revoked(place):
    code, said = place.run("pull", "partner")
    assert code == 4
    assert "syncd login partner" in said
    place.sign_in()
    code, said = place.run("pull", "partner")
    assert code == 0, said
    assert len(place.state.logins.exchanges) == 6
    secrets = [*place.state.logins.living, SECRET]
    assert not [one for one in secrets if one in said]
    stored = (place.folder / "syncd.db").read_bytes()
    assert not [one for one in secrets if one.encode() in stored]
    place.state.logins.revoke_sign_in()
    code, said = place.run("pull", "partner")
    assert code == 4
    assert "syncd login partner" in said
    place.sign_in()
    code, said = place.run("check", "partner")
    assert code == 0, said
    assert "5 of 5 tenants" in json.dumps(said)


def test_a_process_that_is_killed_anywhere_leaves_a_token_that_works(place):
    place.sign_in()
    for number in range(6):
        process = place.started("pull", "partner")
        before = len(place.state.logins.exchanges)
        ending = time.monotonic() + 30
        while len(place.state.logins.exchanges) <= before + number and process.poll() is None:
            assert time.monotonic() < ending, "the pull asks for no token"
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, said = place.run("pull", "partner")
    assert code == 0, said
