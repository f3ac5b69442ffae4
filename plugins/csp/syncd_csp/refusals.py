"""What a refusal of Microsoft means: a named reason, and whether it is one customer's or all's.

Refused tokens are told apart by the AADSTS number and Partner Center's refusals by their code,
never by the text; only the missing second factor, whose code is not published, is known by words.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing, RequestRejected
from syncd_csp.models import Fault, GraphError
from syncd_csp.values import BOM


class Blame(StrEnum):
    """Whose a refusal is."""

    CONNECTION = "connection"
    """Nothing can be read through this connection."""
    SIGN_IN = "sign-in"
    """The person's sign-in has ended: another consent mends it."""
    CUSTOMER = "customer"
    """This customer alone."""
    LATER = "later"
    """Nobody's: it heals by itself."""


class Meaning(NamedTuple):
    """What a number or a code stands for."""

    code: str
    blame: Blame
    what: str
    remedy: str


MFA: Final = Meaning(
    "MFA_REQUIRED", Blame.CONNECTION, "the sign-in lacks a second factor",
    "sign in again with `syncd login`, with a person whose sign-in asks for a second factor",
)  # fmt: skip
AUDIENCE: Final = Meaning(
    "WRONG_AUDIENCE", Blame.CONNECTION, "the token is made for another service",
    "check that base_url is Partner Center's own address, and login_url that of its cloud",
)  # fmt: skip
ROLE: Final = Meaning(
    "ROLE_MISSING", Blame.CUSTOMER, "a role in Partner Center or at the customer is missing",
    "give the person, or the group, the role that the plugin's README names",
)  # fmt: skip
POLICY: Final = Meaning(
    "CONDITIONAL_ACCESS", Blame.CUSTOMER, "the customer's Conditional Access does not let us in",
    "exclude service providers from the customer's policy",
)  # fmt: skip
NO_RELATION: Final = Meaning(
    "NO_RELATIONSHIP", Blame.CUSTOMER, "there is no reseller relationship with this customer",
    "renew it in Partner Center; if the customer has left, nothing is to do",
)  # fmt: skip
DENIED: Final = Meaning(
    "ACCESS_DENIED", Blame.CUSTOMER, "Partner Center denies access",
    "check the roles of the application or person in Partner Center; only direct-bill partners and"
    " indirect providers may ask there: an indirect reseller uses the plugin entra",
)  # fmt: skip
NOT_OURS: Final = Meaning(
    "CUSTOMER_NOT_FOUND", Blame.CUSTOMER,
    "Partner Center does not know the customer as one of ours: it may have a GDAP relation only",
    "nothing is to do if we sell it nothing; count its seats with the plugin entra",
)  # fmt: skip
APP_ONLY: Final = Meaning(
    "PERSON_NEEDED", Blame.CONNECTION, "Partner Center does not tell this to an application",
    'write access = "user" and run `syncd login`',
)  # fmt: skip
GONE: Final = Meaning(
    "TENANT_GONE", Blame.CUSTOMER, "there is no such tenant",
    "if the customer has left, remove it in Partner Center",
)  # fmt: skip

CODES: Final[dict[str, Meaning]] = {
    "900420": AUDIENCE,
    "900329": APP_ONLY,
    "900308": ROLE,
    "900309": POLICY,
    "20002": NO_RELATION,
    "2032": DENIED,
    "60003": GONE,
    "20003": NOT_OURS,
    "1000": NOT_OURS,
}
"""Partner Center's codes, after its own list of errors."""

_SECRET_WRONG: Final = Meaning(
    "SECRET_WRONG", Blame.CONNECTION, "the client secret is wrong",
    "write the secret's value, not its id, into client_secret",
)  # fmt: skip
_SECRET_EXPIRED: Final = Meaning(
    "SECRET_EXPIRED", Blame.CONNECTION, "the client secret has expired",
    "create a new secret in the app registration and put it where client_secret refers to",
)  # fmt: skip
CERTIFICATE: Final = Meaning(
    "CERTIFICATE_REFUSED", Blame.CONNECTION, "the certificate is not accepted",
    "upload the certificate to the app registration; after a change it takes some minutes",
)  # fmt: skip
_DISABLED: Final = Meaning(
    "APP_DISABLED", Blame.CONNECTION, "the application is disabled",
    "enable it under Enterprise applications",
)  # fmt: skip
_CONSENT: Final = Meaning(
    "CONSENT_MISSING", Blame.CONNECTION, "the partner tenant has not consented to the application",
    "press Grant admin consent in the app registration, and check client_id and partner_tenant",
)  # fmt: skip
_RESOURCE: Final = Meaning(
    "RESOURCE_MISSING", Blame.CONNECTION, "the tenant does not know this service under its address",
    "check base_url, graph_url and login_url; accept the agreement in Partner Center first",
)  # fmt: skip
_SIGN_IN: Final = Meaning(
    "SIGN_IN_EXPIRED", Blame.SIGN_IN, "the person's sign-in is no longer valid",
    "sign in again with `syncd login`",
)  # fmt: skip
_MFA_SIGN_IN: Final = MFA._replace(blame=Blame.SIGN_IN)
_RISK: Final = Meaning(
    "PARTNER_BLOCKED", Blame.SIGN_IN, "the person's account is blocked because of risk",
    "clear the risk of the account in the partner tenant, then sign in again",
)  # fmt: skip
_OWN_POLICY: Final = Meaning(
    "CONDITIONAL_ACCESS", Blame.SIGN_IN, "your own Conditional Access does not let the sign-in in",
    "allow it in the policies of the partner tenant, then sign in again with `syncd login`",
)  # fmt: skip
_NOBODY: Final = Meaning(
    "PERSON_UNKNOWN", Blame.SIGN_IN, "the person is no member of the partner tenant",
    "sign in with an account of the partner tenant, and check partner_tenant",
)  # fmt: skip
_NO_TENANT: Final = Meaning(
    "TENANT_GONE", Blame.CONNECTION, "there is no such tenant",
    "check partner_tenant",
)  # fmt: skip
_BUSY: Final = Meaning(
    "LOGIN_BUSY", Blame.LATER, "the sign-in service asks for a pause",
    "nothing to do: it is tried again",
)  # fmt: skip
_OTHER: Final = Meaning(
    "TOKEN_REFUSED", Blame.CONNECTION, "no token is given",
    "look the number up in Microsoft's list of AADSTS codes",
)  # fmt: skip

