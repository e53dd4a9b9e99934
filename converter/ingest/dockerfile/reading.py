"""A Dockerfile read before it is built, so that what is said of the image can name the line.

`dockerfile_parse` takes the instructions apart; `lines` gives it each in one line and
without heredocs, `words` replaces variables. Nothing is decided here that the build
would decide otherwise: what cannot be read is an error with its line, as it would be there.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import SourceError
from ...model import Dockerfile, Instruction
from .. import limits
from ..platform import Platform
from .findings import findings
from .lines import Lines, split
from .words import Scope, expanded, pairs

NAMES = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
# Those whose values the builder itself replaces variables in; the others leave it to a shell.
_EXPANDED = frozenset(
    {
        "ADD", "ARG", "COPY", "ENV", "EXPOSE", "FROM", "LABEL", "STOPSIGNAL", "USER", "VOLUME",
        "WORKDIR",
    }
)  # fmt: skip
_MAY_BE_EMPTY = ("CMD", "ENTRYPOINT")  # which takes away what the base image has
_BEFORE_FROM = ("ARG", "FROM")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the user gave for the build."""

    values: Mapping[str, str]
    target: str | None
    platform: Platform


def read(path: Path, arguments: Arguments) -> Dockerfile:
    """The Dockerfile at `path`; SourceError with the line when it is none."""
    try:
        if path.stat().st_size > limits.METADATA_BYTES:
            raise SourceError(f"{path} is larger than {limits.METADATA_BYTES} bytes")
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as problem:
        raise SourceError(f"cannot read {path}: {problem.strerror}") from problem
    return parse(text, str(path), arguments)


def parse(text: str, shown: str, arguments: Arguments) -> Dockerfile:
    lines = split(text, shown)
    expander = _Expander(arguments, lines.escape)
    instructions = tuple(expander.expand(one) for one in _instructions(lines, shown))
    stages = [one for one in instructions if one.name == "FROM"]
    if not stages:
        raise SourceError(f"{shown} has no FROM", hint="is it a Dockerfile?")
    final = _final_stage(stages, arguments.target, shown)
    read_so_far = Dockerfile(shown, instructions, final, ())
    found = findings(read_so_far, lines.escape)
    return Dockerfile(shown, instructions, final, found)


def _instructions(lines: Lines, shown: str) -> Iterator[Instruction]:
    stage = -1
    heredocs = {one.line: one.heredocs for one in lines.logical}
    for line, name, value in _taken_apart(lines, shown):
        if name not in NAMES and lines.syntax is None:
            close = difflib.get_close_matches(name, NAMES, n=1)
            hint = f"is it {close[0]}?" if close else None
            raise SourceError(f"{shown}:{line}: there is no instruction {name}", hint=hint)
        if stage < 0 and name not in _BEFORE_FROM and name in NAMES:
            raise SourceError(f"{shown}:{line}: {name} stands before the first FROM")
        stage += name == "FROM"
        yield Instruction(line, name, value, stage, heredocs[line])


def _taken_apart(lines: Lines, shown: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and value of each instruction, by `dockerfile_parse`."""
    # Imported here: no other source should pay for loading it.
    from dockerfile_parse import DockerfileParser

    masked = [""] * (lines.logical[-1].line if lines.logical else 0)
    for one in lines.logical:
        masked[one.line - 1] = _without_ending(one.text)
    file = io.BytesIO("\n".join(masked).encode("utf-8", "replace") + b"\n")
    structure: list[dict[str, Any]] = DockerfileParser(fileobj=file).structure
    found = {part["startline"] + 1: part for part in structure}
    for one in lines.logical:
        part = found.get(one.line)
        if part is None or (not part["value"] and part["instruction"] not in _MAY_BE_EMPTY):
            raise SourceError(f"{shown}:{one.line}: {one.text.strip()} has no arguments")
        ending = one.text.strip()[len(_without_ending(one.text)) :]
        yield one.line, part["instruction"], part["value"] + ending


def _without_ending(text: str) -> str:
    """`dockerfile_parse` would join the next line to one that ends in a backslash, which here
    means itself."""
    text = text.strip()
    return text.rstrip("\\").rstrip() if text.endswith("\\") else text


class _Expander:
    """Replaces variables, instruction after instruction, as far as their values are known."""

    def __init__(self, arguments: Arguments, escape: str) -> None:
        self._given = {**_platform_arguments(arguments.platform), **arguments.values}
        self._escape = escape
        self._global: dict[str, str] = dict(_platform_arguments(arguments.platform))
        self._variables: dict[str, str] = {}
        self._environments: dict[str, dict[str, str]] = {}  # ENV of each stage, by number and name
        self._environment: dict[str, str] = {}

    def expand(self, one: Instruction) -> Instruction:
        known = self._global if one.stage < 0 or one.name == "FROM" else self._variables
        value = one.value
        if one.name in _EXPANDED:
            value = expanded(value, Scope(known, self._escape))
        whole = Instruction(one.line, one.name, value, one.stage, one.heredocs)
        if one.name == "FROM":
            self._begin_stage(whole)
        elif one.name == "ARG":
            self._declare(whole)
        elif one.name == "ENV":
            given = dict(self._pairs(whole))
            self._variables |= given
            self._environment |= given
        return whole

    def _begin_stage(self, one: Instruction) -> None:
        base, name = base_of(one.value)
        self._environment = dict(self._environments.get(base.lower(), {}))
        self._variables = dict(self._environment)
        self._environments[str(one.stage)] = self._environment
        if name:
            self._environments[name.lower()] = self._environment

    def _declare(self, one: Instruction) -> None:
        for name, default in pairs(one.value, self._escape):
            inherited = self._global.get(name) if one.stage >= 0 else None
            value = self._given.get(name, default if default is not None else inherited)
            target = self._variables if one.stage >= 0 else self._global
            if name not in self._environment or one.stage < 0:  # ENV is stronger than ARG
                target[name] = value or ""

    def _pairs(self, one: Instruction) -> Iterable[tuple[str, str]]:
        found = pairs(one.value, self._escape)
        return [(name, value or "") for name, value in found]


def base_of(value: str) -> tuple[str, str]:
    """The image and the name of the stage in what FROM says; empty where it says none."""
    from dockerfile_parse.parser import image_from

    image, name = image_from(value)
    return image or "", name or ""


def _platform_arguments(platform: Platform) -> dict[str, str]:
    """Those that BuildKit declares by itself (Dockerfile reference § Automatic platform ARGs)."""
    values = {
        "PLATFORM": str(platform),
        "OS": platform.os,
        "ARCH": platform.architecture,
        "VARIANT": platform.variant,
    }
    return {f"TARGET{name}": value for name, value in values.items()}


def _final_stage(stages: list[Instruction], target: str | None, shown: str) -> int:
    if target is None:
        return len(stages) - 1
    names = {base_of(one.value)[1].lower(): one.stage for one in stages}
    by_number = {str(one.stage): one.stage for one in stages}
    chosen = {**by_number, **names}.get(target.lower())
    if chosen is None:
        named = ", ".join(name for name in names if name)
        raise SourceError(
            f"{shown} has no stage {target!r}", hint=f"it has: {named}" if named else None
        )
    return chosen
