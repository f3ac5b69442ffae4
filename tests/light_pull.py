"""A whole `syncd pull` of a made-up vendor, in a process of its own; prints what it had imported.

Run as a program by a test, with the configuration's path as its argument.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from syncd import plugins
from syncd.cli.app import run
from syncd.plugins import Plugins
from syncd.sdk.connector import Context, Ports
from syncd.sdk.ports import ObservationSink
from syncd.sdk.records import Account, Observation, Product, ScopeState, ScopeVerdict
from tests.builders_host import connector


class Source:
    """Two units of one account."""

    def products(self) -> Sequence[Product]:
        return [Product("device:server", "Servers")]

    async def observe(self, sink: ObservationSink, _period: object) -> Sequence[ScopeVerdict]:
        await sink.accounts([Account("a", "Acme")])
        await sink.scope("fleet", ["a"])
        units = [Observation("a", "device:server", str(n), 1, f"host-{n}") for n in range(2)]
        await sink.add("fleet", units)
        return [ScopeVerdict("fleet", ScopeState.COMPLETE, 2, 2)]


@asynccontextmanager
async def opened(_context: Context[Any]) -> AsyncIterator[Ports]:
    yield Ports(usage=Source())  # type: ignore[arg-type]


def main() -> None:
    found = replace(connector("acme"), open=opened)
    plugins.load = lambda: Plugins({"acme": found})  # type: ignore[assignment]
    try:
        run(["--config", sys.argv[1], "pull"])
    finally:
        sys.stderr.write("\n".join(sorted(sys.modules)))


if __name__ == "__main__":
    main()
