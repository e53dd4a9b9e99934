"""The difference as JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from . import settings
from .profile import Number, Profile

VERSION = 1
_Package = tuple[str, str, str]


def build(first: Profile, second: Profile) -> dict[str, Any]:
    """From `first` to `second`; each list in order."""
    return {
        "version": VERSION,
        "first": _side(first),
        "second": _side(second),
        "settings": settings.compared(first.settings, second.settings),
        "metrics": [_metric(*pair) for pair in _pairs(first, second)],
        "packages": _packages(first.packages, second.packages),
        "vulnerabilities": _vulnerabilities(first, second),
        "files": _files(first, second),
        "scenarios": _scenarios(first, second),
    }


def _side(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "kind": profile.kind,
        "digest": profile.digest,
        "has_vulnerabilities": profile.vulnerabilities is not None,
    }


def _pairs(first: Profile, second: Profile) -> Iterator[tuple[Number | None, Number | None]]:
    names = dict.fromkeys((*first.by_id, *second.by_id))
    return ((first.by_id.get(name), second.by_id.get(name)) for name in names)


def _metric(first: Number | None, second: Number | None) -> dict[str, Any]:
    one = first or second
    assert one is not None
    is_whole = _is_whole(first) and _is_whole(second)
    old, new = _evidence(first), _evidence(second)
    return {
        "id": one.id,
        "name": one.name,
        "unit": one.unit,
        "first": first.value if first is not None else None,
        "second": second.value if second is not None else None,
        "gone": [line for line in old if line not in set(new)] if is_whole else [],
        "new": [line for line in new if line not in set(old)] if is_whole else [],
    }


def _is_whole(number: Number | None) -> bool:
    """Long lists of evidence end early, and then say nothing of what is not on them."""
    return number is None or number.value == len(number.evidence)


def _evidence(number: Number | None) -> Sequence[str]:
    return number.evidence if number is not None else ()


def _packages(first: Iterable[_Package], second: Iterable[_Package]) -> dict[str, Any]:
    old, new = _versions(first), _versions(second)
    both = sorted(old.keys() & new.keys())
    return {
        "gone": [_package(key, old[key]) for key in sorted(old.keys() - new.keys())],
        "new": [_package(key, new[key]) for key in sorted(new.keys() - old.keys())],
        "changed": [
            {"ecosystem": key[0], "name": key[1], "first": old[key], "second": new[key]}
            for key in both
            if old[key] != new[key]
        ],
    }


def _versions(packages: Iterable[_Package]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for ecosystem, name, version in sorted(packages):
        found.setdefault((ecosystem, name), []).append(version)
    return found


def _package(key: tuple[str, str], versions: list[str]) -> dict[str, Any]:
    return {"ecosystem": key[0], "name": key[1], "versions": versions}


def _vulnerabilities(first: Profile, second: Profile) -> dict[str, Any] | None:
    old, new = first.vulnerabilities, second.vulnerabilities
    if old is None or new is None:
        return None
    return {"gone": _found(old - new), "new": _found(new - old)}


def _found(rows: Iterable[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"id": i, "severity": severity, "package": p} for i, severity, p in sorted(rows)]


def _scenarios(first: Profile, second: Profile) -> list[dict[str, Any]] | None:
    """Each that either side has, in order; None where one is an image, which nobody attacks."""
    if not first.attacks or not second.attacks:
        return None
    old, new = ({one.id: one for one in side.attacks} for side in (first, second))
    return [
        {
            "id": one.id,
            "name": one.name,
            "technique": one.technique,
            "first": old[one.id].result if one.id in old else None,
            "second": new[one.id].result if one.id in new else None,
        }
        for one in (old | new).values()
    ]


def _files(first: Profile, second: Profile) -> dict[str, Any]:
    old, new = first.paths, second.paths
    is_compared = first.nodes is not None and second.nodes is not None
    return {
        "gone": sorted(old - new),
        "new": sorted(new - old),
        "are_contents_compared": is_compared,
        "changed": list(_changed(first, second, old & new)) if is_compared else [],
    }


def _changed(first: Profile, second: Profile, paths: Iterable[str]) -> Iterator[dict[str, str]]:
    for path in sorted(paths):
        old, new = first.described(path), second.described(path)
        if old != new:
            yield {"path": path, "first": old, "second": new}
