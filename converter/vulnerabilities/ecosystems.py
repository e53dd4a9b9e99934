"""What OSV calls the ecosystems of packages (OSV schema, `affected[].package.ecosystem`), and by
which of a package's names and versions it has it.

An ecosystem can have a suffix after a colon, the release: "Debian:12". The schema has Debian's,
Ubuntu's and Alpine's data, and that of most who build rpms, about source packages; Red Hat's is
about either, and AlmaLinux lists what is installed. So an rpm package is looked up by both names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..model import Package
from ..packages import SYSTEM_ECOSYSTEMS, Distribution
from .versions import Key, order, rank, rpm

_LANGUAGES = {
    "pypi": "PyPI", "npm": "npm", "golang": "Go", "maven": "Maven", "gem": "RubyGems",
    "composer": "Packagist", "cargo": "crates.io",
}  # fmt: skip
_BY_SOURCE = ("deb", "apk")
_RPM = "rpm"
# Of names that are the same package in several spellings, the one that counts: PEP 503, and
# Composer's schema, which has names in lower case.
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "PyPI": lambda name: re.sub(r"[-_.]+", "-", name).lower(),
    "Packagist": str.lower,
}


@dataclass(frozen=True, slots=True)
class Ecosystem:
    name: str  # "Debian", "PyPI"
    release: re.Pattern[str] | None = None  # what the suffix must be; None: there is none

    def is_of(self, stated: str) -> bool:
        """Whether what a record states is this one. Without a suffix it is about every release."""
        name, _, suffix = stated.partition(":")
        if name != self.name or not suffix:
            return name == self.name
        return self.release is not None and self.release.fullmatch(suffix) is not None

    def is_of_release(self, stated: str) -> bool:
        """Whether it is one that shows that there is data of this release."""
        name, _, suffix = stated.partition(":")
        is_shown = self.release is None or (suffix and self.release.fullmatch(suffix))
        return name == self.name and bool(is_shown)

    def spelled(self, name: str) -> str:
        """A package's name as it is compared."""
        return _SPELLINGS[self.name](name) if self.name in _SPELLINGS else name


@dataclass(frozen=True, slots=True)
class Lookup:
    """A name by which there may be data of a package, and the version that goes with it."""

    name: str
    version: str
    key: Key


def ecosystem_of(package: Package, distribution: Distribution | None) -> Ecosystem | None:
    """None where OSV has no data of such packages."""
    if package.ecosystem not in SYSTEM_ECOSYSTEMS:
        name = _LANGUAGES.get(package.ecosystem)
        return Ecosystem(name) if name else None
    if distribution is None or distribution.id not in _DISTRIBUTIONS:
        return None
    name, pattern = _DISTRIBUTIONS[distribution.id]
    release = re.compile(pattern(*_release(distribution.version))) if pattern else None
    return Ecosystem(name, release)


def lookups(package: Package, ecosystem: Ecosystem) -> tuple[Lookup, ...]:
    """Without any where its versions have no order, or this one has no place in it."""
    key = order(package.ecosystem)
    if key is None:
        return ()
    found = [Lookup(ecosystem.spelled(package.name), package.version, key)]
    if package.ecosystem in _BY_SOURCE:
        found = [Lookup(package.source, package.source_version, key)]
    elif package.ecosystem == _RPM and package.source != package.name:
        # A package's header has its source's file name, without epoch; its own can be another.
        found.append(Lookup(package.source, package.source_version, rpm.key_without_epoch))
    return tuple(one for one in found if rank(one.version, one.key) is not None)


def _release(version: str) -> tuple[str, str]:
    """Major and minor, ready for a pattern."""
    major, _, rest = version.partition(".")
    return re.escape(major), re.escape(rest.partition(".")[0])


# ID of os-release(5) -> OSV's name, and from major and minor the pattern of the suffix, where there
# is one.
_DISTRIBUTIONS: dict[str, tuple[str, Callable[[str, str], str] | None]] = {
    "debian": ("Debian", lambda major, _: major),
    "ubuntu": ("Ubuntu", lambda major, minor: rf"(Pro:)?{major}\.{minor}(:LTS)?"),
    "alpine": ("Alpine", lambda major, minor: rf"v{major}\.{minor}"),
    "wolfi": ("Wolfi", None),
    "chainguard": ("Chainguard", None),
    "almalinux": ("AlmaLinux", lambda major, _: major),
    "rocky": ("Rocky Linux", lambda major, _: major),
    "rhel": ("Red Hat", lambda major, _: rf"(enterprise_linux|rhel_\w+):{major}(\.\d+)?(:.*)?"),
    "opensuse-leap": ("openSUSE", lambda major, minor: rf"Leap {major}\.{minor}"),
    "sles": ("SUSE", lambda major, minor: rf"Linux Enterprise .*{major} SP{minor}.*"),
    "mageia": ("Mageia", lambda major, _: major),
    "azurelinux": ("Azure Linux", lambda major, _: major),
}
