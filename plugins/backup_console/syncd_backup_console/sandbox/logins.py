"""The simulator's login and the check of its tokens.

A token lives for two weeks, as the vendor says; making new credentials ends the old ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import msgspec


@dataclass(slots=True)
class Logins:
    """Issues and knows bearer tokens.

    Attributes:
        user_name: of the one pair of API credentials.
        password: its password.
        lifetime: seconds a token lives.
        monotonic: the clock by which it dies.
        now: the simulated moment.
    """

    user_name: str
    password: str
    lifetime: float
    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    _alive: dict[str, float] = field(default_factory=dict)

    def issue(self, body: bytes, *, form: bool) -> tuple[int, dict[str, Any]]:
        """Status and answer of a login, sent as JSON or as a form."""
        if self._given(body, form=form) != (self.user_name, self.password):
            return 400, {
                "error": "invalid_grant",
                "error_description": "The user name or password is incorrect.",
            }
        token = secrets.token_urlsafe(24)
        self._alive[token] = self.monotonic() + self.lifetime
        issued = self.now()
        return 200, {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": int(self.lifetime),
            "userName": self.user_name,
            ".issued": format_datetime(issued, usegmt=True),
            ".expires": format_datetime(issued + timedelta(seconds=self.lifetime), usegmt=True),
        }

    def knows(self, authorization: str) -> bool:
        """Whether the header holds a living token."""
        kind, _, token = authorization.partition(" ")
        return kind.lower() == "bearer" and self.monotonic() < self._alive.get(token, 0.0)

    def revoke(self) -> None:
        """End every token, as new credentials do."""
        self._alive.clear()

    def _given(self, body: bytes, *, form: bool) -> tuple[str | None, str | None]:
        if form:
            fields = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        else:
            try:
                fields = msgspec.json.decode(body, type=dict[str, str])
            except msgspec.MsgspecError:
                fields = {}
        return fields.get("UserName"), fields.get("Password")
