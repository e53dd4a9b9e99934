"""What of a report somebody should look at, for the forms that list findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Rule -> whether it is worse than a warning, its title, and what to do about it.
RULES: Mapping[str, tuple[bool, str, str]] = {
    "verification-failed": (
        True,
        "The booted unikernel did not answer",
        "Read the console of `dock2uk run`; `explain` says why a path or a system call is missing.",
    ),
    "differs-from-container": (
        True,
        "The unikernel answers otherwise than the container",
        "See what was left out, and keep what is needed with --keep or .dock2uk.toml.",
    ),
    "missed-system-call": (
        False,
        "The program asked for a system call that is not linked",
        "--keep-syscall NAME links it.",
    ),
    "attack-not-blocked": (
        False,
        "An attack that was tried in the booted guest was not blocked",
        "report.json says step by step what was done; the boundary is the hypervisor.",
    ),
    "setuid-kept": (True, "A setuid or setgid file is kept", "Drop it, or use --strip closure."),
    "shell-kept": (True, "A shell is kept", "Drop it, or use --strip closure."),
    "secret-kept": (
        True,
        "A secret is in the unikernel",
        "Give it to `run` when it starts, or leave its file out with --drop.",
    ),
    "secret-in-image": (
        False,
        "A secret is in the source image",
        "Whoever has the image has it: build without it, and have it changed.",
    ),
    "vulnerability-kept": (
        True,
        "A package with a known vulnerability is kept, or a part of it",
        "Update the package in the image; a part that is kept need not be the vulnerable one.",
    ),
}
_OF_METRICS = {"setuid": "setuid-kept", "setgid": "setuid-kept", "shells": "shell-kept"}


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    message: str


def findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """In the order of the report."""
    yield from _of_boot(document["verification"], document["comparison"])
    for one in document["scenarios"]:
        if one["result"] == "not blocked":
            yield Finding("attack-not-blocked", f"{one['name']} ({one['technique']})")
    for metric in document["metrics"]:
        rule = _OF_METRICS.get(metric["id"])
        for evidence in metric["evidence"]["after"] if rule else ():
            yield Finding(str(rule), evidence)
    for secret in document["secrets"]:
        if secret["published_with"] is None:
            rule = "secret-kept" if secret["is_kept"] else "secret-in-image"
            yield Finding(rule, f"{secret['kind']} in {secret['place']}")
    for found in (document["vulnerabilities"] or {"found": ()})["found"]:
        if found["state"] != "removed":
            kept = f"{found['id']} ({rating(found)}) of {found['package']}: {found['state']}"
            yield Finding("vulnerability-kept", kept)


def rating(found: Mapping[str, Any]) -> str:
    """How bad a vulnerability is, and what is known of attacks by it (not in older reports)."""
    known = ["known exploited"] if found.get("known_exploited") else []
    chance = [] if found.get("epss") is None else [f"EPSS {found['epss']:.2%}"]
    return ", ".join([found["severity"], *known, *chance])


def unlisted(document: Mapping[str, Any]) -> dict[str, int]:
    """Rule -> how many more findings there are than those above, for long lists of evidence are
    cut in the report; only rules that have some."""
    counts: Counter[str] = Counter()
    for metric in document["metrics"]:
        if metric["id"] in _OF_METRICS:
            left_out = metric["evidence"].get("left_out", {"after": 0})  # not in older reports
            counts[_OF_METRICS[metric["id"]]] += left_out["after"]
    return {rule: count for rule, count in counts.items() if count}


def _of_boot(
    verification: Mapping[str, Any] | None, comparison: Mapping[str, Any]
) -> Iterator[Finding]:
    for probe in verification["probes"] if verification else ():
        if not probe["is_passed"]:
            yield Finding("verification-failed", f"{probe['question']}: {probe['answer']}")
    for name in verification["missed_system_calls"] if verification else ():
        yield Finding("missed-system-call", name)
    for answer in comparison["answers"]:
        for difference in answer["differences"]:
            yield Finding("differs-from-container", f"{answer['question']}: {difference}")
