"""The options of `audit`: which images, and how they are looked at.

What they mean is the audit's to know, and is imported when the command runs: the others should
start without.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .entrypoint_options import How, ResolveHow

if TYPE_CHECKING:
    from .audit import Audit
    from .ingest import SourceOptions

_PROCESSORS = os.cpu_count() or 1

Sources = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE...", help="Images, as `convert` has them.")
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        metavar="LIST",
        help="Images from a file, one a line; # begins a comment. - is the standard input.",
    ),
]
Jobs = Annotated[
    int, typer.Option("-j", "--jobs", min=1, max=64, help="How many are looked at at once.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Begin anew, whatever an interrupted audit has found.")
]
Database = Annotated[
    Path | None,
    typer.Option(
        "--vuln-db",
        metavar="DIR",
        help="Count vulnerabilities too, by DIR, a copy of OSV's data: DIR/Debian/all.zip, "
        "DIR/PyPI/all.zip, …",
    ),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--start-up-timeout",
        metavar="SECONDS",
        min=1,
        help="How long a recorded start-up may take.",
    ),
]


def audit_options(
    sources: Sources = None,
    from_file: FromFile = None,
    jobs: Jobs = _PROCESSORS,
    resolve: How = ResolveHow.static,
    timeout_s: Timeout = 60,
    vuln_db: Database = None,
    fresh: Fresh = False,
) -> Callable[[SourceOptions], Audit]:
    """What they say together with where images are looked for."""

    def of_places(places: SourceOptions) -> Audit:
        from . import audit
        from .entrypoint import Bounds, Options, Resolve
        from .vulnerabilities import read

        program = Options(Resolve(resolve.value), bounds=Bounds(time_s=timeout_s))
        how = audit.How(program, places, read((), vuln_db))
        return audit.Audit(audit.listed(sources or (), from_file), how, jobs, fresh)

    return of_places
