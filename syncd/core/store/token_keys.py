"""The keys that tokens are encrypted with: Fernet (AES-128-CBC and HMAC-SHA-256), newest first.

`cryptography` is imported by the first token that is sealed or opened, and by nothing before.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.sdk.errors import StoreError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_BYTES: Final = 32
_BETWEEN: Final = re.compile(r"[\s,]+")


class _Sealed(msgspec.Struct):
    """What is encrypted: a token bound to its place, so that no row can pass for another."""

    connection: str
    name: str
    value: str


def new_key() -> str:
    """A fresh random key."""
    return base64.urlsafe_b64encode(os.urandom(_BYTES)).decode()


def split_keys(text: str) -> tuple[str, ...]:
    """The keys in a text, separated by blanks, lines or commas.

    Raises:
        ValueError: one of them is no key, or there is none; the text is not repeated.
    """
    keys = tuple(key for key in _BETWEEN.split(text) if key)
    if not keys:
        message = "holds no key; make one with `syncd login --new-key`"
        raise ValueError(message)
    for number, key in enumerate(keys, 1):
        if not _is_key(key):
            which = f"key {number} of {len(keys)} in it" if len(keys) > 1 else "what it holds"
            message = (
                f"{which} is not a key of {_BYTES} bytes in URL-safe base64; "
                "make one with `syncd login --new-key`"
            )
            raise ValueError(message)
    return keys


class TokenKeys:
    """Seals with the first key and opens with any, so that a key can be replaced."""

    def __init__(self, text: str) -> None:
        """Read the keys.

        Raises:
            ValueError: see `split_keys`.
        """
        self._texts = split_keys(text)

    def __repr__(self) -> str:
        return f"<TokenKeys {len(self._texts)}>"

    @cached_property
    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        return MultiFernet([Fernet(key) for key in self._texts])

    def seal(self, value: str, *, connection: str, name: str) -> bytes:
        """Encrypt a token for one place.

        Args:
            value: the token.
            connection: uid of the connection.
            name: of the token.
        """
        plain = msgspec.json.encode(_Sealed(connection=connection, name=name, value=value))
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes, *, connection: str, name: str, shown: str) -> str:
        """Decrypt a token of that place.

        Args:
            sealed: as stored.
            connection: uid of the connection.
            name: of the token.
            shown: name of the connection, for messages.

        Raises:
            StoreError: none of the keys opens it, or it belongs elsewhere.
        """
        from cryptography.fernet import InvalidToken

        try:
            plain = self._fernet.decrypt(sealed)
        except InvalidToken:
            message = f"no key of token_key opens the stored token of connection '{shown}'"
            raise StoreError(
                message,
                remedy="add the key that it was stored with to token_key, after the newer one; if"
                f" that key is lost, run `syncd login {shown}` again",
            ) from None
        found = msgspec.json.decode(plain, type=_Sealed)
        if (found.connection, found.name) != (connection, name):
            message = f"the stored token of connection '{shown}' was stored for another connection"
            raise StoreError(
                message, remedy=f"somebody moved it in the database: run `syncd login {shown}`"
            )
        return found.value


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text.encode(), altchars=b"-_", validate=True)) == _BYTES
    except (binascii.Error, ValueError):
        return False
