"""The simulated backup console as an ASGI application: login, lists, billing by month.

What is unknown is answered with status 200 and `null`, an unknown login with 406, a failed creation
with 200 and a text. Addresses are read in any letters. Faults that any vendor can have are injected
in front of it by the host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_backup_console.sandbox import PASSWORD, USER_NAME, tenancy
from syncd_backup_console.sandbox.console import Console
from syncd_backup_console.sandbox.logins import Logins
from syncd_backup_console.sandbox.rendering import answer

IDS: Final = {
    "companies": "Id",
    "users": "ID",
    "licenses": "ID",
    "accounts": "AccountID",
    "packages": "ID",
    "administrators": "AdminID",
    "monitoring": "UserID",
}
"""List → field that an address like `Companies/{id}` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be set on the simulator.

    Attributes:
        user_name: of the API credentials.
        password: their password.
        token_seconds: life of a token.
        camel: write names of fields in camel case.
        specimens: add the tenants of `specimens.py`.
        null_lists: names of lists, in lower case, that are answered with `null`.
        text_lists: likewise with a text.
        refused_lists: likewise with 406.
        corrections: bytes added to every user's average of a month, e.g. `{"2026-11": 1024}`.
        monotonic: seconds, for tokens.
    """

    user_name: str = USER_NAME
    password: str = PASSWORD
    token_seconds: float = 1209599.0
    camel: bool = False
    specimens: bool = False
    null_lists: tuple[str, ...] = ()
    text_lists: tuple[str, ...] = ()
    refused_lists: tuple[str, ...] = ()
    corrections: dict[str, int] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic


class Simulator:
    """The one route, and what answers behind it."""

    def __init__(self, world: World, options: Options) -> None:
        self._world = world
        self._options = options
        self.console = Console(
            world, with_specimens=options.specimens, corrections=options.corrections
        )
        self.logins = Logins(
            user_name=options.user_name,
            password=options.password,
            lifetime=options.token_seconds,
            monotonic=options.monotonic,
            now=world.now,
        )

    def application(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", self._serve, methods=methods)])
        app.state.console, app.state.logins = self.console, self.logins
        return app

    async def _serve(self, request: Request) -> Response:
        parts = [part for part in request.path_params["path"].split("/") if part]
        lowered = [part.lower() for part in parts]
        if lowered[:1] != ["api"] or len(parts) < 2:
            return self._nowhere(request)
        if lowered[1:] == ["provider", "login"] and request.method == "POST":
            form = "form" in request.headers.get("content-type", "")
            status, said = self.logins.issue(await request.body(), form=form)
            return answer(request, said, status)
        if not self.logins.knows(request.headers.get("authorization", "")):
            return self._said(request, 401, "Authorization has been denied for this request.")
        return await self._known(request, lowered[1], lowered[2:])

    async def _known(self, request: Request, name: str, rest: list[str]) -> Response:
        if name == "billing" and request.method in {"GET", "PUT"}:
            return await self._billing(request, rest)
        if name == "users" and request.method == "POST" and not rest:
            return await self._make_user(request)
        if request.method != "GET":
            return self._nowhere(request)
        if name == "destinations":
            return self._destinations(request, rest)
        if name not in IDS or len(rest) > 1:
            return self._nowhere(request)
        if not rest:
            return self._list(request, name)
        rows = [row for row in self.console.list(name) if str(row[IDS[name]]).lower() == rest[0]]
        found: Any = rows if name == "monitoring" else next(iter(rows), None)
        return self._shown(request, found or None)

    def _list(self, request: Request, name: str) -> Response:
        if name in self._options.null_lists:
            return self._shown(request, None)
        if name in self._options.text_lists:
            return self._shown(request, "The operation is not available")
        if name in self._options.refused_lists:
            return Response(status_code=406)
        rows = self.console.list(name)
        wanted = {key.lower(): value for key, value in request.query_params.items()}
        if name == "licenses" and "isavailable" in wanted:
            available = wanted["isavailable"].lower() == "true"
            rows = [row for row in rows if row["IsTaken"] is not available]
        return self._shown(request, rows)

    async def _billing(self, request: Request, rest: list[str]) -> Response:
        given: dict[str, Any] = {}
        if request.method == "PUT":
            given = msgspec.json.decode(await request.body() or b"{}")
        if rest == ["details"] and request.method == "PUT":
            found = self.console.details(str(given.get("UserID")), given.get("Date"))
        elif not rest:
            if "billing" in self._options.null_lists:
                return self._shown(request, None)
            found = self.console.bill(given.get("Date"), given.get("CompanyName"))
        else:
            return self._nowhere(request)
        return self._shown(request, found)

    async def _make_user(self, request: Request) -> Response:
        """Refuses what exists with status 200 and a text, as the console does."""
        given = msgspec.json.decode(await request.body())
        taken = {row["Email"].lower() for row in self.console.list("users")}
        if str(given.get("Email", "")).lower() in taken:
            return self._shown(request, "Email already exist")
        return self._shown(request, tenancy.identity(self._world, "made", len(taken)))

    def _destinations(self, request: Request, rest: list[str]) -> Response:
        users = self.console.list("users")
        if rest:
            users = [row for row in users if row["Email"].lower() == rest[0]]
            if not users:
                return Response(status_code=406)
        return self._shown(request, [one for row in users for one in row["DestinationList"]])

    def _shown(self, request: Request, value: Any) -> Response:
        return answer(request, value, camel=self._options.camel)

    def _nowhere(self, request: Request) -> Response:
        words = f"No HTTP resource was found that matches the request URI '{request.url}'."
        return self._said(request, 404, words)

    def _said(self, request: Request, status: int, words: str) -> Response:
        # An older page of the vendor shows the name in lower case.
        return answer(request, {"message" if self._options.camel else "Message": words}, status)


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()
