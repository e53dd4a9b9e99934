"""A short form of `make fuzz`, the same every time: the kernel outlives random system calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import campaign


@pytest.fixture(scope="module")
def root() -> Path:
    return campaign.build()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("mode", "memory_mb"), [("calls", 64), ("memory", 32)])
def test_the_kernel_outlives_random_calls(root: Path, mode: str, memory_mb: int) -> None:
    plan = campaign.Plan(seeds=(1, 2), mode=mode, calls=20_000, limit_ms=5000, memory_mb=memory_mb)
    report = campaign.run(root, plan)
    assert not report.failures, report.console
    if mode == "calls":
        assert report.calls > 1000
        assert len(report.outcomes) > 100
