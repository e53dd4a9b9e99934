"""A scanner on PATH is asked where nothing was given; whatever it does, the conversion goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dock2uk.vulnerabilities import Scan, scan
from dock2uk.vulnerability_options import vulnerability_options

GRYPE = {
    "matches": [
        {
            "vulnerability": {"id": "CVE-1", "severity": "High", "fix": {"versions": []}},
            "artifact": {"name": "x", "version": "1", "purl": "pkg:deb/debian/x@1"},
        }
    ],
    "descriptor": {"name": "grype", "version": "0.9"},
}
# The last argument is where the report goes; the others are noted.
WRITES = (
    'for last; do :; done; printf "%s\\n" "$@" > "{asked}"\n'
    "cat > \"$last\" <<'END'\n{report}\nEND\n"
)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a program there, alone; what it was asked is in the file that is given back."""
    directory = tmp_path / "programs"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")

    def put(name: str, script: str) -> Path:
        asked = tmp_path / "asked"
        text = script.replace("{asked}", str(asked)).replace("{report}", json.dumps(GRYPE))
        (directory / name).write_text(f"#!/bin/sh\n{text}")
        (directory / name).chmod(0o755)
        return asked

    return put


def scanned(reference: str) -> Scan:
    found = scan(reference, lambda _: None)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("nginx:1", "nginx:1"),
        ("docker-daemon:nginx:1", "docker:nginx:1"),
        ("docker://host/nginx:1", "registry:host/nginx:1"),
        ("docker-archive:a.tar", "docker-archive:a.tar"),
        ("oci:dir", "oci-dir:dir"),
    ],
)
def test_grype_is_asked_of_what_was_named(
    on_path: Callable[[str, str], Path], reference: str, target: str
) -> None:
    asked = on_path("grype", WRITES)
    found = scanned(reference)
    assert asked.read_text().splitlines()[:4] == [target, "--quiet", "-o", "json"]
    assert found.known is not None
    assert found.note == "grype was asked about vulnerabilities"


@pytest.mark.parametrize(
    ("reference", "words"),
    [("nginx:1", ["nginx:1"]), ("oci-archive:a.tar", ["--input", "a.tar"])],
)
def test_trivy_is_asked_of_what_was_named(
    on_path: Callable[[str, str], Path], reference: str, words: list[str]
) -> None:
    asked = on_path("trivy", WRITES)
    assert scanned(reference).known is not None
    said = asked.read_text().splitlines()
    assert said[:4] == ["image", "--quiet", "--scanners", "vuln"]
    assert said[4 : 4 + len(words)] == words


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo no network >&2; exit 1", "no network"), ("exit 0", "cannot read"),
     ('for last; do :; done; echo "{}" > "$last"', "neither of grype nor of trivy")],
)  # fmt: skip
def test_one_that_fails_is_a_note(
    on_path: Callable[[str, str], Path], script: str, said: str
) -> None:
    on_path("grype", script)
    found = scanned("nginx")
    assert found.known is None
    assert said in found.note


def test_without_a_scanner_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert scan("nginx", lambda _: None) is None
    assert not vulnerability_options().is_expected


def test_what_is_built_is_not_scanned_by_a_name(on_path: Callable[[str, str], Path]) -> None:
    on_path("grype", WRITES)
    assert "was not asked" in scanned("./Dockerfile").note
    assert vulnerability_options().is_expected
    assert not vulnerability_options(no_scan=True).is_expected
