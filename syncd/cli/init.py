"""`syncd init`: a commented example configuration made of what the installed plugins offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncd import plugins
from syncd.sdk.connector import Capability, Connector
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncd.cli.context import Cli

_HEAD = """\
# The configuration of syncd. Replace every … by your own value, set the variables that the secrets
# refer to, then run `syncd check`. docs/config.md explains every setting.

[syncd]
database = "sqlite:///syncd.db"      # beside this file; or postgresql://user@host/name
timezone = "Europe/London"           # billing periods are local calendar months
"""

_BILLING = """\

[billing]
# Shadow computes everything and compares it with what the PSA bills: `syncd shadow`. It writes
# only bills of clients that `syncd golive CLIENT --from 2026-11` names; "live" those of all.
mode = "shadow"
{psa}currency = "GBP"
# schedule = "0 6 1-3 * *"           # when `syncd run` bills the last month, in UTC
# A bill is held for a person when a line, a client or the run moves by more than this:
guards = {{ line_percent = 25, line_units = 3, line_money = "250.00", client_percent = 20, \
client_money = "100.00", run_percent = 5 }}

# Who is told what runs leave for people to do, by mail or in a chat: docs/notify.md
# [notify.ops]
# plugin = "mail"
# host = "smtp.example.com"
# user = "syncd@example.com"
# password = {{ env = "SMTP_PASSWORD" }}
# from = "syncd@example.com"
# to = ["ops@example.com"]
"""

_SCHEDULE = (
    'schedule = "0 */6 * * *"             # when `syncd run` pulls: cron in UTC, or "every 6h"\n'
)

_BOOK = """\

# Finished invoices of the PSA go there once `syncd golive {name} --from 2026-12-01` says so.
[invoices.{name}]
# approved = true                    # in the books at once rather than drafts
"""


def write_example(cli: Cli) -> None:
    """Write the example where the configuration is looked for.

    Raises:
        ConfigError: there is a file already, or it cannot be written.
    """
    installed = plugins.load()
    text = example(installed.connectors.values())
    try:
        with cli.config.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        message = f"{cli.config} exists and is not overwritten"
        raise ConfigError(message, remedy="name another file with --config") from error
    except OSError as error:
        message = f"{cli.config} cannot be written: {error.strerror}"
        raise ConfigError(message, remedy="name another place with --config") from error
    data = {"written": str(cli.config), "connectors": sorted(installed.connectors)}
    cli.output().emit(
        data,
        lambda console: console.print(
            f"Wrote {cli.config}. Replace every … in it, then run `syncd check`.",
            soft_wrap=True,
        ),
    )


def example(connectors: Iterable[Connector[Any]]) -> str:
    """The text of a configuration with one connection of each connector."""
    chosen = sorted(connectors, key=lambda found: (Capability.PSA in found.provides, found.name))
    psa = [found.name for found in chosen if Capability.PSA in found.provides]
    parts = [_HEAD]
    parts += [_connection(connector) for connector in chosen]
    parts.append(_BILLING.format(psa=f'psa = "{_slug(psa[0])}"\n' if psa else ""))
    return "".join(parts)


def _connection(connector: Connector[Any]) -> str:
    body = connector.example.strip("\n")
    settings = [line.split("=")[0].strip(" #") for line in body.splitlines() if "=" in line]
    text = f"\n[connections.{_slug(connector.name)}]{' ' * 4}# {connector.title}\n"
    if "plugin" not in settings:
        text += f'plugin = "{connector.name}"\n'
    text += f"{body}\n" if body else ""
    if Capability.USAGE in connector.provides and "schedule" not in settings:
        text += _SCHEDULE
    if Capability.LEDGER in connector.provides:
        text += _BOOK.format(name=_slug(connector.name))
    return text


def _slug(name: str) -> str:
    return name.replace("_", "-")
