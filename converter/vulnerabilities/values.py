"""What is known of vulnerabilities: what scanners and databases say, and what that means for the
packages of an image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..model import Package
from ..packages import Unread


class Severity(Enum):
    """From worst to none; `UNKNOWN` is not "none"."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NEGLIGIBLE = "negligible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exploitation:
    """What a source says of attacks that use a vulnerability; a silent one does not deny them."""

    epss: float | None = None  # probability within 30 days, by FIRST's EPSS; None: nobody says
    is_known: bool = False  # by CISA's catalogue of known exploited vulnerabilities


@dataclass(frozen=True, slots=True)
class Claim:
    """That a package of a name and version has a vulnerability."""

    id: str
    aliases: tuple[str, ...]
    severity: Severity
    fixed: tuple[str, ...]  # versions without it; empty: none is known
    name: str  # of the package, as the source calls it
    version: str
    purl: str  # empty: it gives none
    source: str  # who says so
    exploitation: Exploitation = Exploitation()


@dataclass(frozen=True, slots=True)
class Source:
    """Where claims come from."""

    kind: str  # "grype", "trivy", "osv"
    name: str  # of the file or directory
    version: str = ""  # of the scanner
    sha256: str = ""  # of the file
    image: str = ""  # the image ID that was scanned, where it says


@dataclass(frozen=True, slots=True)
class Report:
    """A scanner's report."""

    source: Source
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of one package."""

    id: str  # the CVE where there is one
    aliases: tuple[str, ...]
    severity: Severity
    fixed: tuple[str, ...]
    package: Package | None  # None: a source names a package that the inventory has not
    named: str  # the purl, or name and version, by which the sources name it
    sources: tuple[str, ...]
    exploitation: Exploitation = Exploitation()


@dataclass(frozen=True, slots=True)
class NoData:
    """Packages of which nobody says whether they have vulnerabilities."""

    ecosystem: str
    packages: tuple[str, ...]  # "name version"
    because: str


@dataclass(frozen=True, slots=True)
class Vulnerabilities:
    """Everything that was found; none of a package in `no_data` does not mean that it has none."""

    sources: tuple[Source, ...]
    findings: tuple[Finding, ...]  # known exploited first, then worst first
    no_data: tuple[NoData, ...]
    unread: tuple[Unread, ...] = ()  # where packages may be that nobody looked up
