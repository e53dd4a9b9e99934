"""Package URLs (ECMA-427, purl-spec): the names by which scanners and we mean the same package.

`key` is what two of them are compared by: without qualifiers and epoch, since scanners differ in
which they give and whether the epoch stands in the version.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packageurl import PackageURL

from .values import Distribution

# ID of os-release(5) -> namespace, where syft and trivy write another.
_NAMESPACES = {"rhel": "redhat"}
_EPOCH = re.compile(r"^[0-9]+:")

Key = tuple[str, str, str]  # type, full name, version


def make(ecosystem: str, name: str, version: str, **qualifiers: str) -> str:
    """For packages of languages: what stands before the last slash of a name is its namespace."""
    namespace, _, last = name.rpartition("/")
    return _string(ecosystem, namespace, last or name, version, qualifiers)


def make_system(
    ecosystem: str, distribution: Distribution | None, name: str, version: str, **qualifiers: str
) -> str:
    """For packages of a distribution, which is their namespace."""
    namespace = ""
    if distribution is not None:
        namespace = _NAMESPACES.get(distribution.id, distribution.id)
        qualifiers["distro"] = "-".join(filter(None, (distribution.id, distribution.version)))
    return _string(ecosystem, namespace, name, version, qualifiers)


def _string(
    ecosystem: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]
) -> str:
    given = {key: value for key, value in qualifiers.items() if value}
    try:
        return PackageURL(ecosystem, namespace, name, version, given).to_string()
    # A name that is not Unicode or nothing but slashes; TypeError is the library's for a blank one.
    except (ValueError, TypeError):
        return ""


@lru_cache(maxsize=1 << 16)
def key(purl: str) -> Key | None:
    """What it names; None when it is no purl."""
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        return None
    # A Go module's path is split into namespace, name and subpath in more than one way.
    parts = [parsed.namespace, parsed.name, parsed.subpath]
    name = "/".join(part for part in parts if part)
    if parsed.type in ("deb", "apk", "rpm"):
        name = parsed.name  # one image has one distribution; scanners differ in what they call it
    return parsed.type, name.lower(), _EPOCH.sub("", parsed.version or "").removeprefix("v")
