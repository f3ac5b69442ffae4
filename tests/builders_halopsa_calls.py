"""A plain client of the simulated HaloPSA, for tests of the simulator itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from syncd_halopsa.config import SCOPE
from syncd_halopsa.sandbox import CLIENT_ID, SECRET, TENANT
from syncd_halopsa.sandbox.app import build

from syncd.sandbox.presets import small

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": SECRET,
    "scope": SCOPE + " edit:invoices",
}
ELEMENT = {"type": 1, "client_id": 1001, "site_id": -1, "name": "Servers", "count": 2}
LICENCES = "/api/SoftwareLicence"


class Caller:
    """A client of the simulator with a token."""

    def __init__(self, http: httpx.AsyncClient, sim: Any) -> None:
        self.http = http
        self.sim = sim

    async def sign(self, **form: str) -> httpx.Response:
        answer = await self.http.post(f"/auth/token?tenant={TENANT}", data={**FORM, **form})
        if answer.status_code == 200:
            token = answer.json()["access_token"]
            self.http.headers["authorization"] = f"Bearer {token}"
        return answer

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(path, params=params)

    async def rows(self, path: str, **params: Any) -> Any:
        return (await self.get(path, **params)).json()

    async def post(self, path: str, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.post(path, content=content)


@asynccontextmanager
async def calling(world: Any = None, **options: Any) -> AsyncIterator[Caller]:
    app = build(world or small(), options)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:9") as http:
        caller = Caller(http, app.state.simulator)
        await caller.sign()
        yield caller


class Ticking:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
