"""See through a start-up script that ends in `exec PROGRAM …`, most often `exec "$@"`.

The script is read in order, not run. What always happens and has one meaning is applied: tests of
the arguments and the user, `set -- …`, `shift`, `export`, `umask`, `cd`. What it would have done
else before the exec is listed as evidence, line by line. Anything that could change which program
is run, and is not certain, ends in UndecidedError with the line that says so. Loops, `case` and
sourced files are such things.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .launch import Launch
from .shell_commands import Branch, Command, read_commands
from .shell_values import Values, assigned_names, is_number, status
from .shell_words import ShellSyntaxError

# Commands that change nothing outside the shell, or only say something.
_HARMLESS = frozenset((
    ":", "true", "false", "[", "[[", "test", "echo", "printf", "local", "return", "read", "break",
    "continue", "set", "shift", "declare", "typeset", "readonly", "getopts", "command", "type",
))  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHOWN_CHARACTERS = 100


class UndecidedError(Exception):
    """Why the program the script runs cannot be known by reading it."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Script:
    """A shell script and the positional parameters it is called with."""

    path: str
    text: str
    arguments: tuple[str, ...]  # $1, $2, …


def after_script(script: Script, launch: Launch) -> Launch:
    """The launch that the script's exec makes."""
    try:
        commands = read_commands(script.text)
    except ShellSyntaxError as problem:
        raise UndecidedError((f"{script.path} {problem}",)) from problem
    if not commands:
        raise UndecidedError((f"{script.path} runs nothing",))
    seen = f"{script.path}: a shell script, read and not run"
    reading = _Reading(script, commands, replace(launch, evidence=(*launch.evidence, seen)))
    for command in commands:
        argv = reading.read(command)
        if argv is not None:
            return replace(reading.launch, argv=argv)
    reading.obstacle(commands[-1], "the last line is no `exec PROGRAM …` that always happens")
    raise UndecidedError(tuple(reading.obstacles))


def after_shell_form(path: str, text: str, launch: Launch) -> Launch:
    """The launch that `sh -c COMMAND` makes when COMMAND is one simple command.

    The assignments before it join its environment. POSIX lets a shell exec its last command
    instead of forking; here it always does.
    """
    shown = f"{path} -c {text!r}"
    try:
        commands = read_commands(text)
    except ShellSyntaxError as problem:
        raise UndecidedError((f"{shown}: {problem}",)) from problem
    if len(commands) != 1 or not _is_plain(commands[0]):
        raise UndecidedError(
            (f"{shown}: {len(commands)} commands: only a single one is seen through",)
        )
    words = _values(Script(path, "", ()), launch).words(commands[0].words)
    if words is None or _is_redirected(commands[0]):
        raise UndecidedError((f"{shown}: holds expansions or redirections that need a shell",))
    assignments = words[: _assignment_count(words)]
    argv = words[len(assignments) :]
    argv = argv[1:] if argv[:1] == ("exec",) else argv
    if not argv:
        raise UndecidedError((f"{shown}: runs no program",))
    seen = f"{shown}: one command, which runs {list(argv)}"
    launch = _with_variables(launch, assignments)
    return replace(launch, argv=argv, evidence=(*launch.evidence, seen))


