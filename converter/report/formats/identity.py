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


def tool(document: Mapping[str, Any]) -> str:
    return f"{document['tool']['name']}-{document['tool']['version']}"


def image_purl(document: Mapping[str, Any]) -> str:
    """The image as scanners name it (purl-spec, type oci): its last name, and its id."""
    reference = one_line(document["source"]["reference"])
    name = reference.removeprefix("docker://").partition("@")[0]
    repository, _, last = name.rpartition("/")
    last = last.partition(":")[0].lower() or "image"
    host = repository.partition("/")[0]
    has_host = host == "localhost" or any(sign in host.strip(".") for sign in ".:")
    qualifiers = {"repository_url": f"{repository}/{last}"} if has_host else {}
    return PackageURL("oci", None, last, document["source"]["digest"], qualifiers).to_string()


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
