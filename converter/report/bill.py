"""The packages of the source image and their vulnerabilities, and what is left of each, as JSON
values.

A vulnerability of a removed package is gone with its files; of a partially kept one nobody knows
here whether the files that are left have it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from ..model import Image, Tree
from ..packages import CRATES, Gap, Remains, State, Unread
from ..vulnerabilities import Finding, NoData, Source, Vulnerabilities

_SHOWN_UNREAD = 3


def packages_document(remains: Sequence[Remains], tree: Tree) -> list[dict[str, Any]]:
    """Sizes are of the files that the image has; one that two packages have counts for both."""
    sizes = {node.path: node.size for node in tree}
    return [_package(one, sizes) for one in remains]


def unread_document(unread: Sequence[Unread]) -> list[dict[str, Any]]:
    return [{"path": one.path, "because": one.because} for one in unread]


def vulnerabilities_document(
    known: Vulnerabilities | None, remains: Sequence[Remains], image: Image, kept: Container[str]
) -> dict[str, Any] | None:
    """None where no report and no database was given: that says nothing of vulnerabilities."""
    if known is None:
        return None
    return {
        "sources": [_source(source) for source in known.sources],
        "doubts": [*_of_another_image(known, image), *_not_looked_up(known.unread, kept)],
        "no_data": [_no_data(one) for one in known.no_data],
        "found": [
            _finding(finding, left) for finding, left in with_remains(known.findings, remains)
        ],
    }


def _of_another_image(known: Vulnerabilities, image: Image) -> list[str]:
    """Reports that are: by its ID, or by the manifest's digest, which engines can take for it."""
    digests = ("", image.digest, *image.origin.digests)
    return [
        f"{source.name}, the report of {source.kind}, is about another image: {source.image}"
        for source in known.sources
        if source.image not in digests
    ]


def _not_looked_up(unread: Sequence[Unread], kept: Container[str]) -> list[str]:
    """In one sentence. What records one package lies with it, and can have gone with it."""
    missed = [one for one in unread if one.gap is Gap.DATABASE or one.path in kept]
    shown = ", ".join(f"{one.path} ({one.because})" for one in missed[:_SHOWN_UNREAD])
    more = f" and {len(missed) - _SHOWN_UNREAD} more" if len(missed) > _SHOWN_UNREAD else ""
    return [f"packages were not read, and so not looked up: {shown}{more}"] if missed else []


def with_remains(
    findings: Sequence[Finding], remains: Sequence[Remains]
) -> list[tuple[Finding, Remains | None]]:
    """Each with what is left of its package; None where the inventory has no such package."""
    by_package = {one.package: one for one in remains}
    return [
        (one, by_package.get(one.package) if one.package is not None else None) for one in findings
    ]


def _package(remains: Remains, sizes: Mapping[str, int]) -> dict[str, Any]:
    package = remains.package
    return {
        "ecosystem": package.ecosystem,
        "name": package.name,
        "version": package.version,
        "source": f"{package.source} {package.source_version}",
        "purl": package.purl,
        "part_of": package.part_of,
        "recorded_in": package.recorded_in,
        "state": remains.state.value,
        "files": remains.files,
        "files_kept": len(remains.kept),
        "bytes": sum(sizes.get(path, 0) for path in package.files),
        "bytes_kept": sum(sizes.get(path, 0) for path in remains.kept),
        "kept": list(remains.kept),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "name": source.name,
        "version": source.version,
        "sha256": source.sha256,
        "image": source.image,
    }


def _no_data(one: NoData) -> dict[str, Any]:
    return {"ecosystem": one.ecosystem, "packages": list(one.packages), "because": one.because}


def is_of_runtime(finding: Finding) -> bool:
    """Whether the image never had it."""
    return finding.package is not None and finding.package.ecosystem == CRATES


def _state(finding: Finding, left: Remains | None) -> State:
    if is_of_runtime(finding):
        return State.NEW
    return left.state if left is not None else State.UNKNOWN


def _finding(finding: Finding, left: Remains | None) -> dict[str, Any]:
    return {
        "id": finding.id,
        "aliases": list(finding.aliases),
        "severity": finding.severity.value,
        "known_exploited": finding.exploitation.is_known,
        "epss": finding.exploitation.epss,
        "fixed": list(finding.fixed),
        "package": finding.package.purl if finding.package is not None else finding.named,
        "state": _state(finding, left).value,
        "kept": list(left.kept) if left is not None else [],
        "sources": list(finding.sources),
    }
