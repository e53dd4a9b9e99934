"""The long tests: their bundles, and the figures they record.

What `record(NAME, FIGURE)` is told goes to bench/results/soak-DATE.json when the session ends,
whether all passed or not; a later session of the same day adds to it.
"""

from __future__ import annotations

import datetime
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
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(before | figures, indent=2, sort_keys=True) + "\n")
