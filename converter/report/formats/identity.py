"""What other formats need and report.json has in its own way: names, digests, times, ids."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from packageurl import PackageURL

from .text import one_line

_EPOCH = "1970-01-01T00:00:00Z"
_HEX_DIGITS = 64
_DOCKER_HUB = "docker.io"
_HUB = "index.docker.io"  # what scanners call it (go-containerregistry)


def tool(document: Mapping[str, Any]) -> str:
    return f"{document['tool']['name']}-{document['tool']['version']}"


def image_digest(document: Mapping[str, Any]) -> str:
    """Of the manifest, as purl-spec has it; the image ID where nobody knows the manifest."""
    return next(iter(_manifests(document)), str(document["source"]["digest"]))


def image_purl(document: Mapping[str, Any]) -> str:
    """The image as trivy names it (purl-spec, type oci), with its repository where it has one."""
    repository = document["source"].get("repository") or ""
    host, _, path = one_line(repository).partition("/")
    where = f"{_HUB if host == _DOCKER_HUB else host}/{path}"
    qualifiers = {"repository_url": where} if repository else {}
    return _oci(document, image_digest(document), qualifiers)


def product_purls(document: Mapping[str, Any]) -> list[str]:
    """The image as a product of OpenVEX: by each digest that scanners may have it by, for they take
    that of the index where a name leads to one. Every qualifier that a statement has must be the
    scanner's (go-vex, PurlMatches), and `repository_url` is HOST/PATH/NAME for trivy and HOST/PATH
    for grype: so there is none."""
    digests = _manifests(document) or [document["source"]["digest"]]
    return [_oci(document, digest, {}) for digest in digests]


def unikernel_purl(document: Mapping[str, Any]) -> str:
    """What was made, by its content (purl-spec, type generic)."""
    artifact = document["artifact"]
    checksum = {"checksum": f"sha256:{artifact['sha256']}"}
    return PackageURL("generic", None, one_line(artifact["name"]), None, checksum).to_string()


def _manifests(document: Mapping[str, Any]) -> list[str]:
    return list(document["source"].get("manifest_digests", ()))  # not in older reports


def _oci(document: Mapping[str, Any], digest: str, qualifiers: Mapping[str, str]) -> str:
    name = one_line(document["source"].get("name", "")).strip("/. ").lower() or "image"
    return PackageURL("oci", None, name, digest, dict(qualifiers)).to_string()


def time(document: Mapping[str, Any]) -> str:
    """RFC 3339: SOURCE_DATE_EPOCH (reproducible-builds.org), else when the image was made, so that
    the same report is the same bytes."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal() and len(given) < 12:
        moment = datetime.datetime.fromtimestamp(int(given), datetime.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        made = datetime.datetime.fromisoformat(document["source"]["created"] or _EPOCH)
        return made.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return _EPOCH


def urn(kind: str, content: Any) -> str:
    """An id that its content gives."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"urn:dock2uk:{kind}:{digest[:_HEX_DIGITS]}"


def hex_digest(digest: str) -> str:
    return digest.partition(":")[2]
