"""Redirections (XCU § 2.7): where output goes, and which files they make.

Descriptors beyond 2 that a script opens are followed only as far as this: output to one is not
read by a substitution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .commands import made_by_redirection
from .grammar import text_of
from .machine import Machine, Place
from .state import Shell, State
from .values import Unknown, Value
from .words import Expander
from .work import noted

if TYPE_CHECKING:
    from tree_sitter import Node

# Where a machine's console is, whatever descriptor leads there.
_CONSOLE = frozenset((
    "/dev/stdout", "/dev/stderr", "/dev/console", "/proc/self/fd/1", "/proc/self/fd/2", "/dev/fd/1",
    "/dev/fd/2", "/proc/1/fd/1", "/proc/1/fd/2",
))  # fmt: skip
_NOWHERE = frozenset(("/dev/null", "/dev/tty"))
_WRITES = frozenset((">", ">>", ">|", "&>", "&>>", "<>"))


@dataclass(frozen=True, slots=True)
class Redirected:
    """What the redirections of one command come to."""

    state: State
    is_heard: bool  # descriptor 1 is still what it was before
    is_plain: bool  # descriptors 0, 1 and 2 lead to the console still
    writes: tuple[Node, ...]  # those that make or change a file


def apply(machine: Machine, nodes: Sequence[Node], state: State, place: Place) -> Redirected:
    """Expand the targets in order and see where descriptors 0, 1 and 2 lead."""
    is_heard = is_plain = True
    writes: list[Node] = []
    for node in nodes:
        if node.type != "file_redirect":
            is_plain = False  # a here-document: standard input
            if node.type == "herestring_redirect":
                machine.world.require(place.source, node, "`<<<`", Shell.BASH, Shell.ASH)
            continue
        operator, descriptor = _operator(node)
        state, target = _target(machine, node, state, place)
        if operator in _WRITES and not _is_no_file(target):
            writes.append(node)
            changed = made_by_redirection(target, machine.world, state)
            state = noted(node.parent or node, state, place, changed)
        if descriptor in ("1", "&"):
            is_heard = False
        if descriptor in ("0", "1", "2", "&") and not _leads_to_console(operator, target):
            is_plain = False
    return Redirected(state, is_heard, is_plain, tuple(writes))


def misplaced_words(nodes: Sequence[Node]) -> list[Node]:
    """Words after `>file` are the command's: the grammar takes all for names of files."""
    return [word for node in nodes for word in node.children_by_field_name("destination")[1:]]


def _operator(node: Node) -> tuple[str, str]:
    """The operator, and the descriptor it is about ("&" is 1 and 2)."""
    operator = next((text_of(child) for child in node.children if not child.is_named), ">")
    descriptor = next(
        (text_of(child) for child in node.children if child.type == "file_descriptor"), ""
    )
    if not descriptor:
        both = operator in ("&>", "&>>")
        descriptor = "&" if both else "0" if operator.startswith("<") else "1"
    return operator, descriptor


def _target(machine: Machine, node: Node, state: State, place: Place) -> tuple[State, Value]:
    destination = node.child_by_field_name("destination")
    if destination is None:
        return state, "-"
    expander = Expander(machine, state, place)
    value = expander.text((destination,))
    return expander.state, value


def _is_no_file(target: Value) -> bool:
    return isinstance(target, str) and target in _CONSOLE | _NOWHERE


def _leads_to_console(operator: str, target: Value) -> bool:
    if isinstance(target, Unknown):
        return False
    if operator in (">&", "<&"):
        return target in ("1", "2") and operator == ">&"
    return operator.startswith((">", "&>")) and target in _CONSOLE
