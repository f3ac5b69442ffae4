"""Tries, read-only, what carrying invoices into books needs, and what the settings make of it.

The newest invoices are looked at: how many are final by the setting, and which numbers HaloPSA uses
where it documents none.
"""

from __future__ import annotations

from collections import Counter

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, PermissionMissing, RequestRejected
from syncd.sdk.usage_records import CheckResult, Permission
from syncd_halopsa.bookkeeping import modules_on
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.finality import checks_of, is_final
from syncd_halopsa.invoice_models import WireInvoice
from syncd_halopsa.invoice_resources import CURRENCIES, INVOICES, LINKS, PAYMENTS
from syncd_halopsa.listing import Page
from syncd_halopsa.resources import SAVE_INVOICES_RIGHT, SAVE_INVOICES_SCOPE, Resource, Row

NEWEST = 50


class InvoiceTrial:
    """One `check` of a connection's invoices."""

    def __init__(self, api: HaloApi, context: Context[HaloPsaConfig]) -> None:
        self._api = api
        self._config = context.config
        self._today = context.clock().astimezone(context.zone).date()
        self._permissions: list[Permission] = []
        self._warnings: list[str] = []

    async def result(self) -> CheckResult:
        """What the trial showed.

        Raises:
            TransientError: HaloPSA cannot be reached or asks to slow down.
            ProtocolError: something else than HaloPSA answers.
        """
        try:
            page = await self._tried(INVOICES, page_size=NEWEST, orderdesc="true")
            await self._tried(PAYMENTS, page_size=1)
            if not await self._can(CURRENCIES):
                self._lost(CURRENCIES, "set currency_codes where invoices show no ISO code")
            if not await self._can(LINKS):
                self._lost(LINKS, "what syncd marked is told by its number in the books alone")
            modules = await modules_on(self._api)
        except AuthError as error:
            return CheckResult(
                ok=False,
                summary="the credentials are not accepted",
                permissions=tuple(self._permissions),
                error=f"{error}; {error.remedy}",
            )
        asked = SAVE_INVOICES_SCOPE in self._config.scope.split()
        self._permissions.append(
            Permission(
                name=SAVE_INVOICES_SCOPE,
                granted=asked,
                needed_for="writing numbers of documents and payments back to invoices",
            )
        )
        self._look_at_modules(modules)
        missing = [one.name for one in self._permissions if not one.granted]
        if page is not None:
            self._look_at(page)
        if not missing:
            self._warnings.append(
                f"whether invoices may be saved cannot be tried read-only: {SAVE_INVOICES_SCOPE}"
                f" and the agent's right '{SAVE_INVOICES_RIGHT}' show with the first save"
            )
        return CheckResult(
            ok=not missing,
            summary=self._summary(page),
            permissions=tuple(self._permissions),
            warnings=tuple(self._warnings),
            error=self._refusal(missing) if missing else None,
        )

    async def _tried(self, resource: Resource[Row], **filters: str | int) -> Page[Row] | None:
        """The first rows, or None where the right is missing."""
        page = None
        try:
            page = await self._api.page(resource, 1, **filters)
        except PermissionMissing as error:
            if error.http_status != 403:
                raise
        self._permissions.append(
            Permission(
                name=f"{resource.scope} ({resource.path.rpartition('/')[2]})",
                granted=page is not None,
                needed_for=resource.feature,
            )
        )
        return page

    async def _can(self, resource: Resource[Row]) -> bool:
        try:
            await self._api.page(resource, 1, **({"page_size": 1} if resource.paged else {}))
        except PermissionMissing as error:
            if error.http_status != 403:
                raise
            return False
        except RequestRejected as error:
            if error.http_status != 404:
                raise
            return False
        return True

    def _lost(self, resource: Resource[Row], what: str) -> None:
        self._warnings.append(f"{resource.path} cannot be read: {what}")

    def _look_at_modules(self, modules: tuple[str, ...] | None) -> None:
        if modules is None:
            self._warnings.append(
                "whether HaloPSA's own Xero and QuickBooks modules are on cannot be read: give the"
                " agent read access to the integrations' configuration, or look there yourself and"
                f" run `syncd invoices attest {self._api.connection} --why '...'`"
            )
        elif modules:
            self._warnings.append(
                f"HaloPSA's own {' and '.join(modules)} module is on: two carriers make two"
                " documents, so nothing is carried until it is switched off"
            )

    def _look_at(self, page: Page[WireInvoice]) -> None:
        statuses = Counter(row.approval_status for row in page.rows)
        if "approved" in checks_of(self._config.finalised):
            seen = ", ".join(f"{one} ({count})" for one, count in statuses.most_common())
            self._warnings.append(f"approval_status of the invoices looked at: {seen or 'none'}")
        if page.rows and not any(map(self._is_final, page.rows)):
            self._warnings.append(
                f"none of {len(page.rows)} invoices is final by finalised ="
                f" '{self._config.finalised}', so none would be carried: choose another finalised"
            )

    def _is_final(self, row: WireInvoice) -> bool:
        checks = checks_of(self._config.finalised)
        return is_final(row, checks, self._config.approved_codes, self._today)

    def _summary(self, page: Page[WireInvoice] | None) -> str:
        if page is None:
            return "invoices cannot be read"
        total = len(page.rows) if page.declared is None else page.declared
        final = sum(map(self._is_final, page.rows))
        return (
            f"{total:,} invoices; {final} of {len(page.rows)} looked at are final"
            f" ({self._config.finalised})"
        )

    def _refusal(self, missing: list[str]) -> str:
        name = self._api.connection
        return (
            f"{name}: rights are missing for {', '.join(missing)}: add read:invoices and"
            f" {SAVE_INVOICES_SCOPE} to `scope` of [connections.{name}] and to the application, and"
            f" give the agent '{SAVE_INVOICES_RIGHT}'"
        )
