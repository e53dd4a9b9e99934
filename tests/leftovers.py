"""What something that ran has left behind, on a machine that other tests use meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable

_PATIENCE_S = 30.0


def left(listing: Callable[[], set[str]], before: set[str]) -> set[str]:
    """What was not there before and stays; of others' things each goes away at some time."""
    deadline_s = time.monotonic() + _PATIENCE_S
    found = listing() - before
    while found and time.monotonic() < deadline_s:
        time.sleep(0.1)
        found &= listing()
    return found
