"""`syncd login`: a person signs in at a vendor in a browser, and the token is kept encrypted.

OAuth's authorization code flow with PKCE. The browser may run on this machine, or anywhere: then
the person pastes the address at which it ended.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import sys
import webbrowser
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.callback import (
    Callback,
    Expected,
    can_listen,
    listening,
    loopback,
    pasted,
    read_line,
)
from syncd.cli.person import current_person
from syncd.core.service.sign_in_issues import sign_in_renewed
from syncd.core.service.tokens import Vault, reseal_all
from syncd.core.store.connections import all_connections
from syncd.core.store.token_keys import TokenKeys, new_key
from syncd.core.store.tokens import consents
from syncd.sdk.errors import ConfigError, PluginError, SyncdError
from syncd.sdk.refresh import vault_of
from syncd.sdk.tokens import CallbackReader

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output
    from syncd.sdk.tokens import Granted, SignIn

_MINUTE = 60.0
_PASTE_PORT = 8400
"""Named in the address of a browser that runs elsewhere; nobody listens there."""


def show_new_key(cli: Cli) -> None:
    """Print a fresh key; nothing is read or written."""
    output = cli.output()
    key = new_key()
    output.emit({"token_key": key}, lambda _: output.say(key))
    output.note(
        "Keep it where secrets are kept, and refer to it in syncd.toml:\n"
        '[syncd]\ntoken_key = { env = "SYNCD_TOKEN_KEY" }   # or file, or credential'
    )


async def seal_anew(cli: Cli) -> None:
    """Encrypt every stored token with the first key of the configuration.

    Raises:
        ConfigError: no key is configured.
        StoreError: a token is not opened by any key.
    """
    async with App.start(cli.config) as app:
        secret = app.settings.token_key
        if secret is None:
            message = "there is no token_key in [syncd]"
            raise ConfigError(message, remedy="make a key with `syncd login --new-key`")
        async with app.database.reader() as conn:
            connections = {one.id: one for one in await all_connections(conn)}
        keys = TokenKeys(secret.get_secret_value())
        count = await reseal_all(app.database, keys, connections)
    output = cli.output()
    told = f"{count} stored token{' is' if count == 1 else 's are'} encrypted with the first key"
    output.emit({"tokens": count}, lambda _: output.say(f"{told}; the others can be removed"))


async def sign_in(cli: Cli, name: str, *, paste: bool, by: str | None, minutes: int) -> None:
    """Let a person sign in for a connection, and keep the token.

    Raises:
        ConfigError: the connection needs no sign-in, no key is configured, or what was pasted is
            not the browser's address.
        AuthError: the vendor refuses, or nobody came in time.
        ConnectorError: the vendor cannot be reached.
        StoreError: the token could not be kept: sign in again.
    """
    person = by or current_person()
    async with App.start(cli.config) as app:
        opener = app.settings_of(name).connector.sign_in
        if opener is None:
            raise _no_sign_in(app, name)
        context = app.context(name)
        vault_of(context)
        vault = app.vault(name)
        assert vault is not None
        async with AsyncExitStack() as stack:
            try:
                flow = await stack.enter_async_context(opener(context))
            except SyncdError:
                raise
            except Exception as error:
                message = f"the sign-in of '{name}' fails: {type(error).__name__} in its plugin"
                raise PluginError(message, remedy="report this to the plugin's author") from error
            granted = await _granted(cli.output(), flow, name, paste=paste, minutes=minutes)
            await _keep(app, vault, flow, granted, name, person)
        now = app.clock()
    output = cli.output()
    data = {
        "connection": name,
        "by": person,
        "summary": granted.summary,
        "signed_in_at": now,
        "ends_at": granted.ends_at,
    }
    output.emit(data, lambda _: output.say(_told(name, granted, now)))


async def _granted(
    output: Output, flow: SignIn, name: str, *, paste: bool, minutes: int
) -> Granted:
    """What the vendor gives once a person has signed in."""
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    async with AsyncExitStack() as stack:
        server: Callback | None = None
        if not (paste or not can_listen(flow.redirect) or _elsewhere()):
            server = await stack.enter_async_context(listening(flow.redirect))
        redirect = server.redirect if server else flow.redirect or loopback(_PASTE_PORT)
        expected = Expected(name, redirect, state)
        address = flow.address(redirect=redirect, state=state, challenge=challenge)
        _ask(output, address, redirect, here=server is not None)
        if server is None:
            back = pasted(expected, await read_line())
        else:
            back = await server.wait(expected, minutes * _MINUTE)
        if isinstance(flow, CallbackReader):
            flow.came_back(back.parameters)
        return await flow.redeem(back.code, redirect=redirect, verifier=verifier)


def _ask(output: Output, address: str, redirect: str, *, here: bool) -> None:
    """Say what to open; on stderr, since with `--json` a program reads the rest."""
    lines = ["Open this address in a browser and sign in:", "", address, ""]
    if here:
        lines.append("Waiting for the browser to come back ...")
    else:
        lines += [
            f"The browser ends at an address that begins with {redirect} and need not open.",
            "Copy that whole address, paste it here and press Enter:",
        ]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
    if here and not output.json and sys.stdout.isatty() and _has_screen():
        webbrowser.open(address)


async def _keep(
    app: App, vault: Vault, flow: SignIn, granted: Granted, name: str, person: str
) -> None:
    await vault.consent(flow.token_name, granted.token, ends_at=granted.ends_at, person=person)
    app.log("sign_in.kept", connection=name, by=person)
    connection = await app.connection(name)
    async with app.database.reader() as conn:
        stored = (await consents(conn)).get(connection.id, ())
    await sign_in_renewed(app.database, name, stored, now=app.clock(), log=app.log)


def _told(name: str, granted: Granted, now: datetime) -> str:
    lines = [f"{name}: signed in: {granted.summary}"]
    if granted.ends_at is not None:
        days = (granted.ends_at - now).days
        lines.append(
            f"it ends on {granted.ends_at:%Y-%m-%d}, in {days} days, unless it is used before"
        )
    lines.append(f"try it with: syncd check {name}")
    return "\n".join(lines)


def _no_sign_in(app: App, name: str) -> ConfigError:
    connector = app.settings_of(name).connector
    able = [one.name for one in app.settings.connections.values() if one.connector.sign_in]
    message = f"connection '{name}' ({connector.title}) has no sign-in in a browser"
    remedy = f"its credentials stand in the configuration: `syncd check {name}`"
    return ConfigError(
        message, remedy=f"{remedy}; a sign-in have: {', '.join(able)}" if able else remedy
    )


def _elsewhere() -> bool:
    """A person at a terminal whose browser is on another machine, or who has none."""
    remote = any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY"))
    return sys.stdin.isatty() and (remote or not _has_screen())


def _has_screen() -> bool:
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
