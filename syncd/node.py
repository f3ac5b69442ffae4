"""Which process does a run, and whether such a process is gone.

A name holds the host, the process id and when the process began, so that a reused process id is
not taken for the one that died.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_node() -> str:
    """Name of this process: `host/pid/start`."""
    pid = os.getpid()
    return f"{socket.gethostname()}/{pid}/{_started(pid)}"


def is_gone(node: str) -> bool:
    """Whether the process surely ended; a process of another host is never judged."""
    host, _, rest = node.rpartition("/")[0].rpartition("/")
    started = node.rpartition("/")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return False
    pid = int(rest)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return _started(pid) != started
    return _started(pid) != started


def _started(pid: int) -> str:
    """Clock ticks from boot to the start of the process; empty where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The second field is the program's name in brackets and may hold spaces.
    return stat.rpartition(")")[2].split()[19]
