"""Tries a connection read-only: the token, each right that is needed, and what deserves a look."""

from __future__ import annotations

from msgspec import UNSET

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing
from syncd.sdk.records import CheckResult, Permission
from syncd_halopsa.asset_type import NONE, is_custom
from syncd_halopsa.client import HaloApi, open_unsigned
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.listing import Page
from syncd_halopsa.models import WireLicence
from syncd_halopsa.resources import (
    AGREEMENTS,
    ASSET_TYPES,
    ASSETS,
    CLIENTS,
    RECURRING,
    SAVE_ASSETS_RIGHT,
    SAVE_ASSETS_SCOPE,
    SAVE_SCOPE,
    SITES,
    SUBSCRIPTIONS,
    SUPPLIERS,
    Resource,
    Row,
)
from syncd_halopsa.translation import OURS, marker_of, text_of

MANY_FOREIGN_KEYS = 5
"""So many records of others with a value in the key field are worth a warning."""


class Trial:
    """One `check` of a connection."""

    def __init__(self, api: HaloApi, context: Context[HaloPsaConfig]) -> None:
        self._api = api
        self._context = context
        self._config = context.config
        self._permissions: list[Permission] = []
        self._warnings: list[str] = []
        self._refusal: PermissionMissing | None = None

    async def result(self) -> CheckResult:
        """What the trial showed.

        Raises:
            TransientError: HaloPSA cannot be reached or asks to slow down.
            ProtocolError: something else than HaloPSA answers.
        """
        try:
            clients = await self._first(CLIENTS)
            await self._first(SITES)
            await self._first(ASSET_TYPES)
            await self._first(SUPPLIERS)
            subscriptions = await self._first(SUBSCRIPTIONS)
            await self._first(RECURRING)
            if AGREEMENTS.scope in self._config.scope.split() or self._writes_agreement:
                await self._first(AGREEMENTS)
        except AuthError as error:
            return CheckResult(
                ok=False,
                summary="the credentials are not accepted",
                permissions=tuple(self._permissions),
                error=f"{error}; {error.remedy}{await self._hint()}",
            )
        if subscriptions is not None:
            self._look_at(subscriptions)
        if self._refusal is not None:
            return self._refused(self._refusal)
        self._warnings.append(
            f"whether subscriptions may be saved cannot be tried read-only: {SAVE_SCOPE} and the"
            " agent's right 'Software Licensing: Read and Modify' show with the first save"
        )
        return CheckResult(
            ok=True,
            summary=f"{_total(clients)} clients, {_total(subscriptions)} subscriptions"
            + await self._version(),
            permissions=tuple(self._permissions),
            warnings=tuple(self._warnings),
        )

    async def assets(self) -> CheckResult:
        """Whether assets can be read and, as far as that shows without saving one, saved.

        Raises:
            TransientError: HaloPSA cannot be reached or asks to slow down.
            ProtocolError: something else than HaloPSA answers.
        """
        try:
            page = await self._first(ASSETS)
        except AuthError as error:
            return CheckResult(ok=False, summary="", error=f"{error}; {error.remedy}")
        asked = SAVE_ASSETS_SCOPE in self._config.scope.split()
        self._permissions.append(
            Permission(name=SAVE_ASSETS_SCOPE, granted=asked, needed_for=ASSETS.feature)
        )
        missing = [one.name for one in self._permissions if not one.granted]
        if not missing:
            return CheckResult(
                ok=True, summary=f"{_total(page)} assets", permissions=tuple(self._permissions)
            )
        right = SAVE_ASSETS_RIGHT
        return CheckResult(
            ok=False,
            summary="assets cannot be exported",
            permissions=tuple(self._permissions),
            error=f"{self._api.connection}: a source exports assets, and rights are missing for "
            f"{', '.join(missing)}: add {SAVE_ASSETS_SCOPE} to `scope` of [connections."
            f"{self._api.connection}] and to the application, and give the agent '{right}'",
        )

    async def _first(self, resource: Resource[Row]) -> Page[Row] | None:
        """The first rows, or None where the right is missing."""
        size = self._api.page_size if resource.path == SUBSCRIPTIONS.path else 1
        try:
            page = await self._api.page(resource, **({"page_size": size} if resource.paged else {}))
        except PermissionMissing as error:
            if error.http_status != 403:
                raise
            self._refusal = self._refusal or error
            page = None
        self._permissions.append(
            Permission(
                name=f"{resource.scope} ({resource.path.rpartition('/')[2]})",
                granted=page is not None,
                needed_for=resource.feature,
            )
        )
        return page

    @property
    def _writes_agreement(self) -> bool:
        return self._config.agreement_field != NONE

    def _look_at(self, page: Page[WireLicence]) -> None:
        config = self._config
        markers = [marker_of(row, config.key_field) for row in page.rows]
        foreign = sum(marker is not None and not marker.startswith(OURS) for marker in markers)
        if foreign >= MANY_FOREIGN_KEYS:
            self._warnings.append(
                f"{foreign} of the first {len(page.rows)} subscriptions hold a value of somebody"
                f" else in {config.key_field}, which carries our key: it is never overwritten"
                " unless you adopt such a record, but a key_field that nobody uses is safer"
            )
        if (
            is_custom(config.asset_type_field)
            and page.rows
            and all(row.customfields is UNSET for row in page.rows)
        ):
            self._warnings.append(
                f"the list of subscriptions shows no custom fields, so {config.asset_type_field}"
                " cannot be read back: set asset_type_field to third_party_product"
            )

    def _refused(self, refusal: PermissionMissing) -> CheckResult:
        missing = [one for one in self._permissions if not one.granted]
        if len(missing) == len(self._permissions):
            error = (
                f"{self._api.connection}: HaloPSA accepts the credentials and refuses every read"
                " (403): set the application's login type to Agent and choose an agent that has"
                " the rights to log in as"
            )
        else:
            names = ", ".join(one.name for one in missing)
            error = f"{self._api.connection}: rights are missing for {names}; {refusal.remedy}"
        return CheckResult(
            ok=False,
            summary=f"{len(missing)} of {len(self._permissions)} reads are refused",
            permissions=tuple(self._permissions),
            warnings=tuple(self._warnings),
            error=error,
        )

    async def _version(self) -> str:
        try:
            instance = await self._api.instance()
        except ConnectorError as error:
            self._warnings.append(f"the version of HaloPSA is not known: {error}")
            return ""
        version = text_of(instance.app_version) if instance is not None else None
        return f", HaloPSA {version}" if version else ""

    async def _hint(self) -> str:
        """What the instance itself says of its authorisation server, where that differs."""
        try:
            async with open_unsigned(self._context) as unsigned:
                told = await unsigned.auth_info()
        except ConnectorError:
            return ""  # the refused credentials are reported; the hint is extra
        parts = []
        address = (told.auth_url or "").rstrip("/")
        if address and address != self._config.auth_url:
            parts.append(f"auth_url = {address}")
        tenant = text_of(told.tenant_id)
        if tenant and tenant != self._config.tenant:
            parts.append(f"tenant = {tenant}")
        return f"; this HaloPSA names {' and '.join(parts)}" if parts else ""


def _total(page: Page[Row] | None) -> str:
    if page is None:
        return "?"
    return f"{len(page.rows) if page.declared is None else page.declared:,}"
