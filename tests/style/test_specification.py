"""docs/SPECIFICATION.md names tests that exist, at least one for each promise; links lead on."""

from __future__ import annotations

import re

from tests.style.files import REPOSITORY, name, tracked

PAGE = REPOSITORY / "docs" / "SPECIFICATION.md"


def test_every_promise_has_a_test_that_exists() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| promise ")]
    assert promises
    for row in promises:
        named = re.findall(r"`(tests/[^`]+\.py)::(\w+)`", row)
        assert named, row
        for file, function in named:
            assert f"def {function}(" in (REPOSITORY / file).read_text(), (file, function)


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{name(page)}: {target}"
        for page in tracked("*.md")
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not broken
