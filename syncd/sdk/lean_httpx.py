"""Imports httpx without what a program never needs of it; take `httpx` from here.

Two of its optional parts cost more than the rest together: its own command line, which it loads
with rich and pygments wherever those are installed (a third of its import), and sniffio, which
its transport looks for in vain with every request (a tenth of a long read).
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

_COMMAND_LINE = "httpx._main"

_fresh = "httpx" not in sys.modules
if _fresh:
    sys.modules[_COMMAND_LINE] = None  # type: ignore[assignment]  # to the import: not installed

import httpx  # noqa: E402 - what stands above must come first

if _fresh:
    del sys.modules[_COMMAND_LINE]

if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # remembers that it is not there

__all__ = ["httpx"]
