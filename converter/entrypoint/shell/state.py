"""Everything a shell knows at one point of a script, as a value, and how two of them join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from ...errors import UndecidedError
from ...model import ResourceLimit
from ..launch import Changed
from .grammar import Reason, Source
from .values import Unknown, Value, Variable

if TYPE_CHECKING:
    from tree_sitter import Node

FAILED = -1  # a status that is not 0; which one is not known
_MAXIMUM_OUTPUT_CHARACTERS = 65536
_MAXIMUM_VALUE_CHARACTERS = 131072  # MAX_ARG_STRLEN, execve(2)
_MAXIMUM_WORDS = 10_000


class Shell(Enum):
    """Which shell reads a script: where they differ, the answer does."""

    BASH = "bash"
    DASH = "dash"
    ASH = "busybox ash"
    ANY = "an unnamed POSIX shell"


@dataclass(frozen=True, slots=True)
class Function:
    """A shell function's body and where it was defined."""

    body: Node
    source: Source


@dataclass(frozen=True, slots=True)
class State:
    """Frozen; evidence and left-out work are carried along but make no two states differ."""

    variables: Mapping[str, Variable]
    arguments: tuple[Value, ...] | Unknown
    cwd: Value
    umask: int | Unknown
    options: frozenset[str] = frozenset()
    functions: Mapping[str, Function | None] = field(default_factory=dict)  # None: one of several
    locals: Mapping[str, Variable | None] | None = None  # what the function's locals hide
    changed: frozenset[Changed] = frozenset()
    limits: tuple[ResourceLimit, ...] = ()
    status: int | None = 0  # of the last command; None: not known
    output: Value = ""  # written to the standard output so far, where somebody reads it
    has_traps: bool = False
    may_stay: str = ""  # a program left out that may be one that does not end
    evidence: tuple[str, ...] = field(default=(), compare=False)
    left_out: tuple[str, ...] = field(default=(), compare=False)

    def noting(self, line: str) -> State:
        return self if line in self.evidence else replace(self, evidence=(*self.evidence, line))

    def leaving_out(self, line: str, changed: frozenset[Changed]) -> State:
        is_new = line and line not in self.left_out
        left_out = (*self.left_out, line) if is_new else self.left_out
        return replace(self, left_out=left_out, changed=self.changed | changed)

    def with_status(self, status: int | None) -> State:
        return self if status == self.status else replace(self, status=status)

    def setting(self, name: str, variable: Variable | None) -> State:
        variables = dict(self.variables)
        variables.pop(name, None) if variable is None else variables.update({name: variable})
        return replace(self, variables=variables)

    def assigning(self, name: str, value: Value | tuple[Value, ...]) -> State:
        """`NAME=value`: an exported name stays exported (XCU § 2.9.1)."""
        old = self.variables.get(name)
        if isinstance(value, str) and len(value) > _MAXIMUM_VALUE_CHARACTERS:
            value = Unknown(f"{name} gets a value that is too long")
        elif isinstance(value, tuple) and len(value) > _MAXIMUM_WORDS:
            value = Unknown(f"{name} gets too many words", is_many=True)
        is_exported = True if "allexport" in self.options else old is not None and old.is_exported
        return self.setting(name, Variable(value, is_exported))

    def given(self, arguments: tuple[Value, ...]) -> State:
        """With other positional parameters."""
        if len(arguments) > _MAXIMUM_WORDS:
            return replace(self, arguments=Unknown("too many arguments", is_many=True))
        return replace(self, arguments=arguments)

    def writing(self, text: Value) -> State:
        if isinstance(self.output, Unknown):
            return self
        if isinstance(text, Unknown) or len(self.output) > _MAXIMUM_OUTPUT_CHARACTERS:
            return replace(self, output=Unknown("the output of a command"))
        return replace(self, output=self.output + text)


def join(one: State, other: State, because: Reason) -> State:
    """What holds whichever of two ways was taken; the rest is not known, `because` of a line."""
    if one.options != other.options:
        raise UndecidedError((because.saying("changes the shell's options"),))
    return State(
        variables=_joined_variables(one.variables, other.variables, because),
        arguments=_joined_arguments(one, other, because),
        cwd=one.cwd
        if one.cwd == other.cwd
        else Unknown(because.saying("changes the working directory")),
        umask=one.umask
        if one.umask == other.umask
        else Unknown(because.saying("changes the umask")),
        options=one.options,
        functions=_joined_functions(one.functions, other.functions),
        locals=_joined_locals(one, other, because),
        changed=one.changed | other.changed,
        limits=_joined_limits(one, other, because),
        status=_joined_status(one.status, other.status),
        output=one.output
        if one.output == other.output
        else Unknown(because.saying("prints something")),
        has_traps=one.has_traps or other.has_traps,
        may_stay=one.may_stay or other.may_stay,
        evidence=merged(one.evidence, other.evidence),
        left_out=merged(one.left_out, other.left_out),
    )


def merged(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    known = set(one)
    return (*one, *(line for line in other if line not in known))


def joined_value(one: Variable | None, other: Variable | None, because: str) -> Variable | None:
    """A variable that is the same on both ways, or one that is not known."""
    if one == other:
        return one
    flags = {False if variable is None else variable.is_exported for variable in (one, other)}
    return Variable(Unknown(because), flags.pop() if len(flags) == 1 else None)


def _joined_variables(
    one: Mapping[str, Variable], other: Mapping[str, Variable], because: Reason
) -> Mapping[str, Variable]:
    if one is other:
        return one
    names = [*one, *(name for name in other if name not in one)]
    pairs = (
        (name, joined_value(one.get(name), other.get(name), _about(name, because)))
        for name in names
    )
    return {name: variable for name, variable in pairs if variable is not None}


def _about(name: str, because: Reason) -> str:
    return because.saying(f"changes {name}")


def _joined_arguments(one: State, other: State, because: Reason) -> tuple[Value, ...] | Unknown:
    if one.arguments == other.arguments:
        return one.arguments
    return Unknown(because.saying("changes the arguments"), is_many=True)


def _joined_functions(
    one: Mapping[str, Function | None], other: Mapping[str, Function | None]
) -> Mapping[str, Function | None]:
    if one is other:
        return one
    return {
        name: one.get(name) if one.get(name) == other.get(name) else None
        for name in {**one, **other}
    }


def _joined_locals(
    one: State, other: State, because: Reason
) -> Mapping[str, Variable | None] | None:
    """A name hidden on one way only: on the other its outer value is what it has now."""
    if one.locals is None or other.locals is None or one.locals == other.locals:
        return one.locals
    return {
        name: joined_value(_outer(one, name), _outer(other, name), _about(name, because))
        for name in {**one.locals, **other.locals}
    }


def _outer(state: State, name: str) -> Variable | None:
    assert state.locals is not None
    return state.locals[name] if name in state.locals else state.variables.get(name)


def _joined_limits(one: State, other: State, because: Reason) -> tuple[ResourceLimit, ...]:
    if one.limits != other.limits:
        raise UndecidedError((because.saying("changes resource limits"),))
    return one.limits


def _joined_status(one: int | None, other: int | None) -> int | None:
    if one == other:
        return one
    return FAILED if one and other else None
