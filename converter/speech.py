"""What the command line says, and where: results on stdout, the rest on stderr.

Text that an image or a server wrote is made printable here; what is said is `cli`'s to decide.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType

from . import bars, printable
from .errors import Dock2ukError, UnsupportedError
from .progress import Progress

out = Console()
err = Console(stderr=True)

_WIDEST = 1000  # characters of a table's line before its columns are folded


@contextmanager
def progress(*, is_wanted: bool) -> Iterator[Progress]:
    if not is_wanted or not err.is_terminal:
        yield bars.CountedLines(err) if is_wanted else bars.Lines(err)
        return
    with bars.live(err) as live:
        yield bars.Bars(live)


def print_uncut(shown: RenderableType) -> None:
    """As `docker ps` does, where lines are longer than the terminal, or there is none."""
    Console(width=max(out.width, _WIDEST)).print(shown, soft_wrap=True)


def remark(line: str) -> None:
    """On stderr, in one line whatever it holds."""
    err.print(printable.one_line(line), markup=False, highlight=False, soft_wrap=True)


class _Documents:
    """How many JSON documents were printed: with --json, what goes wrong later is on stderr."""

    count = 0


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _Documents.count += 1


def say(error: Dock2ukError, *, as_json: bool) -> None:
    """A line that says what failed, and one that says what to try."""
    if as_json and _Documents.count == 0:
        reasons = list(error.reasons) if isinstance(error, UnsupportedError) else []
        details = {"message": error.message, "hint": error.hint, "reasons": reasons}
        print_json({"error": {"status": error.exit_status, **details}})
        return
    if isinstance(error, UnsupportedError):
        err.print("[bold red]not supported:[/bold red] this workload, because")
        for reason in error.reasons:
            remark(f"  - {reason}")
    else:
        err.print("[bold red]error:[/bold red]", end=" ")
        message = printable.visible(error.message)
        err.print(message, markup=False, highlight=False, soft_wrap=True)
    if error.hint is not None:
        remark(f"try: {error.hint}")
