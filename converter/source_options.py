"""The options of the command line about where an image comes from, shared by its commands.

What they mean is the stage's to know, and is imported when a command needs it: the others should
start without.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import Dock2ukError

if TYPE_CHECKING:
    from .ingest import SourceOptions

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="An image by name (nginx:latest): the local daemon's if it has it, else its "
        "registry's. Or docker://NAME, docker-daemon:NAME, docker-archive:FILE[:REF], "
        "oci:DIR[:REF], oci-archive:FILE[:REF], dir:DIR. Or a Dockerfile to be built, or its "
        "directory: ./Dockerfile, . (see -f).",
    ),
]


class PullWhen(StrEnum):
    """`ingest.options.Pull`, as it is typed."""

    always = "always"
    missing = "missing"
    never = "never"


Pull = Annotated[
    PullWhen,
    typer.Option(
        "--pull",
        help="For a bare name: ask the registry even if the local daemon has it (always), only if "
        "it has not (missing), or make do with the daemon and the cache (never).",
    ),
]
OfPlatform = Annotated[
    str,
    typer.Option(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="Which of a multi-platform image's images to take.",
    ),
]
Mirrors = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror",
        metavar="[REGISTRY=]HOST[:PORT][/PATH]",
        help="Try this first for images of REGISTRY (docker.io if none is given). Those of "
        "registries.conf are tried too. Repeatable.",
    ),
]
InsecureRegistries = Annotated[
    list[str] | None,
    typer.Option(
        "--insecure-registry",
        metavar="HOST[:PORT]",
        help="Do not verify this registry's certificate, and speak plain HTTP where it has no "
        "TLS. Loopback addresses need no leave. Repeatable.",
    ),
]
RaisedLimits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=NUMBER",
        help="Raise what an image has to stay below: entries, layer-bytes, sparse-bytes or "
        "expansion (uncompressed bytes for one compressed); k, m, g and t multiply. Repeatable.",
    ),
]


BuildFile = Annotated[
    Path | None,
    typer.Option(
        "-f",
        "--file",
        metavar="FILE",
        help="Build SOURCE, a directory, with this Dockerfile.",
    ),
]
BuildArguments = Annotated[
    list[str] | None,
    typer.Option(
        "--build-arg",
        metavar="NAME[=VALUE]",
        help="An ARG of the Dockerfile; NAME alone takes the value it has here. Repeatable.",
    ),
]
BuildTarget = Annotated[
    str | None,
    typer.Option("--target", metavar="STAGE", help="Build this stage, and no later one."),
]


def source_options(
    pull: Pull = PullWhen.missing,
    platform: OfPlatform = "linux/amd64",
    mirrors: Mirrors = None,
    insecure_registries: InsecureRegistries = None,
    limits: RaisedLimits = None,
    build_file: BuildFile = None,
    build_arguments: BuildArguments = None,
    build_target: BuildTarget = None,
) -> SourceOptions:
    """What the options say together; Dock2ukError when one cannot be understood."""
    from .ingest import SourceOptions, options
    from .ingest.limits import raised
    from .ingest.platform import parse_platform

    return SourceOptions(
        pull=options.Pull(pull.value),
        platform=parse_platform(platform),
        mirrors=tuple(mirrors or ()),
        insecure_registries=tuple(insecure_registries or ()),
        limits=raised(limits or ()),
        build=options.BuildOptions(build_file, tuple(build_arguments or ()), build_target),
    )


def seconds(text: str) -> float:
    """A length of time: "30d", "12h", "0s"."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if match is None:
        raise Dock2ukError(
            f"{text!r} is not a length of time", hint="give a number with s, m, h, d or w: 7d"
        )
    return int(match[1]) * _UNITS_S[match[2]]
