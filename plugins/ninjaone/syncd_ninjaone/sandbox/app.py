"""The simulated NinjaOne as an ASGI application: token, organisations, devices, locations, roles.

Unknown query parameters are ignored in silence, as the vendor does; faults that any vendor can have
are injected in front of it by the host.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_ninjaone.sandbox import CLIENT_ID, SECRET
from syncd_ninjaone.sandbox.filters import FilterRefused, Predicate, parse
from syncd_ninjaone.sandbox.fleet import Fleet, Page, roles
from syncd_ninjaone.sandbox.refusals import Refusals
from syncd_ninjaone.sandbox.tokens import Tokens

PREFIXES = ("/v2", "/api/v2")
TOKEN_PATHS = ("/ws/oauth/token", "/oauth/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be set on the simulator.

    Attributes:
        client_id: of the one API application.
        client_secret: its secret.
        scopes: what the application may have; without `monitoring` every read is a 403.
        token_seconds: life of a token.
        link_header: name the next page in a `Link` header, as some instances do.
        default_page: rows of a page when `pageSize` is absent.
        page_cap: most rows of a page whatever was asked for; 0 grants what is asked.
        specimens: add the organisations and devices of `specimens.py`.
        quota_calls: API calls per window before 429; 0 means no quota.
        quota_seconds: length of the window.
        retry_after: say in the 429 when to come back.
        monotonic: seconds, for tokens and quota.
    """

    client_id: str = CLIENT_ID
    client_secret: str = SECRET
    scopes: tuple[str, ...] = ("monitoring",)
    token_seconds: float = 3600.0
    link_header: bool = False
    default_page: int = 100
    page_cap: int = 0
    specimens: bool = False
    quota_calls: int = 0
    quota_seconds: float = 60.0
    retry_after: bool = True
    monotonic: Callable[[], float] = time.monotonic


class Quota:
    """A rolling window of API calls."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._calls: deque[float] = deque()

    def take(self) -> None:
        """Count a call, or raise 429."""
        options = self._options
        if not options.quota_calls:
            return
        now = options.monotonic()
        while self._calls and self._calls[0] <= now - options.quota_seconds:
            self._calls.popleft()
        if len(self._calls) >= options.quota_calls:
            wait = max(1, round(self._calls[0] + options.quota_seconds - now))
            headers = {"Retry-After": str(wait)} if options.retry_after else None
            raise HTTPException(429, "too many requests", headers)
        self._calls.append(now)


class Simulator:
    """The routes and what they share."""

    def __init__(self, world: World, options: Options) -> None:
        self._tokens = Tokens(
            client_id=options.client_id,
            client_secret=options.client_secret,
            granted=frozenset(options.scopes),
            lifetime=options.token_seconds,
            monotonic=options.monotonic,
        )
        self._options = options
        self._quota = Quota(options)
        self._fleet = Fleet(world, with_specimens=options.specimens)

    def application(self) -> Starlette:
        lists: dict[str, Callable[[Request], Page]] = {
            "organizations": lambda r: self._organisations(r, detailed=False),
            "organizations-detailed": lambda r: self._organisations(r, detailed=True),
            "devices": lambda r: self._devices(r, detailed=False),
            "devices-detailed": lambda r: self._devices(r, detailed=True),
            "locations": lambda r: self._fleet.locations(**self._window(r)),
        }
        routes = [Route(path, self._tokens.issue, methods=["POST"]) for path in TOKEN_PATHS]
        for prefix in PREFIXES:
            routes += [Route(f"{prefix}/{name}", self._list(of)) for name, of in lists.items()]
            routes.append(Route(f"{prefix}/roles", self._roles))
        return Starlette(routes=routes, exception_handlers={HTTPException: Refusals()})

    def _list(self, of: Callable[[Request], Page]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            self._admit(request)
            page = of(request)
            headers = {}
            if self._options.link_header and page.length == self._window(request)["size"]:
                url = request.url.include_query_params(after=page.last)
                headers["link"] = f'<{url}>; rel="next"'
            return Response(page.body, headers=headers, media_type="application/json")

        return answer

    async def _roles(self, request: Request) -> Response:
        self._admit(request)
        return Response(roles(), media_type="application/json")

    def _admit(self, request: Request) -> None:
        self._quota.take()
        self._tokens.require(request, "monitoring")

    def _organisations(self, request: Request, *, detailed: bool) -> Page:
        return self._fleet.organisations(detailed=detailed, **self._window(request))

    def _devices(self, request: Request, *, detailed: bool) -> Page:
        return self._fleet.devices(
            detailed=detailed, keep=_filter(request), **self._window(request)
        )

    def _window(self, request: Request) -> dict[str, int]:
        size = _whole(request, "pageSize", self._options.default_page, least=1)
        cap = self._options.page_cap
        return {"after": _whole(request, "after", 0), "size": min(size, cap) if cap else size}


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()


def _filter(request: Request) -> Predicate | None:
    text = request.query_params.get("df")
    if not text:
        return None
    try:
        return parse(text)
    except FilterRefused as error:
        raise HTTPException(400, str(error)) from error


def _whole(request: Request, name: str, default: int, *, least: int = 0) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least:
        raise HTTPException(400, f"{name} is not a number")
    return int(text)
