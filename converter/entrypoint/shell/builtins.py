"""The commands a shell has built in (XCU § 2.14, bash(1) § SHELL BUILTIN COMMANDS).

Each is given its expanded words and says where control goes. `exec`, `eval` and `.` are in
`programs`. What changes only the shell's own bookkeeping (`hash`, `history` …) does nothing here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ... import secrets
from ...errors import UndecidedError
from ...model import NodeType, ResourceLimit
from ..launch import Reach
from . import conditions
from .commands import Command, answer
from .machine import End, Machine, Place, Ways
from .state import FAILED, Shell, State
from .values import (
    UNSET,
    Unknown,
    Value,
    Variable,
    all_known,
    first_unknown,
)
from .words import Expander

if TYPE_CHECKING:
    from tree_sitter import Node

_NAME = re.compile(r"[A-Za-z_]\w*")
# Options of `set` by letter; those not named change nothing that could be seen here.
_OPTION_LETTERS = {"e": "errexit", "u": "nounset", "f": "noglob", "a": "allexport"}
_KEPT_OPTIONS = frozenset((*_OPTION_LETTERS.values(), "pipefail"))
_REFUSED_OPTIONS = frozenset(("noexec", "posix", "keyword", "n", "k"))
_SHOPT = frozenset(("nullglob", "extglob", "dotglob", "globstar", "failglob", "nocasematch",
                    "nocaseglob", "lastpipe", "expand_aliases"))  # fmt: skip
_UNREAD_SHOPT = frozenset(("nocasematch", "nocaseglob", "lastpipe", "expand_aliases"))
_LIMITS = {  # letter: name, bytes or units in one (bash(1) § ulimit)
    "n": ("RLIMIT_NOFILE", 1), "c": ("RLIMIT_CORE", 1024), "l": ("RLIMIT_MEMLOCK", 1024),
    "u": ("RLIMIT_NPROC", 1), "s": ("RLIMIT_STACK", 1024), "v": ("RLIMIT_AS", 1024),
    "m": ("RLIMIT_RSS", 1024), "d": ("RLIMIT_DATA", 1024), "t": ("RLIMIT_CPU", 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """One simple command, expanded, about to be run."""

    machine: Machine
    node: Node
    place: Place
    state: State
    name: str
    words: tuple[Value, ...]  # after the name
    is_heard: bool = False  # its output is what a substitution reads
    assigned: Mapping[str, Value | tuple[Value, ...]] = field(default_factory=dict)

    def done(self, status: int | None = 0, state: State | None = None) -> Ways:
        return Ways((state or self.state).with_status(status))

    def applied(self, state: State) -> Ways:
        return self.done(0, state.noting(self.place.source.seen(
            self.node, f"`{self.shown}` applied")))  # fmt: skip

    def printing(self, text: Value, status: int | None = 0) -> Ways:
        return self.done(status, self.state.writing(text) if self.is_heard else self.state)

    def ended(self, kind: str, state: State, told: str, count: int = 1) -> Ways:
        place = self.place
        end = End(kind, state, place.source.problem(self.node, told), place.is_guarded, count)
        return Ways(None, (end,))

    def undecided(self, told: str) -> UndecidedError:
        unknown = first_unknown(self.words)
        because = (unknown.because,) if unknown is not None and unknown.because else ()
        return UndecidedError((self.place.source.problem(self.node, told), *because))

    @property
    def shown(self) -> str:
        words = (self.node.text or b"").decode("utf-8", "replace").split()
        text = secrets.masked_text(" ".join(words))
        return text if len(text) <= 100 else text[:99] + "…"

    @property
    def known(self) -> tuple[str, ...] | None:
        return all_known(self.words)


# ------------------------------------------------------------------ status and control


def _true(call: Call) -> Ways:
    return call.done()


def _unknown_status(call: Call) -> Ways:
    return call.done(None)


def _false(call: Call) -> Ways:
    return call.done(1)


def _test(call: Call) -> Ways:
    words = call.words[:-1] if call.name == "[" else call.words
    expander = Expander(call.machine, call.state, call.place)
    outcome = conditions.bracket(expander, words)
    return call.done(None if outcome is None else int(not outcome))


def _exit(call: Call) -> Ways:
    return call.ended("exit", call.state.with_status(_status(call)), "ends before the last line")


def _return(call: Call) -> Ways:
    if not call.place.functions:
        raise call.undecided("returns from no function")
    return call.ended("return", call.state.with_status(_status(call)), "returns")


def _status(call: Call) -> int | None:
    if not call.words:
        return call.state.status
    word = call.words[0]
    return int(word) % 256 if isinstance(word, str) and re.fullmatch(r"\d{1,9}", word) else None


def _loop_control(call: Call) -> Ways:
    count = call.words[0] if call.words else "1"
    if not isinstance(count, str) or not re.fullmatch(r"[1-9]\d{0,3}", count):
        raise call.undecided("leaves a number of loops that is not known")
    return call.ended(call.name, call.state.with_status(0), "leaves a loop", int(count))


def _trap(call: Call) -> Ways:
    """Handlers end with exec(2), but a signal that is ignored stays so (signal(7))."""
    words = [word for word in call.words if word != "--"]
    if not words or first_unknown(call.words) or words == ["-"] or "-p" in words:
        return call.done(state=replace(call.state, has_traps=True))
    state = replace(call.state, has_traps=True)
    if words[0] == "":
        told = f"`{call.shown}`: signals stay ignored; the runtime does not do this"
        state = state.noting(call.place.source.seen(call.node, told))
    return call.done(0, state)


# ------------------------------------------------------------------ output


def _echo(call: Call) -> Ways:
    """dash reads backslashes and knows `-n` alone; bash and busybox know `-e` and `-E` as well
    (POSIX leaves all of it open)."""
    known = call.known
    if known is None:
        return call.printing(first_unknown(call.words) or Unknown())
    shell = call.machine.world.shell
    option = re.compile("-n" if shell is Shell.DASH else "-[neE]+")
    words, options = list(known), ""
    while words and option.fullmatch(words[0]) and (shell is not Shell.DASH or not options):
        options += words.pop(0)[1:]
    is_literal = "\\" not in "".join(words) or shell in (Shell.BASH, Shell.ASH)
    is_open = shell is Shell.ANY and options
    if not is_literal or "e" in options or "E" in options or is_open:
        return call.printing(Unknown("what echo prints"))
    return call.printing(" ".join(words) + ("" if options else "\n"))


def _printf(call: Call) -> Ways:
    """`%s`, `%d` of known words and a format of plain characters and `\\n`."""
    known = call.known
    if call.words[:1] == ("-v",):
        name = call.words[1] if len(call.words) > 1 else ""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise call.undecided("sets a variable that is not known")
        value = _formatted(known[2:]) if known is not None else Unknown("what printf prints")
        return call.done(0, call.state.assigning(name, value))
    if known is None:
        return call.printing(first_unknown(call.words) or Unknown())
    return call.printing(_formatted(known[1:] if known[:1] == ("--",) else known))


def _formatted(words: tuple[str, ...]) -> Value:
    if not words:
        return Unknown("what printf prints")
    format_text, rest = words[0], list(words[1:])
    if not re.fullmatch(r"(?:[^%\\]|%s|%%|\\n|\\t)*", format_text):
        return Unknown("what printf prints")
    text = ""
    for _ in range(len(rest) + 1):
        text += re.sub(r"%s|%%|\\n|\\t", lambda match: _one_format(match[0], rest), format_text)
        if not rest or "%s" not in format_text:
            break
    return text


def _one_format(part: str, rest: list[str]) -> str:
    if part == "%s":
        return rest.pop(0) if rest else ""
    return {"%%": "%", "\\n": "\n", "\\t": "\t"}[part]


def _pwd(call: Call) -> Ways:
    return call.printing(call.state.cwd if isinstance(call.state.cwd, Unknown)
                         else f"{_logical(call.state)}\n")  # fmt: skip


def _logical(state: State) -> str:
    variable = state.variables.get("PWD")
    value = variable.scalar if variable is not None else None
    return value if isinstance(value, str) else str(state.cwd)


def _command(call: Call) -> Ways:
    """`command -v NAME`, `type NAME`: whether and where a command is."""
    options = [word for word in call.words if isinstance(word, str) and word.startswith("-")]
    names = [word for word in call.words if word not in options]
    if len(names) != 1 or (call.name == "command" and options != ["-v"]):
        return call.printing(Unknown("where a command is"), None)
    found = _found(call, names[0])
    if found is None:
        return call.printing(Unknown("where a command is"), None)
    if not found:
        return call.printing("", FAILED)
    is_plain = call.name == "command" or options in (["-p"], ["-P"])
    return call.printing(f"{found}\n" if is_plain else Unknown("what type prints"))


def _found(call: Call, name: Value) -> str | None:
    if isinstance(name, Unknown) or not name:
        return None if name else ""
    if name in call.state.functions or name in BUILTINS:
        return None if call.state.functions.get(name, call) is None else name
    path = call.state.variables.get("PATH")
    value = path.scalar if path is not None else None
    if not isinstance(value, str):
        return None
    return call.machine.world.files(call.state).program(name, value)


# ------------------------------------------------------------------ parameters and options


def _set(call: Call) -> Ways:
    """Options first; what follows them becomes the arguments."""
    state = call.state
    words = list(call.words)
    while words:
        word = words[0]
        if isinstance(word, Unknown):
            return _with_arguments(call, state, words)
        if word in ("--", "-"):
            return _with_arguments(call, state, words[1:])
        if not re.fullmatch(r"[-+][A-Za-z]+", word):
            return _with_arguments(call, state, words)
        words.pop(0)
        names = [_OPTION_LETTERS.get(letter, letter) for letter in word[1:] if letter != "o"]
        if word.endswith("o") and words:
            name = words.pop(0)
            if isinstance(name, Unknown):
                raise call.undecided("sets options that are not known")
            names.append(name)
        state = _with_options(call, state, word[0], names)
    return call.done(0, state)


def _with_options(call: Call, state: State, sign: str, names: list[str]) -> State:
    if _REFUSED_OPTIONS & set(names):
        raise call.undecided("sets an option that is not read")
    kept = _KEPT_OPTIONS & set(names)
    return replace(state, options=state.options | kept if sign == "-" else state.options - kept)


def _with_arguments(call: Call, state: State, words: list[Value]) -> Ways:
    unknown = next((w for w in words if isinstance(w, Unknown) and w.is_many), None)
    if unknown is not None:
        told = call.place.source.problem(call.node, "changes the arguments to what is not known")
        return call.done(0, replace(state, arguments=Unknown(told, is_many=True)))
    changed = state.given(tuple(words))
    return call.done(0, changed) if call.place.functions else call.applied(changed)


def _shift(call: Call) -> Ways:
    arguments, word = call.state.arguments, call.words[0] if call.words else "1"
    if isinstance(arguments, Unknown):
        return call.done(None)
    if not isinstance(word, str) or not re.fullmatch(r"\d{1,9}", word):
        told = call.place.source.problem(call.node, "changes the arguments")
        return call.done(None, replace(call.state, arguments=Unknown(told, is_many=True)))
    count = int(word)
    if count > len(arguments):
        return _shift_too_far(call)
    changed = replace(call.state, arguments=arguments[count:])
    return call.done(0, changed) if call.place.functions else call.applied(changed)


def _shift_too_far(call: Call) -> Ways:
    """bash and busybox go on with a status of 1; dash ends (XCU § 2.8.1)."""
    shell = call.machine.world.shell
    if shell is Shell.ANY:
        raise call.undecided("changes the arguments by more than there are")
    if shell is Shell.DASH:
        return call.ended("exit", call.state.with_status(2), "shifts too far and ends")
    return call.done(1)


def _export(call: Call) -> Ways:
    """`export`, `readonly`, `local`, `declare` and their kin are given `NAME` or `NAME=value`."""
    state, options = call.state, ""
    is_noted = False
    for word in call.words:
        if isinstance(word, Unknown):
            raise call.undecided("sets variables that are not known")
        if word.startswith(("-", "+")) and "=" not in word:
            options += word
            continue
        state = _declared(replace(call, state=state), word, options)
        is_noted = True
    if set(options) & set("pfF"):
        return call.done(None, call.state)
    if re.search(r"[-+]\w*[niul]", options) and call.name != "export":
        raise call.undecided("declares variables in a way that is not read")
    exports = (call.name == "export" or "x" in options) and is_noted
    return call.applied(state) if exports else call.done(0, state)


def _declared(call: Call, word: str, options: str) -> State:
    name, is_assigned, text = word.partition("=")
    if not _NAME.fullmatch(name):
        raise call.undecided("sets a variable that is not read")
    state = _made_local(call, name, options)
    if is_assigned or name in call.assigned:
        state = state.assigning(name, call.assigned.get(name, text))
    if "-" in options and "A" in options:
        state = state.assigning(name, Unknown("an associative array"))
    if call.name == "export" or (call.name != "readonly" and "x" in options):
        is_exported = "-n" not in options and "+x" not in options
        state = _exporting(state, name, is_exported)
    return state


def exporting(state: State, name: str) -> State:
    return _exporting(state, name, is_exported=True)


def _exporting(state: State, name: str, is_exported: bool) -> State:
    """A name without a value that is exported gets into the environment when it gets one."""
    old = state.variables.get(name, UNSET)
    return state.setting(name, replace(old, is_exported=is_exported))


def _made_local(call: Call, name: str, options: str) -> State:
    state = call.state
    is_local = call.name == "local" or (
        call.name in ("declare", "typeset") and call.place.functions and "g" not in options
    )
    if not is_local:
        return state
    if state.locals is None:
        raise call.undecided("is local to no function")
    return made_local(state, name, call.machine.world.shell)


def made_local(state: State, name: str, shell: Shell) -> State:
    """bash's locals begin unset; dash's with the value outside (dash(1) § local)."""
    if state.locals is None or name in state.locals:
        return state
    old = state.variables.get(name)
    state = replace(state, locals={**state.locals, name: old})
    if old is None or shell is Shell.DASH:
        return state
    if shell is Shell.BASH:
        return state.setting(name, replace(UNSET, is_exported=old.is_exported))
    return state.setting(name, Variable(Unknown(f"a local {name}"), old.is_exported))


def _unset(call: Call) -> Ways:
    state = call.state
    functions = dict(state.functions)
    names = [word for word in call.words if isinstance(word, str) and not word.startswith("-")]
    if first_unknown(call.words):
        raise call.undecided("unsets variables that are not known")
    options = [word for word in call.words if isinstance(word, str) and word.startswith("-")]
    if "-n" in options:
        raise call.undecided("unsets a reference")
    for name in names:
        if "-f" in options:
            functions.pop(name, None)
        elif "[" in name:
            state = state.assigning(name.partition("[")[0], Unknown("an array that is changed"))
        else:
            state = state.setting(name, None)
    is_seen = any(name in call.state.variables and call.state.variables[name].is_exported
                  for name in names)  # fmt: skip
    state = replace(state, functions=functions) if "-f" in options else state
    return call.applied(state) if is_seen else call.done(0, state)


def _read(call: Call) -> Ways:
    """Reads what nobody knows into the names it is given."""
    return _sets_unknown(call, "what is read")


def _sets_unknown(call: Call, because: str) -> Ways:
    state = call.state
    for word in call.words or ("REPLY",):
        if isinstance(word, Unknown):
            raise call.undecided("sets variables that are not known")
        if _NAME.fullmatch(word):
            state = state.assigning(word, Unknown(because))
    for name in ("REPLY", "MAPFILE", "OPTARG", "OPTIND"):
        if name in state.variables:
            state = state.assigning(name, Unknown(because))
    return call.done(None, state)


def _let(call: Call) -> Ways:
    expander = Expander(call.machine, call.state, call.place)
    value: Value = "0"
    for word in call.words:
        value = expander.calculated(word, call.node)
    status = None if isinstance(value, Unknown) else int(int(value) == 0)
    return call.done(status, expander.state)


def _shopt(call: Call) -> Ways:
    known = call.known
    if known is None or not known or known[0] not in ("-s", "-u"):
        return call.printing(Unknown("what shopt prints"), None)
    names = _SHOPT & set(known[1:])
    if known[0] == "-s" and names & _UNREAD_SHOPT:
        raise call.undecided("sets an option that is not read")
    options = call.state.options
    return call.done(
        0, replace(call.state, options=options | names if known[0] == "-s" else options - names)
    )


# ------------------------------------------------------------------ process state


def _cd(call: Call) -> Ways:
    """Where the directory is known to be, or to be made by work left out."""
    words = [word for word in call.words if word not in ("--", "-P", "-L", "-e")]
    target: Value | None = words[0] if words else _variable(call, "HOME")
    if target == "-":
        target = _variable(call, "OLDPWD")
    if len(words) > 1 or "CDPATH" in call.state.variables or isinstance(target, str | None):
        if not isinstance(target, str) or not target or len(words) > 1:
            return _cd_unknown(call)
        return _cd_to(call, target)
    return _cd_unknown(call)


def _variable(call: Call, name: str) -> Value | None:
    variable = call.state.variables.get(name)
    return variable.scalar if variable is not None else None


def _cd_to(call: Call, target: str) -> Ways:
    logical = _logical(call.state)
    if isinstance(call.state.cwd, Unknown) and not target.startswith("/"):
        return _cd_unknown(call)
    place = posixpath.normpath(posixpath.join(logical, target))
    files = call.machine.world.files(call.state)
    node = files.tree.resolve(place)
    is_there = node is not None and node.type is NodeType.DIRECTORY and files.may("x", node)
    if not files.is_settled(place) and not _is_made(call, files.canonical(place)) and not is_there:
        return _cd_unknown(call)
    if not is_there and files.is_settled(place):
        return call.done(FAILED)
    return _moved(call, place, node.path if node is not None else files.canonical(place))


def _is_made(call: Call, place: str) -> bool:
    """Whether work that was left out is about this very directory."""
    made = [change.path for change in call.state.changed if change.reach is not Reach.RIGHTS]
    return any(path == place or path.startswith(f"{place}/") for path in made)


def _moved(call: Call, logical: str, physical: str) -> Ways:
    state = call.state.assigning("OLDPWD", _logical(call.state))
    state = replace(state.assigning("PWD", logical), cwd=physical)
    return call.applied(exporting(exporting(state, "OLDPWD"), "PWD"))


def _cd_unknown(call: Call) -> Ways:
    because = Unknown(call.place.source.problem(call.node, "changes the working directory"))
    state = call.state.assigning("PWD", because).assigning("OLDPWD", because)
    return call.done(None, replace(state, cwd=because))


def _umask(call: Call) -> Ways:
    known = call.known
    state = call.state
    if not call.words:
        umask = state.umask
        return call.printing(umask if isinstance(umask, Unknown) else f"{umask:04o}\n")
    if known is not None and known[0] == "-S" and len(known) == 1:
        return call.printing(Unknown("what umask prints"))
    if known is None or not re.fullmatch(r"[0-7]{1,4}", known[-1]):
        told = call.place.source.problem(call.node, "changes the umask to what is not known")
        return call.done(None, replace(state, umask=Unknown(told)))
    return call.applied(replace(state, umask=int(known[-1], 8) & 0o777))


def _ulimit(call: Call) -> Ways:
    """`ulimit [-SH] -LETTER VALUE` (bash(1) § ulimit); without a value it prints."""
    known = call.known
    if known is None:
        raise call.undecided("sets a limit that is not known")
    if not known or known[-1].startswith("-"):
        return call.printing(Unknown("a resource limit"))
    letters = "".join(word[1:] for word in known[:-1])
    kind = letters.strip("SH") or "f"
    if known[-1] in ("hard", "soft") or kind not in _LIMITS:
        raise call.undecided("sets a limit that is not read")
    if known[-1] != "unlimited" and not re.fullmatch(r"\d{1,15}", known[-1]):
        return call.done(FAILED)
    name, unit = _LIMITS[kind]
    value = None if known[-1] == "unlimited" else int(known[-1]) * unit
    if "S" in letters or "H" in letters:
        raise call.undecided("sets one of a limit's two values")
    limits = [limit for limit in call.state.limits if limit.name != name]
    changed = replace(call.state, limits=(*limits, ResourceLimit(name, value, value)))
    return call.applied(changed)


def _answered(call: Call) -> Ways:
    found = answer(Command(call.name, call.words), call.machine.world, call.state)
    return call.printing(found.output, found.status)


def _unread(call: Call) -> Ways:
    raise call.undecided("is not read here")


Builtin = Callable[[Call], Ways]
BUILTINS: dict[str, Builtin] = {
    ":": _true, "true": _true, "false": _false, "test": _test, "[": _test, "exit": _exit,
    "return": _return, "break": _loop_control, "continue": _loop_control, "trap": _trap,
    "echo": _echo, "printf": _printf, "pwd": _pwd, "command": _command, "type": _command,
    "set": _set, "shift": _shift, "export": _export, "readonly": _export, "local": _export,
    "declare": _export, "typeset": _export, "unset": _unset, "read": _read, "mapfile": _read,
    "readarray": _read, "getopts": _read, "let": _let, "shopt": _shopt, "cd": _cd,
    "umask": _umask, "ulimit": _ulimit, "hash": _true, "history": _true, "wait": _unknown_status,
    "times": _true, "alias": _unread, "unalias": _true, "enable": _unread, "pushd": _unread,
    "popd": _unread, "coproc": _unread, "disown": _true, "suspend": _unread, "fg": _unread,
    "bg": _unread, "jobs": _true, "kill": _unknown_status,
}  # fmt: skip
