"""An OAuth vendor on loopback, a browser that signs in there, and a connector for both.

The vendor is strict: a code works once and only with its verifier, and a refresh token works once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from pydantic import BaseModel

from syncd.sdk.answer import Answer
from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit
from syncd.sdk.errors import AuthError, ConnectorError, SignInExpired
from syncd.sdk.http import ApiClient
from syncd.sdk.refresh import RefreshExchange, vault_of
from syncd.sdk.refresh_bearer import RefreshAuth
from syncd.sdk.tokens import Granted
from tests.builders_data import ScriptedSource, device


class OAuthVendor:
    """The vendor's state.

    Attributes:
        refuses: error that the sign-in page answers, empty for none.
        good: refresh tokens that are taken.
        sent: refresh tokens that came.
        used: access tokens that signed a call, in order.
        secrets: everything that must be seen by nobody.
    """

    def __init__(self) -> None:
        self.refuses = ""
        self.good: set[str] = set()
        self.sent: list[str] = []
        self.used: list[str] = []
        self.secrets: list[str] = []
        self.codes: dict[str, tuple[str, str]] = {}
        self._made = 0
        handler = type("Handler", (_Handler,), {"vendor": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def authorize(self, query: dict[str, str]) -> str:
        """Where the sign-in page sends the browser."""
        back = {"state": query["state"]}
        if self.refuses:
            back |= {"error": self.refuses, "error_description": "The admin said\r\nno."}
        else:
            assert query["code_challenge_method"] == "S256"
            code = self._secret("code")
            self.codes[code] = (query["code_challenge"], query["redirect_uri"])
            back["code"] = code
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form["grant_type"] == "authorization_code":
            challenge, redirect = self.codes.pop(form["code"], ("", ""))
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if proven != challenge or form["redirect_uri"] != redirect:
                return 400, {"error": "invalid_grant", "error_description": "The code is wrong."}
        else:
            token = form["refresh_token"]
            self.sent.append(token)
            if token not in self.good:
                words = f"The token {token} is not known."
                return 400, {"error": "invalid_grant", "error_description": words}
            self.good.discard(token)
        refresh = self._secret("refresh")
        self.good.add(refresh)
        access = self._secret("access")
        return 200, {"access_token": access, "refresh_token": refresh, "expires_in": 3600}

    def _secret(self, kind: str) -> str:
        self._made += 1
        made = f"{kind}-{self._made}-hidden"
        self.secrets.append(made)
        return made


class _Handler(BaseHTTPRequestHandler):
    vendor: ClassVar[OAuthVendor]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send_response(302)
            self.send_header("location", self.vendor.authorize(query))
            self.end_headers()
            return
        self.vendor.used.append(self.headers["authorization"].removeprefix("Bearer "))
        self._answer(200, {"ok": True})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self._answer(*self.vendor.token({k: v[0] for k, v in parse_qs(body).items()}))

    def _answer(self, status: int, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class BooksSettings(BaseModel, extra="forbid"):
    base_url: str


class _Token(msgspec.Struct):
    refresh_token: str


def client_of(context: Context[BooksSettings]) -> ApiClient:
    return ApiClient(
        connection=context.connection,
        base_url=context.config.base_url,
        auth=None,
        limits=RateLimit(),
        clock=context.clock,
        log=context.log,
    )


class BooksAuth(RefreshAuth):
    """The connector's tokens."""

    def __init__(
        self, context: Context[BooksSettings], tokens: RefreshExchange, login: ApiClient
    ) -> None:
        super().__init__(
            tokens,
            connection=context.connection,
            token_url=f"{context.config.base_url}/token",
            secret="",
            clock=context.clock,
            lives=timedelta(days=60),
            log=context.log,
        )
        self._login = login

    async def _ask_with(self, refresh_token: str) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._login.send_form("/token", form)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        kind = SignInExpired if code == "invalid_grant" else AuthError
        return kind(
            f"{self._connection}: the vendor refuses the sign-in ({code}){words}",
            remedy=f"run `syncd login {self._connection}`",
            connection=self._connection,
            http_status=answer.status,
        )


class _Books(ScriptedSource):
    """A source whose pull needs a token."""

    def __init__(self, api: ApiClient) -> None:
        super().__init__(units=(device("a", "1"),))
        self._api = api

    async def observe(self, sink: Any, period: object) -> Any:
        await self._api.read("/units")
        return await super().observe(sink, period)


@dataclass
class Browser:
    """Signs in at the vendor as soon as the connector names the address.

    Attributes:
        goes: what it does with the address that the vendor sends it to.
        ended_at: that address.
        failures: what went wrong in its thread.
    """

    goes: Callable[[str], None]
    ended_at: str = ""
    shown: str = ""
    failures: list[Exception] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def open(self, address: str) -> None:
        thread = threading.Thread(target=self._visit, args=(address,))
        self.threads.append(thread)
        thread.start()

    def _visit(self, address: str) -> None:
        try:
            with urllib.request.build_opener(_Stay).open(address) as answer:
                self.ended_at = answer.headers["location"]
            self.goes(self.ended_at)
        except Exception as error:  # noqa: BLE001 - a thread's failure is told by the test
            self.failures.append(error)

    def close(self) -> None:
        for thread in self.threads:
            thread.join()
        assert self.failures == []


class _Stay(urllib.request.HTTPErrorProcessor):
    """Follows no redirect, so that a test sees where it leads."""

    def http_response(self, _request: Any, response: Any) -> Any:
        return response


def fetched(address: str) -> tuple[int, str]:
    """Status and page of an address."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def to_stdin(handle: int) -> Callable[[str], None]:
    """A browser whose person pastes the address."""
    return lambda address: (os.write(handle, f"{address}\n".encode()), None)[1]


def books(browser: Browser, *, redirect: str | None = None) -> Connector[BooksSettings]:
    """A connector that needs a sign-in."""

    @asynccontextmanager
    async def opened(context: Context[BooksSettings]) -> AsyncIterator[Ports]:
        async with (
            client_of(context) as api,
            RefreshExchange(
                vault_of(context), connection=context.connection, log=context.log
            ) as tokens,
        ):
            yield Ports(usage=_Books(api.lane(BooksAuth(context, tokens, api))))

    @asynccontextmanager
    async def sign_in(context: Context[BooksSettings]) -> AsyncIterator[_SignIn]:
        async with client_of(context) as api:
            yield _SignIn(context, api, browser, redirect)

    return Connector(
        name="books",
        title="Books",
        config=BooksSettings,
        provides=frozenset({Capability.USAGE}),
        open=opened,
        sign_in=sign_in,
    )


class _SignIn:
    token_name = "refresh"

    def __init__(
        self,
        context: Context[BooksSettings],
        api: ApiClient,
        browser: Browser,
        redirect: str | None,
    ) -> None:
        self.redirect = redirect
        self._context = context
        self._api = api
        self._browser = browser

    def address(self, *, redirect: str, state: str, challenge: str) -> str:
        query = {
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = f"{self._context.config.base_url}/authorize?{urlencode(query)}"
        self._browser.open(address)
        return address

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        answer = await self._api.send_form("/token", form)
        if answer.status != 200:
            message = f"{self._context.connection}: the vendor refuses the code"
            raise AuthError(message, remedy="sign in again", connection=self._context.connection)
        ends_at: datetime = self._context.clock() + timedelta(days=60)
        token = answer.decode(_Token).refresh_token
        return Granted(token=token, ends_at=ends_at, summary="the books of Acme")
