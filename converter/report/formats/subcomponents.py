"""Purls by which scanners' packages are matched to a statement of OpenVEX.

Every qualifier that a statement's purl has must be the scanner's, and the version the same (go-vex,
PurlMatches). Scanners differ: syft, of which grype's come, writes `distro` by os-release(5) and has
the epoch of a deb in its version; trivy has Debian's point release or Alpine's version alone in
`distro`, the epoch of a deb as a qualifier, and some distributions by names of its own. So no
`distro` is stated, and what differs otherwise is stated both ways.
"""

from __future__ import annotations

from itertools import product

from packageurl import PackageURL

_SYSTEM = ("deb", "rpm", "apk")
# ID of os-release(5) -> trivy's name (its pkg/fanal/types, OSType).
_FAMILIES = {
    "almalinux": "alma", "amzn": "amazon", "mariner": "cbl-mariner", "ol": "oracle",
    "rhel": "redhat",
}  # fmt: skip


def matching(purl: str) -> list[str]:
    """Of one package; as it is where it is not of a distribution."""
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        return [purl]
    if parsed.type not in _SYSTEM:
        return [purl]
    namespaces = dict.fromkeys(
        (parsed.namespace, _FAMILIES.get(parsed.namespace or "", parsed.namespace))
    )
    return [
        PackageURL(parsed.type, namespace, parsed.name, version, qualifiers).to_string()
        for namespace, (version, qualifiers) in product(namespaces, _versions(parsed))
    ]


def _versions(parsed: PackageURL) -> list[tuple[str, dict[str, str]]]:
    """With the qualifiers that each goes with; an epoch of 0 is stated by some alone."""
    given = dict(parsed.qualifiers)
    architecture = {"arch": given["arch"]} if "arch" in given else {}
    version = parsed.version or ""
    epoch = given.get("epoch", "0")
    before, colon, plain = version.partition(":")
    if parsed.type == "deb" and colon:
        epoch, version = before, plain
    if epoch == "0":
        return [(version, architecture)]
    as_qualifier = (version, architecture | {"epoch": epoch})
    if parsed.type == "deb":
        return [(f"{epoch}:{version}", architecture), as_qualifier]
    return [as_qualifier]
