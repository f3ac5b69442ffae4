"""What `syncd check` tries: the login, then every list that the settings need, one call each.

The console has no smaller question than a whole list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from syncd.sdk.errors import AuthError, PermissionMissing
from syncd.sdk.records import CheckResult, Permission
from syncd_backup_console.client import ConsoleClient
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.directory import Directory

BY_NAME: Final = (
    "users belong to companies by name here, since the console serves no ids: keep names apart, and"
    " rename a company together with its users"
)


async def run(client: ConsoleClient, config: BackupConsoleConfig) -> CheckResult:
    """Try a connection; refused credentials and missing rights are results, not errors.

    Raises:
        ConnectorError: the vendor could not be asked, or does not answer as it should.
    """
    read: dict[str, Any] = {}
    tried: list[Permission] = []
    refusals: list[str] = []
    for name, needed_for, ask in _questions(client, config):
        try:
            read[name] = await ask()
        except PermissionMissing as error:
            refusals.append(str(error))
            tried.append(Permission(name=name, granted=False, needed_for=needed_for))
        except AuthError as error:
            return CheckResult(
                ok=False, summary="nothing can be read", error=f"{error}; {error.remedy}"
            )
        else:
            tried.append(Permission(name=name, granted=True, needed_for=needed_for))
    if refusals:
        return CheckResult(
            ok=False,
            summary="not everything that the settings need can be read",
            permissions=tuple(tried),
            error=f"{refusals[0]}; create the API credentials as the main administrator",
        )
    companies, users, licences = read["Companies"], read["Users"], read["Licenses"]
    warnings = _warnings(Directory(companies, users, config), config)
    if any(user.company and not user.company_id for user in users):
        warnings.insert(0, BY_NAME)
    if not licences:
        warnings.append("the console has no licence; nothing will be counted")
    return CheckResult(
        ok=True,
        summary=f"{len(companies):,} companies, {len(users):,} users and {len(licences):,} licences"
        " can be read",
        permissions=tuple(tried),
        warnings=tuple(warnings),
    )


def _questions(
    client: ConsoleClient, config: BackupConsoleConfig
) -> list[tuple[str, str, Callable[[], Awaitable[Any]]]]:
    counting = "without it nothing can be counted"
    questions: list[tuple[str, str, Callable[[], Awaitable[Any]]]] = [
        ("Companies", f"the list of companies: {counting}", client.companies),
        ("Users", f"which company a licence belongs to: {counting}", client.users),
        ("Licenses", "counting licences", client.licences),
    ]
    if config.storage != "off" or config.currency is not None:
        questions.append(("Billing", "storage, restores and limits of a month", client.bill))
    if config.storage == "accounts":
        questions.append(("Accounts", "names of storage accounts", client.storage_accounts))
    if config.computers:
        questions.append(("Monitoring", "counting computers with a plan", client.plan_runs))
    return questions


def _warnings(directory: Directory, config: BackupConsoleConfig) -> list[str]:
    return [
        *(doubt.reason for doubt in directory.doubts()),
        *directory.notes(),
        *(
            f"internal_companies names '{entry}', which no company answers to; if it was renamed,"
            " its licences are counted now"
            for entry in directory.unmatched(config.internal_companies)
        ),
    ]
