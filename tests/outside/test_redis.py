"""redis's own tests, each unit against a guest of its own: what passed still passes.

redis.json has the tests that pass in husk (`python -m tests.outside.redis_suite` writes it); where
Linux passes others, docs/outside-tests.md says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside import redis_suite, tap

EXPECTED = json.loads(redis_suite.RECORD.read_text())
pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(redis_suite.UNIT_LIMIT_S + 300),
    pytest.mark.skipif(not tap.is_possible(), reason=tap.IMPOSSIBLE),
]


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return redis_suite.convert(tmp_path_factory.mktemp("redis") / "bundle")


@pytest.mark.parametrize("unit", EXPECTED)
def test_what_passed_still_passes(
    redis: Path, unit: str, record: Callable[[str, object], None]
) -> None:
    run = redis_suite.run_in_husk(redis, unit)
    record(f"redis.{unit}.passed", len(run.passed))
    lost = set(EXPECTED[unit]) - run.passed
    assert not lost, (sorted(lost), run.said[-5000:], run.console[-3000:])
    assert run.is_alive, run.console[-3000:]


def test_what_is_left_out_is_not_expected() -> None:
    expected = {name for names in EXPECTED.values() for name in names}
    assert not expected & set(redis_suite.LEFT_OUT)
