"""Claims joined to the packages of an image, and said once however many sources say them.

A scanner's claim is joined by purl without qualifiers, else by name and version; one of a package
that the inventory has not stays, without a package. Where a scanner's report is given, what it is
silent about counts as looked at: reports do not say what they looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..model import Package
from ..packages import CRATES, SYSTEM_ECOSYSTEMS, Gap, Inventory, Unread
from ..packages.purl import key
from . import osv
from .osv_files import require_database
from .reports import read_reports
from .values import Claim, Exploitation, Finding, NoData, Report, Severity, Source, Vulnerabilities

_WORST_FIRST = tuple(Severity)
_OF_SYSTEM = tuple(f"pkg:{ecosystem}/" for ecosystem in SYSTEM_ECOSYSTEMS)

Named = tuple[Package | None, Claim]


@dataclass(frozen=True, slots=True)
class Known:
    """What the user knows of vulnerabilities: reports, read, and a directory of OSV's data."""

    reports: tuple[Report, ...] = ()
    database: Path | None = None


def read(reports: Iterable[Path], database: Path | None) -> Known | None:
    """None where there is neither. Raises Dock2ukError for what is no such thing."""
    if database is not None:
        require_database(database)
    known = Known(read_reports(reports), database)
    return known if known != Known() else None


def match(
    inventory: Inventory, known: Known | None, runtime: tuple[Package, ...] = ()
) -> Vulnerabilities | None:
    """Every vulnerability of each package, those that the runtime brings among them, known
    exploited and worst first; None where nothing is known of any."""
    if known is None:
        return None
    claims = [claim for report in known.reports for claim in report.claims]
    named: list[Named] = list(_joined(inventory.packages, claims))
    packages = (*_own(inventory.packages), *runtime)
    sources = [report.source for report in known.reports]
    no_data: list[NoData] = []
    if known.database is not None:
        sources.append(Source("osv", known.database.name))
        for found in osv.find(known.database, packages, inventory.distribution):
            (no_data if isinstance(found, NoData) else named).append(found)  # type: ignore[arg-type]
    return Vulnerabilities(
        sources=tuple(sources),
        findings=tuple(sorted(_merged(named), key=_order)),
        # A scanner has looked at the image, and never at the runtime.
        no_data=tuple(one for one in no_data if not known.reports or one.ecosystem == CRATES),
        unread=tuple(_unread(inventory, claims, is_scanned=bool(known.reports))),
    )


def _unread(
    inventory: Inventory, claims: Collection[Claim], *, is_scanned: bool
) -> Iterator[Unread]:
    """A scanner can have read what was not read here: a database where one of its packages is told
    of. Where neither knows any, it was stripped of what says which there are. Where nobody knows
    any package at all, nothing was looked up either, and that is the whole image."""
    is_read = any(package.ecosystem in SYSTEM_ECOSYSTEMS for package in inventory.packages)
    is_read = is_read or any(claim.purl.startswith(_OF_SYSTEM) for claim in claims)
    for one in inventory.unread:
        is_missed = not is_scanned or (one.gap is Gap.DATABASE and not is_read)
        if is_missed and one.gap is not Gap.FILES:
            yield one
    if not (inventory.unread or inventory.packages or claims):
        yield Unread("/", "no package is recorded anywhere", Gap.DATABASE)


def _own(packages: Iterable[Package]) -> Iterator[Package]:
    """Without what the distribution brought: its own data is about that, with its own fixes."""
    return (package for package in packages if not package.part_of)


def _joined(packages: Iterable[Package], claims: Iterable[Claim]) -> Iterator[Named]:
    by_key: dict[tuple[str, ...], list[Package]] = {}
    for package in packages:
        for one in {key(package.purl), (package.name, package.version)} - {None}:
            by_key.setdefault(one, []).append(package)  # type: ignore[arg-type]
    for claim in claims:
        by_purl = by_key.get(key(claim.purl) or ()) if claim.purl else None
        found = by_purl or by_key.get((claim.name, claim.version))
        yield from ((package, claim) for package in found or (None,))


def _merged(named: Iterable[Named]) -> Iterator[Finding]:
    """Of each package, the claims that share a name are one vulnerability."""
    by_package: dict[tuple[str, ...], list[Named]] = {}
    for package, claim in named:
        by_package.setdefault(_identity(package, claim), []).append((package, claim))
    for found in by_package.values():
        yield from (_finding(group) for group in _grouped(found))


def _grouped(found: Iterable[Named]) -> list[list[Named]]:
    of_name: dict[str, list[Named]] = {}
    for one in found:
        names = _names(one)
        same = {id(of_name[name]): of_name[name] for name in sorted(names) if name in of_name}
        group = [*(other for others in same.values() for other in others), one]
        for name in {name for other in group for name in _names(other)}:
            of_name[name] = group
    return list({id(group): group for group in of_name.values()}.values())


def _identity(package: Package | None, claim: Claim) -> tuple[str, ...]:
    if package is None:
        return claim.purl, claim.name, claim.version
    return package.ecosystem, package.name, package.version, package.architecture


def _names(named: Named) -> set[str]:
    return {named[1].id, *named[1].aliases}


def _finding(group: list[Named]) -> Finding:
    """Of severities the worst that a source has a word for: which is read first is no matter."""
    package, first = group[0]
    names = {name for one in group for name in _names(one)}
    id_ = next((one for one in sorted(names) if one.startswith("CVE-")), first.id)
    return Finding(
        id=id_,
        aliases=tuple(sorted(names - {id_})),
        severity=min((claim.severity for _, claim in group), key=_WORST_FIRST.index),
        fixed=tuple(dict.fromkeys(version for _, claim in group for version in claim.fixed)),
        package=package,
        named=first.purl or f"{first.name} {first.version}",
        sources=tuple(dict.fromkeys(claim.source for _, claim in group)),
        exploitation=_worst([claim.exploitation for _, claim in group]),
    )


def _worst(said: list[Exploitation]) -> Exploitation:
    chances = [one.epss for one in said if one.epss is not None]
    return Exploitation(max(chances, default=None), any(one.is_known for one in said))


def _order(finding: Finding) -> tuple[bool, int, str, str]:
    worst = _WORST_FIRST.index(finding.severity)
    return not finding.exploitation.is_known, worst, finding.id, finding.named
