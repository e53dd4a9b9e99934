"""Sources of source packages, out of either form that a machine may have its sources in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outside.debian_source import as_deb_src

LINES = """\
# deb http://one/debian bookworm main
deb http://one/debian bookworm main contrib
deb [signed-by=/usr/share/keyrings/one.gpg arch=amd64] http://one/security bookworm-security main
deb-src http://one/debian bookworm main
deb http://another/apt another-bookworm main
"""
STANZAS = """\
# One.
Types: deb deb-src
URIs: http://one/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://another/apt
Suites: nodistro
Components: main
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "sources.list",
            LINES,
            "deb-src http://one/debian bookworm main contrib\n"
            "deb-src [signed-by=/usr/share/keyrings/one.gpg arch=amd64] "
            "http://one/security bookworm-security main\n",
        ),
        (
            "debian.sources",
            STANZAS,
            "# One.\nTypes: deb-src\nURIs: http://one/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main\n",
        ),
    ],
)
def test_entries_of_this_release_are_asked_for_sources(
    tmp_path: Path, name: str, text: str, expected: str
) -> None:
    source = tmp_path / name
    source.write_text(text)
    assert as_deb_src(source, "bookworm") == expected
