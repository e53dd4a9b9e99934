"""What of a report somebody should look at, for the forms that list findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..amounts import amount

_DROP = "Drop it, or use --strip closure."
# Names are for good: code scanning and lists of what is borne know findings by them.
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
    "setuid-kept": (True, "A setuid or setgid file is kept", _DROP),
    "shell-kept": (True, "A shell is kept", _DROP),
    "package-manager-kept": (True, "A package manager is kept", _DROP),
    "capability-kept": (True, "A file with capabilities is kept", _DROP),
    "world-writable-kept": (
        True,
        "A path that everybody may write is kept",
        "Take the right from others in the image, or drop it.",
    ),
    "login-account-kept": (
        True,
        "An account with a login shell is kept",
        "Give it /usr/sbin/nologin in the image, or use --strip closure.",
    ),
    "password-hash-kept": (
        True,
        "An account with a password is kept",
        "Lock it in the image, or use --strip closure.",
    ),
    "empty-password-kept": (
        True,
        "An account that needs no password is kept",
        "Lock it in the image, or use --strip closure.",
    ),
    "interpreter-kept": (
        False,
        "An interpreter is kept",
        "Where the program does not run in it, drop it: whoever takes the program over has it.",
    ),
    "network-tool-kept": (False, "A network tool is kept", _DROP),
    "tool-kept": (False, "A tool to live off the land is kept", _DROP),
    "runs-as-root": (
        False,
        "The program begins as user 0",
        "Give the image a USER, or convert it with --user.",
    ),
    "more-than-before": (
        False,
        "There is more of it in the unikernel than in the image",
        "report.json has the evidence of both sides.",
    ),
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
# What the default policy counts (`policy.DEFAULT`), and what an attacker has beside.
_OF_METRICS = {
    "setuid": "setuid-kept",
    "setgid": "setuid-kept",
    "shells": "shell-kept",
    "package_managers": "package-manager-kept",
    "capabilities": "capability-kept",
    "world_writable": "world-writable-kept",
    "login_accounts": "login-account-kept",
    "password_hashes": "password-hash-kept",
    "empty_passwords": "empty-password-kept",
    "interpreters": "interpreter-kept",
    "network_tools": "network-tool-kept",
    "living_off_the_land": "tool-kept",
    "runs_as_root": "runs-as-root",
}
# More of these is not worse: a locked password is no way in, and the guest's processes are counted
# while it is asked, the container's while nobody asks.
_MORE_IS_NOT_WORSE = ("locked_passwords", "forks_after_ready", "execs_after_ready")


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
    yield from _of_metrics(document["metrics"])
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


def _of_metrics(metrics: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What is kept, each once, for a file may be setuid and setgid; then what is more."""
    kept = (
        Finding(_OF_METRICS[metric["id"]], evidence)
        for metric in metrics
        if metric["id"] in _OF_METRICS and metric["after"]
        for evidence in metric["evidence"]["after"]
    )
    yield from dict.fromkeys(kept)
    for metric in metrics:
        if metric["id"] not in _MORE_IS_NOT_WORSE and _is_more(metric["before"], metric["after"]):
            before, after = (amount(metric[when], metric["unit"]) for when in ("before", "after"))
            yield Finding("more-than-before", f"{metric['name']}: {before} before, {after} now")


def _is_more(before: int | None, after: int | None) -> bool:
    return before is not None and after is not None and after > before


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
