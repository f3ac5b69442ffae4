"""What `syncd check` tries: the consent, the company, its preferences, and each kind of reading.

Each right is tried once, with the smallest question there is; nothing is written.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import ConfigError, ConnectorError, TransientError
from syncd.sdk.usage_records import CheckResult, Permission
from syncd_quickbooks.book import Home, read_home
from syncd_quickbooks.client import CompanyClient
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.posting import NUMBERS_OFF
from syncd_quickbooks.token import TOKEN_NAME

COMPANY: Final = "QuickBooks: company and preferences"
TRIED: Final = {
    "Customer": ("QuickBooks: customers", "linking clients"),
    "Vendor": ("QuickBooks: vendors", "names that customers cannot have"),
    "Employee": ("QuickBooks: employees", "names that customers cannot have"),
    "Item": ("QuickBooks: products and services", "lines of documents"),
    "TaxCode": ("QuickBooks: tax codes", "tax of lines"),
    "Invoice": ("QuickBooks: invoices", "finding what was written"),
    "CreditMemo": ("QuickBooks: credit memos", "finding what was written"),
    "Payment": ("QuickBooks: payments", "payments that come back to the PSA"),
}
SOON: Final = timedelta(days=30)


async def try_out(client: CompanyClient, context: Context[QuickBooksConfig]) -> CheckResult:
    """Try everything; refused credentials and missing rights are the result."""
    permissions: list[Permission] = []
    warnings = await _consent(context)
    try:
        home = await read_home(client, context.config)
    except TransientError:
        raise
    except (ConnectorError, ConfigError) as error:
        permissions.append(Permission(name=COMPANY, granted=False, needed_for="everything"))
        return CheckResult(
            ok=False,
            summary=f"company {context.config.realm} does not open",
            permissions=tuple(permissions),
            warnings=tuple(warnings),
            error=f"{error}; {error.remedy}",
        )
    permissions.append(Permission(name=COMPANY, granted=True, needed_for="everything"))
    flaw = NUMBERS_OFF if home.book.own_numbers is False else None
    for entity, (name, needed_for) in TRIED.items():
        try:
            await client.count(entity)
        except TransientError:
            raise
        except ConnectorError as refusal:
            flaw = flaw or f"{name}: {refusal}; {refusal.remedy}"
            permissions.append(Permission(name=name, granted=False, needed_for=needed_for))
        else:
            permissions.append(Permission(name=name, granted=True, needed_for=needed_for))
    return CheckResult(
        ok=flaw is None,
        summary=_summary(home),
        permissions=tuple(permissions),
        warnings=(*warnings, *_preferences(home)),
        error=flaw,
    )


def _summary(home: Home) -> str:
    book = home.book
    closed = f", closed up to {book.locked_until}" if book.locked_until else ""
    money = " ".join(book.currencies) or "a currency that it does not tell"
    return f"{book.name}, {money}, tax {home.regime.value}{closed}"


def _preferences(home: Home) -> list[str]:
    found = []
    if home.book.own_numbers is None:
        found.append(
            "the company does not say whether it takes numbers of ours; switch on 'Custom"
            " transaction numbers' under Account and settings, Sales"
        )
    if home.applies_credits:
        found.append(
            "the company applies credits to new invoices by itself, so that an allocation of"
            " ours may come too late; switch off 'Automatically apply credits' under Account and"
            " settings, Advanced, if credit notes shall settle the invoice they name"
        )
    return found


async def _consent(context: Context[QuickBooksConfig]) -> list[str]:
    """Warn before a person must consent again."""
    token = await context.vault.read(TOKEN_NAME) if context.vault is not None else None
    if token is None or token.ends_at is None or token.ends_at - context.clock() >= SOON:
        return []
    again = f"run `syncd login {context.connection}`"
    return [f"the consent ends on {token.ends_at:%Y-%m-%d}; {again}"]
