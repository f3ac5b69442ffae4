"""The simulated Partner Center: customers, subscriptions, licences and invoices of version 1."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from syncd.sdk.sandbox import WorldClient
from syncd_csp.sandbox.books import Books, Invoice, as_rows
from syncd_csp.sandbox.catalogue import FABRIC, PRICED, Sku
from syncd_csp.sandbox.logins import Bearer, Logins
from syncd_csp.sandbox.names import PARTNER_CENTER, tenant_id
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.replies import Replies, moment

DEFAULT_PAGE: Final = 100
CONTINUATION: Final = "MS-ContinuationToken"


class Partner:
    """Answers calls below `/v1`."""

    def __init__(self, books: Books, logins: Logins, options: Options) -> None:
        self._books = books
        self._logins = logins
        self._options = options
        self._replies = Replies(options)
        self._throttled = dict(options.throttled)

    def answer(self, request: Request, path: str) -> Response:
        """The answer to a GET."""
        bearer = self._logins.bearer(request.headers.get("authorization", ""))
        refused = self._refused(bearer)
        if refused is not None:
            return refused
        assert bearer is not None
        parts = path.strip("/").split("/")
        customer = parts[1].lower() if parts[0] == "customers" and len(parts) > 1 else ""
        if self._slow(customer):
            return self._replies.slow()
        answer = self._routed(request, parts, customer, bearer)
        if bearer.user and request.headers.get("ValidateMfa", "").lower() == "true":
            answer.headers["isMfaCompliant"] = str(bearer.mfa).lower()
        return answer

    def _routed(
        self, request: Request, parts: list[str], customer: str, bearer: Bearer
    ) -> Response:
        query = {name.lower(): value for name, value in parse_qsl(request.url.query)}
        if parts == ["customers"]:
            return self._customers(query, request.headers.get(CONTINUATION))
        if customer:
            return self._customer(customer, parts[2:], query, request, bearer)
        if parts[0] == "invoices":
            return self._invoices(parts[1:], query)
        return self._replies.failed("1000")

    def _refused(self, bearer: Bearer | None) -> Response | None:
        """Why a call is not let in at all."""
        if bearer is None:
            return self._replies.failed("400")
        if not bearer.opens(PARTNER_CENTER):
            return self._replies.failed("900420")
        if self._options.indirect:
            return self._replies.failed("2032")
        if bearer.user and not bearer.mfa:
            status, code = self._options.mfa_refusal
            return self._replies.partner({"code": code, "description": "MFA required."}, status)
        if "Admin agent" in self._options.missing_rights:
            return self._replies.failed("900308")
        return None

    def _slow(self, customer: str) -> bool:
        for key in (customer, "*"):
            if self._throttled.get(key, 0) > 0:
                self._throttled[key] -= 1
                return True
        return False

    def _customers(self, query: dict[str, str], token: str | None) -> Response:
        try:
            size = min(int(query.get("size", DEFAULT_PAGE)) or DEFAULT_PAGE, self._options.page_cap)
        except ValueError:
            return self._replies.failed("3000")
        rows = [self._row(client) for client in self._books.customers()]
        return self._paged(rows, size, query, token, "/customers", "Customer")

    def _paged(
        self,
        rows: list[Any],
        size: int,
        query: dict[str, str],
        token: str | None,
        path: str,
        kind: str,
    ) -> Response:
        """A page; whoever loses the token gets the first one again and again."""
        number = 0
        if token is not None and query.get("seekoperation", "").lower() == "next":
            number = int(base64.b64decode(token).decode().partition(":")[2])
        if self._options.repeat_page:
            number = min(number, 1)
        body: dict[str, Any] = {
            "totalCount": len(rows),
            "items": as_rows(rows, size, number),
            "links": {"self": {"uri": path, "method": "GET", "headers": []}},
            "attributes": {"objectType": f"Collection<{kind}>"},
        }
        if (number + 1) * size < len(rows):
            following = base64.b64encode(f"page:{number + 1}".encode()).decode()
            body["continuationToken"] = following
            body["links"]["next"] = self._link(path, size, following)
            if self._options.links == "none":
                del body["links"]
        return self._replies.partner(body)

    def _link(self, path: str, size: int, token: str) -> dict[str, Any]:
        prefix = "/v1" if self._options.links == "versioned" else ""
        joint = "?" if self._options.links == "malformed" else "&"
        return {
            "uri": f"{prefix}{path}?size={size}{joint}seekOperation=Next",
            "method": "GET",
            "headers": [{"key": CONTINUATION, "value": token}],
        }

    def _row(self, client: WorldClient) -> dict[str, Any]:
        tenant = tenant_id(client.id)
        key = tenant.upper() if self._options.upper_ids else tenant
        return {
            "id": key,
            "companyProfile": {
                "tenantId": key,
                "domain": f"client{client.id}.example.com",
                "companyName": client.name,
            },
            "relationshipToPartner": "advisor" if tenant in self._options.advisors else "reseller",
            "attributes": {"objectType": "Customer"},
        }

    def _customer(
        self, key: str, parts: list[str], query: dict[str, str], request: Request, bearer: Bearer
    ) -> Response:
        client = self._books.client(key)
        if client is None:
            return self._replies.failed("60003")
        if key in self._options.refused:
            return self._replies.failed(self._options.refused[key])
        if not parts:
            return self._replies.partner(self._row(client))
        if parts == ["subscriptions"]:
            rows = self._books.subscriptions(key)
            size = self._options.subscription_pages or max(len(rows), 1)
            token = request.headers.get(CONTINUATION)
            path = f"/customers/{key}/subscriptions"
            return self._paged(rows, size, query, token, path, "Subscription")
        if parts[0] == "subscriptions":
            return self._subscription(key, parts[1:])
        if parts == ["subscribedskus"]:
            return self._licences(client, bearer)
        return self._replies.failed("1000")

    def _subscription(self, customer: str, parts: list[str]) -> Response:
        rows = self._books.subscriptions(customer)
        one = next((row for row in rows if row.get("id", "").lower() == parts[0].lower()), None)
        if one is None:
            return self._replies.failed("20003")
        if len(parts) == 1:
            return self._replies.partner(one)
        if parts[1:] != ["addons"]:
            return self._replies.failed("1000")
        under = [row for row in rows if row.get("parentSubscriptionId") == one["id"]]
        return self._replies.partner({"totalCount": len(under), "items": under})

    def _licences(self, client: WorldClient, bearer: Bearer) -> Response:
        if not bearer.user:
            return self._replies.failed("900329")
        rows = [self._licence(client, sku) for sku in (*PRICED, FABRIC)]
        items = [row for row in rows if row is not None]
        return self._replies.partner({"totalCount": len(items), "items": items})

    def _licence(self, client: WorldClient, sku: Sku) -> dict[str, Any] | None:
        day = self._books.day
        used, bought = (
            self._books.seats.used(client.id, sku, day),
            self._books.seats.bought(client.id, sku, day),
        )
        if not bought:
            return None
        return {
            "availableUnits": bought - used,
            "activeUnits": bought,
            "consumedUnits": used,
            "suspendedUnits": 0,
            "totalUnits": bought,
            "warningUnits": 0,
            "productSku": {
                "id": sku.guid,
                "name": sku.name,
                "skuPartNumber": sku.part,
                "targetType": "User",
                "licenseGroupId": "group1",
            },
            "capabilityStatus": "Enabled",
            "attributes": {"objectType": "SubscribedSku"},
        }

    def _invoices(self, parts: list[str], query: dict[str, str]) -> Response:
        found = self._books.invoices()
        if parts:
            number = parts[0].removeprefix("OneTime-")
            one = next((invoice for invoice in found if invoice.number == number), None)
            if one is None or len(parts) > 1:
                return self._replies.failed("1000")
            return self._replies.partner(self._invoice(one))
        size, offset = int(query.get("size", 200)), int(query.get("offset", 0))
        items = [self._invoice(one) for one in found[offset : offset + size]]
        return self._replies.partner(
            {
                "totalCount": len(found),
                "items": items,
                "attributes": {"objectType": "Collection"},
            }
        )

    def _invoice(self, one: Invoice) -> dict[str, Any]:
        total = self._books.total(one)
        link = f"/invoices/OneTime-{one.number}"
        zone = "" if self._options.dates == "zoneless" else "Z"
        return {
            "id": one.number,
            "invoiceDate": f"{one.came}T01:22:47.6{zone}",
            "billingPeriodStartDate": moment(one.first),
            "billingPeriodEndDate": f"{one.last}T23:59:59Z",
            "totalCharges": f"{total}" if self._options.numbers_as_text else float(total),
            "paidAmount": 0.0,
            "currencyCode": self._options.currency,
            "documentType": "invoice",
            "invoiceType": "OneTime",
            "invoiceDetails": [
                {
                    "invoiceLineItemType": "billing_line_items",
                    "billingProvider": "one_time",
                    "links": {
                        "self": {
                            "uri": f"{link}/lineitems/OneTime/BillingLineItems",
                            "method": "GET",
                            "headers": [],
                        }
                    },
                    "attributes": {"objectType": "InvoiceDetail"},
                }
            ],
            "links": {"self": {"uri": link, "method": "GET", "headers": []}},
            "attributes": {"objectType": "Invoice"},
        }
