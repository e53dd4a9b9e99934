"""How many packages and vulnerabilities there were, and of how many something is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..packages import Remains, State
from ..vulnerability_figures import counted, line
from .metrics import Metric


def package_metrics(
    remains: Sequence[Remains], listed: Mapping[str, Any] | None
) -> tuple[Metric, ...]:
    """`listed` are packages and vulnerabilities as the report has them; the latter are counted only
    where somebody was asked."""
    packages = _packages(remains)
    if listed is None or listed["vulnerabilities"] is None:
        return (packages,)
    return packages, _vulnerabilities(listed)


def _packages(remains: Sequence[Remains]) -> Metric:
    left = [one for one in remains if one.state is not State.REMOVED]
    return Metric(
        "packages", "packages", "packages", len(remains), len(left),
        "packages that the image's databases and files record, of its distribution and of "
        "languages; after: those of which a file is kept or whose files are not known",
        tuple(_shown(one) for one in remains),
        tuple(f"{_shown(one)}: {_files(one)}" for one in left),
    )  # fmt: skip


def _shown(remains: Remains) -> str:
    package = remains.package
    return f"{package.name} {package.version} ({package.ecosystem})"


def _files(remains: Remains) -> str:
    if remains.state is State.UNKNOWN:
        return "its files are not known"
    return f"{len(remains.kept)} of {remains.files} files"


def _vulnerabilities(listed: Mapping[str, Any]) -> Metric:
    before, left = counted(listed, "any", "before"), counted(listed, "any", "kept")
    return Metric(
        "vulnerabilities", "vulnerabilities", "vulnerabilities", before.count, left.count,
        "vulnerabilities of packages, each once a package, that the sources know; after: those of "
        "packages that are not removed, whether or not the kept files have them, and the "
        "runtime's; no number where a source is about another image, or where nobody has data of "
        "a package that counts",
        tuple(map(line, before.found)), tuple(map(line, left.found)),
    )  # fmt: skip
