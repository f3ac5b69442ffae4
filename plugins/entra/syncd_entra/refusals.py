"""What a refusal of Microsoft means: a named reason, and whether it is one tenant's or everybody's.

Refused tokens are told apart by the AADSTS number, never by the text; refusals of Graph by status,
code and, where two meanings share a code, by the words that other clients rely on as well.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    PermissionMissing,
    RequestRejected,
    SignInExpired,
)
from syncd_entra.models import ErrorBody, TokenRefusal


class Blame(StrEnum):
    """Whose a refusal is."""

    APP = "app"
    """The application: every tenant that is entered by it is refused."""
    TENANT = "tenant"
    """This tenant alone."""
    SIGN_IN = "sign-in"
    """The partner's own sign-in: every tenant that is entered with it is refused."""
    FACTOR = "factor"
    """A second factor is asked for: by this tenant, or by the partner's own and so for all."""
    LATER = "later"
    """Nobody's: it heals by itself."""


class Meaning(NamedTuple):
    """What a number stands for; `NAME` in the remedy is the connection's."""

    code: str
    blame: Blame
    what: str
    remedy: str


_SECRET_WRONG: Final = Meaning(
    "SECRET_WRONG", Blame.APP, "the client secret is wrong",
    "write the secret's value, not its id, into client_secret",
)  # fmt: skip
_SECRET_EXPIRED: Final = Meaning(
    "SECRET_EXPIRED", Blame.APP, "the client secret has expired",
    "create a new secret in the app registration and put it where client_secret refers to",
)  # fmt: skip
_CERTIFICATE: Final = Meaning(
    "CERTIFICATE_REFUSED", Blame.APP, "the certificate is not accepted",
    "upload the certificate to the app registration and check this machine's clock; after a change"
    " it takes some minutes",
)  # fmt: skip
_DISABLED: Final = Meaning(
    "APP_DISABLED", Blame.APP, "the application is disabled",
    "enable it under Enterprise applications",
)  # fmt: skip
_CONSENT: Final = Meaning(
    "CONSENT_MISSING", Blame.TENANT, "the tenant has not consented to the application",
    "let an administrator of the tenant open the admin consent link of the plugin's README",
)  # fmt: skip
_RESOURCE: Final = Meaning(
    "RESOURCE_MISSING", Blame.TENANT, "the tenant does not know Microsoft Graph under this address",
    "check that login_url and graph_url are those of the tenant's cloud",
)  # fmt: skip
_SIGN_IN: Final = Meaning(
    "SIGN_IN_EXPIRED", Blame.SIGN_IN, "the partner's sign-in is no longer valid",
    "sign in again with the partner's account: run `syncd login NAME`",
)  # fmt: skip
_MFA: Final = Meaning(
    "MFA_REQUIRED", Blame.FACTOR, "the partner's sign-in lacks the second factor that is asked for",
    "run `syncd login NAME` and sign in with a second factor; if this tenant alone asks for it, let"
    " its cross-tenant access settings trust the second factor of the partner's tenant",
)  # fmt: skip
_RISK: Final = Meaning(
    "PARTNER_BLOCKED", Blame.SIGN_IN, "the partner's account is blocked because of risk",
    "clear the risk of the account in the partner's tenant, then run `syncd login NAME`",
)  # fmt: skip
_POLICY: Final = Meaning(
    "CONDITIONAL_ACCESS", Blame.TENANT, "the tenant's Conditional Access does not let us in",
    "exclude the application, or service providers, from the tenant's policy",
)  # fmt: skip
_GDAP: Final = Meaning(
    "GDAP_MISSING", Blame.TENANT, "the partner has no valid GDAP relationship or role there",
    "renew the relationship, and assign its role to the group that holds the partner's account",
)  # fmt: skip
_GONE: Final = Meaning(
    "TENANT_GONE", Blame.TENANT, "there is no such tenant",
    "check its id; if the customer has left, remove it from tenants",
)  # fmt: skip
_BUSY: Final = Meaning(
    "LOGIN_BUSY", Blame.LATER, "the sign-in service asks for a pause",
    "nothing to do: it is tried again",
)  # fmt: skip

AADSTS: Final[dict[int, Meaning]] = {
    7000215: _SECRET_WRONG,
    7000222: _SECRET_EXPIRED,
    700027: _CERTIFICATE,
    700021: _CERTIFICATE,
    700023: _CERTIFICATE,
    700024: _CERTIFICATE,
    50027: _CERTIFICATE,
    7000112: _DISABLED,
    700016: _CONSENT,
    7000229: _CONSENT,
    65001: _CONSENT,
    90099: _CONSENT,
    500011: _RESOURCE,
    700082: _SIGN_IN,
    70008: _SIGN_IN,
    50173: _SIGN_IN,
    70043: _SIGN_IN,
    50076: _MFA,
    50079: _MFA,
    50074: _MFA,
    50078: _MFA,
    530034: _RISK,
    53003: _POLICY,
    530032: _POLICY,
    53000: _POLICY,
    50020: _GDAP,
    50177: _GDAP,
    50034: _GDAP,
    90002: _GONE,
    900023: _GONE,
    50196: _BUSY,
    90033: _BUSY,
    90055: _BUSY,
    90024: _BUSY,
    90090: _BUSY,
}
"""Number → meaning, after Microsoft's list of error codes."""

UNKNOWN_SIGNATURE: Final = 700027
"""A certificate that is not known, or not yet known everywhere."""

