"""A scanner of this machine, asked where the user gave no report and no database.

It is given the image by the place that the user named, and may fetch its own database; what it says
of another image than ours is told as a doubt, as for any report.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .. import tools
from ..errors import Dock2ukError
from .match import Known, read

_LONGEST_S = 900.0  # with the database that it fetches
# How each scanner names what comes from where, by our own words; a bare name is the daemon's.
_GRYPE = {
    "docker-daemon:": "docker:", "docker://": "registry:", "docker-archive:": "docker-archive:",
    "oci-archive:": "oci-archive:", "oci:": "oci-dir:", "": "",
}  # fmt: skip
_TRIVY_FILES = ("docker-archive:", "oci-archive:", "oci:")
_TRIVY_NAMES = ("docker-daemon:", "docker://", "")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scanner said, or why there is nothing."""

    known: Known | None
    note: str


def scan(reference: str, step: Callable[[str], None]) -> Scan | None:
    """By the first scanner that is on PATH; None where there is none. Never an error."""
    for name, words in _SCANNERS.items():
        path = shutil.which(name)
        if path is not None:
            step(f"asking {name} about vulnerabilities")
            return _asked(name, path, words(reference))
    return None


def _asked(name: str, path: str, words: tuple[str, ...] | None) -> Scan:
    if words is None:
        return Scan(None, f"{name} was not asked: it does not take such a source")
    with tempfile.TemporaryDirectory(prefix="dock2uk-scan-") as directory:
        output = Path(directory) / f"{name}.json"
        try:
            tools.run([path, *words, str(output)], timeout_s=_LONGEST_S)
            return Scan(read((output,), None), f"{name} was asked about vulnerabilities")
        except Dock2ukError as problem:
            return Scan(
                None, f"{name} was asked about vulnerabilities and failed: {problem.message}"
            )


def _prefix(reference: str, known: Mapping[str, str] | tuple[str, ...]) -> str | None:
    """The longest that it begins with; None for a path, which is built and has no name to give."""
    if reference.startswith((".", "/")):
        return None
    return max((one for one in known if reference.startswith(one)), key=len, default=None)


def _grype(reference: str) -> tuple[str, ...] | None:
    prefix = _prefix(reference, _GRYPE)
    if prefix is None:
        return None
    return (_GRYPE[prefix] + reference.removeprefix(prefix), "--quiet", "-o", "json", "--file")


def _trivy(reference: str) -> tuple[str, ...] | None:
    prefix = _prefix(reference, (*_TRIVY_FILES, *_TRIVY_NAMES))
    if prefix is None:
        return None
    name = reference.removeprefix(prefix)
    target = ("--input", name) if prefix in _TRIVY_FILES else (name,)
    return ("image", "--quiet", "--scanners", "vuln", *target, "--format", "json", "--output")


_SCANNERS = {"grype": _grype, "trivy": _trivy}
