"""Runs `syncd` as a user would, each command a process of its own with its own exit code.

Where the system can fork safely, a warm process does so for each command; elsewhere, and for the
very first command, a new interpreter is started.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from syncd.sandbox.demo.warm import REQUEST_BYTES, Begun, Ended, Order
from syncd.sdk.errors import SyncdError

AnswerT = TypeVar("AnswerT", Begun, Ended)

_COMMAND_SECONDS = 120
_CAN_FORK = sys.platform == "linux"
"""Elsewhere the system's own libraries may hold threads or locks that a fork would break."""


class ProgramFailed(SyncdError):
    """A command of the demonstration did not end, or the process that runs them has gone."""

    code = "DEMO_PROGRAM_FAILED"
    exit_code = 1


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended.

    Attributes:
        code: exit code; negative for a signal.
        out: what it printed.
        err: what it printed as errors and notes.
    """

    code: int
    out: str
    err: str


class Program:
    """The program of this installation, in an environment; a context manager."""

    def __init__(self) -> None:
        self._first = True
        self._orders: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if _CAN_FORK:
            # Datagrams of a pair of sockets keep their borders and end when one side closes.
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            ours.settimeout(_COMMAND_SECONDS)
            with theirs:
                number = theirs.fileno()
                self._server = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-m", "syncd.sandbox.demo.warm", str(number)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(number,),
                )
            self._orders = ours
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._orders is not None and self._server is not None:
            self._orders.close()
            self._server.wait()
            self._orders = self._server = None

    @property
    def warm(self) -> int | None:
        """The id of the warm process; None where every command begins cold."""
        return self._server.pid if self._server is not None else None

    def run(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Done:
        """Run `syncd WORDS` in a folder and wait for its end.

        Args:
            words: what stands after `syncd`.
            folder: where it runs.
            environment: variables beside those of this process.

        Raises:
            ProgramFailed: it did not end in time, or the warm process has gone.
        """
        cold, self._first = self._first, False
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            streams = (out.fileno(), err.fileno())
            if cold or self._orders is None:
                code = self._start(words, folder, environment, streams)
            else:
                code = self._order(self._orders, words, folder, environment, streams)
            for stream in (out, err):
                stream.seek(0)
            return Done(code, out.read().decode(), err.read().decode())

    def _start(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int],
    ) -> int:
        try:
            return subprocess.run(  # noqa: S603 - our own program, arguments as a list
                [sys.executable, "-m", "syncd", *words],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=streams[0],
                stderr=streams[1],
                timeout=_COMMAND_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired as error:
            raise _too_long(words) from error

    def _order(
        self,
        orders: socket.socket,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int],
    ) -> int:
        order = Order(list(words), str(folder), dict(environment))
        process = 0
        try:
            socket.send_fds(orders, [msgspec.json.encode(order)], streams)
            process = _heard(orders, Begun).process
            return _heard(orders, Ended).code
        except TimeoutError as error:
            if process:
                os.kill(process, signal.SIGKILL)
            raise _too_long(words) from error
        except OSError as error:
            message = "the process that runs the commands of the demonstration has gone"
            raise ProgramFailed(message, remedy="look for its last words above") from error


def _heard(orders: socket.socket, kind: type[AnswerT]) -> AnswerT:
    answer = orders.recv(REQUEST_BYTES)
    if not answer:
        raise ConnectionResetError
    return msgspec.json.decode(answer, type=kind)


def _too_long(words: Sequence[str]) -> ProgramFailed:
    message = f"`syncd {' '.join(words)}` did not end within {_COMMAND_SECONDS} seconds"
    return ProgramFailed(message, remedy="run it by hand in the folder of the demonstration")
