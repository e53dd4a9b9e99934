"""The options about what stays of an image and how the result is checked, and the file that says
the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .model import Checks, Stripping
    from .policy import Policy
    from .project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class Project:
    """What is said of a conversion."""

    stripping: Stripping
    checks: Checks
    policy: Policy


class StripWord(StrEnum):
    """`model.StripMode`, as it is typed."""

    safe = "safe"
    closure = "closure"
    traced = "traced"
    none = "none"


class PruneWord(StrEnum):
    """`model.PruneMode`, as it is typed."""

    reachable = "reachable"
    traced = "traced"
    none = "none"


class PolicyWord(StrEnum):
    """Of `policy.POLICIES`, as it is typed."""

    default = "default"


Mode = Annotated[
    StripWord | None,
    typer.Option(
        "--strip",
        help="What to leave out: all but what the program needs (closure, if nothing is said); "
        "the same, but with what a traced run under the probes opened (traced); "
        "only what is known to be dangerous or dead, such as shells, package managers, accounts, "
        "setuid bits, documentation and caches (safe); or nothing (none).",
    ),
]
Prune = Annotated[
    PruneWord | None,
    typer.Option(
        "--prune",
        help="Which system calls to leave out of the kernel: those that no code can reach "
        "(reachable, if nothing is said), those that a traced run under the probes did not make "
        "(traced), or none.",
    ),
]
Keeps = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="PATH",
        help="Keep this path too, a directory with all in it. * stays in one directory, ** is any "
        "number of them. Repeatable.",
    ),
]
Drops = Annotated[
    list[str] | None,
    typer.Option(
        "--drop",
        metavar="PATH",
        help="Drop this path, even if the program needs it, written the same. Of --keep and --drop "
        "the longer path decides. Repeatable.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read the project's rules from FILE; else from .dock2uk.toml beside SOURCE or here.",
    ),
]


Probes = Annotated[
    list[str] | None,
    typer.Option(
        "--probe",
        metavar="QUESTION",
        help="Ask the booted result, and its container: http://:80/path (or http://name:80/path), "
        "tcp:6379, or exec:./smoke.sh, which finds ports in DOCK2UK_HOST, DOCK2UK_PORT and "
        "DOCK2UK_PORT_80. A port without a question is asked for /. Repeatable.",
    ),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-on",
        metavar="RULE",
        help="Exit with status 2 when this holds of the result: shells>0, setuid>0, "
        "cve.high.kept>0, cve.fixable.kept>0, cve.known-exploited.kept>0, cve.epss-10.kept>0 (10 % "
        "or more), cve.partial>0, cve.new>0 (with the runtime), differences>0, effective_uid==0, "
        "scenarios.shell.not_blocked>0, or any figure of report.json by its id. The bundle is "
        "kept. Repeatable.",
    ),
]
NotWorse = Annotated[
    Path | None,
    typer.Option(
        "--fail-if-worse",
        metavar="BASELINE",
        help="Exit with status 2 when the result is worse than this bundle or report.json: more of "
        "what an attacker counts, a setuid file, shell, account, secret or vulnerability that was "
        "not kept there, another answer than the container's, an attack that was blocked. Sizes "
        "and versions are no matter.",
    ),
]
PolicyName = Annotated[
    PolicyWord | None,
    typer.Option(
        "--policy",
        help="Rules beside those of --fail-on. default: no shells, package managers, setuid, "
        "setgid or world-writable files, file capabilities, login accounts, password hashes or "
        "secrets; and where there is data, no vulnerability of critical, high or "
        "unknown severity that may be kept, no difference "
        "from the container, no missing system call, no shell that an attack can start.",
    ),
]
NoVerify = Annotated[
    bool, typer.Option("--no-verify", help="Do not boot the result to see that it serves.")
]
NoCompare = Annotated[
    bool,
    typer.Option(
        "--no-compare",
        help="Do not run the image's container, where docker or podman has it, to compare answers.",
    ),
]
NoScenarios = Annotated[
    bool,
    typer.Option(
        "--no-scenarios",
        help="Do not boot it once more with an attacker in the program's place, to see what is "
        "blocked.",
    ),
]


def project_options(
    mode: Mode = None,
    prune: Prune = None,
    keep: Keeps = None,
    drop: Drops = None,
    probe: Probes = None,
    fail_on: FailOn = None,
    fail_if_worse: NotWorse = None,
    policy: PolicyName = None,
    no_verify: NoVerify = False,
    no_compare: NoCompare = False,
    no_scenarios: NoScenarios = False,
    config: Config = None,
) -> Callable[[str], Project]:
    """What the options say together with the project's file, which depends on the source."""

    def of_source(source: str) -> Project:
        from .model import Checks, PruneMode, Rule, StripMode, Stripping
        from .probes import parse
        from .project_file import find

        file = find(config, source)
        asked = StripMode(mode.value) if mode is not None else None
        pruning = PruneMode(prune.value) if prune is not None else None
        stripping = Stripping(
            mode=asked or file.strip or StripMode.CLOSURE,
            keep=(*file.keep, *(Rule(path, f"--keep {path}") for path in keep or ())),
            drop=(*file.drop, *(Rule(path, f"--drop {path}") for path in drop or ())),
            file=file.path,
            prune=pruning or file.prune or PruneMode.REACHABLE,
        )
        questions = (*file.probe, *map(parse, probe or ()))
        rules = _policy(file, fail_on or [], fail_if_worse, policy)
        checks = Checks(questions, not no_verify, not no_compare, not no_scenarios)
        return Project(stripping, checks, rules)

    return of_source


def policy_options(
    fail_on: FailOn = None,
    fail_if_worse: NotWorse = None,
    policy: PolicyName = None,
    config: Config = None,
) -> Callable[[str], Policy | None]:
    """Rules for what was made before: the project's file counts where one of these is given; None
    where none is."""

    def of_bundle(directory: str) -> Policy | None:
        from .project_file import find

        if not (fail_on or fail_if_worse or policy or config):
            return None
        return _policy(find(config, directory), fail_on or [], fail_if_worse, policy)

    return of_bundle


def _policy(
    file: ProjectFile, fail_on: list[str], baseline: Path | None, asked: PolicyWord | None
) -> Policy:
    """All rules, those of the file first, with where they stand."""
    from .gates import parse
    from .policy import POLICIES, Policy, read_baseline

    name = asked.value if asked is not None else file.policy
    sources = {
        file.path: bool(file.fail_on or file.ignore),
        f"the {name} one": name is not None,
        "--fail-on": bool(fail_on),
        "--fail-if-worse": baseline is not None,
    }
    return Policy(
        gates=(*(POLICIES[name] if name else ()), *file.fail_on, *map(parse, fail_on)),
        ignores=file.ignore,
        baseline=read_baseline(baseline) if baseline is not None else None,
        sources=tuple(source for source, is_used in sources.items() if is_used),
    )
