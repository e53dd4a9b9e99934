"""CycloneDX 1.6: the packages of the source image (before), those of which the unikernel has files
(after) or may have, and what that says of their vulnerabilities (VEX).

`dock2uk:state` and its like are properties of ours; `dock2uk:packages-unread` and `dock2uk:no-data`
say why there may be more than is listed. A package that is partially kept may have its vulnerable
part: nobody knows here, so its vulnerabilities are in triage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packageurl import PackageURL

from ...vulnerability_figures import no_data
from . import identity
from .packages import may_be_there, unread
from .text import one_line

_SEVERITIES = {"negligible": "info"}  # the others are called the same
_PRESENT = {"state": "in_triage"}
_ABSENT = {
    "state": "not_affected",
    "justification": "code_not_present",
    "detail": "no file of the package is in the unikernel",
}


def render(document: Mapping[str, Any]) -> str:
    """Without time and serial number, so that the same report gives the same bytes."""
    source, packages = document["source"], document["packages"]
    image = {
        "type": "container",
        "name": one_line(source["reference"]),
        "version": source["digest"],
        "purl": identity.image_purl(document),
        "bom-ref": source["digest"],
    }
    known = document["vulnerabilities"] or {"found": ()}
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "dock2uk"}]},
            "component": image,
            "properties": [
                *_properties("dock2uk:packages-unread", unread(document)),
                *_properties("dock2uk:no-data", no_data(document["vulnerabilities"])),
            ],
        },
        "components": [
            *(_component(index, one) for index, one in enumerate(packages)),
            _unikernel(document),
        ],
        "dependencies": _dependencies(document),
        "vulnerabilities": [_vulnerability(one, packages) for one in known["found"]],
    }
    return json.dumps(bill, indent=2) + "\n"


def _properties(name: str, values: Iterable[str]) -> list[dict[str, str]]:
    return [{"name": name, "value": one_line(value)} for value in values]


def _unikernel(document: Mapping[str, Any]) -> dict[str, Any]:
    artifact, runtime = document["artifact"], document["runtime"]
    return {
        "type": "operating-system",
        "bom-ref": artifact["sha256"],
        "name": artifact["name"],
        "version": f"{runtime['name']} {runtime['version']}",
        "hashes": [{"alg": "SHA-256", "content": artifact["sha256"]}],
        "components": [_crate(purl) for purl in runtime["components"]],
    }


def _crate(purl: str) -> dict[str, Any]:
    """What the runtime brings, which the image did not have."""
    parsed = PackageURL.from_string(purl)
    return {
        "type": "library", "bom-ref": purl, "name": parsed.name, "version": parsed.version or "",
        "purl": purl,
    }  # fmt: skip


def _dependencies(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the image has, before; what the unikernel has or may have something of, after."""
    packages = list(enumerate(document["packages"]))
    kept = [_reference(index, one) for index, one in packages if may_be_there(one)]
    return [
        {
            "ref": document["source"]["digest"],
            "dependsOn": [_reference(index, one) for index, one in packages],
        },
        {"ref": document["artifact"]["sha256"], "dependsOn": kept},
    ]


def _component(index: int, package: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "dock2uk:state": package["state"],
        "dock2uk:files": str(package["files"]),
        "dock2uk:files-kept": str(package["files_kept"]),
        "dock2uk:recorded-in": one_line(package["recorded_in"]),
    }
    return {
        "type": "library",
        "bom-ref": _reference(index, package),
        "name": one_line(package["name"]),
        "version": one_line(package["version"]),
        **({"purl": one_line(package["purl"])} if package["purl"] else {}),
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }


def _reference(index: int, package: Mapping[str, Any]) -> str:
    """The same package may be there more than once."""
    return f"{index}:{one_line(package['purl'] or package['name'])}"


def _vulnerability(
    found: Mapping[str, Any], packages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    severity = _SEVERITIES.get(found["severity"], found["severity"])
    references = [
        {"ref": _reference(index, one)}
        for index, one in enumerate(packages)
        if one["purl"] == found["package"]
    ]
    if found["state"] == "new with the runtime":
        references = [{"ref": found["package"]}]
    return {
        "id": one_line(found["id"]),
        "ratings": [{"severity": severity}],
        "analysis": _ABSENT if found["state"] == "removed" else _PRESENT,
        **_mended(found),
        **({"affects": references} if references else {}),
        **_exploited(found),
    }


def _mended(found: Mapping[str, Any]) -> dict[str, str]:
    versions = " or ".join(map(one_line, found.get("fixed", ())))
    return {"recommendation": f"update to {versions}"} if versions else {}


def _exploited(found: Mapping[str, Any]) -> dict[str, Any]:
    """What a source says; the schema's ratings have no method for either."""
    epss = found.get("epss")
    known = ["true"] if found.get("known_exploited") else []
    properties = [
        *_properties("dock2uk:known-exploited", known),
        *_properties("dock2uk:epss", [] if epss is None else [str(epss)]),
    ]
    return {"properties": properties} if properties else {}
