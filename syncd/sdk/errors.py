"""Every error that crosses a boundary, grouped by what happens next.

::

    SyncdError
    ├─ ConfigError                 a person mends the configuration; nothing ran            exit 2
    │  └─ PluginError              a plugin does not load, or clashes with another
    ├─ ConnectorError              something between us and a vendor
    │  ├─ AuthError                a person must act; no retries                            exit 4
    │  │  ├─ PermissionMissing     the credentials work, a right is missing
   │  │  └─ SignInExpired         a person must consent once more: `syncd login NAME`
    │  ├─ TransientError           retried in place, then the run is retried later          exit 5
    │  │  ├─ RateLimited           the vendor said when to come back
    │  │  ├─ VendorUnavailable     5xx, timeout or reset on a read
    │  │  └─ ConnectFailed         surely not sent
    │  ├─ OutcomeUnknown           a write may have happened: look it up, never resend blind exit 5
    │  ├─ RequestRejected          the vendor refuses this item; others go on              exit 6
    │  └─ ProtocolError            the vendor broke its own contract: stop and alert         exit 7
    ├─ DataError                   our own data cannot be billed                             exit 6
    ├─ PlanHeld                    guards objected; not a failure                            exit 3
    └─ StoreError                  the database: locked, full, older than the program        exit 5
       └─ SchemaOutdated           run `syncd db upgrade`                                    exit 2

`str(error)` is one sentence for the operator and never holds a secret, a token or a body.
"""

from __future__ import annotations

from typing import ClassVar


class SyncdError(Exception):
    """Something the operator is told in one sentence.

    Attributes:
        code: stable upper-case name, documented in `docs/errors.md`.
        remedy: what to do about it, a sentence or empty.
        exit_code: the process exit code when this error ends a command.
    """

    code: ClassVar[str] = "ERROR"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigError(SyncdError):
    """The configuration must be mended by a person; nothing was run."""

    code = "CONFIG_INVALID"
    exit_code = 2


class PluginError(ConfigError):
    """A plugin does not load, clashes with another, or was written for another SDK."""

    code = "PLUGIN_UNUSABLE"


class ConnectorError(SyncdError):
    """Something went wrong between us and a vendor.

    Attributes:
        connection: name of the connection, empty where not known.
        http_status: the vendor's status code, if there was an answer.
        request_id: the vendor's name for the exchange, if it gave one.
    """

    code = "CONNECTOR_ERROR"
    exit_code = 5

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        connection: str = "",
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.connection = connection
        self.http_status = http_status
        self.request_id = request_id


class AuthError(ConnectorError):
    """The credentials are refused; a person must act and no retry helps."""

    code = "CREDENTIALS_REFUSED"
    exit_code = 4


class PermissionMissing(AuthError):
    """The credentials are accepted but lack a right, named in the message."""

    code = "PERMISSION_MISSING"


class SignInExpired(AuthError):
    """A person's consent is absent or has ended, and only a person can renew it."""

    code = "SIGN_IN_EXPIRED"


class TransientError(ConnectorError):
    """Heals by itself: retried in place within bounds, then by the next run.

    Attributes:
        retry_after: seconds to wait as the vendor stated them, or None.
    """

    code = "VENDOR_TRANSIENT"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        remedy: str = "",
        connection: str = "",
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(
            message,
            remedy=remedy,
            connection=connection,
            http_status=http_status,
            request_id=request_id,
        )
        self.retry_after = retry_after


class RateLimited(TransientError):
    """The vendor asked us to slow down; `retry_after` says how long, if it said so."""

    code = "RATE_LIMITED"


class VendorUnavailable(TransientError):
    """A read was not answered: 5xx, timeout or a cut connection."""

    code = "VENDOR_UNAVAILABLE"


class ConnectFailed(TransientError):
    """The request surely never left: name resolution, refused connection, exhausted pool."""

    code = "CONNECT_FAILED"


class OutcomeUnknown(ConnectorError):
    """A write was sent and its answer not seen: it may have happened.

    Never retried blind; the caller looks the key up first.
    """

    code = "OUTCOME_UNKNOWN"


class Withheld(bytes):
    """Bytes that no representation shows."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes withheld>"

    __str__ = __repr__


class RequestRejected(ConnectorError):
    """The vendor refused our data; this item stops, the others go on.

    Attributes:
        body: the vendor's answer without our secrets; in no message and no representation.
    """

    code = "REQUEST_REJECTED"
    exit_code = 6
    body: Withheld = Withheld()


class ProtocolError(ConnectorError):
    """The vendor broke its own contract: shape, size, repeated page, foreign host."""

    code = "VENDOR_CONTRACT_BROKEN"
    exit_code = 7


class DataError(SyncdError):
    """Our own data cannot be used: a CSV row, an unmapped product, an ambiguous link."""

    code = "DATA_UNUSABLE"
    exit_code = 6


class PlanHeld(SyncdError):
    """Guards objected; a person releases the plan with a reason. Not a failure."""

    code = "PLAN_HELD"
    exit_code = 3


class StoreError(SyncdError):
    """The database cannot serve: locked too long, disk full, damaged."""

    code = "STORE_UNAVAILABLE"
    exit_code = 5


class SchemaOutdated(StoreError):
    """The database was made by an older (or newer) version of the program."""

    code = "SCHEMA_OUTDATED"
    exit_code = 2
