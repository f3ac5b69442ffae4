"""One export of Microsoft's bill: asked for, waited for, and read file by file as a stream.

Graph answers 202 and an address to ask again at; a success names files at another host, under an
address that is itself the key and lives for a short while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import field

from syncd.sdk import waiting
from syncd.sdk.address import check_base_url
from syncd.sdk.connector import Context
from syncd.sdk.errors import (
    PermissionMissing,
    ProtocolError,
    VendorUnavailable,
)
from syncd.sdk.http import Answer
from syncd.sdk.retry import parse_retry_after
from syncd_csp.client import PartnerClient, number_of, unmarked
from syncd_csp.config import CspConfig
from syncd_csp.values import enum

RECONCILIATION: Final = "/v1.0/reports/partners/billing/reconciliation"
VERSION: Final = "/v1.0"
FORMAT: Final = "compressed_jsonlines"

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0
"""Seconds between two questions whether an export is ready, where Graph names none."""

NO_DATA: Final = "5000"
_REMEDY: Final = "nothing was kept of it; the next run asks for a new export"


class Blob(msgspec.Struct):
    name: str


class Manifest(msgspec.Struct):
    """Where the files of an export are.

    Attributes:
        root: address of their folder.
        key: query that opens it; a secret.
        version: changes when the data changed.
    """

    root: str = field(name="rootDirectory")
    key: str = field(name="sasToken")
    blobs: list[Blob]
    number: int | None = field(name="blobCount", default=None)
    format: str | None = field(name="dataFormat", default=None)
    version: str = field(name="eTag", default="")

    def __repr__(self) -> str:
        return f"<Manifest of {len(self.blobs)} files>"


class Failure(msgspec.Struct):
    code: str | int | None = None
    message: str | None = None


class Operation(msgspec.Struct):
    """How far an export is."""

    status: str | None = None
    type: str | None = field(name="@odata.type", default=None)
    manifest: Manifest | None = field(name="resourceLocation", default=None)
    link: str | None = field(name="resourceLocation@odata.navigationLink", default=None)
    error: Failure | None = None

    @property
    def state(self) -> str:
        if self.status:
            return enum(self.status)
        kinds = {
            "running_operation": "running",
            "export_success_operation": "succeeded",
            "failed_operation": "failed",
        }
        return kinds.get(enum((self.type or "").rpartition(".")[2]), "")


@dataclass(slots=True)
class Ready:
    """An export that can be read.

    Attributes:
        operation: address of the operation, for another key once this one has ended.
        manifest: where the files are.
    """

    operation: str
    manifest: Manifest


class Exports:
    """The exports of one connection."""

    def __init__(self, client: PartnerClient, context: Context[CspConfig]) -> None:
        self._graph = client.graph
        self._context = context
        self._connection = context.connection

    async def ready(self, what: str, body: Mapping[str, str]) -> Ready | None:
        """Have an export made, and wait for it.

        Args:
            what: `billed` or `unbilled`.
            body: what of.

        Returns:
            None where Microsoft says that there is no data.

        Raises:
            PermissionMissing: the application may not read the bill.
            VendorUnavailable: it takes longer than the settings allow.
            ProtocolError: the answers are not those of an export.
        """
        try:
            answer = await self._graph.ask(
                "POST", f"{RECONCILIATION}/{what}/export", json={**body, "attributeSet": "full"}
            )
        except PermissionMissing as error:
            raise not_allowed(error) from error
        location = answer.headers.get("location", "")
        if answer.status != 202 or not location:
            raise self._broken(
                f"EXPORT_UNEXPECTED: Graph answered {answer.status} without an address to ask at"
            )
        if stated := self._stated(answer):
            await waiting.sleep(min(stated, LONGEST_PAUSE))
        return await self._waited(self._here(location))

    async def renewed(self, ready: Ready) -> Ready:
        """The same export with another key, once.

        Raises:
            ProtocolError: it is another one now.
        """
        again = await self._waited(ready.operation)
        if again is None or _names(again.manifest) != _names(ready.manifest):
            raise self._broken("EXPORT_CHANGED: the export names other files than before")
        if again.manifest.version != ready.manifest.version:
            raise self._broken("EXPORT_CHANGED: the data changed while it was read")
        return again

    async def _waited(self, operation: str) -> Ready | None:
        left = self._context.config.export_minutes * 60.0
        pause = FIRST_PAUSE
        while True:
            try:
                answer = unmarked(await self._graph.read(operation))
            except PermissionMissing as error:
                raise not_allowed(error) from error
            state = answer.decode(Operation)
            match state.state:
                case "succeeded":
                    return Ready(operation, self._checked(await self._manifest(state)))
                case "failed":
                    self._require_no_data(state)
                    return None
                case "running" | "not_started":
                    pass
                case _:
                    raise self._broken("EXPORT_UNEXPECTED: an export is in no state that is known")
            stated = self._stated(answer)
            wait = pause if stated is None else max(stated, 1.0)
            if wait > left:
                raise VendorUnavailable(
                    f"EXPORT_TOO_SLOW: {self._connection}: the export is not ready after"
                    f" {self._context.config.export_minutes} minutes",
                    remedy="try again later, or raise export_minutes",
                    connection=self._connection,
                )
            await waiting.sleep(wait)
            left -= wait
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _stated(self, answer: Answer) -> float | None:
        """Seconds that an answer asks to wait."""
        return parse_retry_after(
            answer.headers.get("retry-after"),
            now=self._context.clock(),
            date=answer.headers.get("date"),
        )

    async def _manifest(self, state: Operation) -> Manifest:
        if state.manifest is not None:
            return state.manifest
        if not state.link:
            raise self._broken("EXPORT_UNEXPECTED: an export succeeded and names no files")
        return unmarked(await self._graph.read(self._here(state.link))).decode(Manifest)

    def _here(self, link: str) -> str:
        """A link as the client takes it: absolute, or below the base with its version."""
        if link[:8].lower().startswith(("http://", "https://")):
            return link
        base = urlsplit(self._context.config.graph_url).path
        path = ("/" + link.lstrip("/")).removeprefix(base)
        return path if path.startswith(f"{VERSION}/") else VERSION + path

    def _require_no_data(self, state: Operation) -> None:
        error = state.error or Failure()
        # The number alone is not enough: an outage must not pass for an empty month.
        if str(error.code) == NO_DATA and "no data" in (error.message or "").lower():
            return
        raise VendorUnavailable(
            f"EXPORT_FAILED: {self._connection}: Microsoft could not write the export"
            f" ({error.code or 'no code'})",
            remedy="try again later; if it stays, ask Microsoft",
            connection=self._connection,
        )

    def _checked(self, manifest: Manifest) -> Manifest:
        names = _names(manifest)
        if manifest.number is not None and manifest.number != len(names):
            raise self._broken(
                f"EXPORT_INCOMPLETE: {manifest.number} files declared, {len(names)} named"
            )
        if len(set(names)) != len(names):
            raise self._broken("EXPORT_INCOMPLETE: a file is named twice")
        if manifest.format and enum(manifest.format) not in (FORMAT, "compressed_json_lines"):
            raise self._broken("EXPORT_UNEXPECTED: the files are in a format that is not known")
        for name in names:
            self.address(manifest, name)
        return manifest

    def address(self, manifest: Manifest, name: str) -> str:
        """Where a file is; the whole of it is secret.

        Raises:
            ProtocolError: the folder is no safe address, or the name leads out of it.
        """
        try:
            root = check_base_url(manifest.root)
        except ValueError as error:
            raise self._broken(
                f"EXPORT_UNEXPECTED: the files' folder is refused: {error}"
            ) from None
        parts = name.split("/")
        if "\\" in name or any(part.strip() in ("", ".", "..") for part in parts):
            raise self._broken("EXPORT_UNEXPECTED: the name of a file leads out of its folder")
        key = manifest.key.removeprefix("?")
        return f"{root}/{quote(name, safe='/')}?{key}"

    def _broken(self, what: str) -> ProtocolError:
        return broken(what, self._connection)


def not_allowed(error: PermissionMissing) -> PermissionMissing:
    """The refusal of an export under its name, with the right that is missing."""
    name = error.connection
    return PermissionMissing(
        f"PERMISSION_MISSING: {name}: the bill cannot be exported"
        f" ({str(error).removeprefix(f'{name}: ')}){number_of(error)}",
        remedy="grant the application permission PartnerBilling.Read.All of Microsoft Graph in the"
        " partner tenant, with admin consent",
        connection=name,
        http_status=error.http_status,
        request_id=error.request_id,
    )


def broken(what: str, connection: str) -> ProtocolError:
    code, _, rest = what.partition(": ")
    return ProtocolError(f"{code}: {connection}: {rest}", remedy=_REMEDY, connection=connection)


def _names(manifest: Manifest) -> list[str]:
    return [blob.name for blob in manifest.blobs]
