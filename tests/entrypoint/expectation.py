"""fixtures/NAME/expect.toml: what an image's start-up comes to, written down by hand.

    static = "right"          reading alone must find all of [program]; "undecided": it must say
                              that it cannot; "refused": why there is no one program
    [program]                 the state at the last execve(2), as credentials(7) has it
    is_process_1 = true       false: a wrapper stays as process 1, the program is below it
    exe, argv, cwd, umask, stop_signal = "SIGTERM", no_new_privileges = false
    uid, gid, groups          numbers, or names of the image's /etc/passwd and /etc/group; groups
                              without gid, which some programs count among them and some do not
    capabilities = "default"  those that docker gives; "none"
    limits = {}               RLIMIT_NOFILE = [soft, hard]: those that start-up sets
    listening = []            "tcp 0.0.0.0:80", "tcp [::]:80", "unix /run/x.sock": all it listens on
    [environment]             every variable, but HOSTNAME, which is the container's and not its own
    by_shell = []             (in [program]) variables a shell leaves behind, which reading may miss
    secret = []               (in [program]) variables that are not baked: named, and left out
    [[changes]]               every path that is not as the image has it, times aside
    path, change              "created", "changed" or "removed"; what follows is how it is then
    type = "file"             or "directory", "symlink" (with `target`)
    mode, owner = "user:group"
    text, like or matches     content: itself, the image's path that has the same, or, for what is
                              not the same each time, a regular expression for the whole of it
    [[filled]]                a directory filled with more than can be written down
    path, mode, owner         the directory's own, and in `holds` some of what must be in it
    [[differences]]           what two runs do not agree on: not baked, but named
    subject, kind             "/etc/app.conf", "/var/lib/db/", "variable X"; "secret" or
                              "machine-dependent"
    left_out = []             those of [[changes]] that are not baked because of it; if none are
                              named, the subject itself, or what is in the [[filled]] directory
    [refused]                 in place of all but `static`: it is more than one program
    programs = []             canonical paths of what runs side by side
    commands = []             their command lines, each of which the message must name
    listening = []            what they listen on together

A key that is not here, one that is missing, or a value of another kind is an error. What is read
is not compared here; nothing here knows docker or the converter's stages.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NAMES = tuple(sorted(path.parent.name for path in FIXTURES.glob("start-*/expect.toml")))

_CHOICES = {
    "static": ("right", "undecided", "refused"),
    "change": ("created", "changed", "removed"),
    "type": ("file", "directory", "symlink"),
    "kind": ("secret", "machine-dependent"),
    "capabilities": ("default", "none"),
}


class ExpectationError(ValueError):
    """An expect.toml that says something this module does not understand."""


@dataclass(frozen=True, slots=True)
class Program:
    is_process_1: bool
    exe: str
    argv: tuple[str, ...]
    cwd: str
    uid: int | str
    gid: int | str
    groups: tuple[int | str, ...]
    umask: int
    stop_signal: str
    capabilities: str
    no_new_privileges: bool = False
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    listening: tuple[str, ...] = ()
    by_shell: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    path: str
    change: str
    type: str = ""
    mode: int = 0
    owner: str = ""
    text: str | None = None
    like: str | None = None
    matches: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    path: str
    mode: int
    owner: str
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differing:
    subject: str
    kind: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    programs: tuple[str, ...]
    commands: tuple[str, ...]
    listening: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    name: str
    static: str
    program: Program | None
    environment: Mapping[str, str]
    changes: tuple[Changed, ...]
    filled: tuple[Filled, ...]
    differences: tuple[Differing, ...]
    refused: Refused | None

    @property
    def one_program(self) -> Program:
        assert self.program is not None, f"{self.name} is expected to be refused"
        return self.program

    @classmethod
    def of(cls, name: str) -> Self:
        return cls.parse(name, (FIXTURES / name / "expect.toml").read_text())

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """ExpectationError when anything is unknown, missing or contradicts itself."""
        document = tomllib.loads(text)
        try:
            return cls._from(name, document)
        except (TypeError, ExpectationError) as error:
            raise ExpectationError(f"{name}/expect.toml: {error}") from error

    @classmethod
    def _from(cls, name: str, document: dict[str, Any]) -> Self:
        expectation = cls(
            name=name,
            static=_checked("static", document.pop("static", None)),
            program=_one(Program, document.pop("program", None)),
            environment=document.pop("environment", {}),
            changes=tuple(_many(Changed, document.pop("changes", []))),
            filled=tuple(_many(Filled, document.pop("filled", []))),
            differences=tuple(_many(Differing, document.pop("differences", []))),
            refused=_one(Refused, document.pop("refused", None)),
        )
        if document:
            raise ExpectationError(f"unknown: {', '.join(document)}")
        _require_sense(expectation)
        return expectation


def _one(kind: type[Any], table: dict[str, Any] | None) -> Any:
    """A value of this kind; the dataclass itself refuses keys it does not have."""
    if table is None:
        return None
    for key, value in table.items():
        table[key] = _checked(key, tuple(value) if isinstance(value, list) else value)
    return kind(**table)


def _many(kind: type[Any], tables: list[dict[str, Any]]) -> list[Any]:
    return [_one(kind, table) for table in tables]


def _checked(key: str, value: Any) -> Any:
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ExpectationError(f"{key} = {value!r}, not one of {_CHOICES[key]}")
    return value


def _require_sense(expectation: Expectation) -> None:
    paths = {change.path for change in expectation.changes}
    unknown = {path for one in expectation.differences for path in one.left_out} - paths
    if unknown:
        raise ExpectationError(f"left out, and not among the changes: {sorted(unknown)}")
    is_refused = expectation.refused is not None
    if is_refused == (expectation.program is not None):
        raise ExpectationError("either [program] or [refused]")
    if is_refused != (expectation.static == "refused"):
        raise ExpectationError(f"static = {expectation.static!r} contradicts the rest")
    for change in expectation.changes:
        _require_sensible_change(change)


def _require_sensible_change(change: Changed) -> None:
    if change.change == "removed":
        if change != Changed(change.path, "removed"):
            raise ExpectationError(f"{change.path} is removed: it has nothing else")
        return
    if not change.type or not re.fullmatch(r"[^:]+:[^:]+", change.owner):
        raise ExpectationError(f"{change.path}: type and owner are missing")
    contents = [change.text, change.like, change.matches]
    if (sum(content is not None for content in contents) == 1) != (change.type == "file"):
        raise ExpectationError(f"{change.path}: a file has one of text, like and matches")
    if (change.target is not None) != (change.type == "symlink"):
        raise ExpectationError(f"{change.path}: a symlink has a target")
