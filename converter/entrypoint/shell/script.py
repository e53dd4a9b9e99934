"""What a script ends in: the one exec(2) that every way through it comes to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ...errors import UndecidedError
from ...model import Tree
from ..launch import Launch
from .evaluate import Evaluator
from .grammar import Source, parse
from .machine import End, Place, Ways, World
from .state import Shell, State, merged
from .values import Unknown, Variable

_SHOWN_CHARACTERS = 100
_LAST_LINE = "the last line is no `exec PROGRAM …` that always happens"


@dataclass(frozen=True, slots=True)
class Script:
    """Commands for a shell, and what it was called with."""

    name: str  # $0
    text: str
    arguments: tuple[str, ...]  # $1, $2, …
    shell: Shell
    options: frozenset[str] = frozenset()  # "errexit", …


def after_script(tree: Tree, script: Script, launch: Launch) -> Launch:
    """The launch that the script's exec makes."""
    seen = f"{script.name}: a shell script, read and not run"
    return _evaluated(tree, script, replace(launch, evidence=(*launch.evidence, seen)),
                      Place(Source(script.name)))  # fmt: skip


def after_shell_form(tree: Tree, path: str, script: Script, launch: Launch) -> Launch:
    """The launch that `sh -c COMMAND` makes: its exec, or the last command when all before it are
    programs that end. Whether a shell execs its last command or waits for it is the same here."""
    text = repr(script.text)
    text = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return _evaluated(tree, script, launch, Place(Source(f"{path} -c {text}"), is_last=True))


def _evaluated(tree: Tree, script: Script, launch: Launch, place: Place) -> Launch:
    world = World(tree, script.shell, script.name, launch)
    root = parse(script.text)
    if not any(child.type != "comment" for child in root.children):
        raise UndecidedError((f"{place.source.name} runs nothing",))
    evaluator = Evaluator(world)
    try:
        ways = evaluator.text(script.text, _first_state(script, launch), place)
    except RecursionError:
        raise UndecidedError((f"{place.source.name} is nested too deeply",)) from None
    last = next(c for c in reversed(root.children) if c.is_named and c.type != "comment")
    told = place.source.problem(last, _LAST_LINE)
    return _decided(ways, told)


def _decided(ways: Ways, told: str) -> Launch:
    """The one launch; UndecidedError when there are several, or may be none."""
    ends = list(ways.ends)
    if ways.next is not None:
        ends.append(End("end", ways.next, told))
    if not ends:
        raise UndecidedError((f"{told.partition(' line ')[0]} never ends",))
    living = [end for end in ends if end.kind == "exec" or not _is_failure(end)]
    launches = [end.launch for end in living if end.launch is not None]
    if not launches or len(launches) < len(living):
        blamed = [end for end in living if end.kind != "exec"] or ends
        guarded = [end for end in living if end.is_guarded and end.kind == "exec"]
        raise UndecidedError(_told(guarded + blamed))
    if any(launch != launches[0] for launch in launches):
        raise UndecidedError(_told([end for end in living if end.is_guarded] or living))
    state = living[0].state
    evidence, left_out, changed = state.evidence, state.left_out, state.changed
    for end in living[1:]:
        evidence = merged(evidence, end.state.evidence)
        left_out = merged(left_out, end.state.left_out)
        changed |= end.state.changed
    for end in ends:
        if end not in living and end.is_guarded:
            evidence = merged(evidence, (f"{end.told} would end the start-up: taken not to",))
    return replace(launches[0], evidence=evidence, left_out=left_out, changed=changed)


def _is_failure(end: End) -> bool:
    """A way that ends in a failure is one that the start-up is not meant to take."""
    return end.kind in ("exit", "end") and bool(end.state.status)


def _told(ends: list[End]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(end.told for end in ends))


def _first_state(script: Script, launch: Launch) -> State:
    variables: dict[str, Variable] = {}
    for entry in launch.env:
        name, _, value = entry.partition("=")
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            variables[name] = Variable(value, is_exported=True)
    variables |= _shells_own(script.shell, variables, launch)
    return State(
        variables=variables,
        arguments=script.arguments,
        cwd=launch.cwd,
        umask=launch.umask,
        options=script.options,
        changed=launch.changed,
        limits=launch.limits,
        evidence=launch.evidence,
        left_out=launch.left_out,
    )


def _shells_own(
    shell: Shell, variables: dict[str, Variable], launch: Launch
) -> dict[str, Variable]:
    """What a shell exports without being told: PWD, and bash's and busybox's SHLVL."""
    own = {"PWD": Variable(launch.cwd, is_exported=True)}
    if launch.has_machine_hostname and "HOSTNAME" in variables:
        stated = variables["HOSTNAME"].scalar
        told = "the host name is chosen by the engine"
        unknown = Unknown(told, environment=stated if isinstance(stated, str) else None)
        own["HOSTNAME"] = Variable(unknown, is_exported=True)
    if shell in (Shell.BASH, Shell.ASH):
        level = variables["SHLVL"].scalar if "SHLVL" in variables else "0"
        number = int(level) if isinstance(level, str) and level.isdigit() else 0
        own["SHLVL"] = Variable(str(number + 1), is_exported=True)
    return own
