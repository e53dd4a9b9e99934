"""What evaluation is done with: the image, the shell, the user; and the place a command stands in.

`Machine` is the interface that words and builtins see of the evaluator, which sees all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ...errors import UndecidedError
from ...model import Tree
from ..launch import Launch
from .files import Files
from .grammar import Reason, Source
from .state import Function, Shell, State
from .values import Unknown, Value

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class World:
    """What does not change while a script is evaluated."""

    tree: Tree
    shell: Shell
    script: str  # $0
    launch: Launch  # the exec(2) that started the shell

    def files(self, state: State) -> Files:
        """The image's files at one point; from nowhere when the working directory is not known."""
        cwd = state.cwd if isinstance(state.cwd, str) else "/proc"  # never settled
        credentials = (self.launch.uid, (self.launch.gid, *self.launch.groups))
        return Files(self.tree, cwd, credentials, state.changed)

    def require(self, source: Source, node: Node, what: str, *shells: Shell) -> None:
        """UndecidedError when the shell that reads the script may not know `what`."""
        if self.shell not in shells:
            told = f"{what} is not read alike by {self.shell.value}"
            raise UndecidedError((source.problem(node, told),))


@dataclass(frozen=True, slots=True)
class Place:
    """The circumstances of a command."""

    source: Source
    functions: tuple[str, ...] = ()  # being called, innermost first; "source" for a sourced file
    depth: int = 0
    is_checked: bool = False  # somebody looks at the status: `set -e` does not act
    is_guarded: bool = False  # under a condition that is not known
    is_alone: bool = False  # in a process of its own: it cannot end or replace the script's
    is_heard: bool = False  # its standard output is read by a substitution
    is_last: bool = False  # what `sh -c` ends in: the shell makes way for it
    is_redirected: bool = False  # its input or output is not the console
    condition: str = ""  # the innermost condition that is not known

    def checked(self) -> Place:
        return replace(self, is_checked=True, is_last=False)

    def guarded(self, condition: str) -> Place:
        return replace(self, is_guarded=True, condition=condition)

    def within(self) -> Place:
        """The same, with more to come after it."""
        return replace(self, is_last=False)


@dataclass(frozen=True, slots=True)
class End:
    """A way through the script that does not go on to the next command."""

    kind: str  # "exec", "exit", "return", "break", "continue"
    state: State
    told: str  # "/start line 3: … : `exec x`"
    is_guarded: bool = False
    count: int = 1  # loops that `break` and `continue` leave
    launch: Launch | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """Where control may go after a command."""

    next: State | None
    ends: tuple[End, ...] = ()


class Machine(Protocol):
    """The evaluator, as far as its parts need it."""

    world: World

    def joined(self, one: State, other: State, because: Reason) -> State:
        """What holds whichever of two ways was taken."""

    def substitution(self, node: Node, state: State, place: Place) -> tuple[State, Value]:
        """What `$(…)` gives, with the state after it."""

    def text(self, code: str, state: State, place: Place) -> Ways:
        """Evaluate commands given as text."""

    def call(self, function: Function, name: str, state: State, place: Place) -> Ways:
        """Run a function with `state.arguments`."""


def known_text(value: Value, source: Source, node: Node, what: str) -> str:
    """The value, or UndecidedError saying that it is not known."""
    if isinstance(value, Unknown):
        reasons = (source.problem(node, what), *((value.because,) if value.because else ()))
        raise UndecidedError(reasons)
    return value
