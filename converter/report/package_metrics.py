"""How many packages and vulnerabilities there were, and of how many something is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..packages import Remains, State
from ..vulnerability_figures import FIGURES, LIKELY, counted, line
from .metrics import Metric


def package_metrics(
    remains: Sequence[Remains], listed: Mapping[str, Any] | None
) -> tuple[Metric, ...]:
    """`listed` are packages and vulnerabilities as the report has them; the latter are counted only
    where somebody was asked."""
    packages = _packages(remains)
    if listed is None or listed["vulnerabilities"] is None:
        return (packages,)
    return packages, *(_vulnerabilities(listed, id_) for id_ in FIGURES)


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


# Name and definition, by id.
_DEFINED = {
    "vulnerabilities": (
        "vulnerabilities",
        "vulnerabilities of packages, each once a package, that the sources know; after: those of "
        "packages that are not removed, whether or not the kept files have them, and the "
        "runtime's; no number where a source is about another image, or where nobody has data of "
        "a package that counts",
    ),
    "vulnerabilities_fixable": (
        "vulnerabilities with a fix",
        "of the vulnerabilities, those of which a source knows a version without it",
    ),
    "vulnerabilities_exploited": (
        "known exploited vulnerabilities",
        "of the vulnerabilities, those in CISA's catalogue of known exploited ones, as grype's "
        "report says; no number where there are some that grype says nothing of",
    ),
    "vulnerabilities_likely": (
        f"vulnerabilities of EPSS {LIKELY} % or more",
        f"of the vulnerabilities, those that FIRST's EPSS gives {LIKELY} % or more to be exploited "
        "within 30 days, as grype's report says; no number where there are some that it says "
        "nothing of",
    ),
    "vulnerabilities_partial": (
        "vulnerabilities of partially kept packages",
        "of the vulnerabilities, those of packages of which some files are kept, which may have "
        "them or not",
    ),
    "vulnerabilities_new": (
        "vulnerabilities new with the runtime",
        "those of what the runtime is made of, which the image never had; no number where OSV's "
        "data on it was not given, for no scanner of the image looks there",
    ),
}
_NOT_BEFORE = ("vulnerabilities_partial", "vulnerabilities_new")


def _vulnerabilities(listed: Mapping[str, Any], id_: str) -> Metric:
    (name, definition), (kind, left) = _DEFINED[id_], FIGURES[id_]
    before, after = counted(listed, kind, "before"), counted(listed, kind, left)
    is_before = id_ not in _NOT_BEFORE
    return Metric(
        id_, name, "vulnerabilities", before.count if is_before else None, after.count, definition,
        tuple(map(line, before.found)) if is_before else (), tuple(map(line, after.found)),
    )  # fmt: skip
