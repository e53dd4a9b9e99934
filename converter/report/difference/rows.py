"""What a difference lists, a line each, and what it says nothing of, from the document alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import settings

_DIGEST = re.compile("(sha256:[0-9a-f]{12})[0-9a-f]*")
_NOT_RUN = "not run"
_MOST_EVIDENCE = 5  # of a figure
# Figures of which another one is news, whatever the number; files and packages have their lists.
_TOLD_ONE_BY_ONE = frozenset({
    "shells", "package_managers", "setuid", "setgid", "capabilities", "world_writable",
    "interpreters", "network_tools", "living_off_the_land", "secrets", "accounts",
    "login_accounts", "root_accounts", "password_hashes", "empty_passwords", "privilege_rules",
    "scheduled", "undeclared_ports",
})  # fmt: skip
_DATA = {
    "image": "convert it with --vulns FILE or --vuln-db DIR, and give the bundle",
    "unikernel": "convert it again with --vulns FILE or --vuln-db DIR",
}


def lists(document: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[str]]]:
    """What is listed, by its title; nothing that is empty."""
    packages, files = document["packages"], document["files"]
    known = document["vulnerabilities"] or {"gone": (), "new": ()}
    rows = {
        "settings changed": list(settings.changes(document["settings"])),
        "new behind the figures": list(_evidence(document["metrics"], "new")),
        "gone behind the figures": list(_evidence(document["metrics"], "gone")),
        "packages gone": [_package(one) for one in packages["gone"]],
        "packages new": [_package(one) for one in packages["new"]],
        "packages changed": [
            f"{one['name']} {', '.join(one['first'])} -> {', '.join(one['second'])}"
            for one in packages["changed"]
        ],
        "vulnerabilities gone": [_vulnerability(one) for one in known["gone"]],
        "vulnerabilities new": [_vulnerability(one) for one in known["new"]],
        **_attacks(document["scenarios"] or ()),
        "paths gone": files["gone"],
        "paths new": files["new"],
        "paths changed": [
            f"{one['path']}: {_short(one['first'])}, then {_short(one['second'])}"
            for one in files["changed"]
        ],
    }
    yield from ((title, found) for title, found in rows.items() if found)


def silences(document: Mapping[str, Any]) -> Iterator[str]:
    """What was not compared, for which side's sake, and what would help."""
    sides = [document[which] for which in ("first", "second")]
    if missing := settings.one_sided(document["settings"]):
        yield f"settings: not compared, for one side has none: {', '.join(missing)}"
    for side in sides:
        if not side["has_vulnerabilities"]:
            said = f"vulnerabilities: not compared, there is no data on {side['name']}"
            yield f"{said}: {_DATA[side['kind']]}"
    yield from _attacks_not_compared(document["scenarios"], sides)
    if not document["files"]["are_contents_compared"]:
        yield "contents of files: not compared, a bundle's report has paths alone"


def _evidence(metrics: Sequence[Mapping[str, Any]], which: str) -> Iterator[str]:
    for one in metrics:
        if one["id"] in _TOLD_ONE_BY_ONE:
            lines = one[which]
            yield from (f"{one['name']}: {line}" for line in lines[:_MOST_EVIDENCE])
            if len(lines) > _MOST_EVIDENCE:
                yield f"{one['name']}: and {len(lines) - _MOST_EVIDENCE} more"


def _attacks(scenarios: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Those that came to something else, and what the others came to, of those that were run."""
    run = [one for one in scenarios if _NOT_RUN not in (one["first"], one["second"])]
    return {
        "attacks that end otherwise": [
            f"{_attack(one)}: {_result(one['first'])}, then {_result(one['second'])}"
            for one in run
            if one["first"] != one["second"]
        ],
        "attacks that end the same": [
            f"{_attack(one)}: {_result(one['first'])}"
            for one in run
            if one["first"] == one["second"]
        ],
    }


def _attacks_not_compared(
    scenarios: Sequence[Mapping[str, Any]] | None, sides: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    images = [side["name"] for side in sides if side["kind"] == "image"]
    if images:
        yield f"attacks: not compared, nobody attacks an image, as {' and '.join(images)} is"
    elif scenarios is None:
        yield "attacks: not compared, one of the reports has none"
    for which, side in zip(("first", "second"), sides, strict=True):
        count = sum(1 for one in scenarios or () if one[which] == _NOT_RUN)
        if count:
            yield (
                f"attacks: {count} not compared, for they were not run on {side['name']}: convert "
                "it without --no-verify and --no-scenarios"
            )


def _attack(one: Mapping[str, str]) -> str:
    return f"{one['name']} ({one['technique']})"


def _result(result: str | None) -> str:
    return result or "not among its attacks"


def _short(described: str) -> str:
    return _DIGEST.sub(r"\1", described)


def _package(one: Mapping[str, Any]) -> str:
    return f"{one['name']} {', '.join(one['versions'])} ({one['ecosystem']})"


def _vulnerability(one: Mapping[str, str]) -> str:
    return f"{one['id']} ({one['severity']}) of {one['package']}"