AADSTS: Final[dict[int, Meaning]] = {
    7000215: _SECRET_WRONG,
    7000222: _SECRET_EXPIRED,
    700027: CERTIFICATE,
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
    50076: _MFA_SIGN_IN,
    50079: _MFA_SIGN_IN,
    50074: _MFA_SIGN_IN,
    50078: _MFA_SIGN_IN,
    530034: _RISK,
    53003: _OWN_POLICY,
    530032: _OWN_POLICY,
    53000: _OWN_POLICY,
    50020: _NOBODY,
    50177: _NOBODY,
    50034: _NOBODY,
    90002: _NO_TENANT,
    900023: _NO_TENANT,
    50196: _BUSY,
    90033: _BUSY,
    90055: _BUSY,
    90024: _BUSY,
    90090: _BUSY,
}
"""Number → meaning for the partner's own tenant, after Microsoft's list of error codes."""

_BY_ERROR: Final = {"invalid_client": _SECRET_WRONG, "temporarily_unavailable": _BUSY}
ONE_CUSTOMER: Final = "/customers/"
_NUMBER: Final = re.compile(r"AADSTS(\d{4,8})\b")
_CODE: Final = re.compile(r"\[(\w{1,12})\]")
_PAUSE: Final = re.compile(rb"try again in (\d{1,5}) second", re.IGNORECASE)
_LONG: Final = re.compile(r"[^\s'\"(),;]{20,}")
_ID: Final = re.compile(r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z]{20,40})[.:]?")
_NO_FACTOR: Final = re.compile(r"\bmfa\b|multi-?factor", re.IGNORECASE)


class Refusal(AuthError):
    """A refusal with a reason of its own, that of one customer or of all.

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
            remedy=advice(meaning, connection),
            connection=connection,
            http_status=http_status,
            request_id=request_id,
        )
        self.reason = meaning.code
        self.blame = meaning.blame


def advice(meaning: Meaning, connection: str) -> str:
    """The remedy, with the name of the connection in its command."""
    return meaning.remedy.replace("`syncd login`", f"`syncd login {connection}`")


class SaidToken(msgspec.Struct):
    """What the token endpoint says of a refusal."""

    error: str | None = None
    error_codes: list[int] = []
    error_description: str | None = None


def meaning_of(body: bytes) -> tuple[Meaning, int | None]:
    """What the token endpoint's refusal means, and the number that said so."""
    try:
        said = msgspec.json.decode(body, type=SaidToken)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _OTHER, None
    numbers = said.error_codes or [
        int(number) for number in _NUMBER.findall(said.error_description or "")
    ]
    for number in numbers:
        if number in AADSTS:
            return AADSTS[number], number
    return _BY_ERROR.get(said.error or "", _OTHER), numbers[0] if numbers else None


def fault_text(status: int, body: bytes) -> str:
    """What Partner Center says about an error: its code in brackets, and its words."""
    del status
    body = body.removeprefix(BOM)
    try:
        fault = msgspec.json.decode(body, type=Fault)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        plain = body.decode("utf-8", "replace")
        return "" if body.lstrip()[:1] in (b"{", b"<") else _without_keys(plain)
    words = _without_keys(fault.description or fault.message or "")
    return f"[{fault.code}] {words}" if fault.code not in (None, "") else words


def graph_text(status: int, body: bytes) -> str:
    """What Graph says about an error: its code in brackets, and its words."""
    del status
    try:
        said = msgspec.json.decode(body.removeprefix(BOM), type=GraphError).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    if said is None:
        return ""
    words = _without_keys(said.message or "")
    return f"[{said.code}] {words}" if said.code else words


def _without_keys(words: str) -> str:
    """The same without words that are long enough to be a secret or a token, ids aside."""
    return _LONG.sub(lambda found: found[0] if _ID.fullmatch(found[0]) else "***", words)


def pause_in(body: bytes) -> float | None:
    """Seconds that the gateway's 429 names in its words, as it need not send Retry-After."""
    found = _PAUSE.search(body)
    return float(found[1]) if found else None


def refined(error: ConnectorError) -> ConnectorError:
    """A refusal of Partner Center under the name of its reason; any other error as it is."""
    if not isinstance(error, AuthError | RequestRejected) or isinstance(error, Refusal):
        return error
    text = str(error)
    found = _CODE.search(text)
    meaning = CODES.get(found[1]) if found else None
    if error.http_status in (401, 403) and meaning in (None, DENIED) and _NO_FACTOR.search(text):
        meaning = MFA
    if meaning is None and error.http_status == 404 and ONE_CUSTOMER in text:
        meaning = NOT_OURS
    if meaning is None and isinstance(error, PermissionMissing):
        meaning = DENIED
    if meaning is None:
        return error
    return Refusal(
        meaning,
        error.connection,
        f" ({text.removeprefix(f'{error.connection}: ')})",
        http_status=error.http_status,
        request_id=error.request_id,
    )
