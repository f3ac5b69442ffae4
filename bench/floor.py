"""The floor: read the same pages with httpx and msgspec and count devices in memory, no more.

This is the least that a pull in Python with the same libraries can cost; `bench.pull` states every
figure as a ratio to it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter

import httpx
import msgspec


class Device(msgspec.Struct):
    id: int
    organizationId: int  # noqa: N815 - the vendor's word
    nodeClass: str  # noqa: N815 - the vendor's word


async def count(base_url: str, secret: str) -> int:
    decoder = msgspec.json.Decoder(list[Device])
    counts: Counter[tuple[int, str]] = Counter()
    async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
        token = await client.post(
            "/ws/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_id": "sandbox",
                "client_secret": secret,
                "scope": "monitoring",
            },
        )
        token.raise_for_status()
        client.headers["authorization"] = f"Bearer {token.json()['access_token']}"
        after = 0
        while True:
            answer = await client.get(
                "/v2/devices-detailed", params={"pageSize": 1000, "after": after}
            )
            answer.raise_for_status()
            page = decoder.decode(answer.content)
            counts.update((device.organizationId, device.nodeClass) for device in page)
            if len(page) < 1000:
                return counts.total()
            after = page[-1].id


if __name__ == "__main__":
    print(asyncio.run(count(sys.argv[1], sys.argv[2])))