_CPV: Final = Meaning(
    "CONSENT_MISSING", Blame.TENANT, "the tenant knows no consent to the partner's application",
    "consent for it through Partner Center, as the plugin's README shows",
)  # fmt: skip
OVER_GDAP: Final = dict.fromkeys((700016, 7000229, 65001, 90099), _CPV)
"""What differs where a tenant is entered over GDAP."""

ENDED: Final = Meaning(
    "GDAP_EXPIRED", Blame.TENANT, "the GDAP relationship has ended",
    "let the customer approve a new one; if the customer has left, exclude the tenant by"
    " do_not_import",
)  # fmt: skip
ROLE: Final = "ROLE_MISSING"

_BY_ERROR: Final = {"invalid_client": _SECRET_WRONG, "temporarily_unavailable": _BUSY}
_OTHER: Final = Meaning(
    "TOKEN_REFUSED", Blame.TENANT, "no token is given for the tenant",
    "look the number up in Microsoft's list of AADSTS codes",
)  # fmt: skip
_NUMBER: Final = re.compile(r"AADSTS(\d{4,8})\b")

SIGN_INS: Final = "SIGN_IN_DATA_MISSING"
NO_PREMIUM: Final = ("premium license", "nonpremiumtenant")
NO_INTUNE: Final = "not applicable to target tenant"
CLAIMS: Final = "insufficient_claims"


class Refusal(AuthError):
    """A refusal with a reason of its own, that of one tenant or of all.

    Attributes:
        reason: stable code; the message begins with it.
        blame: whose it is.
    """

    def __init__(
        self,
        meaning: Meaning,
        connection: str,
        detail: str = "",
        *,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(
            f"{meaning.code}: {connection}: {meaning.what}{detail}",
            remedy=meaning.remedy.replace("NAME", connection),
            connection=connection,
            http_status=http_status,
            request_id=request_id,
        )
        self.reason = meaning.code
        self.blame = meaning.blame


class SignInRefusal(Refusal, SignInExpired):
    """The partner's sign-in is refused, whatever tenant it was for."""


def meaning_of(body: bytes, *, over_gdap: bool = False) -> tuple[Meaning, int | None]:
    """What the token endpoint's refusal means, and the number that said so.

    Args:
        body: of the answer.
        over_gdap: the partner's account was to enter, not the application by itself.
    """
    try:
        said = msgspec.json.decode(body, type=TokenRefusal)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _OTHER, None
    numbers = said.error_codes or [
        int(number) for number in _NUMBER.findall(said.error_description or "")
    ]
    for number in numbers:
        if over_gdap and number in OVER_GDAP:
            return OVER_GDAP[number], number
        if number in AADSTS:
            return AADSTS[number], number
    return _BY_ERROR.get(said.error or "", _OTHER), numbers[0] if numbers else None


def error_text(status: int, body: bytes) -> str:
    """What Graph says about an error: its code, which may be empty, and its message."""
    del status
    try:
        said = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=ErrorBody).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if said is None:
        return ""
    return ": ".join(part for part in (said.code, said.message) if part)


def refined(
    error: ConnectorError, needs: str, rights: frozenset[str] | None = None
) -> ConnectorError:
    """A refusal of Graph under the name of its reason; any other error as it is.

    Args:
        error: as the exchange gave it, with Graph's code and words.
        needs: the permission that the call needs, several joined by `and`.
        rights: delegated rights of the token where the tenant is entered over GDAP.
    """
    said = str(error).lower()
    known = {"http_status": error.http_status, "request_id": error.request_id}
    if isinstance(error, PermissionMissing):
        if CLAIMS in said:
            return Refusal(_POLICY, error.connection, **known)  # type: ignore[arg-type]
        if any(words in said for words in NO_PREMIUM):
            return without_sign_ins(error)
        if rights is not None and rights.issuperset(needs.split(" and ")):
            return _without_role(error, needs)
        remedy = (
            f"grant the application permission {needs}, then consent in the tenant again"
            if rights is None
            else f"add the delegated permission {needs} to the app, then consent for the tenant"
            " through Partner Center again"
        )
        return PermissionMissing(
            f"PERMISSION_MISSING: {needs} is not granted ({error})",
            remedy=remedy,
            connection=error.connection,
            http_status=error.http_status,
            request_id=error.request_id,
        )
    if isinstance(error, RequestRejected) and any(words in said for words in NO_PREMIUM):
        return without_sign_ins(error)
    return error


def without_sign_ins(error: ConnectorError) -> Refusal:
    """The tenant has no licence for its own sign-in data."""
    meaning = Meaning(
        SIGN_INS, Blame.TENANT, "the tenant has no Entra ID P1, so Graph tells no sign-ins",
        'license it, or write without_sign_in_data = "skip"',
    )  # fmt: skip
    return Refusal(meaning, error.connection, http_status=error.http_status)


def _without_role(error: PermissionMissing, needs: str) -> Refusal:
    """The token holds the right, so that it is the partner's account that may not."""
    meaning = Meaning(
        ROLE, Blame.TENANT, f"no GDAP role of the partner's account may use {needs} there",
        "give the relationship the role Directory Readers or Global Reader, and assign it to the"
        " security group that holds the partner's account",
    )  # fmt: skip
    return Refusal(
        meaning, error.connection, http_status=error.http_status, request_id=error.request_id
    )


def is_without_intune(error: ConnectorError) -> bool:
    """Whether Graph says that the tenant has no Intune at all."""
    return (
        isinstance(error, PermissionMissing | RequestRejected) and NO_INTUNE in str(error).lower()
    )
