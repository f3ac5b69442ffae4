"""QuickBooks Online at one address: Intuit's sign-in and the companies behind the gateway.

What it can be made to do stands at `Options` in `options.py`. Faults that any vendor can have are
injected in front of it by the host.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_quickbooks.sandbox.company import Company
from syncd_quickbooks.sandbox.hand import Hand
from syncd_quickbooks.sandbox.hand_routes import routes
from syncd_quickbooks.sandbox.logins import Logins
from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.quota import Quota
from syncd_quickbooks.sandbox.refusals import GATEWAY, Refusal
from syncd_quickbooks.sandbox.replays import LONGEST, LONGEST_OF_BATCH
from syncd_quickbooks.sandbox.service import Service, encode

BASE: Final = "/v3/company/{realm}"
Work = Callable[[Service], dict[str, Any]]


class Simulator:
    """The routes, and what answers behind them.

    Attributes:
        options: as it was built; may be changed while it runs.
        logins: tokens.
        services: realm → its interface.
        quotas: realm → its limits.
        hand: what a person does in the first company.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.options = options
        self.logins = Logins(options, world.now)
        self.services = {realm: Service(Company(realm, world, options)) for realm in options.realms}
        self.quotas = {realm: Quota(options) for realm in options.realms}
        self.hand = Hand(self.service, self.logins)
        self._faults = 0

    @property
    def service(self) -> Service:
        """The interface of the first company."""
        return self.services[self.options.realms[0]]

    @property
    def company(self) -> Company:
        """What the first company holds."""
        return self.service.company

    def application(self) -> Starlette:
        """The routes; `app.state.simulator` is this object."""
        app = Starlette(
            routes=[
                Route("/connect/oauth2", self._authorize),
                Route("/oauth2/v1/tokens/bearer", self._token, methods=["POST"]),
                Route("/v2/oauth2/tokens/revoke", self._revoke, methods=["POST"]),
                Route(f"{BASE}/query", self._query, methods=["GET", "POST"]),
                Route(f"{BASE}/cdc", self._changes),
                Route(f"{BASE}/batch", self._batch, methods=["POST"]),
                Route(f"{BASE}/preferences", self._read),
                Route(f"{BASE}/{{kind}}", self._write, methods=["POST"]),
                Route(f"{BASE}/{{kind}}/{{id}}", self._read),
                Route(f"{BASE}/{{kind}}/{{id}}/send", self._send, methods=["POST"]),
                *routes(self.hand),
            ]
        )
        app.state.simulator = self
        return app

    async def _authorize(self, request: Request) -> Response:
        back = self.logins.authorize(request.query_params)
        if back is None:
            return Response("the app or its redirect address is unknown", 400)
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        status, said = self.logins.token(request.headers, await request.body())
        return _json(said, status)

    async def _revoke(self, request: Request) -> Response:
        given = json.loads(await request.body() or b"{}")
        return Response(b"", self.logins.revoke(request.headers, str(given.get("token"))))

    async def _query(self, request: Request) -> Response:
        text = request.query_params.get("query", "")
        if request.method == "POST":
            if "application/text" not in request.headers.get("content-type", ""):
                return self._refused(Refusal("2010", "a query is sent as application/text"))
            text = (await request.body()).decode()
        return await self._answer(request, lambda service: service.search(text), read=True)

    async def _changes(self, request: Request) -> Response:
        asked = request.query_params
        entities, since = asked.get("entities", ""), asked.get("changedSince", "")
        work: Work = lambda service: service.changed(entities, since)  # noqa: E731 - as the others
        return await self._answer(request, work, read=True)

    async def _read(self, request: Request) -> Response:
        kind = request.path_params.get("kind", "preferences")
        number = request.path_params.get("id", "")
        return await self._answer(request, lambda service: service.read(kind, number), read=True)

    async def _send(self, request: Request) -> Response:
        number = request.path_params["id"]
        return await self._answer(request, lambda service: service.send(number), read=False)

    async def _write(self, request: Request) -> Response:
        kind, asked = request.path_params["kind"], dict(request.query_params)
        body = await request.body()

        def work(service: Service) -> dict[str, Any]:
            return service.write(kind, _decoded(body), asked)

        return await self._answer(request, work, read=False)

    async def _batch(self, request: Request) -> Response:
        body, key = await request.body(), request.query_params.get("requestid", "")

        def work(service: Service) -> dict[str, Any]:
            return service.batch(_decoded(body), key)

        return await self._answer(request, work, read=False, batch=True)

    async def _answer(
        self, request: Request, work: Work, *, read: bool, batch: bool = False
    ) -> Response:
        try:
            service = self._admitted(request, read=read, batch=batch)
            if "json" not in request.headers.get("accept", ""):
                return _xml()
            whole = not batch or self.options.batch_replay == "whole"
            key = _key(request, batch=batch)
            if not key or not whole:
                return _json(self._body(service, work), 200)
            return await self._once(service, key, request, work)
        except Refusal as refusal:
            return self._refused(refusal)

    async def _once(self, service: Service, key: str, request: Request, work: Work) -> Response:
        """Do what a request id asks for, or give the answer that it had."""
        what = b"\n".join((request.method.encode(), request.url.path.encode(),
                           await request.body()))  # fmt: skip
        known: tuple[int, bytes] | None = service.replays.find(key, what)
        if known is None:
            if self.options.busy_seconds:
                await self.options.sleep(self.options.busy_seconds)
            try:
                known = 200, encode(self._body(service, work))
            except Refusal as refusal:
                reply = self._refused(refusal)
                service.replays.keep(key, (reply.status_code, bytes(reply.body)), fault=True)
                return reply
            service.replays.keep(key, known, fault=False)
        return _json(known[1], known[0])

    def _admitted(self, request: Request, *, read: bool, batch: bool) -> Service:
        realm = self.logins.realm_of(request.headers.get("authorization", ""))
        if realm is None:
            raise Refusal("3200", "Token expired: AB11...")
        if realm != request.path_params["realm"] or realm not in self.services:
            raise Refusal("3100", "the app is not authorised for this company")
        if self.options.lost_access:
            raise Refusal(self.options.lost_access, "the user has no access to the company")
        self.quotas[realm].take(batch=batch, read=read)
        service = self.services[realm]
        service.company.follow_world()
        return service

    def _body(self, service: Service, work: Work) -> dict[str, Any]:
        return {**work(service), "time": service.company.now()}

    def _refused(self, refusal: Refusal) -> Response:
        headers = {}
        if refusal.code == "3200":
            headers["www-authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
        if refusal.code == "3001":
            if self.options.throttle_shape == "text":
                words = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
                return Response(words, 429, media_type="text/plain")
            if self.options.throttle_shape == "entity":
                return _json({"Fault": refusal.fault(), "time": self.company.now()}, 429)
        if refusal.code in GATEWAY:
            return _json(refusal.gateway(), refusal.status, headers)
        self._faults += 1
        if self.options.casing == "both" and self._faults % 2 == 0:
            return _json(refusal.gateway(), refusal.status)
        status = 200 if self.options.fault_in_200 else refusal.status
        return _json({"Fault": refusal.fault(), "time": self.company.now()}, status)


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()


def _json(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    named = {"intuit_tid": f"1-{uuid.uuid4()}", **(headers or {})}
    content = body if isinstance(body, bytes) else encode(body)
    return Response(content, status, named, media_type="application/json;charset=UTF-8")


def _key(request: Request, *, batch: bool) -> str:
    """The request id, empty for none."""
    key, longest = request.query_params.get("requestid", ""), LONGEST_OF_BATCH if batch else LONGEST
    if len(key) > longest:
        raise Refusal("2130", f"requestid has {len(key)} characters, at most {longest}")
    return key


def _xml() -> Response:
    """What one gets who does not ask for JSON."""
    text = '<?xml version="1.0" encoding="UTF-8"?><IntuitResponse/>'
    return Response(text, 200, media_type="application/xml")


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except ValueError:
        raise Refusal("2010", "the body is no JSON") from None
