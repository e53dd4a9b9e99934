"""Which distribution an image is of (os-release(5)), and which package database it should have."""

from __future__ import annotations

import shlex

from .image_files import METADATA_BYTES, ImageFiles
from .values import Distribution

_PLACES = ("/etc/os-release", "/usr/lib/os-release")

# ID or a word of ID_LIKE -> type of the purl of its packages.
_ECOSYSTEMS = {
    "debian": "deb", "ubuntu": "deb",
    "alpine": "apk", "wolfi": "apk", "chainguard": "apk",
    "fedora": "rpm", "rhel": "rpm", "centos": "rpm", "rocky": "rpm", "almalinux": "rpm",
    "ol": "rpm", "amzn": "rpm", "azurelinux": "rpm", "mariner": "rpm", "photon": "rpm",
    "suse": "rpm", "opensuse": "rpm", "sles": "rpm", "mageia": "rpm", "openEuler": "rpm",
}  # fmt: skip


def read_distribution(files: ImageFiles) -> Distribution | None:
    """None where nothing says which it is, as in images made from scratch."""
    for place in _PLACES:
        fields = _fields(files.text_at(place, METADATA_BYTES) or "")
        if fields.get("ID"):
            like = tuple(fields.get("ID_LIKE", "").split())
            return Distribution(fields["ID"], fields.get("VERSION_ID", ""), like)
    return None


def ecosystem_of(distribution: Distribution | None) -> str | None:
    """The type of its packages; None where that is not known."""
    if distribution is None:
        return None
    names = (distribution.id, *distribution.like)
    return next((_ECOSYSTEMS[name] for name in names if name in _ECOSYSTEMS), None)


def _fields(text: str) -> dict[str, str]:
    """Assignments as a shell has them; a line that is none is skipped, as os-release(5) asks."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.partition("=")
        if not separator or name.startswith("#"):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            continue
        fields[name.strip()] = words[0] if words else ""
    return fields
