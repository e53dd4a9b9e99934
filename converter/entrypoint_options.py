"""The options of the command line about which program an image runs, shared by its commands; those
that `docker run` has too are the same as there.

What they mean is the stage's to know, and is imported when a command needs it: the others should
start without.
"""

from __future__ import annotations

import json
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import Dock2ukError

if TYPE_CHECKING:
    from .entrypoint import Options


class ResolveHow(StrEnum):
    """`entrypoint.Resolve`, as it is typed."""

    auto = "auto"
    static = "static"
    record = "record"


Env = Annotated[
    list[str] | None,
    typer.Option(
        "-e",
        "--env",
        metavar="NAME[=VALUE]",
        help="An environment variable; NAME alone takes the value it has here. Repeatable.",
    ),
]
EnvFile = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Environment variables, one NAME=VALUE or NAME a line; --env beats it. Repeatable.",
    ),
]
How = Annotated[
    ResolveHow,
    typer.Option(
        "--resolve",
        help="How to find the program: read the scripts only (static), run the image's start-up "
        "in a sandbox (record), or read, and run where reading is not enough (auto).",
    ),
]
Bake = Annotated[
    bool,
    typer.Option(
        "--bake",
        help="Keep in the image what differs from run to run or looks like a secret; "
        "else it is named and left out.",
    ),
]
OverEntrypoint = Annotated[
    str | None,
    typer.Option(
        "--entrypoint",
        metavar="WORDS",
        help="Instead of the image's Entrypoint: words as in a shell, or a JSON list; the image's "
        'Cmd is then dropped. "" resets it.',
    ),
]
OverCmd = Annotated[
    str | None,
    typer.Option("--cmd", metavar="WORDS", help="Instead of the image's Cmd, written the same."),
]
OverUser = Annotated[
    str | None,
    typer.Option("-u", "--user", metavar="USER[:GROUP]", help="Names or numbers, as the image's."),
]
OverWorkdir = Annotated[
    str | None, typer.Option("-w", "--workdir", metavar="DIR", help="Where the program begins.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--start-up-timeout",
        metavar="SECONDS",
        min=1,
        help="How long a recorded start-up may take; two minutes if nothing is said.",
    ),
]


def variables(files: list[Path] | None, words: list[str] | None) -> tuple[str, ...]:
    """What --env-file and --env say together."""
    from .environment import given, merged, read_env_file

    of_files = [each for path in files or () for each in read_env_file(path, os.environ)]
    return merged(of_files, given(words or (), os.environ))


def program_options(
    how: How = ResolveHow.auto,
    is_baked: Bake = False,
    entrypoint: OverEntrypoint = None,
    cmd: OverCmd = None,
    env: Env = None,
    env_file: EnvFile = None,
    user: OverUser = None,
    workdir: OverWorkdir = None,
    timeout_s: Timeout = None,
) -> Options:
    """What the options say together; Dock2ukError when one cannot be understood."""
    from .entrypoint import Bounds, Options, Resolve
    from .model import Overrides

    overrides = Overrides(
        entrypoint=None if entrypoint is None else _words("--entrypoint", entrypoint),
        cmd=None if cmd is None else _words("--cmd", cmd),
        env=variables(env_file, env),
        user=user,
        workdir=workdir,
    )
    bounds = Bounds() if timeout_s is None else Bounds(time_s=timeout_s)
    return Options(Resolve(how.value), overrides, is_baked, bounds)


def _words(option: str, text: str) -> tuple[str, ...]:
    """The words of a command: a JSON list, as an image's config has them, or as a shell reads."""
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else shlex.split(text)
    except ValueError as problem:
        raise Dock2ukError(f"{option} {text!r}: {problem}", hint="quote as in a shell") from problem
    if not all(isinstance(word, str) for word in found):
        raise Dock2ukError(f"{option} {text!r}: a list of strings is expected")
    return tuple(found)
