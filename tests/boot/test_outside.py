"""Other people's test suites, the short form of tests/outside: some modules, some stressors, some
units."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.boot.served import REPOSITORY
from tests.outside import redis_suite, suites, tap

MODULES = ("test_select", "test_epoll", "test_fork1")
STRESSORS = ("pipe", "fork", "futex", "sigfd", "epoll")
UNITS = ("unit/keyspace", "unit/pubsub", "unit/functions")
BOOT_LIMIT_S = 180
EXPECTED = json.loads((REPOSITORY / "tests" / "outside" / "cpython.json").read_text())


def test_some_of_cpythons_tests_pass(tmp_path: Path) -> None:
    bundle = suites.convert("cpython-tests", tmp_path / "bundle")
    run = suites.run_in_husk(bundle, timeout_s=BOOT_LIMIT_S, MODULES=",".join(MODULES))
    expected = set().union(*(suites.module_names(EXPECTED, module) for module in MODULES))
    assert expected <= suites.passed(run), (run.results, run.console[-3000:])
    assert run.exit_status == 0


def test_some_stressors_do_not_fail(tmp_path: Path) -> None:
    bundle = suites.convert("stress-ng", tmp_path / "bundle")
    names = ",".join(STRESSORS)
    run = suites.run_in_husk(bundle, timeout_s=BOOT_LIMIT_S, STRESSORS=names, SECONDS="1")
    done = {found["stressor"] for found in run.results if found["status"] == 0}
    assert done == set(STRESSORS), (run.results, run.console[-3000:])
    assert run.exit_status == 0


@pytest.mark.skipif(not tap.is_possible(), reason=tap.IMPOSSIBLE)
def test_some_of_redis_tests_pass(tmp_path: Path) -> None:
    bundle = redis_suite.convert(tmp_path / "bundle")
    expected = json.loads(redis_suite.RECORD.read_text())
    for unit in UNITS:
        run = redis_suite.run_in_husk(bundle, unit)
        assert set(expected[unit]) <= run.passed, (run.said[-5000:], run.console[-3000:])
        assert run.is_alive
