"""The simulated export of Microsoft's bill: asked for, under way, told by a manifest, fetched.

Files lie in a store that wants a signature in the address and refuses whoever shows a token there.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from syncd_csp.sandbox import blobs
from syncd_csp.sandbox.books import Books
from syncd_csp.sandbox.line_rows import BLOCK, Lines, parts
from syncd_csp.sandbox.logins import Logins
from syncd_csp.sandbox.names import GRAPH, PARTNER_TENANT
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.replies import graph, graph_failed, store_failed

BILLING: Final = "/v1.0/reports/partners/billing"
TYPE: Final = "#microsoft.graph.partners.billing"
RIGHT: Final = "PartnerBilling.Read.All"
MADE_UP_CUSTOMERS: Final = 1_000
CREDIT: Final = Decimal("1.00")
"""What each revision gives back."""


@dataclass(slots=True)
class Operation:
    """One export.

    Attributes:
        id: GUID.
        first: day from which lines are taken; None where there are none.
        last: likewise.
        document: number of the invoice, empty before there is one.
        full: all columns were asked for.
        asked: how often it was looked at.
        etag: of the data behind it.
    """

    id: str
    first: date | None
    last: date
    document: str
    full: bool
    etag: str
    asked: int = 0


class Export:
    """Answers calls below `/v1.0/reports/partners/billing` and of the store.

    Attributes:
        revision: counts changes of the data that a test declares; each is a credit more.
        operations: by id.
        fetched: names of the files that were fetched, in order.
    """

    def __init__(self, books: Books, logins: Logins, options: Options) -> None:
        self._books = books
        self._logins = logins
        self._options = options
        self._throttled = options.graph_throttled
        self._signatures: dict[str, int] = {}
        self._block: list[bytes] = []
        self.revision = 0
        self.operations: dict[str, Operation] = {}
        self.fetched: list[str] = []

    async def ask(self, request: Request, path: str) -> Response:
        """The answer to a POST."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        asked = msgspec.json.decode(await request.body(), type=dict[str, Any])
        full = asked.get("attributeSet", "full") == "full"
        if self._options.export_refusal:
            return graph_failed(self._options.export_refusal, "BadRequest", "Refused.")
        first: date | None
        match path:
            case "reconciliation/billed/export":
                number = asked.get("invoiceId")
                invoice = next(
                    (one for one in self._books.invoices() if one.number == number), None
                )
                if invoice is None:
                    return graph_failed(400, "BadRequest", "The invoice is unknown.")
                first, last, document = invoice.first, invoice.last, invoice.number
            case "reconciliation/unbilled/export":
                if asked.get("currencyCode") != self._options.currency:
                    return graph_failed(400, "BadRequest", "The currency is not the partner's.")
                if asked.get("billingPeriod") not in {"current", "last"}:
                    return graph_failed(400, "BadRequest", "The period is unknown.")
                span = self._books.unbilled(asked["billingPeriod"])
                first, last, document = (*span, "") if span else (None, date.max, "")
            case _:
                return graph_failed(404, "Request_ResourceNotFound", "Resource not found.")
        key = str(uuid.uuid4())
        until = min(last, self._books.day)
        facts = f"{first} {until} {document} {self.revision} {self._options.generated}"
        etag = str(uuid.uuid5(uuid.NAMESPACE_URL, f"export:{facts}"))
        self.operations[key] = Operation(key, first, last, document, full, etag)
        base = _address(request)
        return graph(None, 202, {"Location": f"{base}{BILLING}/operations/{key}"})

    def look(self, request: Request, path: str) -> Response:
        """The answer to a GET."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        kind, _, key = path.partition("/")
        one = self.operations.get(key)
        if one is None or kind not in {"operations", "manifests"}:
            return graph_failed(404, "Request_ResourceNotFound", "Resource not found.")
        if kind == "manifests":
            return graph(self._manifest(one, request))
        one.asked += 1
        body: dict[str, Any] = {
            "id": one.id,
            "createdDateTime": f"{self._books.now():%Y-%m-%dT%H:%M:%S.%f}",
            "lastActionDateTime": f"{self._books.now():%Y-%m-%dT%H:%M:%S}Z",
        }
        if one.asked <= self._options.running:
            pause = self._options.poll_after
            waits = {} if pause is None else {"Retry-After": str(pause)}
            status = "notStarted" if one.asked == 1 else "running"
            kind = f"{TYPE}.runningOperation"
            return graph({"@odata.type": kind, **body, "status": status}, 200, waits)
        if why := self._failure(one):
            words = "No data available" if why == "5000" else "Something went wrong."
            error = {"message": words, "code": why}
            kind = f"{TYPE}.failedOperation"
            return graph({"@odata.type": kind, **body, "status": "failed", "error": error})
        body |= {"@odata.type": f"{TYPE}.exportSuccessOperation", "status": "succeeded"}
        if self._options.manifest == "inline":
            body["resourceLocation"] = self._manifest(one, request)
        else:
            where = f"{_address(request)}{BILLING}/manifests/{one.id}"
            body["resourceLocation@odata.navigationLink"] = where
        return graph(body)

    def fetch(self, request: Request, key: str, name: str) -> Response | StreamingResponse:
        """A file of the store."""
        if "authorization" in request.headers:
            return store_failed(400, "InvalidAuthenticationInfo")
        signature = request.query_params.get("sig", "")
        if signature not in self._signatures:
            return store_failed(403, "AuthenticationFailed")
        limit = self._options.sas_dies_after
        if limit and self._signatures[signature] >= limit:
            return store_failed(403, "AuthenticationFailed")
        one, number = self.operations.get(key), name.split(".")[0].removeprefix("part-")
        if one is None or not number.isdecimal() or int(number) >= self._options.blobs:
            return store_failed(404, "BlobNotFound")
        self._signatures[signature] += 1
        self.fetched.append(name)
        stream = self._file(one, int(number))
        if int(number) == self._options.cut_blob:
            stream = blobs.cut(stream)
        sent = blobs.pieces(stream, self._options.chunk_bytes)
        tag = {} if self._options.tagless else {"ETag": f'"{one.etag}-{number}"'}
        return StreamingResponse(_drained(sent), 200, tag, "application/octet-stream")

    def _refused(self, request: Request) -> Response | None:
        bearer = self._logins.bearer(request.headers.get("authorization", ""))
        if bearer is None or not bearer.opens(GRAPH):
            return graph_failed(401, "InvalidAuthenticationToken", "Access token is empty.")
        if RIGHT in self._options.missing_rights:
            return graph_failed(403, "Authorization_RequestDenied", "Insufficient privileges.")
        if self._throttled > 0:
            self._throttled -= 1
            waits = {"Retry-After": str(self._options.retry_after)}
            return graph_failed(429, "TooManyRequests", "Too many requests.", waits)
        return None

    def _failure(self, one: Operation) -> str:
        if self._options.export_fails:
            return self._options.export_fails
        if self._options.generated:
            return ""
        return "" if next(self._lines(one), None) is not None else "5000"

    def _manifest(self, one: Operation, request: Request) -> dict[str, Any]:
        signature = str(uuid.uuid5(uuid.NAMESPACE_URL, f"signature:{one.id}"))
        if self._options.sas_renews:
            signature = str(uuid.uuid4())
        self._signatures.setdefault(signature, 0)
        base = self._options.blob_base or f"{request.url.scheme}://{request.url.netloc}"
        count = self._options.blobs
        listed = range(count - self._options.short_manifest)
        return {
            "id": one.id,
            "schemaVersion": "2",
            "dataFormat": "compressedJSONLines",
            "partitionType": "default",
            "eTag": one.etag,
            "partnerTenantId": PARTNER_TENANT,
            "rootDirectory": f"{base}/store/{one.id}",
            "sasToken": f"sv=2026-01-01&sp=r&se={self._books.day}T23%3A59%3A59Z&sig={signature}",
            "blobCount": count,
            "blobs": [
                {"name": f"part-{number:05d}.json.gz", "partitionValue": str(number)}
                for number in listed
            ],
            "createdDateTime": f"{self._books.now():%Y-%m-%dT%H:%M:%S}Z",
        }

    def _file(self, one: Operation, number: int) -> Iterator[bytes]:
        if self._options.generated:
            made = Lines(self._options, full=one.full)
            if not self._block:
                self._block = made.made_up(MADE_UP_CUSTOMERS, self._options.currency, one.document)
            # Whole blocks, so that all files together hold the numbers 0 to N again and again.
            blocks, rest = divmod(self._options.generated, BLOCK)
            share = list(parts(blocks, self._options.blobs))[number]
            more = rest if number == self._options.blobs - 1 else 0
            return blobs.repeated(self._block, len(share) * BLOCK + more)
        count = sum(1 for _ in self._lines(one))
        share = list(parts(count, self._options.blobs))[number]
        lines = islice(self._lines(one), share.start, share.stop)
        return blobs.packed(lines, self._options.member_lines)

    def _lines(self, one: Operation) -> Iterator[bytes]:
        if one.first is None:
            return
        written = Lines(self._options, full=one.full)
        charge = None
        for charge in self._books.lines(one.first, one.last):
            currency = self._books.currency(charge.contract.customer)
            yield written.written(charge, currency, one.document)
        if charge is not None:
            # What a revision changes: credits that were not there before.
            credit = replace(charge, kind="customerCredit", quantity=Decimal(-1), unit=CREDIT)
            currency = self._books.currency(charge.contract.customer)
            for _ in range(self.revision):
                yield written.written(credit, currency, one.document)


def _address(request: Request) -> str:
    """Of the service that was asked, for links to itself."""
    before = request.url.path.partition(BILLING)[0]
    return f"{request.url.scheme}://{request.url.netloc}{before}"


async def _drained(stream: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Step by step on the server's own loop: a step packs a few kilobytes."""
    for piece in stream:
        yield piece
