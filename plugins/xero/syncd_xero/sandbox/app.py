"""The simulated Xero at one address: sign-in, connections, and the books behind them.

What it can be made to do stands at `Options` in `options.py`. Faults that any vendor can have are
injected in front of it by the host.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_xero.sandbox import API, tenant_id
from syncd_xero.sandbox.books import Books
from syncd_xero.sandbox.desk import Desk
from syncd_xero.sandbox.hand import Hand, routes
from syncd_xero.sandbox.logins import Bearer, Logins
from syncd_xero.sandbox.options import Options
from syncd_xero.sandbox.quota import Quota
from syncd_xero.sandbox.refusals import Refusal, forbidden, malformed, unauthorized
from syncd_xero.sandbox.replays import Answer, Replays
from syncd_xero.sandbox.wording import encoded, moment, xml
from syncd_xero.sandbox.writes import Writes

SCOPES: Final = {
    "Invoices": ("invoices",),
    "CreditNotes": ("invoices",),
    "Items": ("invoices", "settings"),
    "Payments": ("payments",),
    "Overpayments": ("payments", "invoices"),
    "Prepayments": ("payments", "invoices"),
    "Contacts": ("contacts",),
    "Organisation": ("settings",),
    "Accounts": ("settings",),
    "TaxRates": ("settings",),
    "TrackingCategories": ("settings",),
    "Currencies": ("settings",),
}
"""Rights under which a resource is open; a read also passes with `.read`."""

WRITES: Final = frozenset({"PUT", "POST", "PATCH"})


class Organisation:
    """One organisation with its limits and its desk."""

    def __init__(self, world: World, options: Options, number: int, app: deque[float]) -> None:
        self.books = Books(world, options, number)
        self.quota = Quota(options, app)
        self.writes = Writes(self.books)
        self.desk = Desk(self.books, self.writes)


class Simulator:
    """The routes, and what answers behind them.

    Attributes:
        options: as it was built; may be changed while it runs.
        organisations: by tenant id.
        logins: tokens.
        replays: idempotency keys.
        calls: how often each method and resource was asked for, repeats included.
        hand: what a bookkeeper does in the first organisation.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.options = options
        self.world = world
        app: deque[float] = deque()
        numbers = range(1, options.organisations + 1)
        self.organisations = {tenant_id(n): Organisation(world, options, n, app) for n in numbers}
        self.logins = Logins(options, tuple(self.organisations))
        self.replays = Replays(options)
        self.calls: Counter[str] = Counter()
        self.hand = Hand(self)

    @property
    def first(self) -> Organisation:
        """The organisation that most tests write to."""
        return next(iter(self.organisations.values()))

    @property
    def books(self) -> Books:
        """Books of the first organisation."""
        return self.first.books

    def application(self) -> Starlette:
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app = Starlette(
            routes=[
                Route("/identity/connect/authorize", self._authorize),
                Route("/connect/token", self._token, methods=["POST"]),
                Route("/connect/revocation", self._revoke, methods=["POST"]),
                Route("/connections", self._connections),
                Route("/connections/{id}", self._disconnect, methods=["DELETE"]),
                Route(f"{API}/{{path:path}}", self._ask, methods=every),
                *routes(self.hand),
            ]
        )
        app.state.simulator = self
        return app

    async def _authorize(self, request: Request) -> Response:
        """A person consents at once."""
        back = self.logins.authorize(dict(request.query_params))
        return Response("Sorry, something went wrong", 400) if back is None else RedirectResponse(
            back, 302
        )  # fmt: skip

    async def _token(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        status, said = self.logins.issue(authorization, await request.body())
        return Response(encoded(said), status, media_type="application/json")

    async def _revoke(self, request: Request) -> Response:
        self.logins.revoke(await request.body())
        return Response(b"", 200)

    async def _connections(self, request: Request) -> Response:
        bearer = self.logins.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            return _refused(unauthorized("TokenExpired: token expired"), {})
        stamp = "2026-01-02T09:00:00.0000000"
        rows = [
            {
                "id": _connection(bearer, tenant),
                "authEventId": bearer.consent.key,
                "tenantId": tenant,
                "tenantType": "ORGANISATION",
                "tenantName": one.books.name,
                "createdDateUtc": stamp,
                "updatedDateUtc": stamp,
            }
            for tenant, one in self.organisations.items()
            if tenant in bearer.consent.tenants
        ]
        return Response(encoded(rows), 200, media_type="application/json")

    async def _disconnect(self, request: Request) -> Response:
        bearer = self.logins.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            return _refused(unauthorized("TokenExpired: token expired"), {})
        for tenant in self.organisations:
            if _connection(bearer, tenant) == request.path_params["id"]:
                bearer.consent.tenants.discard(tenant)
                return Response(b"", 204)
        return Response(b"", 404)

    async def _ask(self, request: Request) -> Response:
        path = [part for part in request.path_params["path"].split("/") if part]
        resource = path[0] if path else ""
        self.calls[f"{request.method} {'/'.join([resource, *path[2:]])}"] += 1
        headers: dict[str, str] = {}
        try:
            one = self._opened(request, resource)
            with one.quota.admit():
                headers = one.quota.headers()
                if self.options.answer_seconds:
                    await self.options.sleep(self.options.answer_seconds)
                answer = await self._answered(request, one, path)
        except Refusal as error:
            return _refused(error, headers)
        return _sent(answer, headers)

    def _opened(self, request: Request, resource: str) -> Organisation:
        bearer = self.logins.bearer(request.headers.get("authorization", ""))
        if bearer is None:
            raise unauthorized(f"TokenExpired: token expired at {self.world.now():%m/%d/%Y %X}")
        tenant = request.headers.get("xero-tenant-id", bearer.tenant).lower()
        if tenant not in bearer.consent.tenants or tenant not in self.organisations:
            raise forbidden()
        if bearer.tenant and tenant != bearer.tenant:
            raise forbidden()
        rights = SCOPES.get(resource)
        if rights is not None:
            good = {f"accounting.{one}" for one in rights}
            if request.method == "GET":
                good |= {f"{one}.read" for one in good}
            if not good & bearer.consent.scopes:
                raise forbidden("AuthorizationUnsuccessful")
        return self.organisations[tenant]

    async def _answered(self, request: Request, one: Organisation, path: list[str]) -> Answer:
        """The answer in the form that was asked for, from memory where the key is known."""
        accept = request.headers.get("accept", "")
        if "application/json" not in accept and self.options.missing_accept == "refuse":
            raise Refusal(406, "Not Acceptable")
        body = await request.body()
        key = request.headers.get("idempotency-key", "") if request.method in WRITES else ""
        said = f"{request.method} {request.url.path}?{request.url.query}".encode()
        kept = self.replays.find(key, said + b"\n" + body)
        if kept is not None:
            return kept
        one.books.follow_world()
        try:
            if body and "json" not in request.headers.get("content-type", ""):
                raise malformed("The content type is not one that the simulator reads")
            found = one.desk.answer(
                request.method, path, dict(request.query_params), request.headers, body
            )
            answer = self._worded(found, json="application/json" in accept)
        except Refusal as error:
            self.replays.keep(key, _plain(error))
            raise
        self.replays.keep(key, answer)
        return answer

    def _worded(self, found: dict[str, Any] | None, *, json: bool) -> Answer:
        if found is None:
            return 204, {}, b""
        now = self.world.now()
        head = {
            "Id": str(uuid5(NAMESPACE_URL, f"sandbox:xero:answer:{sum(self.calls.values())}")),
            "Status": "OK",
            "ProviderName": "syncd",
            "DateTimeUTC": moment(now),
        }
        if json:
            return 200, {"content-type": "application/json; charset=utf-8"}, encoded(head | found)
        return (
            200,
            {"content-type": "text/xml; charset=utf-8"},
            xml("Response", head | found).encode(),
        )


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()


def _connection(bearer: Bearer, tenant: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{bearer.consent.key}:{tenant}"))


def _plain(error: Refusal) -> Answer:
    text = isinstance(error.body, str)
    body = str(error.body).encode() if text else encoded(error.body)
    kind = "text/plain" if text else "application/json; charset=utf-8"
    return error.status, {"content-type": kind, **error.headers}, body


def _refused(error: Refusal, headers: Mapping[str, str]) -> Response:
    return _sent(_plain(error), headers)


def _sent(answer: Answer, more: Mapping[str, str]) -> Response:
    status, headers, body = answer
    return Response(body, status, {**headers, **more})
