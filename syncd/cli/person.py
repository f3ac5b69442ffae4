"""Who sits at the terminal, for the record of what people decided."""

from __future__ import annotations

import getpass
import os


def current_person() -> str:
    """The login name, or the user's number where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid {os.getuid()}"
