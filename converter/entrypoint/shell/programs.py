"""Commands that are not the shell's own: exec(2), what is left out, `eval`, `.` and `command`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import replace

from ..launch import Launch
from .builtins import BUILTINS, Call
from .commands import Command, answer, changed_by, may_end
from .grammar import Source, shown
from .machine import End, Place, Ways
from .redirections import Redirected
from .state import Shell, State
from .values import Unknown, Variable, all_known
from .work import noted

_PLAIN_EXEC = "is not `exec PROGRAM …` with known words and plain output"
_UNSEEN = "reads commands that cannot be seen here"


def run(call: Call, redirected: Redirected) -> Ways:
    """Run what is no function: a builtin, one of the commands below, or a program."""
    if call.name in ("command", "builtin") and not _asks(call):
        if not call.words:
            return call.done()
        return _without_function(call, redirected)
    special = _SPECIAL.get(call.name)
    if special is not None:
        return special(call, redirected)
    builtin = BUILTINS.get(call.name)
    return external(call, redirected) if builtin is None else _own(call, builtin)


def _own(call: Call, builtin: Callable[[Call], Ways]) -> Ways:
    bash_only = ("declare", "typeset", "mapfile", "readarray", "shopt", "let", "builtin")
    if call.name in bash_only:
        call.machine.world.require(call.place.source, call.node, f"`{call.name}`", Shell.BASH)
    return builtin(call)


def _asks(call: Call) -> bool:
    """`command -v` and `-V` say where a command is, without running it."""
    return call.name == "command" and bool({"-v", "-V"} & set(call.words[:1]))


def _without_function(call: Call, redirected: Redirected) -> Ways:
    words = call.words[1:] if call.words[0] == "--" else call.words
    if not words or isinstance(words[0], Unknown) or words[0].startswith("-"):
        raise call.undecided("runs a command that is not known")
    return run(replace(call, name=words[0], words=words[1:]), redirected)


# ------------------------------------------------------------------ exec


def _exec(call: Call, redirected: Redirected) -> Ways:
    if not call.words and not shown(call.node).removeprefix("exec").strip():
        return _redirect_all(call, redirected)
    words = call.words[1:] if call.words[:1] == ("--",) else call.words
    known = all_known(words)
    if not known or known[0].startswith("-"):
        raise call.undecided(_PLAIN_EXEC)
    if call.place.is_alone:
        return _exec_alone(replace(call, name=known[0], words=words[1:]), redirected)
    if not redirected.is_plain or call.place.is_redirected:
        raise call.undecided(_PLAIN_EXEC)
    return _becomes(call, known, f"`{call.shown}` runs {list(known)}")


def _redirect_all(call: Call, redirected: Redirected) -> Ways:
    """`exec` with redirections alone changes where everything after it goes."""
    if not redirected.is_plain or call.is_heard:
        raise call.undecided("sends the output of what follows elsewhere")
    return call.done(0, redirected.state)


def _exec_alone(call: Call, redirected: Redirected) -> Ways:
    """In a process of its own: a program that is run, and then the process has ended."""
    ways = external(call, redirected)
    state = ways.next or call.state
    return replace(call, state=state).ended("exit", state.with_status(None), "ends")


def _becomes(call: Call, argv: tuple[str, ...], told: str) -> Ways:
    state = call.state.noting(call.place.source.seen(call.node, told))
    launch = launch_of(call, state, argv)
    place = call.place
    problem = place.source.problem(call.node, "may exec another program")
    return Ways(None, (End("exec", state, problem, place.is_guarded, launch=launch),))


def launch_of(call: Call, state: State, argv: tuple[str, ...]) -> Launch:
    """The next execve(2); UndecidedError when a part of it is not known."""
    for value in (state.cwd, state.umask):
        if isinstance(value, Unknown):
            raise call.undecided(f"runs {list(argv)}, but {value.because}")
    assert isinstance(state.cwd, str)
    assert isinstance(state.umask, int)
    return replace(
        call.machine.world.launch,
        argv=argv,
        env=_environment(call, state),
        cwd=state.cwd,
        umask=state.umask,
        limits=state.limits,
    )


def _environment(call: Call, state: State) -> tuple[str, ...]:
    """The exported variables, those that were there before in their old order."""
    before = call.machine.world.launch.env
    names = [entry.partition("=")[0] for entry in before]
    kept = [entry for entry, name in zip(before, names, strict=True) if not name.isidentifier()]
    ordered = [name for name in dict.fromkeys(names) if name in state.variables]
    ordered += [name for name in state.variables if name not in names]
    for name in ordered:
        variable = state.variables[name]
        value = variable.scalar if not isinstance(variable.value, tuple) else None
        if variable.is_exported is False or value is None:
            continue
        if isinstance(value, Unknown) and value.environment is None:
            raise call.undecided(f"gets {name} in its environment, but {value.because}")
        if variable.is_exported is None:
            raise call.undecided(f"gets {name} in its environment or not, which is not known")
        text = value.environment if isinstance(value, Unknown) else value
        kept.append(f"{name}={_level(call, text or '') if name == 'SHLVL' else text}")
    return tuple(kept)


def _level(call: Call, text: str) -> str:
    """bash counts SHLVL down again when it makes way for a program (bash(1) § Shell Variables)."""
    is_bash = call.machine.world.shell is Shell.BASH
    return str(int(text) - 1) if is_bash and re.fullmatch(r"-?\d{1,6}", text) else text


# ------------------------------------------------------------------ programs


def external(call: Call, redirected: Redirected) -> Ways:
    """A program: the one that stays when a shell's last command, else work that is left out."""
    if call.place.is_last:
        return _last(call, redirected)
    state = call.state
    world = call.machine.world
    command = Command(posixpath.basename(call.name), call.words)
    changed = changed_by(command, world, state)
    if changed or redirected.writes:
        state = noted(call.node, state, call.place, changed)
    if not may_end(command) and not state.may_stay:
        state = replace(state, may_stay=shown(call.node))
    found = answer(command, world, state)
    return replace(call, state=state).printing(found.output, found.status)


