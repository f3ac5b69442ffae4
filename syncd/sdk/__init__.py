"""The public API for authors of connectors.

Import from the modules (`syncd.sdk.records`, `syncd.sdk.http`, …): this package imports nothing by
itself, so that a command that only prints its help does not pay for an HTTP client.
"""

from __future__ import annotations

SDK_VERSION = "1"
"""Major version of this API; a connector written for another major is refused at load."""