class _Reading:
    """How far a script has been read: what the launch and the arguments are by then."""

    def __init__(self, script: Script, commands: tuple[Command, ...], launch: Launch) -> None:
        self.launch = launch
        self.obstacles: list[str] = []
        self._script = script
        self._arguments = script.arguments
        self._commands = commands
        self._functions = frozenset(command.function for command in commands) - {""}
        self._called = frozenset(command.name for command in commands)
        self._assigned = assigned_names(script.text)
        self._taken: dict[int, int | None] = {}  # `if` -> index of its branch, None not known
        self._list_status: bool | None = None  # of the and-or list being read

    def read(self, command: Command) -> tuple[str, ...] | None:
        """Take one command into account; the program's argv when it is the exec that happens."""
        if command.function:
            if command.function in self._called:
                self._maybe(command)
            return None
        happens = self._happens(command)
        if happens is False:
            return None
        if happens is None or command.is_subshell:
            self._maybe(command)
        elif command.name == "exec" and len(command.words) > 1:
            return self._exec(command)
        else:
            self._certain(command)
        return None

    def obstacle(self, command: Command, problem: str) -> None:
        self.obstacles.append(
            f"{self._script.path} line {command.line}: {problem}: `{_shown(command)}`"
        )

    # -------------------------------------------------------------- whether it happens

    def _happens(self, command: Command) -> bool | None:
        """Whether a command is run; None when that is not known."""
        outcomes = [self._follows(command)]
        for branch in command.branches:
            if False in outcomes:
                return False
            outcomes.append(self._is_taken(branch))
        if False in outcomes:
            return False
        return None if None in outcomes or command.is_conditional else True

    def _is_taken(self, branch: Branch) -> bool | None:
        if branch.number not in self._taken:
            self._taken[branch.number] = self._decided(branch.number)
        taken = self._taken[branch.number]
        if taken is None:
            return None
        return branch.index <= taken if branch.is_condition else branch.index == taken

    def _decided(self, number: int) -> int | None:
        """The index of the branch that is taken, one past the last when none is; None when that
        is not known."""
        conditions: dict[int, list[Command]] = {}
        for command in self._commands:
            branch = next((b for b in command.branches if b.number == number), None)
            if branch is None:
                continue
            of_branch = conditions.setdefault(branch.index, [])
            if branch.is_condition:
                of_branch.append(command)
        for index, condition in sorted(conditions.items()):
            outcome = self._condition(condition, number) if condition else True  # else
            if condition and outcome is not None:
                shown = _shown_list(condition)
                self._note(condition[0], f"`{shown}` is {str(outcome).lower()} here")
            if outcome is not False:
                return index if outcome else None
        return len(conditions)

    def _condition(self, commands: list[Command], number: int) -> bool | None:
        """The status of the one list of simple commands that an `if` asks; None for any other."""
        outcome: bool | None = None
        for index, command in enumerate(commands):
            is_nested = command.is_conditional or command.branches[-1].number != number
            if is_nested or (index and command.connector == ";"):
                return None
            outcome = self._joined(outcome, command)
        return outcome

    def _follows(self, command: Command) -> bool | None:
        """Whether a command's place after `&&` or `||` is reached; keeps the list's status."""
        before = self._list_status
        self._list_status = self._joined(before, command)
        if command.connector == ";":
            return True
        return None if before is None else before == (command.connector == "&&")

    def _joined(self, before: bool | None, command: Command) -> bool | None:
        """The status of an and-or list with one more command."""
        outcome = status(command, self._values())
        if command.connector == ";":
            return outcome
        decisive = command.connector == "||"  # this status ends the list
        if before is decisive:
            return before
        return outcome if before is not None or outcome is decisive else None

    # -------------------------------------------------------------- what it does

    def _exec(self, command: Command) -> tuple[str, ...]:
        """The argv of the exec that ends the script; UndecidedError when anything stands in
        its way."""
        words = self._values().words(command.words[1:])
        words = words[1:] if words is not None and words[:1] == ("--",) else words
        if not words or words[0].startswith("-") or _is_redirected(command):
            self.obstacle(command, "is not `exec PROGRAM …` with known words and plain output")
        if self.obstacles or not words:
            raise UndecidedError(tuple(self.obstacles))
        self._note(command, f"`{_shown(command)}` runs {list(words)}")
        return words

    def _certain(self, command: Command) -> None:
        """A command that is run: applied where it has one meaning."""
        problem = _problem(command)
        if problem is None:
            applied = self._applied(command)
            if applied is not None:
                self.launch = applied
                self._note(command, f"`{_shown(command)}` applied")
            else:
                self._maybe(command)
            return
        if problem == _CHANGES_ARGUMENTS:
            changed = self._changed_arguments(command)
            if changed is not None:
                self._arguments = changed
                self._note(command, f"`{_shown(command)}` applied")
                return
        self.obstacle(command, problem)

    def _maybe(self, command: Command) -> None:
        """A command that may be run, or runs in a process of its own."""
        problem = None if command.is_subshell else _problem(command)
        if not command.is_subshell and "PATH" in _names_set(command):
            problem = "changes PATH"
        if command.function and problem in (_CHANGES_ARGUMENTS, _ENDS):
            return  # `set` and `shift` in a function change the function's own parameters
        if problem is not None and (problem != _ENDS or not _is_guarded(command)):
            self.obstacle(command, problem)
        else:
            self._note_work(command, "under a condition, " if _is_guarded(command) else "")

    def _changed_arguments(self, command: Command) -> tuple[str, ...] | None:
        if command.name == "shift":
            count = command.words[1] if len(command.words) > 1 else "1"
            is_possible = is_number(count) and int(count) <= len(self._arguments)
            return self._arguments[int(count) :] if is_possible else None
        words = command.words[1:]
        return self._values().words(words[1:]) if words[0] == "--" else None

    def _applied(self, command: Command) -> Launch | None:
        if command.words and _assignment_count(command.words) == len(command.words):
            return self._assigned_in_environment(command)
        words = self._values().words(command.words[1:])
        if not words:
            return None
        if command.name == "export" and all(_ASSIGNMENT.match(word) for word in words):
            return _with_variables(self.launch, words)
        if command.name == "umask" and re.fullmatch(r"0?[0-7]{1,3}", words[0]):
            return replace(self.launch, umask=int(words[0], 8))
        if command.name == "cd" and len(words) == 1 and words[0] != "-":
            path = posixpath.normpath(posixpath.join(self.launch.cwd, words[0]))
            return replace(self.launch, cwd=path)
        return None

    def _assigned_in_environment(self, command: Command) -> Launch | None:
        """`NAME=value` of a variable that the environment has changes the environment."""
        words = self._values().words(command.words)
        names = {entry.partition("=")[0] for entry in self.launch.env}
        changed = [word for word in words or () if word.partition("=")[0] in names]
        return _with_variables(self.launch, changed) if changed else None

    def _values(self) -> Values:
        script = Script(self._script.path, self._script.text, self._arguments)
        return _values(script, self.launch, self._assigned)

    def _note_work(self, command: Command, when: str) -> None:
        """Say what was left out, unless leaving it out changes nothing the program could see."""
        names = {entry.partition("=")[0] for entry in self.launch.env}
        is_variable = _assignment_count(command.words) == len(command.words)
        if is_variable and not _names_set(command) & names:
            return  # a variable of the shell's own, or a redirection alone
        if command.name in _HARMLESS or command.name in self._functions:
            return  # what a function does is said where it stands
        self._note(command, f"start-up work not run ({when}as written): `{_shown(command)}`")

    def _note(self, command: Command, text: str) -> None:
        seen = f"{self._script.path}:{command.line}: {text}"
        self.launch = replace(self.launch, evidence=(*self.launch.evidence, seen))


