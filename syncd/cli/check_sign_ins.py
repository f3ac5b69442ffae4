"""What `syncd check` says of sign-ins: whether stored tokens can be read, and until when they last.

No vendor is asked, and nothing is exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.core.service.sign_in_issues import countdown
from syncd.core.store.connections import find_connection
from syncd.core.store.tokens import Consent, consents
from syncd.sdk.errors import StoreError

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.config.settings import ConnectionSettings


async def sign_in_warnings(app: App, chosen: Sequence[ConnectionSettings]) -> list[str]:
    """Sentences about the stored tokens of these connections; none where all is well.

    Raises:
        StoreError: the database cannot serve.
    """
    async with app.database.reader() as conn:
        stored = await consents(conn)
        found = [(one.name, await find_connection(conn, one.name)) for one in chosen]
    told: list[str] = []
    for name, connection in found:
        if connection is not None and connection.id in stored:
            told += await _of_one(app, name, stored[connection.id])
    return told


async def _of_one(app: App, name: str, stored: Sequence[Consent]) -> list[str]:
    finding = countdown(name, stored, app.clock())
    told = [] if finding is None else [f"{finding.message}; {finding.remedy}"]
    vault = app.vault(name)
    if vault is None:
        told.append(
            f"connection {name} has a stored token, and there is no token_key to read it with: "
            "configure the key that it was stored with"
        )
        return told
    for one in stored:
        try:
            await vault.read(one.name)
        except StoreError as error:
            told.append(f"{error}; {error.remedy}")
    return told
