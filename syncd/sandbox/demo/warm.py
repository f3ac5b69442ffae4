"""A process that has imported the program once and forks itself for every command.

A command then begins as `syncd` begins, in a process of its own, without the second that Python
needs to import SQLAlchemy and the tables. No thread and no event loop exists before a fork.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages
from types import ModuleType

import msgspec

REQUEST_BYTES = 64 * 1024

_ROOTS = ("syncd.cli", "syncd.config", "syncd.core")
_LATE = (
    "aiosqlite",
    "httpx",
    "rapidfuzz",
    "rich.console",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "syncd.books",
)
"""What commands import inside their functions."""

_NOT_COMMANDS = (".sandbox", ".migrations", "syncd.cli.demo", "syncd.cli.run", "syncd.cli.sandbox")


class Order(msgspec.Struct, frozen=True):
    """What one command needs; its stdout and stderr come as descriptors beside it.

    Attributes:
        words: what stands after `syncd`.
        folder: where it runs.
        environment: variables beside those of this process.
    """

    words: list[str]
    folder: str
    environment: dict[str, str]


class Ended(msgspec.Struct, frozen=True):
    """How a command ended: its exit code, negative for a signal, as `subprocess` tells it."""

    code: int


class Begun(msgspec.Struct, frozen=True):
    """A command began in the process of this id."""

    process: int


def main(descriptor: int) -> None:
    """Serve orders from a socket until it is closed; returns in each child after its command."""
    with socket.socket(fileno=descriptor) as orders:
        _import_everything()
        order = _serve(orders)
    if order is not None:
        _play(order)


def _import_everything() -> None:
    from syncd.garbage import collect_seldom

    collect_seldom()
    for root in (*_ROOTS, *{entry.module for entry in entry_points(group="syncd")}):
        _import_all(import_module(root))
    for name in _LATE:
        import_module(name)
    # Every command would do this for all tables at its first question.
    import_module("sqlalchemy.orm").configure_mappers()
    # What is imported stays; no collection shall write to pages that all children share.
    gc.freeze()


def _import_all(package: ModuleType) -> None:
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        if not any(part in found.name for part in _NOT_COMMANDS):
            # What cannot be imported here fails again, and is told, in the command that needs it.
            with suppress(ImportError):
                import_module(found.name)


def _serve(orders: socket.socket) -> Order | None:
    """The order of a child, in the child; None in the server, when nobody orders any more."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(orders, REQUEST_BYTES, 2)
        if not asked:
            return None
        child = os.fork()
        if child == 0:
            for ours, theirs in enumerate(descriptors, 1):
                os.dup2(theirs, ours)
                os.close(theirs)
            return msgspec.json.decode(asked, type=Order)
        for one in descriptors:
            os.close(one)
        orders.send(msgspec.json.encode(Begun(child)))
        _, status = os.waitpid(child, 0)
        orders.send(msgspec.json.encode(Ended(os.waitstatus_to_exitcode(status))))


def _play(order: Order) -> None:
    """Run the command as `python -m syncd` does."""
    from syncd.cli import main as syncd

    os.chdir(order.folder)
    os.environ.update(order.environment)
    warnings.simplefilter("default")
    sys.argv = ["syncd", *order.words]
    syncd()


if __name__ == "__main__":
    main(int(sys.argv[1]))
