"""SPDX 2.3 in JSON: the image with its packages, the unikernel with those that it has files of, or
may have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from packageurl import PackageURL

from . import identity
from .packages import files_kept, may_be_there, unread
from .text import one_line

_DOCUMENT, _IMAGE, _UNIKERNEL = "SPDXRef-DOCUMENT", "SPDXRef-image", "SPDXRef-unikernel"
_UNKNOWN = "NOASSERTION"


def render(document: Mapping[str, Any]) -> str:
    name = one_line(document["source"]["reference"])
    packages = [_image(document), _unikernel(document), *_packages(document), *_crates(document)]
    spdx = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": name,
        "documentNamespace": identity.urn("spdx", packages),
        "creationInfo": {
            "created": identity.time(document),
            "creators": [f"Tool: {identity.tool(document)}"],
        },
        "packages": packages,
        "relationships": list(_relationships(document)),
    }
    return json.dumps(spdx, indent=2) + "\n"


def _package(spdx_id: str, name: str, version: str, **more: Any) -> dict[str, Any]:
    return {
        "SPDXID": spdx_id,
        "name": one_line(name) or "unnamed",
        **({"versionInfo": one_line(version)} if version else {}),
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        **more,
    }


def _image(document: Mapping[str, Any]) -> dict[str, Any]:
    source, places = document["source"], unread(document)
    said = {"comment": one_line(f"packages not read: {'; '.join(places)}")} if places else {}
    return _package(
        _IMAGE, source["reference"], source["digest"], **said,
        primaryPackagePurpose="CONTAINER",
        externalRefs=[_purl(identity.image_purl(document))],
    )  # fmt: skip


def _unikernel(document: Mapping[str, Any]) -> dict[str, Any]:
    artifact, runtime = document["artifact"], document["runtime"]
    return _package(
        _UNIKERNEL, artifact["name"], "",
        primaryPackagePurpose="OPERATING-SYSTEM",
        checksums=[{"algorithm": "SHA256", "checksumValue": artifact["sha256"]}],
        comment=f"with {runtime['name']} {runtime['version']}",
    )  # fmt: skip


def _packages(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for index, one in enumerate(document["packages"]):
        references = {"externalRefs": [_purl(one["purl"])]} if one["purl"] else {}
        said = f"in the unikernel: {one['state']}, {files_kept(one)}"
        yield _package(_id(index), one["name"], one["version"], comment=said, **references)


def _crates(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the runtime brings, which the image did not have."""
    for index, purl in enumerate(document["runtime"]["components"]):
        parsed = PackageURL.from_string(purl)
        references = {"externalRefs": [_purl(purl)]}
        yield _package(_crate_id(index), parsed.name, parsed.version or "", **references)


def _crate_id(index: int) -> str:
    return f"SPDXRef-runtime-{index}"


def _purl(purl: str) -> dict[str, str]:
    return {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": one_line(purl).replace(" ", "%20"),
    }


def _id(index: int) -> str:
    """The same package may be there more than once."""
    return f"SPDXRef-package-{index}"


def _relationships(document: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    yield _relationship(_DOCUMENT, "DESCRIBES", _UNIKERNEL)
    yield _relationship(_UNIKERNEL, "GENERATED_FROM", _IMAGE)
    for index, one in enumerate(document["packages"]):
        yield _relationship(_IMAGE, "CONTAINS", _id(index))
        if may_be_there(one):
            yield _relationship(_UNIKERNEL, "CONTAINS", _id(index))
    for index, _ in enumerate(document["runtime"]["components"]):
        yield _relationship(_UNIKERNEL, "CONTAINS", _crate_id(index))


def _relationship(element: str, kind: str, related: str) -> dict[str, str]:
    return {
        "spdxElementId": element, "relationshipType": kind, "relatedSpdxElement": related,
    }  # fmt: skip
