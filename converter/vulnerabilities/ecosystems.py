"""What OSV calls the ecosystems of packages (OSV schema, `affected[].package.ecosystem`), and by
which of a package's names and versions it has it.

An ecosystem can have a suffix after a colon, the release: "Debian:12". Debian's, Ubuntu's and
Alpine's data is about source packages, the others' about what is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..model import Package
from ..packages import SYSTEM_ECOSYSTEMS, Distribution

_LANGUAGES = {
    "pypi": "PyPI", "npm": "npm", "golang": "Go", "maven": "Maven", "gem": "RubyGems",
    "composer": "Packagist", "cargo": "crates.io",
}  # fmt: skip
_BY_SOURCE = ("Debian", "Ubuntu", "Alpine", "Wolfi", "Chainguard")


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

    @property
    def is_by_source(self) -> bool:
        return self.name in _BY_SOURCE


def ecosystem_of(package: Package, distribution: Distribution | None) -> Ecosystem | None:
    """None where OSV has no data of such packages."""
    if package.ecosystem not in SYSTEM_ECOSYSTEMS:
        name = _LANGUAGES.get(package.ecosystem)
        return Ecosystem(name) if name else None
    if distribution is None or distribution.id not in _DISTRIBUTIONS:
        return None
    name, pattern = _DISTRIBUTIONS[distribution.id]
    return Ecosystem(name, re.compile(pattern(*_release(distribution.version))))


def names_of(package: Package, ecosystem: Ecosystem) -> tuple[str, ...]:
    return (package.source,) if ecosystem.is_by_source else (package.name,)


def version_of(package: Package, ecosystem: Ecosystem) -> str:
    return package.source_version if ecosystem.is_by_source else package.version


def _release(version: str) -> tuple[str, str]:
    """Major and minor, ready for a pattern."""
    major, _, rest = version.partition(".")
    return re.escape(major), re.escape(rest.partition(".")[0])


# ID of os-release(5) -> OSV's name, and from major and minor the pattern of the suffix.
_DISTRIBUTIONS: dict[str, tuple[str, Callable[[str, str], str]]] = {
    "debian": ("Debian", lambda major, _: major),
    "ubuntu": ("Ubuntu", lambda major, minor: rf"(Pro:)?{major}\.{minor}(:LTS)?"),
    "alpine": ("Alpine", lambda major, minor: rf"v{major}\.{minor}"),
    "wolfi": ("Wolfi", lambda _, __: ""),
    "chainguard": ("Chainguard", lambda _, __: ""),
    "almalinux": ("AlmaLinux", lambda major, _: major),
    "rocky": ("Rocky Linux", lambda major, _: major),
    "rhel": ("Red Hat", lambda major, _: rf"(enterprise_linux|rhel_\w+):{major}(\.\d+)?(:.*)?"),
    "opensuse-leap": ("openSUSE", lambda major, minor: rf"Leap {major}\.{minor}"),
    "sles": ("SUSE", lambda major, minor: rf"Linux Enterprise .*{major} SP{minor}.*"),
    "mageia": ("Mageia", lambda major, _: major),
    "azurelinux": ("Azure Linux", lambda major, _: major),
}
