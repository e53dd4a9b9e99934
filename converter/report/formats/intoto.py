"""An in-toto Statement v1 with SLSA provenance v1: what the unikernel was made from, by what, how.

It is not signed: who signs it says by that who ran the conversion.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from packageurl import PackageURL

from . import identity
from .text import one_line

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://slsa.dev/provenance/v1"
_BUILD_TYPE = "urn:dock2uk:convert:v1"
_BUILDER = "urn:dock2uk:cli"


def render(document: Mapping[str, Any]) -> str:
    artifact, tool = document["artifact"], document["tool"]
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": artifact["name"], "digest": {"sha256": artifact["sha256"]}}],
        "predicateType": _PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": _parameters(document),
                "resolvedDependencies": _dependencies(document),
            },
            "runDetails": {"builder": {"id": _BUILDER, "version": {tool["name"]: tool["version"]}}},
        },
    }
    return json.dumps(statement, indent=2) + "\n"


def _parameters(document: Mapping[str, Any]) -> dict[str, Any]:
    stripping, entrypoint = document["stripping"], document["entrypoint"]
    return {
        **{name: _words(value) for name, value in document.get("options", {}).items()},
        "source": one_line(document["source"]["reference"]),
        "strip": stripping["mode"],
        "prune": stripping["prune"],
        "keep": [one_line(rule["pattern"]) for rule in stripping["keep"]],
        "drop": [one_line(rule["pattern"]) for rule in stripping["drop"]],
        "exe": one_line(entrypoint["exe"]),
        "argv": [one_line(word) for word in entrypoint["argv"]],
    }


def _dependencies(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    runtime = document["runtime"]
    library = PackageURL("generic", None, runtime["name"], runtime["version"]).to_string()
    return [
        {
            "uri": identity.image_purl(document),
            "digest": {"sha256": identity.hex_digest(identity.image_digest(document))},
        },
        {"uri": library, "name": runtime["name"], **_digest(runtime.get("library"))},
    ]


def _words(value: Any) -> Any:
    """Options are words, lists of such, or none."""
    if isinstance(value, list):
        return [one_line(one) for one in value]
    return one_line(value) if isinstance(value, str) else value


def _digest(library: Mapping[str, Any] | None) -> dict[str, Any]:
    """Of the static archive that was linked; older reports do not name it."""
    return {} if library is None else {"digest": {"sha256": library["sha256"]}}
