"""What `syncd check` tries: customers, subscriptions, licences, invoices and the billing export.

Each right is tried once, with the smallest question there is; nothing is exported.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    PermissionMissing,
    RequestRejected,
    TransientError,
)
from syncd.sdk.records import CheckResult, Permission
from syncd_csp.client import TOKEN_NAME, PartnerClient, unmarked
from syncd_csp.config import CspConfig
from syncd_csp.customers import CUSTOMERS, RESELLER
from syncd_csp.export import not_allowed
from syncd_csp.models import Customer, Customers, Invoices, SubscribedSkus, Subscriptions
from syncd_csp.reading import LICENCES, SUBSCRIPTIONS, path_of
from syncd_csp.refusals import Blame, Refusal
from syncd_csp.values import enum, party

READ_CUSTOMERS: Final = "Partner Center: customers"
READ_SUBSCRIPTIONS: Final = "Partner Center: subscriptions"
READ_LICENCES: Final = "Partner Center: licences of a customer"
READ_INVOICES: Final = "Partner Center: invoices"
EXPORT: Final = "PartnerBilling.Read.All"

NEEDED_FOR: Final = {
    READ_CUSTOMERS: "everything: without it nothing can be counted",
    READ_SUBSCRIPTIONS: "counting seats",
    READ_LICENCES: "licence_usage",
    READ_INVOICES: "reconciliation: which invoices a month has",
    EXPORT: "reconciliation: the lines of the bill",
}

NO_OPERATION: Final = (
    "/v1.0/reports/partners/billing/operations/00000000-0000-0000-0000-000000000000"
)
"""An export that cannot be: who may not read is refused before it is looked up."""

SOON: Final = timedelta(days=30)
TRIED: Final = 5
"""Customers of whom one must tell its subscriptions."""


class Trial:
    """One check of a connection."""

    def __init__(self, client: PartnerClient, context: Context[CspConfig]) -> None:
        self._client = client
        self._context = context
        self._config = context.config
        self.permissions: list[Permission] = []
        self.warnings: list[str] = []
        self.error: str | None = None

    async def customers(self) -> list[Customer]:
        """The first customers; nothing else is tried without them."""
        answer = await self._client.read(
            CUSTOMERS, {"size": self._config.page_size}, {"ValidateMfa": "true"}
        )
        compliant = answer.headers.get("ismfacompliant", "").strip().lower()
        if self._config.access == "user" and compliant == "false":
            self.warnings.append(
                "the sign-in has no second factor, and Partner Center refuses such since April"
                f" 2026; run `syncd login {self._context.connection}` with one"
            )
        rows = answer.decode(Customers).rows
        self._note(READ_CUSTOMERS)
        return [row for row in rows if enum(row.relation) == RESELLER]

    async def of_customer(self, customers: list[Customer]) -> None:
        """Try what is read of a customer; one that refuses for its own reasons proves nothing."""
        wanted = [(SUBSCRIPTIONS, Subscriptions, READ_SUBSCRIPTIONS)]
        if self._config.licence_usage:
            wanted.append((LICENCES, SubscribedSkus, READ_LICENCES))  # type: ignore[arg-type]
        for what, kind, right in wanted:
            refusals: list[Refusal] = []
            for customer in customers[:TRIED]:
                try:
                    answer = await self._client.read(path_of(party(customer.id), what))
                except Refusal as refusal:
                    if refusal.blame is not Blame.CUSTOMER:
                        self._note(right, refusal)
                        break
                    refusals.append(refusal)
                    self.warnings.append(f"{customer.title}: {refusal}; {refusal.remedy}")
                else:
                    answer.decode(kind)
                    self._note(right)
                    break
            else:
                if refusals:
                    self._note(right, refusals[0])

    async def billing(self) -> None:
        """Try what a reconciliation reads; counting goes on without it."""
        try:
            (await self._client.read("/v1/invoices", {"size": 1, "offset": 0})).decode(Invoices)
            self._note(READ_INVOICES)
        except AuthError as error:
            self._note(READ_INVOICES, error, counts=False)
        try:
            unmarked(await self._client.graph.read(NO_OPERATION))
            self._note(EXPORT)
        except RequestRejected:
            self._note(EXPORT)  # looked up and not found: the right is there
        except PermissionMissing as error:
            self._note(EXPORT, not_allowed(error), counts=False)
        except AuthError as error:
            self._note(EXPORT, error, counts=False)

    async def sign_in(self) -> None:
        """Warn before the application's proof or the person's sign-in ends."""
        now = self._context.clock()
        certificate = self._client.proof.certificate
        if certificate is not None and certificate.ends_at - now < SOON:
            self.warnings.append(
                f"the certificate ends on {certificate.ends_at:%Y-%m-%d}; upload a new one to the"
                " app registration and put it where certificate refers to"
            )
        vault = self._context.vault
        if self._config.access == "user" and vault is not None:
            token = await vault.read(TOKEN_NAME)
            if token is not None and token.ends_at is not None and token.ends_at - now < SOON:
                self.warnings.append(
                    f"the sign-in ends on {token.ends_at:%Y-%m-%d}; run `syncd login"
                    f" {self._context.connection}`"
                )

    def _note(
        self, right: str, error: ConnectorError | None = None, *, counts: bool = True
    ) -> None:
        self.permissions.append(
            Permission(name=right, granted=error is None, needed_for=NEEDED_FOR[right])
        )
        if error is None:
            return
        sentence = f"{error}; {error.remedy}"
        if counts:
            self.error = self.error or sentence
        else:
            self.warnings.append(f"the bill cannot be read: {sentence}")

    def result(self, customers: int) -> CheckResult:
        if self.error is not None:
            return CheckResult(
                ok=False,
                summary="not everything that the settings need can be read",
                permissions=tuple(self.permissions),
                warnings=tuple(self.warnings),
                error=self.error,
            )
        return CheckResult(
            ok=True,
            summary=f"{customers:,} customers on the first page",
            permissions=tuple(self.permissions),
            warnings=tuple(self.warnings),
        )


async def run(client: PartnerClient, context: Context[CspConfig]) -> CheckResult:
    """Try everything; refused credentials and missing rights are results, not errors.

    Raises:
        ConnectorError: the vendor could not be asked, or does not answer as it should.
    """
    trial = Trial(client, context)
    await trial.sign_in()
    try:
        customers = await trial.customers()
    except AuthError as error:
        reseller = ""
        if error.http_status == 403 and "indirect reseller" not in error.remedy:
            reseller = (
                "; only direct-bill partners and indirect providers may ask Partner Center: an"
                " indirect reseller uses the plugin entra"
            )
        return CheckResult(
            ok=False,
            summary="nothing can be read",
            permissions=(
                Permission(READ_CUSTOMERS, granted=False, needed_for=NEEDED_FOR[READ_CUSTOMERS]),
            ),
            warnings=tuple(trial.warnings),
            error=f"{error}; {error.remedy}{reseller}",
        )
    await trial.of_customer(customers)
    try:
        await trial.billing()
    except TransientError as error:
        trial.warnings.append(f"the bill could not be tried: {error}; {error.remedy}")
    return trial.result(len(customers))
