"""The bounds of every HTTP call: how long, how often, how large.

The defaults suit a vendor's API; a connector changes what its vendor makes necessary.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Bounds of every call.

    Attributes:
        connect_seconds: most seconds to reach the vendor.
        read_seconds: most seconds of silence while its answer is awaited or read.
        write_seconds: most seconds of standstill while we send.
        attempts: most tries of one call, the first included.
        total_seconds: most seconds for one call: its attempts and the pauses between them. Waiting
            for the connection's own quota is not counted.
        retry_after_cap: most seconds that a vendor can make one call pause.
        pause_after_429: seconds to pause after a 429 that names no time; for vendors that state a
            window and send no Retry-After. None leaves the pause to the retries' own jitter.
        max_body_bytes: largest answer, decompressed.
        write_5xx_is_unknown: False only where the vendor promises that a 5xx changed nothing;
            such a write is then sent again.
        trust_environment: obey HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR. Off, so that
            a variable left in a shell cannot lead credentials elsewhere.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    write_seconds: float = 30.0
    attempts: int = 6
    total_seconds: float = 300.0
    retry_after_cap: float = 300.0
    pause_after_429: float | None = None
    max_body_bytes: int = 64 * 2**20
    write_5xx_is_unknown: bool = True
    trust_environment: bool = False

    def __post_init__(self) -> None:
        bounds = (self.connect_seconds, self.read_seconds, self.write_seconds, self.total_seconds)
        if self.attempts < 1 or self.max_body_bytes < 1 or not all(b > 0 for b in bounds):
            raise ValueError("a policy needs an attempt, room for an answer and time above zero")
