"""Every ABI program gives the same on Linux and in husk, and leaves nothing behind."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from . import suite

# Frames the kernel's heap may keep for itself after a program; a leak of user pages is far larger
# or grows with each run.
_FRAME_SLACK = 8
_DIFFERENCES = tomllib.loads((Path(__file__).parent / "expected_differences.toml").read_text())


@pytest.fixture(scope="session")
def in_husk() -> Mapping[str, suite.Outcome]:
    """All programs, in as few boots as they allow. `leaves_nothing` first: it sets the counts."""
    suite.build()
    return suite.run_in_husk(suite.names())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", suite.names())
def test_husk_answers_as_linux_does(name: str, in_husk: Mapping[str, suite.Outcome]) -> None:
    suite.build()
    linux, husk = suite.run_on_linux(name), in_husk.get(name)
    assert linux.status == 0, f"not fit as a test: it fails on Linux itself\n{linux.output}"
    assert husk is not None, "the guest died before its turn came"
    expected = _as_expected(name, linux.output)
    difference = "\n".join(
        difflib.unified_diff(
            expected.splitlines(), husk.output.splitlines(), "linux", "husk", lineterm="", n=1
        )
    )
    assert not difference, f"\n{difference}"
    assert husk.status == linux.status


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", suite.names())
def test_nothing_is_left_behind(name: str, in_husk: Mapping[str, suite.Outcome]) -> None:
    outcome = in_husk.get(name)
    assert outcome is not None
    assert outcome.counts, "the guest died in this program"
    before = _counts_before(name, in_husk)
    assert outcome.counts["frames"] <= before["frames"] + _FRAME_SLACK
    for what in ("fds", "threads", "sockets"):
        assert outcome.counts[what] == 0, f"{what} left: {outcome.counts}"


def _counts_before(name: str, outcomes: Mapping[str, suite.Outcome]) -> Mapping[str, int]:
    """Counts after the program before; the first has only itself to be compared with."""
    ordered = [one for one in suite.names() if one in outcomes and outcomes[one].counts]
    index = ordered.index(name)
    return outcomes[ordered[max(index - 1, 0)]].counts


def _as_expected(name: str, linux: str) -> str:
    """Lines that differ by design, each listed with its reason."""
    for difference in _DIFFERENCES.get(name, []):
        assert difference["reason"]
        assert difference["linux"] in linux, f"no longer true of Linux: {difference}"
        linux = linux.replace(difference["linux"], difference["husk"])
    return linux
