"""The project's own files, as git lists them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@cache
def tracked(*patterns: str) -> tuple[Path, ...]:
    """Files under version control that match git pathspecs; new ones not yet added too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / line for line in shown.stdout.splitlines()]
    found = tuple(sorted(path for path in paths if path.is_file()))
    assert found, f"no file matches {patterns}"
    return found


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))
