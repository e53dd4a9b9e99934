"""One row of an audit: whether an image can be converted, what it runs, what is to be gained."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import entrypoint_document, packages, secrets, vulnerabilities
from ..entrypoint import Options, Resolve
from ..errors import (
    Dock2ukError,
    OtherPlatformError,
    SandboxUnavailableError,
    StartupError,
    UndecidedError,
    UnsupportedError,
)
from ..ingest import DEFAULT_OPTIONS, SourceOptions
from ..model import Confidence, Entrypoint
from ..pipeline import Foresight, Request, foresee
from ..progress import Silent
from ..report import foreseen
from .changes import findings

# What each means, in the order in which they are shown.
MEANINGS = {
    "convertible": "convert makes it work, as far as can be told without a boot",
    "convertible, to be tested": "something may be missing, which only a test of it shows",
    "convertible with a change": "it needs what is named: an option, or what a recipe does",
    "undecided": "which program it runs is not known with these options, or its start-up failed",
    "not convertible": "no runtime can carry it",
    "not read": "it cannot be reached or read, or the look at it failed",
}
CONVERTIBLE, TESTED, CHANGED, UNDECIDED, REFUSED, UNREAD = VERDICTS = tuple(MEANINGS)
_MOST_RISKS = 20
_SLOW = "the bound on time"  # as the sandbox names it
_LONGER = "--start-up-timeout SECONDS gives it longer"
_NAMED = "convert it with --entrypoint PROGRAM --cmd ARGUMENTS"
_RECORDED = f"--resolve auto runs its start-up in a sandbox; or {_NAMED}"
# As `entrypoint.shell` says of `${NAME:?}`, and of any other variable under `set -u`.
_UNSET = re.compile(r"ends the script: (\w+) is not set")


_READ = Options(resolve=Resolve.STATIC)


@dataclass(frozen=True, slots=True)
class How:
    """What an audit is told about all of its images."""

    program: Options = _READ
    places: SourceOptions = DEFAULT_OPTIONS
    known: vulnerabilities.Known | None = None


AS_READ = How()


def row(source: str, how: How) -> dict[str, Any]:
    return assess(Request(source, how.places, how.program, known=how.known))


def assess(request: Request) -> dict[str, Any]:
    """Never an error: what went wrong is the row."""
    try:
        return _found(request, foresee(request, Silent()))
    except UndecidedError as undecided:
        hint = _needed(undecided.reasons) or _RECORDED
        return without(request.reference, UNDECIDED, undecided.reasons, hint)
    except UnsupportedError as unsupported:
        return _refused(request, unsupported)
    except (StartupError, SandboxUnavailableError) as problem:
        longer = f"{_LONGER}; or {_NAMED}" if _SLOW in problem.message else _NAMED
        hint = problem.hint or _needed(_read_before(problem)) or longer
        return without(request.reference, UNDECIDED, (problem.message,), hint)
    except OtherPlatformError as problem:
        return without(request.reference, REFUSED, (problem.message,), problem.hint)
    except Dock2ukError as problem:
        return without(request.reference, UNREAD, (problem.message,), problem.hint)
    except Exception as problem:
        said = f"an error of dock2uk's own, {type(problem).__name__}: {problem}"
        return without(request.reference, UNREAD, (said,), None)


def _refused(request: Request, unsupported: UnsupportedError) -> dict[str, Any]:
    """Undecided where it is this machine that cannot run a start-up."""
    hint = unsupported.hint
    if any(isinstance(one, SandboxUnavailableError) for one in _behind(unsupported)):
        return without(request.reference, UNDECIDED, unsupported.reasons, hint)
    if hint is not None and "--" in hint and not hint.startswith("convert"):
        hint = f"with convert: {hint}"  # which has options that an audit has not
    return without(request.reference, REFUSED, unsupported.reasons, hint)


def _read_before(problem: BaseException) -> tuple[str, ...]:
    """Why it was run at all: what reading had left open."""
    undecided = (one for one in _behind(problem) if isinstance(one, UndecidedError))
    return next((one.reasons for one in undecided), ())


def _behind(problem: BaseException) -> Iterator[BaseException]:
    """What it was raised for, the nearest first: it may have been told anew in other words."""
    before = problem.__cause__ or problem.__context__
    while before is not None:
        yield before
        before = before.__cause__ or before.__context__


def _needed(reasons: Iterable[str]) -> str | None:
    """The variables without which the start-up says that it will not begin."""
    names = dict.fromkeys(name for one in reasons for name in _UNSET.findall(one))
    given = " ".join(f"-e {name}=VALUE" for name in names)
    return f"convert it with {given}" if given else None


def _found(request: Request, found: Foresight) -> dict[str, Any]:
    told = findings(found)
    doubted = TESTED if told.doubts else CONVERTIBLE
    known = _vulnerabilities(request, found)
    risks = [*_risks(found), *told.risks, *found.rootfs.notes, *_unknown(known)]
    return {
        "source": request.reference,
        "digest": found.image.digest,
        "verdict": CHANGED if told.changes else doubted,
        "because": _shown(found, [*told.changes, *told.doubts]),
        "hint": None,
        "program": _program(found.entrypoint),
        "risks": _shown(found, risks[:_MOST_RISKS]),
        "risks_unlisted": len(risks[_MOST_RISKS:]),
        "metrics": foreseen(found, known),
    }


def without(
    source: str, verdict: str, because: tuple[str, ...], hint: str | None = None
) -> dict[str, Any]:
    """The row of an image that no program was found in."""
    return {
        "source": source, "digest": None, "verdict": verdict, "because": list(because),
        "hint": hint, "program": None, "risks": [], "risks_unlisted": 0, "metrics": [],
    }  # fmt: skip


def _vulnerabilities(request: Request, found: Foresight) -> vulnerabilities.Vulnerabilities | None:
    if request.known is None:
        return None
    crates = packages.crates(found.match.runtime.components)
    return vulnerabilities.match(found.inventory, request.known, crates)


def _unknown(known: vulnerabilities.Vulnerabilities | None) -> Iterator[str]:
    for one in known.no_data if known is not None else ():
        count = len(one.packages)
        yield f"vulnerabilities: no data of {count} {one.ecosystem} packages: {one.because}"


def _shown(found: Foresight, sentences: list[str]) -> list[str]:
    """As the report has them, without secrets."""
    config = found.image.config
    command = (*config.entrypoint, *config.cmd)
    told = entrypoint_document.given_secrets(found.entrypoint, command, env=config.env)
    return list(entrypoint_document.without(told, sentences))


def _program(entrypoint: Entrypoint) -> Mapping[str, Any]:
    return {
        "exe": entrypoint.exe,
        "argv": secrets.masked_words(entrypoint.argv),
        "uid": entrypoint.uid,
        "ports": list(entrypoint.ports),
        "method": entrypoint.method,
        "confidence": entrypoint.confidence.value,
    }


def _risks(found: Foresight) -> list[str]:
    """What may make the unikernel do otherwise than the container, or be less than hoped for."""
    risks = []
    if found.entrypoint.confidence is Confidence.READ:
        risks.append("its start-up was read, not run: files that it makes are not counted")
    if found.entrypoint.uid == 0:
        risks.append("it runs as user 0")
    calls = found.analysis.calls
    if calls is not None and calls.unbounded:
        risks.append(f"any system call may be made: {calls.unbounded[0]}")
    return risks
