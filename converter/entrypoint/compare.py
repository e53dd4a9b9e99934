"""Two recorded runs of one start-up, compared: what they agree on, and what they do not.

What differs depends on the machine (its name, address, clock, processors) or on chance; it is
named, and whoever bakes decides. A file that holds a secret of the environment counts as differing.
Times of files are not compared, and what a difference means to the program is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .. import secrets
from ..model import Change, DifferenceKind, Node
from .record.recording import Recording, Surroundings

# Past this, contents are compared and not looked into.
_READ_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
# Runs of letters and digits this long are keys or digests when they differ; dates are shorter.
_CHANCE = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
# What execve(2) and credentials(7) say of the program, beside its environment.
_FACTS = ("exe", "argv", "cwd", "uid", "gid", "groups", "umask")
# Docker gives the container its own name this way; it says nothing about the program.
_CONTAINER_S_OWN = frozenset(("HOSTNAME",))


@dataclass(frozen=True, slots=True)
class Run:
    """A recording and where it was made."""

    recording: Recording
    surroundings: Surroundings


@dataclass(frozen=True, slots=True)
class Unlike:
    """Something that the two runs do not agree on."""

    name: str  # of a variable, a path, or of a fact about the program
    kind: DifferenceKind
    detail: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first run's environment and changes, and what in them the second has otherwise. Changes
    that only the second made are among `paths` as well."""

    env: tuple[str, ...]
    changes: Mapping[str, Change]
    program: tuple[Unlike, ...]
    variables: tuple[Unlike, ...]
    paths: tuple[Unlike, ...]


def compare(first: Run, second: Run, given: Sequence[str] = ()) -> Comparison:
    """What two runs agree on. `given` is the environment that they began with."""
    env = _own_variables(first.recording.final.env)
    runs = (first, second)
    changes = {change.path: change for change in first.recording.changes}
    return Comparison(
        env=tuple(f"{name}={value}" for name, value in env.items()),
        changes=changes,
        program=tuple(_unlike_facts(runs)),
        variables=tuple(_unlike_variables(env, runs)),
        paths=tuple(_unlike_paths(changes, _secrets(runs, given), runs)),
    )


def _unlike_facts(runs: tuple[Run, Run]) -> Iterator[Unlike]:
    one, two = (run.recording.final for run in runs)
    for name in _FACTS:
        first, second = getattr(one, name), getattr(two, name)
        if first != second:
            detail = f"{first!r} in one run and {second!r} in the other"
            yield Unlike(name, _why(repr(first), repr(second), runs)[0], detail)


def _own_variables(env: Sequence[str]) -> dict[str, str]:
    pairs = (entry.partition("=")[::2] for entry in env)
    return {name: value for name, value in pairs if name not in _CONTAINER_S_OWN}


def _unlike_variables(env: Mapping[str, str], runs: tuple[Run, Run]) -> Iterator[Unlike]:
    other = _own_variables(runs[1].recording.final.env)
    for name in {**env, **other}:
        one, two = env.get(name), other.get(name)
        if one is None or two is None:
            yield Unlike(name, DifferenceKind.MACHINE, "set in one run only")
        elif one != two:
            is_named = secrets.reason(name, one) is not None
            kind, detail = _why(one, two, runs)
            yield Unlike(name, DifferenceKind.SECRET if is_named else kind, detail)


def _unlike_paths(
    changes: Mapping[str, Change], known: Sequence[str], runs: tuple[Run, Run]
) -> Iterator[Unlike]:
    other = {change.path: change for change in runs[1].recording.changes}
    for path in sorted({**changes, **other}):
        one, two = changes.get(path), other.get(path)
        if one is None or two is None:
            yield Unlike(path, DifferenceKind.MACHINE, "changed in one run only")
        elif not _is_same(one.node, two.node):
            yield Unlike(path, *_why_unlike(one.node, two.node, runs))
        elif one.node is not None and _holds(one.node, known):
            yield Unlike(path, DifferenceKind.SECRET, "holds a secret of the environment")


def _secrets(runs: tuple[Run, Run], given: Sequence[str]) -> Sequence[str]:
    """Those of the environment at the start and at the end: start-up may unset what it used."""
    ends = [entry for run in runs for entry in run.recording.final.env]
    return [*secrets.named((*given, *ends)).values()]


def _is_same(one: Node | None, two: Node | None) -> bool:
    if one is None or two is None:
        return one is two
    return _facts(one) == _facts(two) and _is_same_content(one, two)


def _facts(node: Node) -> tuple[object, ...]:
    owner = (node.mode, node.uid, node.gid)
    return (node.type, *owner, node.target, node.device, dict(node.xattrs), node.size)


def _is_same_content(one: Node, two: Node) -> bool:
    if one.content is None or two.content is None:
        return one.content is two.content
    with one.content.open() as a, two.content.open() as b:
        while piece := a.read(_CHUNK_BYTES):
            if piece != b.read(_CHUNK_BYTES):
                return False
    return True


def _holds(node: Node, values: Sequence[str]) -> bool:
    text = _text_of(node)
    return any(secrets.is_told_by((text,), value) for value in values)


def _why_unlike(
    one: Node | None, two: Node | None, runs: tuple[Run, Run]
) -> tuple[DifferenceKind, str]:
    if one is None or two is None or one.content is None or two.content is None:
        return DifferenceKind.MACHINE, "not the same kind of file in both runs"
    if (one.mode, one.uid, one.gid) != (two.mode, two.uid, two.gid):
        return DifferenceKind.MACHINE, "owner or mode differs between runs"
    return _why(_text_of(one), _text_of(two), runs)


def _why(one: str, two: str, runs: tuple[Run, Run]) -> tuple[DifferenceKind, str]:
    """What kind of difference there is between two texts that differ."""
    form = secrets.form_of(one)
    if form is not None:
        return DifferenceKind.SECRET, f"{form}, another in each run"
    first, second = runs[0].surroundings, runs[1].surroundings
    named = one.replace(first.hostname, second.hostname).replace(first.address, second.address)
    if named == two and named != one:
        return DifferenceKind.MACHINE, "holds the machine's name or address"
    if set(_CHANCE.findall(named)) ^ set(_CHANCE.findall(two)):
        return DifferenceKind.SECRET, "random, another in each run"
    return DifferenceKind.MACHINE, "depends on the time, the number of processors or chance"


def _text_of(node: Node) -> str:
    if node.content is None or node.size > _READ_BYTES:
        return ""
    return node.content.read().decode("utf-8", "replace")
