"""One row of an audit: whether an image can be converted, what it runs, what is to be gained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import secrets
from ..entrypoint import Options, Resolve
from ..errors import Dock2ukError, UndecidedError, UnsupportedError
from ..model import Confidence, Entrypoint
from ..pipeline import Foresight, Request, foresee
from ..progress import Silent
from ..report import foreseen

# In the order in which they are shown.
CONVERTIBLE, CHANGED, UNDECIDED, REFUSED, UNREAD = VERDICTS = (
    "convertible", "convertible with a change", "undecided", "not convertible", "not read",
)  # fmt: skip
_MOST_RISKS = 20


def row(source: str, resolve: str) -> dict[str, Any]:
    return assess(Request(source, entrypoint=Options(resolve=Resolve(resolve))))


def assess(request: Request) -> dict[str, Any]:
    """Never an error: what went wrong is the row."""
    try:
        return _found(request, foresee(request, Silent()))
    except UndecidedError as undecided:
        hint = undecided.hint or "--resolve record runs its start-up in a sandbox; or --entrypoint"
        return without(request.reference, UNDECIDED, undecided.reasons, hint)
    except UnsupportedError as unsupported:
        return without(request.reference, REFUSED, unsupported.reasons, unsupported.hint)
    except Dock2ukError as problem:
        return without(request.reference, UNREAD, (problem.message,), problem.hint)
    except Exception as problem:
        said = f"an error of dock2uk's own, {type(problem).__name__}: {problem}"
        return without(request.reference, UNREAD, (said,), None)


def _found(request: Request, found: Foresight) -> dict[str, Any]:
    changes = [f"recipe {one.name}: {one.change}" for one in found.entrypoint.recipes]
    return {
        "source": request.reference,
        "digest": found.image.digest,
        "verdict": CHANGED if changes else CONVERTIBLE,
        "because": changes,
        "hint": None,
        "program": _program(found.entrypoint),
        "risks": list(_risks(found))[:_MOST_RISKS],
        "metrics": foreseen(found),
    }


def without(
    source: str, verdict: str, because: tuple[str, ...], hint: str | None = None
) -> dict[str, Any]:
    """The row of an image that no program was found in."""
    return {
        "source": source, "digest": None, "verdict": verdict, "because": list(because),
        "hint": hint, "program": None, "risks": [], "metrics": [],
    }  # fmt: skip


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
    return [*risks, *found.analysis.findings, *found.rootfs.notes]