def _last(call: Call, redirected: Redirected) -> Ways:
    """The last command of `sh -c`: every shell here execs it instead of forking, or waits for
    nothing else (dash(1), bash(1) § COMMAND EXECUTION ENVIRONMENT)."""
    argv = all_known((call.name, *call.words))
    if argv is None or not redirected.is_plain:
        raise call.undecided("holds expansions or redirections that need a shell")
    if call.state.may_stay:
        raise call.undecided(f"the shell stays: more follows `{call.state.may_stay}`")
    if call.state.has_traps:
        raise call.undecided("the shell stays: it handles signals")
    state = call.state
    if call.machine.world.shell is Shell.BASH:
        state = _with_underscore(call, state)
    return _becomes(replace(call, state=state), argv, f"the last command, which runs {list(argv)}")


def _with_underscore(call: Call, state: State) -> State:
    """bash tells a program its own path as `_` (bash(1) § Special Parameters)."""
    path = state.variables.get("PATH")
    value = path.scalar if path is not None else None
    found = call.machine.world.files(state).program(
        call.name, value if isinstance(value, str) else ""
    )
    name = found or call.name
    return state.setting("_", Variable(name, is_exported=True))


# ------------------------------------------------------------------ eval and sourcing


def _eval(call: Call, redirected: Redirected) -> Ways:
    known = call.known
    if known is None:
        raise call.undecided(_UNSEEN)
    return call.machine.text(" ".join(known), call.state, _at(call))


def _at(call: Call) -> Place:
    source = call.place.source
    inner = Source(source.name, source.line(call.node))
    return replace(call.place, source=inner, is_last=False, depth=call.place.depth + 1)


def _source(call: Call, redirected: Redirected) -> Ways:
    if call.name == "source":
        call.machine.world.require(call.place.source, call.node, "`source`", Shell.BASH, Shell.ASH)
    known = call.known
    path = _sourced_path(call, known[0]) if known else None
    if path is None or not known:
        raise call.undecided(_UNSEEN)
    if not path:
        if call.machine.world.shell is Shell.BASH:
            return call.done(1)  # other shells end, or not
        raise call.undecided(_UNSEEN)
    text = call.machine.world.files(call.state).text(path)
    is_given_arguments = len(known) > 1
    if text is None or (is_given_arguments and call.machine.world.shell is not Shell.BASH):
        raise call.undecided(_UNSEEN)
    return _sourced(call, path, text, known[1:])


def _sourced(call: Call, path: str, text: str, arguments: tuple[str, ...]) -> Ways:
    state = call.state.noting(call.place.source.seen(call.node, f"`{call.shown}` read"))
    outer = state.arguments
    if arguments:
        state = replace(state, arguments=arguments)
    place = replace(
        call.place,
        source=Source(path),
        functions=("source", *call.place.functions),
        is_last=False,
        depth=call.place.depth + 1,
    )
    ways = call.machine.text(text, state, place)
    returned = [end for end in ways.ends if end.kind == "return"]
    after = ways.next
    for end in returned:
        after = (
            end.state
            if after is None
            else call.machine.joined(after, end.state, call.place.source.reason(call.node))
        )
    if arguments and after is not None:
        after = replace(after, arguments=outer)
    return Ways(after, tuple(end for end in ways.ends if end.kind != "return"))


def _sourced_path(call: Call, name: str) -> str | None:
    """A name without a slash is looked up on PATH, then (bash) in the working directory; ""
    when there is no such file, None when that is not known."""
    files = call.machine.world.files(call.state)
    candidates = [name]
    if "/" not in name:
        path = call.state.variables.get("PATH")
        value = path.scalar if path is not None else None
        if not isinstance(value, str):
            return None
        candidates = [posixpath.join(entry or ".", name) for entry in value.split(":")]
        if call.machine.world.shell is Shell.BASH:
            candidates.append(name)
    for candidate in candidates:
        if not files.is_settled(candidate):
            return None
        if files.test("f", candidate):
            return candidate
    return ""


_SPECIAL: dict[str, Callable[[Call, Redirected], Ways]] = {
    "exec": _exec,
    "eval": _eval,
    ".": _source,
    "source": _source,
}
