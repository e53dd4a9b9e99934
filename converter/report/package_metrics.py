"""How many packages and vulnerabilities there were, and of how many something is left."""

from __future__ import annotations

from collections.abc import Sequence

from ..packages import Remains, State
from ..vulnerabilities import Finding, Vulnerabilities
from .bill import is_of_runtime, with_remains
from .metrics import Metric


def package_metrics(
    remains: Sequence[Remains], known: Vulnerabilities | None
) -> tuple[Metric, ...]:
    """Vulnerabilities only where something is known of them."""
    packages = _packages(remains)
    return (packages,) if known is None else (packages, _vulnerabilities(remains, known))


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


def _vulnerabilities(remains: Sequence[Remains], known: Vulnerabilities) -> Metric:
    found = with_remains(known.findings, remains)
    before = [finding for finding, _ in found if not is_of_runtime(finding)]
    left = [
        (finding, one) for finding, one in found if one is None or one.state is not State.REMOVED
    ]
    return Metric(
        "vulnerabilities", "vulnerabilities", "vulnerabilities", len(before), len(left),
        "vulnerabilities of packages, each once a package, that the sources know; after: those of "
        "packages that are not removed, whether or not the kept files have them, and the runtime's",
        tuple(_named(finding) for finding in before),
        tuple(f"{_named(finding)}: {_left(one)}" for finding, one in left),
    )  # fmt: skip


def _named(finding: Finding) -> str:
    package = finding.package
    name = f"{package.name} {package.version}" if package is not None else finding.named
    return f"{finding.id} ({finding.severity.value}) of {name}"


def _left(remains: Remains | None) -> str:
    return "no such package is recorded" if remains is None else _files(remains)
