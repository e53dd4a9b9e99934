"""OpenVEX 0.2.0: what the unikernel says of the image's known vulnerabilities.

A package of which no file is left is not there; one without a purl cannot be named, and a product
alone would mean every package of it (go-vex, Product.Matches). Of one that is partially kept nobody
knows here whether the vulnerable file is among those left, and of one that is kept nobody asked
whether it is reached: all these are under investigation. What is new with the runtime is said of
the unikernel, for the image never had it.

A statement of 0.2.0 has no member for severity, EPSS, known exploitation and versions without the
vulnerability: report.json and CycloneDX have these.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import Dock2ukError
from ...vulnerability_figures import no_data
from . import identity
from .subcomponents import matching
from .text import NothingToSayError, one_line

_REMOVED = {
    "status": "not_affected",
    "justification": "component_not_present",
    "impact_statement": "no file of the package is in the unikernel",
}
_OPEN = {"status": "under_investigation"}
_NEW = "new with the runtime"


def render(document: Mapping[str, Any]) -> str:
    """NothingToSayError where no vulnerability is known: a document says something of one at least;
    Dock2ukError where there is no data."""
    known = document["vulnerabilities"]
    if known is None:
        raise Dock2ukError(
            "no OpenVEX without data on vulnerabilities",
            hint="give --vulns FILE or --vuln-db DIR to convert",
        )
    if not known["found"]:
        said = "; ".join(["OpenVEX has nothing to say: no vulnerability is known", *no_data(known)])
        raise NothingToSayError(said)
    image, made = identity.product_purls(document), [identity.unikernel_purl(document)]
    statements = [
        _statement(one, made if one["state"] == _NEW else image) for one in known["found"]
    ]
    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": identity.urn("vex", statements),
        "author": "dock2uk",
        "timestamp": identity.time(document),
        "version": 1,
        "tooling": identity.tool(document),
        "statements": statements,
    }
    return json.dumps(vex, indent=2) + "\n"


def _statement(found: Mapping[str, Any], products: Sequence[str]) -> dict[str, Any]:
    package = one_line(found["package"])
    parts = [{"@id": one} for one in matching(package)] if package.startswith("pkg:") else []
    of_package = {"subcomponents": parts} if parts else {}
    aliases = [one_line(alias) for alias in found["aliases"]]
    named = {"name": one_line(found["id"]), **({"aliases": aliases} if aliases else {})}
    return {
        "vulnerability": named,
        "products": [{"@id": product, **of_package} for product in products],
        **(_REMOVED if parts and found["state"] == "removed" else _OPEN),
    }
