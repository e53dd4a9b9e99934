"""calls.json: which system calls the program can make and by which way, and which are linked.

Written by the pipeline, read by `explain --syscall`. Names are those of the runtime's table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .errors import Dock2ukError
from .model import ReachableCalls
from .runtime import Match

NAME = "calls.json"
VERSION = 1


def document(calls: ReachableCalls | None, match: Match) -> dict[str, Any]:
    """As JSON values; `calls` is None where nothing was analysed."""
    linked = {call.name for call in match.system_calls}
    sites = calls.sites if calls is not None else {}
    unbounded = calls.unbounded if calls is not None else ("the code was not analysed",)
    per_file = calls.per_file if calls is not None else {}
    return {
        "version": VERSION,
        "unbounded": list(unbounded),
        "notes": list(calls.notes) if calls is not None else [],
        "counts": {
            "reachable": len(sites),
            "linked": len(linked),
            "table": len(match.runtime.system_calls),
        },
        "files": [{"path": path, "calls": len(numbers)} for path, numbers in per_file.items()],
        "calls": [
            {
                "number": call.number,
                "name": call.name,
                "level": call.level,
                "is_linked": call.name in linked,
                "because": match.reasons.get(call.name, ""),
                "way": list(sites[call.number].chain) if call.number in sites else [],
                "place": _place(sites, call.number),
            }
            for call in match.runtime.system_calls
        ],
    }


def _place(sites: Mapping[int, Any], number: int) -> str | None:
    site = sites.get(number)
    return None if site is None else f"{site.path} at {site.address:#x}"


def explanation(stored: Mapping[str, Any], name: str) -> Iterator[str]:
    """Why a system call is or is not in the image, line by line; Dock2ukError when there is none of
    that name."""
    names = [call["name"] for call in stored["calls"]]
    if name not in names:
        raise Dock2ukError(f"no system call is called {name!r}", hint=near(name, names))
    call = stored["calls"][names.index(name)]
    yield f"{name} ({call['number']}) is {'' if call['is_linked'] else 'not '}in the image"
    if call["because"]:
        yield f"because {call['because']}"
    if call["place"] is not None:
        yield f"its number is settled in {call['place']}, reached so:"
        yield from (f"  {line}" for line in call["way"])
    else:
        yield "no code that the program can reach asks for it by a number that is known"
    if stored["unbounded"]:
        yield "numbers that are not known, so that any call may be made:"
        yield from (f"  {line}" for line in stored["unbounded"])


def near(name: str, names: Iterable[str]) -> str | None:
    """What may have been meant."""
    close = difflib.get_close_matches(name, list(names), n=3)
    return f"did you mean {', '.join(close)}?" if close else None
