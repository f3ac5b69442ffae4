"""The partner's own way into its customers' tenants: one refresh token for all of them.

Each exchange brings the next refresh token; `RefreshExchange` stores it before the access token
that came with it is used.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.refresh import Exchanged, RefreshExchange
from syncd_entra.token import MicrosoftToken

REFRESH: Final = "refresh"
"""Name of the token in the vault."""

IDLE: Final = timedelta(days=90)
"""How long a refresh token that nobody uses stays valid; Microsoft lets nobody change it."""


class _Grant(msgspec.Struct):
    refresh_token: str | None = None
    scope: str | None = None


class UserToken(MicrosoftToken):
    """A token of the partner's account for one tenant.

    Attributes:
        rights: delegated rights that came with it; None before, or where Microsoft tells none.
    """

    over_gdap = True

    def __init__(self, *args: Any, exchange: RefreshExchange, **known: Any) -> None:
        """As `MicrosoftToken`, with the refresh token that all tenants share."""
        super().__init__(*args, **known)
        self._exchange = exchange
        self.rights: frozenset[str] | None = None

    async def _ask(self) -> Answer:
        return await self._exchange.run(self._exchanged)

    async def _exchanged(self, refresh_token: str) -> Exchanged[Answer]:
        answer = await self._post(
            {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": self._scope}
        )
        if answer.status != 200:
            raise self._refusal(answer)
        grant = answer.decode(_Grant)
        self.rights = rights_in(grant.scope)
        return Exchanged(
            payload=answer, refresh_token=grant.refresh_token, ends_at=self._clock() + IDLE
        )


def rights_in(scope: str | None) -> frozenset[str] | None:
    """Names of rights, without the resource that Microsoft may write before them."""
    if not scope:
        return None
    return frozenset(word.rpartition("/")[2] for word in scope.split())
