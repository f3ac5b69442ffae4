"""Tokens that change at each use, and the consent of a person that makes the first of them.

The host keeps them encrypted. A connector takes a turn, exchanges the token at the vendor, and
stores the new one before it uses anything that came with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token as the vault holds it.

    Attributes:
        value: the newest one; in no representation.
        previous: the one before, which some vendors still take for a while; None at first.
        stored_at: when the newest was stored, UTC.
        ends_at: when a person must consent again unless it is exchanged before; None if unknown.
        consented_at: of the consent it descends from; what descends from another one must not
            replace it.
        unsettled_since: when an exchange began whose outcome was never stored, e.g. because its
            process was killed: the vendor may know a newer token than we do. None as a rule.
    """

    value: str = field(repr=False)
    previous: str | None = field(default=None, repr=False)
    stored_at: datetime
    ends_at: datetime | None = None
    consented_at: datetime | None = None
    unsettled_since: datetime | None = None


class TokenTurn(Protocol):
    """The only process that may exchange a token, until the block ends."""

    @property
    def token(self) -> StoredToken | None:
        """What is stored now, read after the turn was taken; None before the first consent."""
        ...

    async def announce(self) -> None:
        """Note that an exchange begins; on return the note is durable.

        It is taken back by `store`, and when the block ends with an error that proves that the
        vendor changed nothing: a refusal, or a request that was never sent.

        Raises:
            StoreError: it could not be noted; do not exchange.
        """
        ...

    async def store(self, value: str, *, ends_at: datetime | None) -> None:
        """Keep a new token; on return it is durable and the former one is `previous`.

        The same token once more only renews its dates.

        Raises:
            StoreError: it could not be kept; whatever came with it must not be used.
        """
        ...


class TokenVault(Protocol):
    """The tokens of one connection, by names that the connector chooses (`refresh`)."""

    async def read(self, name: str) -> StoredToken | None:
        """What is stored now.

        Raises:
            StoreError: it cannot be read, or was encrypted with a key that is not configured.
        """
        ...

    def turn(self, name: str) -> AbstractAsyncContextManager[TokenTurn]:
        """Take the turn to exchange a token, across tasks and processes.

        It is the one place where a lock is held across a vendor's answer, so keep it short.

        Raises:
            StoreError: the turn cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a consent gave.

    Attributes:
        token: to be stored under `SignIn.token_name`; in no representation.
        ends_at: when a person must consent again unless it is exchanged before; None if unknown.
        summary: what it opens, one line for people, without a name of a person.
    """

    token: str = field(repr=False)
    ends_at: datetime | None
    summary: str


class SignIn(Protocol):
    """OAuth's authorization code flow with PKCE (RFC 6749, section 4.1; RFC 7636)."""

    token_name: str
    """Name of the token in the vault that a consent replaces."""

    redirect: str | None
    """The one redirect address that is registered at the vendor; None: any port of loopback."""

    def address(self, *, redirect: str, state: str, challenge: str) -> str:
        """Where the person's browser must go.

        Args:
            redirect: where it comes back to, with `code` and `state`.
            state: comes back unchanged.
            challenge: PKCE's S256 challenge.
        """
        ...

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        """Exchange the code that came back; it works once.

        Raises:
            AuthError: the vendor refuses it, or what it grants is not enough.
            TransientError: the vendor cannot serve now.
        """
        ...


@runtime_checkable
class CallbackReader(Protocol):
    """What a `SignIn` offers beside its own methods if more than a code comes back."""

    def came_back(self, parameters: Mapping[str, str]) -> None:
        """Look at what the browser brought, before the code in it is exchanged.

        Args:
            parameters: of the redirect, by name; the state among them was compared.

        Raises:
            AuthError: the consent is for something else than the connection; nothing is kept.
        """
        ...
