"""Which packages an OSV record is about (OSV schema, "Evaluation").

A version is affected that is listed, or lies between an `introduced` and a `fixed` (or after no
`last_affected`). Ranges of git commits say nothing of versions and are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..model import Package
from ..packages import Distribution
from . import cvss
from .ecosystems import Ecosystem, Lookup, ecosystem_of, lookups
from .names import expanded
from .osv_files import has, has_release, records
from .reports import severity_of
from .values import Claim, NoData, Severity
from .versions import Key, rank

_FIRST = "0"  # `introduced` before every version
_EVENTS = ("introduced", "fixed", "last_affected", "limit")

_Asked = tuple[Package, Lookup]


def find(
    directory: Path, packages: Iterable[Package], distribution: Distribution | None
) -> Iterator[tuple[Package, Claim] | NoData]:
    """The claims of the records about each package, and the packages that none can be about."""
    by_ecosystem: dict[Ecosystem | None, list[Package]] = {}
    for package in packages:
        by_ecosystem.setdefault(ecosystem_of(package, distribution), []).append(package)
    for ecosystem, found in by_ecosystem.items():
        if ecosystem is None:
            yield from _no_data(found, "OSV has no data of such packages")
        elif not has(directory, ecosystem):
            yield from _no_data(found, f"{directory.name} has no directory {ecosystem.name}")
        else:
            if not has_release(directory, ecosystem):
                yield from _no_data(found, _without_release(directory, ecosystem, distribution))
            yield from _of_ecosystem(directory, ecosystem, found)


def _without_release(
    directory: Path, ecosystem: Ecosystem, distribution: Distribution | None
) -> str:
    version = distribution.version if distribution is not None else ""
    return (
        f"{directory.name}/{ecosystem.name} has no record of release {version}"
        if version
        else f"the image does not say of which release of {ecosystem.name} it is"
    )


def _no_data(packages: Iterable[Package], because: str) -> Iterator[NoData]:
    grouped: dict[str, list[str]] = {}
    for package in packages:
        grouped.setdefault(package.ecosystem, []).append(f"{package.name} {package.version}")
    for ecosystem, names in grouped.items():
        yield NoData(ecosystem, tuple(names), because)


def _of_ecosystem(
    directory: Path, ecosystem: Ecosystem, packages: list[Package]
) -> Iterator[tuple[Package, Claim] | NoData]:
    by_name: dict[str, list[_Asked]] = {}
    asked = {package: lookups(package, ecosystem) for package in packages}
    unordered = [package for package, found in asked.items() if not found]
    yield from _no_data(unordered, "the version has no order among others")
    for package, found in asked.items():
        for lookup in found:
            by_name.setdefault(lookup.name, []).append((package, lookup))
    source = f"osv: {directory.name}/{ecosystem.name}"
    for record in records(directory, ecosystem, by_name):
        if not record.get("withdrawn"):
            yield from _of_record(record, ecosystem, by_name, source)


def _of_record(
    record: Mapping[str, Any],
    ecosystem: Ecosystem,
    by_name: Mapping[str, list[_Asked]],
    source: str,
) -> Iterator[tuple[Package, Claim]]:
    for affected in _objects(record.get("affected")):
        stated = affected.get("package")
        if not isinstance(stated, dict) or not ecosystem.is_of(str(stated.get("ecosystem", ""))):
            continue
        for package, lookup in by_name.get(ecosystem.spelled(str(stated.get("name"))), ()):
            fixed = _fixed(affected, lookup)
            if fixed is not None:
                for claim in _claims(record, affected, package, fixed, source):
                    yield package, claim


def _claims(
    record: Mapping[str, Any],
    affected: Mapping[str, Any],
    package: Package,
    fixed: tuple[str, ...],
    source: str,
) -> Iterator[Claim]:
    aliases, upstream = _strings(record.get("aliases")), _strings(record.get("upstream"))
    for id_, others in expanded(str(record["id"]), aliases, upstream):
        yield Claim(
            id=id_,
            aliases=others,
            severity=_severity(record, affected),
            fixed=fixed,
            name=package.name,
            version=package.version,
            purl=package.purl,
            source=source,
        )


def _fixed(affected: Mapping[str, Any], lookup: Lookup) -> tuple[str, ...] | None:
    """The versions that mend it, perhaps none; None where the package has it not."""
    is_affected = _is_listed(lookup, _strings(affected.get("versions")))
    fixed: list[str] = []
    for range_ in _objects(affected.get("ranges")):
        if range_.get("type") in ("ECOSYSTEM", "SEMVER"):
            found = _within(_objects(range_.get("events")), lookup.version, lookup.key)
            is_affected = is_affected or found is not None
            fixed += found or ()
    return tuple(dict.fromkeys(fixed)) if is_affected else None


def _is_listed(lookup: Lookup, versions: tuple[str, ...]) -> bool:
    """Written the same or another way: 3.1 is 3.1.0 where the ecosystem says so."""
    own = rank(lookup.version, lookup.key)
    ranks = (rank(one, lookup.key) for one in versions)
    return lookup.version in versions or any(one == own for one in ranks if one is not None)


def _within(events: list[dict[str, Any]], version: str, key: Key) -> list[str] | None:
    """The next `fixed` after the version, if it is within what the events enclose; None: it is
    not. An event whose version has no order is passed over."""
    own, is_affected = rank(version, key), False
    for name, stated in _in_order(events, key):
        has_come = stated == _FIRST or not own < rank(stated, key)
        if not has_come and name == "fixed" and is_affected:
            return [stated]
        if has_come and name == "introduced":
            is_affected = True
        elif has_come and (name != "last_affected" or rank(stated, key) < own):
            is_affected = False
    return [] if is_affected else None


def _in_order(events: list[dict[str, Any]], key: Key) -> list[tuple[str, str]]:
    stated = [(name, str(event[name])) for event in events for name in _EVENTS if event.get(name)]
    first = [one for one in stated if one[1] == _FIRST]
    others = [one for one in stated if one[1] != _FIRST and rank(one[1], key) is not None]
    return [*first, *sorted(others, key=lambda one: rank(one[1], key))]


def _severity(record: Mapping[str, Any], affected: Mapping[str, Any]) -> Severity:
    """A word of the database that wrote it, else what its CVSS vector amounts to."""
    places = (affected.get("ecosystem_specific"), affected.get("database_specific"))
    for place in (*places, record.get("database_specific")):
        for name in ("severity", "urgency"):
            word = place.get(name) if isinstance(place, dict) else None
            found = severity_of(word) if isinstance(word, str) else Severity.UNKNOWN
            if found is not Severity.UNKNOWN:
                return found
    vectors = [*_objects(affected.get("severity")), *_objects(record.get("severity"))]
    computed = (cvss.severity(str(one.get("score", ""))) for one in vectors)
    return next((one for one in computed if one is not Severity.UNKNOWN), Severity.UNKNOWN)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
