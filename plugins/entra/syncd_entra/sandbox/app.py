"""The simulated Microsoft cloud as an ASGI application: tokens, Graph, and batches of questions.

Answers inside of a batch come in another order than they were asked for, and each may be throttled
for itself. Faults that any vendor can have are injected in front of it by the host.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_entra.sandbox import CLIENT_ID, SECRET, directory
from syncd_entra.sandbox.assertions import Assertions
from syncd_entra.sandbox.graph import Asked, Graph, Said, denied, failure, headers_of
from syncd_entra.sandbox.logins import REFRESHED_BEFORE, Logins
from syncd_entra.sandbox.partner import Partner

LARGEST_BATCH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be set on the simulator.

    Attributes:
        client_id: of the application.
        secret: its secret.
        token_seconds: life of a token.
        refusals: tenant → AADSTS number that its token endpoint answers with.
        refused_once: tenants whose refusal ends after one answer.
        certificate: PEM of the registered certificate; None believes any signature.
        settling: how many proofs by certificate are refused before it is known everywhere.
        second_factor: the partner's account signs in with one.
        factor_tenants: tenants that ask for a second factor.
        revokes: a refresh token works once; otherwise it stays valid after it was exchanged.
        sign_in_denied: AADSTS number with which the person's sign-in in the browser ends.
        without_role: tenants where no GDAP role lets the partner's account read.
        missing_rights: tenant, or `*` → rights that are not granted.
        shut_tenants: tenants that Graph itself refuses with `insufficient_claims`.
        throttled_tenants: tenant → how many of its calls are answered 429.
        throttled_items: each so-manieth question of a batch is answered 429 once.
        retry_after: seconds that a 429 names; None leaves the header out.
        page_cap: most rows on a page.
        empty_pages: an empty page comes after the first one.
        links_expire: every next link is too old.
        count_style: `number`, `text`, `bom` or `base64`; varied by tenant if not said.
        monotonic: seconds, for tokens.
    """

    client_id: str = CLIENT_ID
    secret: str = SECRET
    token_seconds: int = 3599
    refusals: dict[str, int] = field(default_factory=dict)
    refused_once: tuple[str, ...] = ()
    certificate: str | None = None
    settling: int = 0
    second_factor: bool = True
    factor_tenants: tuple[str, ...] = ()
    revokes: bool = False
    sign_in_denied: int | None = None
    without_role: tuple[str, ...] = ()
    missing_rights: dict[str, list[str]] = field(default_factory=dict)
    shut_tenants: tuple[str, ...] = ()
    throttled_tenants: dict[str, int] = field(default_factory=dict)
    throttled_items: int = 0
    retry_after: int | None = 10
    page_cap: int = 999
    empty_pages: bool = False
    links_expire: bool = False
    count_style: str | None = None
    monotonic: Callable[[], float] = time.monotonic


