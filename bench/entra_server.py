"""A simulated Graph with many equal tenants in a process of its own, pinned to one core.

Its rows are rendered before the first request, so that what is measured is the client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import uuid
from pathlib import Path

import msgspec
import uvicorn
from syncd_entra.products import table

PAGE = 999
encode = msgspec.json.encode


def tenant(number: int) -> str:
    return str(uuid.UUID(int=0x5A5A << 112 | number))


class Cloud:
    """Tokens, batches and pages of users, each answered after a fixed latency."""

    def __init__(self, tenants: int, skus: int, users: int, seconds: float, throttled: int) -> None:
        self.seconds = seconds
        self.users = users
        self.throttle = throttled
        self.calls = {"token": 0, "batch": 0, "page": 0, "throttled": 0}
        self._told: set[str] = set()
        parts = list(table().items())[:skus]
        self._bodies = {
            key: {
                "/organization": msgspec.Raw(encode({"value": [{"id": key}]})),
                "/subscribedSkus": msgspec.Raw(encode({"value": _rows(key, parts, users)})),
            }
            for key in map(tenant, range(tenants))
        }
        self._licence = [{"skuId": parts[0][0], "disabledPlans": []}]
        self._pages: dict[tuple[int, str], bytes] = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["path"]
        if path.startswith("/__stats__"):
            base = f"http://{dict(scope['headers'])[b'host'].decode()}"
            for start in range(0, self.users, PAGE):
                self._page(start, base)
            await _answer(send, 200, encode(self.calls))
            self.calls = dict.fromkeys(self.calls, 0)
            self._told.clear()
            return
        await asyncio.sleep(self.seconds)
        base = f"http://{dict(scope['headers'])[b'host'].decode()}"
        if path.endswith("/token"):
            self.calls["token"] += 1
            key = path.split("/")[1]
            granted = {"access_token": key, "token_type": "Bearer", "expires_in": 3599}
            if b"grant_type=refresh_token" in body:
                granted["refresh_token"] = f"bench-refresh-{self.calls['token']}"
            await _answer(send, 200, encode(granted))
            return
        key = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
        if int(key[-6:], 16) * 61 % 100 < self.throttle and key not in self._told:
            self._told.add(key)
            self.calls["throttled"] += 1
            await _answer(send, 429, b"{}", (b"retry-after", b"2"))
            return
        if path.endswith("$batch"):
            self.calls["batch"] += 1
            asked = msgspec.json.decode(body)["requests"]
            items = [
                {"id": one["id"], "status": 200, "body": self._body(key, one["url"], base)}
                for one in asked
            ]
            await _answer(send, 200, encode({"responses": items}))
            return
        self.calls["page"] += 1
        start = int(scope["query_string"].decode().rpartition("=")[2])
        await _answer(send, 200, self._page(start, base))

    def _body(self, key: str, url: str, base: str):
        path = url.partition("?")[0]
        if path == "/users":
            return msgspec.Raw(self._page(0, base))
        return self._bodies[key][path]

    def _page(self, start: int, base: str) -> bytes:
        if (start, base) not in self._pages:
            self._pages[start, base] = encode(self._rendered(start, base))
        return self._pages[start, base]

    def _rendered(self, start: int, base: str):
        rows = [
            {
                "id": str(uuid.UUID(int=n)),
                "displayName": f"Person {n}",
                "userPrincipalName": f"person{n}@example.com",
                "accountEnabled": True,
                "userType": "Member",
                "assignedLicenses": self._licence,
            }
            for n in range(start, min(start + PAGE, self.users))
        ]
        page = {"value": rows}
        if start == 0:
            page["@odata.count"] = self.users
        if start + PAGE < self.users:
            page["@odata.nextLink"] = f"{base}/v1.0/users?$skiptoken={start + PAGE}"
        return page


def _rows(key: str, parts, users: int):
    return [
        {
            "id": f"{key}_{guid}",
            "skuId": guid,
            "skuPartNumber": known.part,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": (users if place == 0 else 0) if users else 10 + place,
            "prepaidUnits": {"enabled": 25, "warning": 0, "suspended": 0, "lockedOut": 0},
        }
        for place, (guid, known) in enumerate(parts)
    ]


async def _answer(send, status: int, body: bytes, *headers) -> None:
    named = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*named, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, required=True)
    parser.add_argument("--skus", type=int, required=True)
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, required=True)
    parser.add_argument("--throttled", type=int, default=0)
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--ready", type=Path, required=True)
    given = parser.parse_args()
    if given.core < (os.cpu_count() or 1):
        os.sched_setaffinity(0, {given.core})
    cloud = Cloud(given.tenants, given.skus, given.users, given.latency_ms / 1000, given.throttled)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    ready = {
        "base_url": f"http://127.0.0.1:{listening.getsockname()[1]}",
        "tenants": [tenant(number) for number in range(given.tenants)],
        "partner": tenant(10**6),
    }
    given.ready.write_text(json.dumps(ready))
    config = uvicorn.Config(cloud, log_config=None, access_log=False, lifespan="off")
    # Handed over as it is: by its number asyncio would not know it for TCP, and would let small
    # packets wait for 40 ms.
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
