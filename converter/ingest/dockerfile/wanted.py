"""Which sources are Dockerfiles to be built: a path, or a file named like one.

What comes of them is `build`'s, which no other source should pay for loading.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import SourceError
from ..options import SourceOptions
from ..reference import Kind

_FILE_NAMES = re.compile(r"(?:.+\.)?(?:Dockerfile|Containerfile)(?:\..+)?|(?:.+\.)dockerfile")
_PATH = re.compile(r"(?:\.{1,2}(?:/|$)|/|~/)|.*/$")  # what no image is named
_DEFAULT_NAMES = ("Dockerfile", "Containerfile")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be built."""

    context: Path
    file: Path
    arguments: Mapping[str, str]
    options: SourceOptions


def wanted(reference: str, options: SourceOptions) -> Wanted | None:
    """What to build, if that is what the user means; None when it is another source."""
    path = Path(reference)
    has_kind = any(kind.value and reference.startswith(kind.value) for kind in Kind)
    is_path = _PATH.match(reference) is not None and not has_kind
    is_file = _FILE_NAMES.fullmatch(path.name) is not None and path.is_file()
    build = options.build
    if build.file is None and not is_file and not is_path:
        if build.arguments or build.target:
            raise SourceError(
                f"{reference} is not built: --build-arg and --target say nothing of it",
                hint=f"give a directory: ./{reference}" if path.is_dir() else None,
            )
        return None
    file = build.file or (path if is_file else _in_directory(path))
    context = path if path.is_dir() else file.parent
    return Wanted(context, file, _arguments(build.arguments), options)


def _in_directory(path: Path) -> Path:
    if not path.exists():
        raise SourceError(f"{path} is not there")
    if not path.is_dir():
        raise SourceError(
            f"{path} is neither a directory nor named like a Dockerfile",
            hint=f"give `{path.parent} -f {path}`, or docker-archive:{path}",
        )
    for name in _DEFAULT_NAMES:
        if (path / name).is_file():
            return path / name
    hint = f"oci:{path}" if (path / "index.json").is_file() else "name it with -f FILE"
    raise SourceError(f"{path} has no Dockerfile", hint=hint)


def _arguments(words: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE, or NAME for the value it has here (docker-build(1))."""
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name:
            raise SourceError(f"--build-arg {word!r} has no name")
        if equals or name in os.environ:
            given[name] = value if equals else os.environ[name]
    return given
