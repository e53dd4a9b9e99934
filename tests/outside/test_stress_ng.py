"""stress-ng's stressors, a group a guest: each runs for five seconds and none fails.

stress_ng.toml has the groups, and the stressors that are left out, each with its reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside import suites

STRESSORS = tomllib.loads(Path(__file__).with_name("stress_ng.toml").read_text())
SECONDS = 5
PATIENCE_S = 90  # of the runner for each, beyond its time
pytestmark = [pytest.mark.soak, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("group", STRESSORS["groups"])
def test_no_stressor_fails(
    suite: Callable[[str], Path], group: str, record: Callable[[str, object], None]
) -> None:
    names = STRESSORS["groups"][group].split()
    run = suites.run_in_husk(
        suite("stress-ng"),
        timeout_s=len(names) * 60,
        STRESSORS=",".join(names),
        SECONDS=str(SECONDS),
        PATIENCE_S=str(PATIENCE_S),
    )
    ended = {found["stressor"]: found for found in run.results if found["status"] != "begins"}
    failed = [ended.get(name, name) for name in names if not is_passed(ended.get(name))]
    record(f"stress-ng.{group}.operations", {name: ended[name]["operations"] for name in ended})
    assert not failed, (failed, run.console[-3000:])
    assert run.exit_status == 0, run.console[-3000:]


def is_passed(found: dict[str, object] | None) -> bool:
    """One that does nothing has found that it cannot, and says success all the same."""
    return found is not None and found["status"] == 0 and found["operations"] != 0


def test_every_stressor_left_out_has_a_reason() -> None:
    run = {name for names in STRESSORS["groups"].values() for name in names.split()}
    for reason, names in STRESSORS["left_out"].items():
        assert reason
        assert not run & set(names.split())
