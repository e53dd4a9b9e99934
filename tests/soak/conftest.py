"""The long tests: their bundles, and the figures they record.

What `record(NAME, FIGURE)` is told goes to bench/results/soak-DATE.json when the session ends,
whether all passed or not; a later session of the same day, or one beside it, adds to it.
"""

from __future__ import annotations

import datetime
import fcntl
import json
from collections.abc import Callable, Iterator

import pytest

from tests.boot.conftest import bundle
from tests.boot.served import REPOSITORY

__all__ = ["bundle"]


@pytest.fixture(scope="session")
def record() -> Iterator[Callable[[str, object], None]]:
    """Notes a figure under a name."""
    figures: dict[str, object] = {}
    yield figures.__setitem__
    today = datetime.date.today().isoformat()
    path = REPOSITORY / "bench" / "results" / f"soak-{today}.json"
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = json.loads(file.read() or "{}")
        file.truncate(0)
        file.write(json.dumps(before | figures, indent=2, sort_keys=True) + "\n")
