"""How often the program looks for garbage: seldom, since it holds on to most of what it makes.

Set before anything else is imported, as importing makes more objects than most commands do.
"""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for garbage less often: rows of a month live until it is done.

    With the interpreter's own thresholds a third of reading a large month went into looking through
    rows that nobody had let go, and a tenth of starting into looking through classes.
    """
    gc.set_threshold(200_000, 20, 100)
