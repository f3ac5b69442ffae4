"""Log lines: a closed catalogue of events, JSON for machines and short lines for a terminal.

`event` is the `EventLog` that is handed to services and connectors. structlog is imported with the
first line that is really written, so that a quiet command does not pay for it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from syncd.events import EVENTS, Level

if TYPE_CHECKING:
    import structlog

LogFormat = Literal["auto", "json", "text"]

_RANK: dict[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SECRET_KEY = re.compile(
    r"secret|passw|authori[sz]ation|api_?key|cookie|bearer|^token$|(access|refresh)_token",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"(?i)(bearer\s+)\S+|(://[^/\s:@]*:)[^@/\s]+(?=@)")
_bound: ContextVar[tuple[tuple[str, Any], ...]] = ContextVar("syncd_log_bound", default=())


@dataclass(slots=True)
class _Setup:
    """How lines are written; one per process, changed only by `configure`."""

    format: LogFormat = "auto"
    level: Level = "info"
    strict: bool = False
    writer: structlog.typing.FilteringBoundLogger | None = None


_setup = _Setup()


def configure(
    *, log_format: LogFormat = "auto", level: Level = "info", strict: bool = False
) -> None:
    """Decide how lines are written on stderr.

    Args:
        log_format: `json`, `text`, or `auto`: JSON unless stderr is a terminal.
        level: lines below it are dropped.
        strict: raise for a line that the catalogue does not know; for tests.
    """
    _setup.format, _setup.level, _setup.strict, _setup.writer = log_format, level, strict, None


def set_format(log_format: LogFormat) -> None:
    """Change only the format, once the configuration is known."""
    _setup.format, _setup.writer = log_format, None


def set_level(level: Level) -> None:
    """Change only the level, e.g. when a command was called with `--verbose`."""
    _setup.level = level


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Add fields to every line logged inside, in this task and the tasks it starts."""
    token = _bound.set((*_bound.get(), *fields.items()))
    try:
        yield
    finally:
        _bound.reset(token)


def event(name: str, /, **fields: Any) -> None:
    """Log one event of the catalogue.

    A name that is not in the catalogue, or a missing key, is written with `uncatalogued` set: a
    log line never stops a run. Tests are strict and raise.

    Raises:
        LookupError: strict, and the catalogue does not know such a line.
    """
    known = EVENTS.get(name)
    level: Level = known.level if known is not None else "warning"
    merged = {**dict(_bound.get()), **fields}
    missing = known.required - merged.keys() if known is not None else frozenset({"name"})
    if missing:
        if _setup.strict:
            message = f"event '{name}' lacks {', '.join(sorted(missing))}; see syncd/events.py"
            raise LookupError(message)
        merged["uncatalogued"] = True
    if name == "run.finished" and merged.get("status") == "failed":
        level = "error"
    if _RANK[level] < _RANK[_setup.level]:
        return
    getattr(_writer(), level)(name, **merged)


def redact(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Second net under the rule that secrets never reach a log line."""
    for key, value in line.items():
        if _SECRET_KEY.search(key):
            line[key] = "[redacted]"
        elif isinstance(value, str):
            line[key] = _SECRET_VALUE.sub(r"\1\2[redacted]", value)
    return line


def _writer() -> structlog.typing.FilteringBoundLogger:
    if _setup.writer is None:
        _setup.writer = _make_writer()
    return _setup.writer


def _make_writer() -> structlog.typing.FilteringBoundLogger:
    import structlog

    on_terminal = sys.stderr.isatty()
    as_json = _setup.format == "json" or (_setup.format == "auto" and not on_terminal)
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    if as_json:
        import msgspec

        shared += [
            structlog.processors.JSONRenderer(
                serializer=lambda line, **_: msgspec.json.encode(
                    {**{key: line[key] for key in ("timestamp", "level", "event")}, **line},
                    enc_hook=str,
                ).decode()
            ),
        ]
    else:
        shared.append(structlog.dev.ConsoleRenderer(colors=on_terminal and _colours_wanted()))
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(_RANK["debug"]),
        cache_logger_on_first_use=True,
    )
    return logger


def _colours_wanted() -> bool:
    import os

    return not os.environ.get("NO_COLOR")
