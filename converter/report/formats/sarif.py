"""SARIF 2.1.0 (OASIS), as code scanning takes it: every finding at the image, which is no file of
the repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ...vulnerability_figures import no_data
from .findings import RULES, Finding, findings, unlisted
from .text import one_line

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST_RESULTS = 5000  # more are not stored by code scanning
_MOST_CHARACTERS = 1000


def render(document: Mapping[str, Any]) -> str:
    """One run, with the rules that findings name. What is not listed is no result but told of the
    run (§ 3.20.21), with its number; so is what nobody has data on."""
    found, more = list(findings(document)), unlisted(document)
    missing = no_data(document["vulnerabilities"])
    cut = max(0, len(found) - _MOST_RESULTS)
    names = list(dict.fromkeys(one.rule for one in found))
    place = quote(document["source"]["reference"].strip("/"), errors="surrogateescape")
    run = {
        "tool": {"driver": {"name": "dock2uk", "rules": [_rule(name) for name in names]}},
        "results": [
            _result(one, names.index(one.rule), place or "image") for one in found[:_MOST_RESULTS]
        ],
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    *_notifications(more, cut),
                    *(_note(f"vulnerabilities: {one}") for one in missing),
                ],
            }
        ],
        "properties": {
            "image": document["source"]["digest"],
            "findings": len(found) + sum(more.values()),
        },
    }
    sarif = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(sarif, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    is_error, title, help_text = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": title},
        "help": {"text": help_text},
        "defaultConfiguration": {"level": _level(is_error)},
    }


def _notifications(more: Mapping[str, int], cut: int) -> Iterator[dict[str, Any]]:
    for rule, count in more.items():
        yield _note(f"{RULES[rule][1]}: {count} more, which report.json counts and does not list")
    if cut:
        yield _note(f"{cut} more findings are in report.json")


def _note(text: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": one_line(text)}}


def _level(is_error: bool) -> str:
    return "error" if is_error else "warning"


def _result(finding: Finding, index: int, place: str) -> dict[str, Any]:
    whole = one_line(finding.message)
    is_cut = len(whole) > _MOST_CHARACTERS
    message = f"{whole[: _MOST_CHARACTERS - 1]}…" if is_cut else whole
    digest = hashlib.sha256(f"{finding.rule}\0{message}".encode()).hexdigest()
    where = {"physicalLocation": {"artifactLocation": {"uri": place}, "region": {"startLine": 1}}}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _level(RULES[finding.rule][0]),
        "message": {"text": message},
        "locations": [where],
        "partialFingerprints": {"finding/v1": digest},
    }
