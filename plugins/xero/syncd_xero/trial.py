"""What `syncd check` tries: the sign-in, the organisation, and each right by one small read.

Rights to write cannot be tried without writing; they are read out of the token where it tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing
from syncd.sdk.usage_records import CheckResult, Permission
from syncd_xero.client import XeroClient
from syncd_xero.config import CONTACTS, INVOICES, PAYMENTS, SETTINGS, XeroConfig
from syncd_xero.organisation import book_of
from syncd_xero.token import TOKEN_NAME

SOON: Final = timedelta(days=14)

ONE: Final[Mapping[str, str | int]] = {"page": 1, "pageSize": 1}

TRIED: Final[tuple[tuple[str, str, Mapping[str, str | int], str], ...]] = (
    (SETTINGS, "/TaxRates", {}, "the catalogues: accounts, taxes, tracking, currencies"),
    (CONTACTS, "/Contacts", ONE, "contacts to map clients to"),
    (INVOICES, "/Invoices", ONE, "posting, looking up and reading back documents"),
    (PAYMENTS, "/Payments", ONE, "payments back into the PSA"),
)

BROAD: Final = {
    INVOICES: {INVOICES, "accounting.transactions"},
    PAYMENTS: {PAYMENTS, "accounting.payments.read", "accounting.transactions"},
    CONTACTS: {CONTACTS, "accounting.contacts.read"},
    SETTINGS: {SETTINGS, "accounting.settings"},
}
"""Scopes that serve as well; the broad ones are those of apps made before 2026-03-02."""


async def run(client: XeroClient, context: Context[XeroConfig]) -> CheckResult:
    """Try everything; refused credentials and missing rights are results, not errors.

    Raises:
        ConnectorError: Xero could not be asked, or does not answer as it should.
    """
    config, warnings = context.config, await _ends_soon(context)
    permissions: list[Permission] = []
    try:
        book = await book_of(client, config, context.connection)
    except AuthError as error:
        right = Permission(name=SETTINGS, granted=False, needed_for="everything")
        return CheckResult(
            ok=False,
            summary="nothing can be read",
            permissions=(right,),
            warnings=tuple(warnings),
            error=_sentence(error),
        )
    errors: list[str] = []
    scopes = client.token.scopes
    for scope, path, params, needed_for in TRIED:
        refusal = await _refusal(client, path, params)
        if refusal is None and scopes is not None and not scopes & BROAD[scope]:
            refusal = f"the token lacks {scope}; sign in again once the app may ask for it"
        permissions.append(Permission(name=scope, granted=refusal is None, needed_for=needed_for))
        if refusal is not None:
            errors.append(f"{scope}: {refusal}")
    left = client.budget.remaining
    if left is not None and left <= config.day_reserve:
        warnings.append(
            f"{left} of today's calls are left and {config.day_reserve} are kept for writes;"
            " reading stops until Xero renews them"
        )
    locked = f", locked up to {book.locked_until}" if book.locked_until else ""
    calls = "" if left is None else f", {left:,} calls left today"
    return CheckResult(
        ok=not errors,
        summary=f"an organisation in {book.country or 'no country'}{locked}{calls}",
        permissions=tuple(permissions),
        warnings=tuple(warnings),
        error="; ".join(errors) or None,
    )


async def _refusal(client: XeroClient, path: str, params: Mapping[str, str | int]) -> str | None:
    try:
        await client.read(path, params, essential=True)
    except PermissionMissing as error:
        return _sentence(error)
    return None


async def _ends_soon(context: Context[XeroConfig]) -> list[str]:
    if context.config.access != "consent" or context.vault is None:
        return []
    token = await context.vault.read(TOKEN_NAME)
    if token is None or token.ends_at is None or token.ends_at - context.clock() >= SOON:
        return []
    remedy = f"run `syncd login {context.connection}`"
    return [f"the sign-in ends on {token.ends_at:%Y-%m-%d} unless it is used; {remedy}"]


def _sentence(error: ConnectorError) -> str:
    return f"{error}; {error.remedy}" if error.remedy else str(error)
