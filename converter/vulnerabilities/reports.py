"""Reports of grype (`grype -o json`) and trivy (`trivy image -f json`), as their schemas have them.

What is read of each: `matches[].{vulnerability, relatedVulnerabilities, artifact}`, with `epss` and
`knownExploited` of both kinds of vulnerability, and `Results[].Vulnerabilities[]`, where trivy has
neither. What grype ignored (`ignoredMatches`) is not read, nor its own score, `risk`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import Dock2ukError
from .names import expanded
from .values import Claim, Exploitation, Report, Severity, Source

_HINT = "make it with `grype IMAGE -o json` or `trivy image -f json IMAGE`"
_BYTES = 1 << 30


def read_reports(paths: Iterable[Path]) -> tuple[Report, ...]:
    """Each file's; raises Dock2ukError for one that is neither."""
    return tuple(_report(path) for path in paths)


def _report(path: Path) -> Report:
    try:
        if path.stat().st_size > _BYTES:
            raise Dock2ukError(
                f"{path} has more than {_BYTES} bytes: that is no report", hint=_HINT
            )
        data = path.read_bytes()
    except OSError as problem:
        raise Dock2ukError(f"cannot read {path}: {problem.strerror}", hint=_HINT) from problem
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Dock2ukError(f"{path} is no JSON: {problem}", hint=_HINT) from problem
    sha256 = hashlib.sha256(data).hexdigest()
    if isinstance(document, dict) and isinstance(document.get("matches"), list):
        return _grype(path.name, sha256, document)
    if isinstance(document, dict) and isinstance(document.get("SchemaVersion"), int):
        return _trivy(path.name, sha256, document)
    raise Dock2ukError(f"{path} is a report neither of grype nor of trivy", hint=_HINT)


def _grype(name: str, sha256: str, document: dict[str, Any]) -> Report:
    descriptor, target = _object(document, "descriptor"), _object(document, "source", "target")
    source = Source("grype", name, _text(descriptor, "version"), sha256, _text(target, "imageID"))
    claims = (
        claim for match in document["matches"] for claim in _grype_claims(match, f"grype: {name}")
    )
    return Report(source, tuple(claims))


def _grype_claims(match: Any, source: str) -> Iterator[Claim]:
    vulnerability, artifact = _object(match, "vulnerability"), _object(match, "artifact")
    related = _objects(match, "relatedVulnerabilities")
    upstream = [name for one in related if (name := _text(one, "id"))]
    fix = _object(vulnerability, "fix")
    versions = fix.get("versions")
    if not _text(vulnerability, "id"):
        return
    for id_, aliases in expanded(_text(vulnerability, "id"), (), upstream):
        yield Claim(
            id=id_,
            aliases=aliases,
            severity=severity_of(_text(vulnerability, "severity")),
            fixed=tuple(map(str, versions)) if isinstance(versions, list) else (),
            name=_text(artifact, "name"),
            version=_text(artifact, "version"),
            purl=_text(artifact, "purl"),
            source=source,
            exploitation=_exploitation((vulnerability, *related), {id_, *aliases}),
        )


def _exploitation(records: Iterable[dict[str, Any]], names: set[str]) -> Exploitation:
    """Of a match that can be about several vulnerabilities, what is said of one, by its `cve`."""
    known: list[bool] = []
    chances: list[float] = []
    for record in records:
        known += (_text(one, "cve") in names for one in _objects(record, "knownExploited"))
        about = (one for one in _objects(record, "epss") if _text(one, "cve") in names)
        chances += (one["epss"] for one in about if _is_probability(one.get("epss")))
    return Exploitation(max(chances, default=None), any(known))


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _trivy(name: str, sha256: str, document: dict[str, Any]) -> Report:
    version = _text(_object(document, "Trivy"), "Version")
    image = _text(_object(document, "Metadata"), "ImageID")
    source = Source("trivy", name, version, sha256, image)
    claims = (
        claim
        for result in _objects(document, "Results")
        for found in _objects(result, "Vulnerabilities")
        for claim in _trivy_claims(found, f"trivy: {name}")
    )
    return Report(source, tuple(claims))


def _trivy_claims(found: dict[str, Any], source: str) -> Iterator[Claim]:
    vendor = found.get("VendorIDs")  # an advisory, which can be about others too
    if not _text(found, "VulnerabilityID"):
        return
    fixed = (one.strip() for one in _text(found, "FixedVersion").split(","))
    yield Claim(
        id=_text(found, "VulnerabilityID"),
        aliases=tuple(map(str, vendor)) if isinstance(vendor, list) and len(vendor) == 1 else (),
        severity=severity_of(_text(found, "Severity")),
        fixed=tuple(one for one in fixed if one),
        name=_text(found, "PkgName"),
        version=_text(found, "InstalledVersion"),
        purl=_text(_object(found, "PkgIdentifier"), "PURL"),
        source=source,
    )


def severity_of(word: str) -> Severity:
    """What scanners and advisories call it."""
    word = word.lower()
    known = {"moderate": "medium", "important": "high", "unimportant": "negligible"}
    try:
        return Severity(known.get(word, word))
    except ValueError:
        return Severity.UNKNOWN


def _object(value: Any, *names: str) -> dict[str, Any]:
    """The object at the end of a path; empty where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
