"""CPython's own regression tests, each module in a guest of its own: what passed still passes.

cpython.json has the tests that pass in husk (`python -m tests.outside.suites MODULE` writes it);
where Linux passes others, docs/outside-tests.md says why.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.outside import suites

EXPECTED = json.loads(Path(__file__).with_name("cpython.json").read_text())
BOOT_LIMIT_S = 2400
pytestmark = [pytest.mark.soak, pytest.mark.timeout(BOOT_LIMIT_S + 300)]


@pytest.mark.parametrize("module", EXPECTED)
def test_what_passed_still_passes(
    suite: Callable[[str], Path], module: str, record: Callable[[str, object], None]
) -> None:
    run = suites.run_in_husk(suite("cpython-tests"), timeout_s=BOOT_LIMIT_S, MODULES=module)
    lost = suites.module_names(EXPECTED, module) - suites.passed(run)
    record(f"cpython.{module}.passed", len(suites.passed(run)))
    said = [found for found in run.results if found.get("test") in lost]
    assert not lost, (sorted(lost), said, run.console[-3000:])
    assert run.exit_status == 0, run.console[-3000:]
