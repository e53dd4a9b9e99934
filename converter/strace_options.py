"""The options about tracing a guest's system calls, and the tracer that they ask for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from .errors import Dock2ukError

if TYPE_CHECKING:
    from . import strace

# Of a bundle's directory: the tracer, or None where nothing is to be traced.
Tracing = Callable[[Path], AbstractContextManager["strace.Tracer | None"]]


class Stamp(StrEnum):
    """What a traced line begins with."""

    none = "none"
    relative = "relative"
    clock = "clock"


IsTraced = Annotated[
    bool,
    typer.Option("--strace", help="Print system calls on stderr, as strace(1) does."),
]
ToFile = Annotated[
    Path | None,
    typer.Option("--strace-output", metavar="FILE", help="Trace, and write to this file instead."),
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--strace-filter",
        metavar="CALLS",
        help="Trace these calls: names with commas between, %file, %network and the other "
        "classes of strace -e, /regular-expression; ! before them for all others.",
    ),
]
Time = Annotated[
    Stamp | None,
    typer.Option("--strace-time", help="Trace, with the time of day or since the line before."),
]
Spent = Annotated[
    bool, typer.Option("--strace-spent", help="Trace, with the time spent in each call.")
]


def strace_options(
    is_traced: IsTraced = False,
    to_file: ToFile = None,
    calls: Filter = None,
    time: Time = None,
    spent: Spent = False,
) -> Tracing:
    """Any of them traces."""

    @contextmanager
    def of_bundle(directory: Path) -> Iterator[strace.Tracer | None]:
        if not (is_traced or to_file or calls or time or spent):
            yield None
            return
        with _output(to_file) as output:
            stamp = (time or Stamp.none).value
            yield _tracer(directory, output, calls or "all", (stamp, spent))

    return of_bundle


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Standard error, or a file."""
    if path is None:
        yield sys.stderr
        return
    file = path.open("w")
    try:
        yield file
    finally:
        with suppress(OSError):  # the tracer has flushed it, or told why that cannot be
            file.close()


def _tracer(directory: Path, output: TextIO, calls: str, looks: tuple[str, bool]) -> strace.Tracer:
    from . import bundle as bundles
    from . import strace
    from .match import load_runtimes

    name = bundles.read(directory).document["runtime"]["name"]
    runtime = next((runtime for runtime in load_runtimes() if runtime.name == name), None)
    if runtime is None:
        raise Dock2ukError(f"the bundle's runtime {name!r} is not here: it cannot be traced")
    stamp, is_spent_shown = looks
    style = strace.Style(strace.Stamp(stamp), is_spent_shown, is_file=output is not sys.stderr)
    return strace.Tracer(runtime, output, calls=calls, style=style)
