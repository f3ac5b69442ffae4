"""Runs the real commands as child processes, shows them as a user would type them, checks them.

A claim of the demonstration that does not hold raises `ClaimFailed`: the demonstration is a test.
"""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel

from syncd.sandbox.demo.browser import sign_in
from syncd.sandbox.demo.cast import BACKUP, SOURCE, tenant_of
from syncd.sandbox.demo.overnight import Event, spend_the_night, told
from syncd.sandbox.demo.program import Program
from syncd.sandbox.host import SandboxHost
from syncd.sdk.errors import SyncdError
from syncd.sdk.sandbox import WorldClient

ORGANISATION_OFFSET = 10
"""The simulated source numbers its organisations from the world's clients upward."""


class ClaimFailed(SyncdError):
    """The demonstration said something that turned out not to be true."""

    code = "DEMO_CLAIM_FAILED"
    exit_code = 1


class Stage:
    """A folder with a configuration, the hosted simulators, and a console to speak to.

    Attributes:
        folder: where configuration, database and files are.
        console: what the reader sees.
    """

    def __init__(
        self,
        folder: Path,
        host: SandboxHost,
        secrets: Mapping[str, str],
        console: Console,
        program: Program,
    ) -> None:
        self.folder = folder
        self.console = console
        self._program = program
        self._host = host
        self._secrets = dict(secrets)
        self._step = 0

    def step(self, title: str, words: str) -> None:
        """Announce a step."""
        self._step += 1
        self.console.print()
        self.console.print(Panel(words, title=f"{self._step}. {title}", title_align="left"))

    def say(self, words: str) -> None:
        self.console.print(f"[dim]{words}[/dim]")

    def show(self, line: str) -> None:
        """A line of what the reader could see on a vendor's own screen."""
        self.console.out(line, highlight=False)

    def hide(self, *names: str) -> None:
        """Let no source show devices of these names; without names all are shown again."""
        self._host.world.hide(*names)

    def move_to(self, moment: datetime) -> None:
        """Set the clock of the simulated world and of every command from here on."""
        self._host.world.clock.set(moment)
        self.say(f"the clock now says {moment:%d %B %Y, %H:%M} UTC")

    def run(self, *words: str, expect: int = 0, quiet: bool = False) -> str:
        """Run `syncd WORDS`, show it and its output.

        Raises:
            ClaimFailed: another exit code than the one that was promised.
        """
        if not quiet:
            shown = " ".join(f'"{word}"' if " " in word else word for word in words)
            self.console.print(f"[bold green]$[/bold green] [bold]syncd {shown}[/bold]")
        began = time.monotonic()
        done = self._program.run(words, self.folder, self._environment())
        self._pass(time.monotonic() - began)
        if not quiet:
            for text in (done.out, done.err):
                if text.strip():
                    self.console.out(text.rstrip("\n"), highlight=False)
        if done.code != expect:
            if quiet:
                self.console.out(done.out + done.err, highlight=False)
            message = f"`syncd {' '.join(words)}` ended with exit code {done.code}, not {expect}"
            raise ClaimFailed(message)
        if expect and not quiet:
            self.say(f"exit code {done.code}, as promised")
        return done.out

    def _pass(self, seconds: float) -> None:
        """Let the next command begin after this one ended: each counts on from its start."""
        clock = self._host.world.clock
        clock.set(clock.now() + timedelta(seconds=seconds + 1))

    def read(self, *words: str, expect: int = 0) -> Any:
        """Run `syncd --json WORDS` without showing it and give its answer."""
        return json.loads(self.run("--json", *words, expect=expect, quiet=True))

    def claim(self, holds: bool, sentence: str) -> None:
        """Check a claim and say it.

        Raises:
            ClaimFailed: it does not hold.
        """
        if not holds:
            raise ClaimFailed(f"this should be true and is not: {sentence}")
        self.console.print(f"[green]✓[/green] {sentence}")

    def statistics(self, connector: str) -> dict[str, Any]:
        """Calls that a simulator counted."""
        found: dict[str, Any] = self.ask(connector, "/__sandbox__/stats")
        return found

    def break_next(self, connector: str, faults: list[dict[str, Any]]) -> None:
        """Script faults into a simulator."""
        self.ask(connector, "/__sandbox__/faults", {"faults": faults})

    def night(self, *, until: Callable[[Event], bool]) -> list[Event]:
        """Run the daemon until an event of its log, stop it, and tell what it did.

        Raises:
            NightFailed: the event did not come, or the daemon ended badly.
        """
        self.console.print("[bold green]$[/bold green] [bold]syncd run[/bold]")
        began = time.monotonic()
        events = spend_the_night(self.folder, self._environment(), until=until)
        self._pass(time.monotonic() - began)
        for line in told(events):
            self.console.out(line, highlight=False)
        return events

    def sign_in(self, connection: str) -> None:
        """Let a person sign in at a simulated vendor.

        Raises:
            SignInFailed: it did not come to its end.
        """
        words = f"syncd login {connection}"
        self.console.print(f"[bold green]$[/bold green] [bold]{words}[/bold]")
        began = time.monotonic()
        told = sign_in(connection, self.folder, self._environment())
        self._pass(time.monotonic() - began)
        self.console.out(told, highlight=False)

    def world_client_of(self, row: Mapping[str, str]) -> WorldClient | None:
        """Whom an account stands for, None for the MSP itself and for nobody.

        That is what a person knows who reads names: of two clients of one name, the first is the
        one that came first.
        """
        clients = [one for one in self._host.world.everyone() if not one.internal]
        if row["connection"] == SOURCE:
            number = int(row["account"]) - ORGANISATION_OFFSET
            return next((one for one in clients if one.id == number), None)
        if row["connection"] != BACKUP:
            return next((one for one in clients if tenant_of(one.id) == row["account"]), None)
        seen: dict[str, int] = {}
        for one in clients:
            position = seen[one.name] = seen.get(one.name, 0) + 1
            shown = one.name if position == 1 else f"{one.name} {position}"
            if shown == row["account_name"]:
                return one
        return None

    def claim_no_duplicates(self, connector: str) -> None:
        """Claim that the simulated PSA holds each key of ours once.

        Raises:
            ClaimFailed: a key stands twice.
        """
        markers = self.psa_markers(connector)
        self.claim(
            len(markers) == len(set(markers)),
            f"{len(markers)} records at the PSA carry our key, each key once",
        )

    def psa_markers(self, connector: str) -> list[str]:
        """The keys of ours that the simulated PSA holds, one per record."""
        records: list[dict[str, Any]] = self.ask(connector, "/__hand__/subscriptions")
        found = [str(one.get("product_sku") or "") for one in records]
        return [marker for marker in found if marker.startswith("syncd")]

    def ask(
        self,
        connector: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        method: str | None = None,
        token: str = "",
    ) -> Any:
        """Speak to a simulator past the program, as a person does in the vendor's screens."""
        url = f"{self._host.simulators[connector].base_url}{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return _answer(urllib.request.Request(url, data, headers, method=method))  # noqa: S310

    def settings(self, connector: str) -> Mapping[str, Any]:
        """What the configuration says of a simulator."""
        simulator = self._host.simulators[connector]
        return simulator.sandbox.settings(simulator.base_url)

    def token(self, connector: str, tenant: str, scope: str) -> str:
        """A token of a simulated Microsoft tenant, by the application's own secret."""
        simulator = self._host.simulators[connector]
        (secret,) = simulator.sandbox.secrets.values()
        form = {
            "grant_type": "client_credentials",
            "client_id": self.settings(connector)["client_id"],
            "client_secret": secret,
            "scope": scope,
        }
        url = f"{simulator.base_url}/{tenant}/oauth2/v2.0/token"
        data = urllib.parse.urlencode(form).encode()
        issued: str = _answer(urllib.request.Request(url, data))["access_token"]  # noqa: S310
        return issued

    def _environment(self) -> dict[str, str]:
        width = str(min(self.console.width, 110))
        return {
            **self._secrets,
            "SYNCD_NOW": self._host.world.now().isoformat(),
            "COLUMNS": width,
            "PYTHONWARNINGS": "default",
        }


def _answer(request: urllib.request.Request) -> Any:
    """What a simulator on loopback answers."""
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)