class Simulator:
    """The routes, and what answers behind them.

    Attributes:
        tenants: by id, made when first asked for and edited by tests.
        partner: what the partner's own tenant lists.
        logins: tokens.
        graph: answers.
        questions: how often each path was asked, inside of batches or alone.
        batch_sizes: questions of each batch, in order.
        writes: methods other than GET that were asked of Graph; there must be none.
    """

    def __init__(self, world: World, options: Options) -> None:
        self._world = world
        self._options = options
        self._day = world.now().date()
        self.tenants = directory.tenants(world)
        self.partner = Partner.of(world.clients(), world.now())
        self.logins = Logins(
            client_id=options.client_id,
            secret=options.secret,
            lifetime=options.token_seconds,
            monotonic=options.monotonic,
            now=lambda: world.now().timestamp(),
            known=self.tenants,
            partner=directory.PARTNER_TENANT,
            lets_in=lambda tenant: self.partner.lets_in(tenant),
            rights=lambda tenant: self.graph.rights_of(tenant),
            assertions=Assertions(options.certificate, options.settling),
            factor=options.second_factor,
            factor_tenants=options.factor_tenants,
            revokes=options.revokes,
            denies=options.sign_in_denied,
            living={REFRESHED_BEFORE: options.second_factor},
            refusals=dict(options.refusals),
            once=set(options.refused_once),
        )
        self.graph = Graph()
        self.graph.partner = self.partner
        self.graph.missing = {key: list(value) for key, value in options.missing_rights.items()}
        self.graph.page_cap = options.page_cap
        self.graph.empty_pages = options.empty_pages
        self.graph.links_expire = options.links_expire
        self.graph.style = options.count_style
        self.questions: Counter[str] = Counter()
        self.batch_sizes: list[int] = []
        self.writes: list[str] = []
        self._throttled = dict(options.throttled_tenants)
        self._items = 0
        self._told: set[tuple[str, str]] = set()

    def application(self) -> Starlette:
        routes = [
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/authorize", self._authorize, methods=["GET"]),
            Route("/v1.0/$batch", self._batch, methods=["POST"]),
            Route("/v1.0/{path:path}", self._alone, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]
        app = Starlette(routes=routes)
        app.state.simulator = self
        return app

    async def _token(self, request: Request) -> Response:
        self._refresh()
        tenant = request.path_params["tenant"].lower()
        audience = f"{request.url.scheme}://{request.url.netloc}{request.url.path}"
        status, said = self.logins.issue(tenant, await request.body(), audience)
        return Response(msgspec.json.encode(said), status, media_type="application/json")

    async def _authorize(self, request: Request) -> Response:
        tenant = request.path_params["tenant"].lower()
        back = self.logins.authorize(tenant, dict(request.query_params))
        if back is None:
            return Response("The request is not understood.", 400, media_type="text/html")
        return Response(status_code=302, headers={"Location": back})

    async def _batch(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return _sent(refused)
        tenant = self._tenant(request)
        asked = msgspec.json.decode(await request.body())["requests"]
        ids = {str(one["id"]).lower() for one in asked}
        if not 0 < len(asked) <= LARGEST_BATCH or len(ids) != len(asked):
            return _sent(failure(400, "BadRequest", "Invalid batch payload format."))
        self.batch_sizes.append(len(asked))
        responses = [self._item(request, tenant, one) for one in asked]
        body = msgspec.json.encode({"responses": responses[::-1]})
        return Response(body, 200, media_type="application/json")

    def _item(self, request: Request, tenant: directory.Tenant, one: Mapping[str, Any]) -> Any:
        if one["method"] != "GET":
            self.writes.append(one["method"])
        self._items += 1
        every, mark = self._options.throttled_items, (tenant.id, one["url"])
        if every and self._items % every == 0 and mark not in self._told:
            self._told.add(mark)
            said = self._slow()
        else:
            eventual = (one.get("headers") or {}).get("ConsistencyLevel") == "eventual"
            said = self._answer(request, tenant, one["url"], eventual=eventual)
        return {
            "id": one["id"],
            "status": said.status,
            "headers": headers_of(said),
            "body": said.body,
        }

    async def _alone(self, request: Request) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return _sent(refused)
        if request.method != "GET":
            self.writes.append(request.method)
        url = f"/{request.path_params['path']}?{request.url.query}"
        eventual = request.headers.get("consistencylevel") == "eventual"
        return _sent(self._answer(request, self._tenant(request), url, eventual=eventual))

    def _answer(
        self, request: Request, tenant: directory.Tenant, url: str, *, eventual: bool
    ) -> Said:
        base = f"{request.url.scheme}://{request.url.netloc}"
        asked = Asked.of(tenant, url, eventual=eventual, base=base)
        self.questions[asked.path] += 1
        return self.graph.answer(asked)

    def _refused(self, request: Request) -> Said | None:
        """Why a call is not let in at all."""
        self._refresh()
        session = self.logins.session(request.headers.get("authorization", ""))
        if session is None:
            return failure(401, "InvalidAuthenticationToken", "Access token is empty or expired.")
        tenant = session.tenant
        if tenant in self._options.shut_tenants:
            return failure(403, "AccessDenied", "insufficient_claims: blocked by policy")
        if session.by_user and tenant in self._options.without_role:
            return denied()
        if self._throttled.get(tenant, 0) > 0:
            self._throttled[tenant] -= 1
            return self._slow()
        return None

    def _slow(self) -> Said:
        return failure(
            429, "TooManyRequests", "Too many requests.", retry_after=self._options.retry_after
        )

    def _tenant(self, request: Request) -> directory.Tenant:
        session = self.logins.session(request.headers.get("authorization", ""))
        assert session is not None
        if session.tenant == directory.PARTNER_TENANT:
            return directory.Tenant(session.tenant, "The partner")
        return self.tenants[session.tenant]

    def _refresh(self) -> None:
        """Another day shows other facts."""
        today = self._world.now().date()
        if today != self._day:
            self._day = today
            self.tenants.clear()
            self.tenants.update(directory.tenants(self._world))
            fresh = Partner.of(self._world.clients(), self._world.now())
            self.partner.relationships = fresh.relationships
            self.partner.contracts = fresh.contracts


def _sent(said: Said) -> Response:
    headers = dict(headers_of(said))
    kind = headers.pop("Content-Type")
    body = said.body if isinstance(said.body, str) else msgspec.json.encode(said.body)
    return Response(body, said.status, headers=headers, media_type=kind)


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()
