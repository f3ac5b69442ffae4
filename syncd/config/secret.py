"""Secrets by reference: from an environment variable, a file, or a systemd credential.

The value itself never stands in the configuration, in a message, or in a log line.
"""

from __future__ import annotations

import os
import stat
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import SecretBytes, SecretStr

KINDS = ("env", "file", "credential")
"""The three ways to refer to a secret."""

HOW = 'write { env = "VARIABLE" }, { file = "/path" } or { credential = "name" }'

CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Where systemd puts credentials of a unit."""

_MAX_BYTES = 64 * 1024


class SecretMissing(ValueError):
    """A reference leads nowhere.

    Attributes:
        remedy: what to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Resolved:
    """A secret's value, kept out of every representation, and what deserves a look."""

    value: str
    warning: str = ""

    def __repr__(self) -> str:
        return "Resolved(…)"


def is_reference(value: object) -> bool:
    """Whether a value is written like a reference, right or wrong."""
    return isinstance(value, Mapping) and len(value) >= 1 and set(value) <= set(KINDS)


def wants_secret(annotation: Any) -> bool:
    """Whether a setting of this type holds a secret."""
    if annotation in (SecretStr, SecretBytes):
        return True
    if get_origin(annotation) in (Union, types.UnionType):
        return any(wants_secret(member) for member in get_args(annotation))
    return False


def wants_text(annotation: Any) -> bool:
    """Whether a setting of this type may be given by reference although it is no secret."""
    if annotation is str:
        return True
    if get_origin(annotation) in (Union, types.UnionType):
        return any(wants_text(member) for member in get_args(annotation))
    return False


def resolve(reference: Mapping[str, Any], folder: Path) -> Resolved:
    """The secret behind a reference.

    Args:
        reference: one of the three forms.
        folder: of the configuration file, for relative paths.

    Raises:
        SecretMissing: with a reason and a remedy.
    """
    if len(reference) != 1:
        message = "a reference names exactly one of env, file and credential"
        raise SecretMissing(message, HOW)
    kind, name = next(iter(reference.items()))
    if kind not in KINDS or not isinstance(name, str) or not name:
        message = "this is not a reference to a secret"
        raise SecretMissing(message, HOW)
    if kind == "env":
        return _from_environment(name)
    if kind == "credential":
        return _from_credential(name)
    return _from_file(folder / Path(name).expanduser(), warn_of_rights=True)


def _from_environment(name: str) -> Resolved:
    value = os.environ.get(name, "")
    if not value:
        state = "empty" if name in os.environ else "not set"
        message = f"the environment variable {name} is {state}"
        raise SecretMissing(message, f"set {name} before syncd starts")
    return Resolved(value)


def _from_credential(name: str) -> Resolved:
    folder = os.environ.get(CREDENTIALS_VARIABLE, "")
    remedy = f"add LoadCredential={name}:/path to the systemd unit"
    if not folder:
        message = f"credential '{name}' is asked for, but systemd passed no credentials"
        raise SecretMissing(message, remedy)
    if "/" in name or name in {".", ".."}:
        message = f"'{name}' is not the name of a credential"
        raise SecretMissing(message, "write the name alone, without a path")
    try:
        return _from_file(Path(folder) / name, warn_of_rights=False)
    except SecretMissing as error:
        raise SecretMissing(str(error), remedy) from error


def _from_file(path: Path, *, warn_of_rights: bool) -> Resolved:
    try:
        status = path.stat()
        if status.st_size > _MAX_BYTES:
            message = f"the secret file {path} has {status.st_size:,} bytes, which is no secret"
            raise SecretMissing(message, "name a file that holds the secret alone")
        value = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"the secret file {path} cannot be read: {reason}"
        raise SecretMissing(message, "create it, readable for the user that runs syncd") from error
    if not value:
        message = f"the secret file {path} is empty"
        raise SecretMissing(message, "write the secret into it")
    warning = ""
    if warn_of_rights and status.st_mode & stat.S_IROTH:
        warning = f"everybody on this machine can read the secret file {path}"
    return Resolved(value, warning)
