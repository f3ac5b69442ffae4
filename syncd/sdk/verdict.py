"""What a refused or lost exchange means: one pure mapping from HTTP to the errors of `errors.py`.

A read that fails may be repeated. A write whose answer was not seen, or whose answer does not
say that nothing happened, is an unknown outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from syncd.sdk.answer import Answer
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
    Withheld,
)
from syncd.sdk.policy import HttpPolicy
from syncd.sdk.retry import parse_retry_after

ErrorText = Callable[[int, bytes], str]
"""From status and body of a vendor's error to a short sentence without secrets."""

LONGEST_TEXT = 300
"""Characters of a vendor's own words in a message."""


class Known(TypedDict):
    """What every error of an answer carries."""

    connection: str
    http_status: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, as messages name it.

    Attributes:
        connection: name of the connection.
        call: method and path without the query, e.g. `GET /v2/devices`.
        write: the call may have changed something at the vendor.
        attempt: number of the attempt.
    """

    connection: str
    call: str
    write: bool = False
    attempt: int = 1

    def sentence(self, what: str, words: str = "") -> str:
        """Where and what, the attempt where it was not the first, and the vendor's words."""
        nth = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        return f"{self.connection}: {self.call} {what}{nth}{': ' if words else ''}{words}"


def refused(
    x: Exchange,
    answer: Answer,
    policy: HttpPolicy,
    *,
    now: datetime,
    words: str = "",
    secrets: Sequence[str] | None = None,
) -> ConnectorError:
    """The error for an answer whose status is not 2xx.

    Args:
        x: the request.
        answer: what came back.
        policy: says what a 5xx means for a write and how long a bare 429 pauses.
        now: our time, UTC, against which a date in `Retry-After` is measured.
        words: the vendor's explanation, cleaned.
        secrets: of ours, blotted out of the body that a refusal keeps; None keeps no body.
    """
    status, headers = answer.status, answer.headers
    what = f"answered {status}"
    pause = parse_retry_after(headers.get("retry-after"), now=now, date=headers.get("date"))
    known: Known = {
        "connection": x.connection,
        "http_status": status,
        "request_id": answer.request_id,
    }
    if status == 401:
        return AuthError(
            x.sentence(f"{what}: the credentials are refused", words),
            remedy=f"check the credentials of connection {x.connection} and renew them at the"
            " vendor if they were revoked",
            **known,
        )
    if status == 403:
        return PermissionMissing(
            x.sentence(f"{what}: the credentials lack the right for this call", words),
            remedy=f"grant the missing right at the vendor; `syncd check {x.connection}` names it",
            **known,
        )
    if status == 429:
        when = "" if pause is None else f", asking for a pause of {pause:.0f} s"
        return RateLimited(
            x.sentence(f"{what}: too many calls{when}", words),
            retry_after=policy.pause_after_429 if pause is None else pause,
            remedy="nothing to do: it is tried again; if it stays, lower the connection's limits",
            **known,
        )
    if 300 <= status < 400 and not x.write:
        return ProtocolError(
            x.sentence(f"{what}: a redirect, which is never followed", words),
            remedy=f"check the base URL of connection {x.connection}: it must be the vendor's final"
            " address",
            **known,
        )
    if 400 <= status < 500 and status != 408:
        rejected = RequestRejected(
            x.sentence(what, words), remedy="mend what the vendor names, then try again", **known
        )
        if secrets is not None:
            rejected.body = _blotted(answer.body, secrets)
        return rejected
    if x.write and (policy.write_5xx_is_unknown or not 500 <= status < 600):
        return unknown(x, what, words, http_status=status, request_id=answer.request_id)
    if 500 <= status < 600 or status == 408:
        return VendorUnavailable(
            x.sentence(what, words),
            retry_after=pause,
            remedy="nothing to do: the next run tries again",
            **known,
        )
    return ProtocolError(x.sentence(f"{what}, a status without meaning here", words), **known)


def unseen(x: Exchange, what: str, *, contract_broken: bool = False) -> ConnectorError:
    """The error for a request that was sent and whose answer could not be read.

    Args:
        x: the exchange.
        what: what happened, to follow the name of the call.
        contract_broken: an answer came, and no repetition will make it readable.
    """
    if x.write:
        return unknown(x, what)
    kind = ProtocolError if contract_broken else VendorUnavailable
    return kind(
        x.sentence(what),
        remedy="nothing was changed; the next run tries again",
        connection=x.connection,
    )


def not_sent(x: Exchange, why: str) -> ConnectFailed:
    """The error for a request that surely never left."""
    return ConnectFailed(
        x.sentence(f"was not sent: the vendor cannot be reached ({why})"),
        remedy="check the network and the base URL; the next run tries again",
        connection=x.connection,
    )


def unknown(
    x: Exchange,
    what: str,
    words: str = "",
    *,
    http_status: int | None = None,
    request_id: str | None = None,
) -> OutcomeUnknown:
    """The error for a write that may have happened."""
    return OutcomeUnknown(
        x.sentence(f"{what}; whether it was carried out is not known", words),
        remedy="nothing to do: it is looked up before anything is sent again",
        connection=x.connection,
        http_status=http_status,
        request_id=request_id,
    )


def _blotted(body: bytes, secrets: Sequence[str]) -> Withheld:
    for secret in filter(None, secrets):
        body = body.replace(secret.encode(), b"***")
    return Withheld(body)


def explained(error_text: ErrorText | None, answer: Answer, secrets: list[str]) -> str:
    """A vendor's words about an error: one line, shortened, with our secrets blotted out."""
    if error_text is None or not answer.body:
        return ""
    try:
        text = error_text(answer.status, answer.body)
    except Exception as error:  # noqa: BLE001 - a connector's slip must not hide the vendor's refusal
        text = f"(its explanation is unreadable: {type(error).__name__})"
    return cleaned(text, secrets)


def cleaned(text: str, secrets: list[str], longest: int = LONGEST_TEXT) -> str:
    """One printable line of at most `longest` characters without any of `secrets`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