_CHANGES_ARGUMENTS = "changes the arguments"
_ENDS = "ends before the last line"


def _problem(command: Command) -> str | None:
    """How a command could change which program is run."""
    if command.name == "exec" and len(command.words) > 1:
        return "may exec another program"
    if command.name in ("eval", ".", "source"):
        return "reads commands that cannot be seen here"
    if command.name == "exit":
        return _ENDS
    if command.name == "shift" or _sets_arguments(command.words):
        return _CHANGES_ARGUMENTS
    return None


def _sets_arguments(words: tuple[str, ...]) -> bool:
    """`set` with anything but options (`set -eu`, `set -o pipefail`) sets $1, $2, …"""
    if not words or words[0] != "set":
        return False
    rest = list(words[1:])
    while rest and re.fullmatch(r"[-+][A-Za-z]+", rest[0]):
        takes_name = rest.pop(0)[-1] == "o"
        if takes_name and rest:
            rest.pop(0)
    return bool(rest)


def _names_set(command: Command) -> set[str]:
    """The variables that a command sets by assignment or `export`."""
    words = command.words[1:] if command.name == "export" else command.words
    return {word.partition("=")[0] for word in words[: _assignment_count(words)]}


def _values(script: Script, launch: Launch, assigned: frozenset[str] = frozenset()) -> Values:
    env = dict(entry.partition("=")[::2] for entry in launch.env)
    return Values(script.path, script.arguments, env, launch.uid, assigned)


def _is_plain(command: Command) -> bool:
    """Whether a command stands by itself."""
    depends = command.is_conditional or command.is_subshell or command.is_negated
    return not depends and not command.branches and not command.function


def _is_guarded(command: Command) -> bool:
    """Whether something decides if a command runs."""
    return command.is_conditional or bool(command.branches) or command.connector != ";"


def _is_redirected(command: Command) -> bool:
    """Whether output goes elsewhere; `2>&1` does not count, both are the machine's console."""
    return any(redirection != "2>&1" for redirection in command.redirections)


def _assignment_count(words: Sequence[str]) -> int:
    count = 0
    while count < len(words) and _ASSIGNMENT.match(words[count]):
        count += 1
    return count


def _with_variables(launch: Launch, assignments: Sequence[str]) -> Launch:
    names = tuple(assignment.partition("=")[0] + "=" for assignment in assignments)
    kept = tuple(entry for entry in launch.env if not entry.startswith(names))
    return replace(launch, env=(*kept, *assignments)) if names else launch


def _shown_list(commands: Sequence[Command]) -> str:
    joined = "".join(f" {command.connector} {_shown(command)}" for command in commands)
    return joined.removeprefix(" ; ")


def _shown(command: Command) -> str:
    text = " ".join(command.text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
