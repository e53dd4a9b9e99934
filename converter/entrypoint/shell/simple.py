"""Simple commands (XCU § 2.9.1): assignments, expansion, redirections, and then the command."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import UndecidedError
from . import conditions, programs
from .builtins import Call
from .grammar import shown, text_of
from .machine import Place, Ways
from .redirections import Redirected, misplaced_words
from .redirections import apply as redirect
from .state import Function, Shell, State
from .values import Unknown, Value, first_unknown
from .words import Expander

if TYPE_CHECKING:
    from tree_sitter import Node

    from .evaluate import Evaluator

_RESERVED = frozenset((
    "!", "{", "}", "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then",
    "until", "while", "function", "select", "coproc", "[[", "]]",
))  # fmt: skip
_REDIRECTS = ("file_redirect", "herestring_redirect", "heredoc_redirect")
# XCU § 2.14: assignments before these stay (in bash only in its POSIX mode).
_SPECIAL_BUILTINS = frozenset((
    ":", ".", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset", "source",
    "local", "declare", "typeset", "return", "exit", "break", "continue", "times",
))  # fmt: skip
_Values = Mapping[str, Value | tuple[Value, ...]]


def runs_of(nodes: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Words: nodes that touch one another are one."""
    runs: list[tuple[Node, ...]] = []
    for node in nodes:
        if runs and runs[-1][-1].end_byte == node.start_byte:
            runs[-1] = (*runs[-1], node)
        else:
            runs.append((node,))
    return runs


def test(evaluator: Evaluator, node: Node, state: State, place: Place) -> Ways:
    """`[ … ]`, `[[ … ]]`."""
    redirects = evaluator.redirections(node)
    redirected = redirect(evaluator, redirects, state, place)
    expander = Expander(evaluator, redirected.state, place)
    if not conditions.is_readable(node) or misplaced_words(redirects):
        raise expander.undecided(node, "syntax that is not read here")
    if node.children[0].type == "[[":
        expander.require(node, "`[[`", Shell.BASH, Shell.ASH)
        outcome = conditions.double_bracket(expander, node)
    else:
        words = expander.fields(conditions.words_of(node))
        outcome = conditions.bracket(expander, words)
    status = None if outcome is None else int(not outcome)
    return Ways(expander.state.with_status(status))


# ------------------------------------------------------------------ commands


@dataclass(frozen=True, slots=True)
class _Parts:
    """A simple command's children by what they are."""

    assignments: tuple[Node, ...]  # before the command
    words: tuple[tuple[Node, ...], ...]  # the command's name and what follows it
    declared: tuple[Node, ...]  # assignments given to `export` and its kin
    redirects: tuple[Node, ...]


def _parts(node: Node) -> _Parts:
    if node.type == "variable_assignment":
        return _Parts((node,), (), (), ())
    children = [child for child in node.children if child.type != "comment"]
    redirects = tuple(child for child in children if child.type in _REDIRECTS)
    children = [child for child in children if child not in redirects]
    assigned = tuple(child for child in children if child.type == "variable_assignment")
    others = [child for child in children if child.type != "variable_assignment"]
    if node.type in ("command", "variable_assignments"):
        return _Parts(assigned, tuple(runs_of(others)), (), redirects)
    return _Parts((), tuple(runs_of(others)), assigned, redirects)


def command(evaluator: Evaluator, node: Node, state: State, place: Place) -> Ways:
    """A simple command: one that ends up with no words only assigns."""
    parts = _parts(node)
    expander = Expander(evaluator, state.with_status(0), place)
    if parts.words and shown(parts.words[0][0]) in _RESERVED:
        raise expander.undecided(node, "syntax that is not read here")
    redirects = [*evaluator.redirections(node), *parts.redirects]
    words = expander.fields([*parts.words, *runs_of(misplaced_words(redirects))])
    values = _values(expander, parts.assignments)
    declared = _values(expander, parts.declared)
    redirected = redirect(evaluator, redirects, expander.state, place)
    if not words:
        return Ways(_assigned(redirected.state, values, node, place))
    if words[0] == "time" and len(words) > 1:
        words = words[1:]
    name = words[0] if isinstance(words[0], str) else "…"
    call = Call(
        evaluator,
        node,
        place,
        redirected.state.with_status(state.status),
        name,
        (*words[1:], *declared),
        place.is_heard and redirected.is_heard,
        declared,
    )
    return _with_prefix(evaluator, call, values, redirected)


def _values(expander: Expander, nodes: Sequence[Node]) -> dict[str, Value | tuple[Value, ...]]:
    """What assignments assign; one that another depends on has taken place."""
    outer = expander.state
    values: dict[str, Value | tuple[Value, ...]] = {}
    for node in nodes:
        name, value = _assignment(expander, node)
        values[name] = value
        if node.parent is None or node.parent.type != "declaration_command":
            expander.state = expander.state.assigning(name, value)
    for name in values:  # they take place once more, where it is known what for
        expander.state = expander.state.setting(name, outer.variables.get(name))
    return values


def _assignment(expander: Expander, node: Node) -> tuple[str, Value | tuple[Value, ...]]:
    target, value_node = node.child_by_field_name("name"), node.child_by_field_name("value")
    assert target is not None
    told = expander.place.source
    if target.type == "subscript":
        expander.require(node, "an array", Shell.BASH)
        name = text_of(target).partition("[")[0]
        return name, Unknown(told.problem(node, f"changes a part of {name}"), is_many=True)
    name = text_of(target)
    value = _value(expander, node, value_node)
    if any(child.type == "+=" for child in node.children):
        expander.require(node, "`+=`", Shell.BASH)
        value = _appended(expander, name, value)
    if isinstance(value, Unknown):
        because = told.problem(node, f"changes {name} to what is not known")
        value = Unknown(because, is_many=value.is_many)
    return name, value


def _value(expander: Expander, node: Node, value_node: Node | None) -> Value | tuple[Value, ...]:
    if value_node is None:
        return ""
    if value_node.type == "array":
        expander.require(node, "an array", Shell.BASH)
        elements = runs_of(value_node.named_children)
        if any(re.match(r"\[.*\]=", text_of(run[0])) for run in elements):
            return Unknown("an associative array", is_many=True)
        return tuple(expander.fields(elements))
    if re.search(r":~", text_of(value_node)):
        return Unknown("a home directory")
    value = expander.text([value_node])
    is_split = node.parent is not None and node.parent.type == "declaration_command"
    is_split = is_split and expander.machine.world.shell is not Shell.BASH
    is_split = is_split and value_node.type not in ("string", "raw_string", "word", "number")
    if is_split and isinstance(value, str) and re.search(r"[\s*?\[]", value):
        return Unknown("dash and others split this word")
    return value


def _appended(
    expander: Expander, name: str, value: Value | tuple[Value, ...]
) -> Value | tuple[Value, ...]:
    old = expander.state.variables.get(name)
    if old is None or old.value == ():
        return value
    if isinstance(old.value, Unknown) or isinstance(value, Unknown):
        return Unknown("an unknown value", is_many=isinstance(value, tuple))
    if isinstance(old.value, tuple):
        return (*old.value, *value) if isinstance(value, tuple) else Unknown("a part of an array")
    return (old.value, *value) if isinstance(value, tuple) else old.value + value


def _assigned(state: State, values: _Values, node: Node, place: Place) -> State:
    for name, value in values.items():
        state = state.assigning(name, value)
        if state.variables[name].is_exported and not isinstance(value, Unknown):
            state = state.noting(place.source.seen(node, f"`{shown(node)}` applied"))
    return state


def _with_prefix(evaluator: Evaluator, call: Call, values: _Values, redirected: Redirected) -> Ways:
    """`NAME=value command`: the assignments are for the command's time, or stay."""
    before = call.state
    state = before
    for name, value in values.items():
        state = state.assigning(name, value)
        state = state.setting(name, replace(state.variables[name], is_exported=True))
    ways = _run(evaluator, replace(call, state=state), redirected)
    is_posix = evaluator.world.shell is not Shell.BASH
    if ways.next is None or not values or (call.name in _SPECIAL_BUILTINS and is_posix):
        return ways
    after = ways.next
    for name in values:
        after = after.setting(name, before.variables.get(name))
    return Ways(after, ways.ends)


def _run(evaluator: Evaluator, call: Call, redirected: Redirected) -> Ways:
    if call.name not in call.state.functions:
        return programs.run(call, redirected)
    function = call.state.functions[call.name]
    if function is None:
        raise call.undecided("calls a function that is not known")
    place = replace(
        call.place,
        is_heard=call.is_heard,
        is_redirected=call.place.is_redirected or not redirected.is_plain,
    )
    return _called(evaluator, function, replace(call, place=place))


def _called(evaluator: Evaluator, function: Function, call: Call) -> Ways:
    arguments: tuple[Value, ...] | Unknown = call.words
    if any(isinstance(word, Unknown) and word.is_many for word in call.words):
        arguments = first_unknown(call.words) or Unknown(is_many=True)
    state = replace(call.state, arguments=arguments)
    try:
        ways = evaluator.call(function, call.name, state, call.place)
    except RecursionError:  # the tree is deeper than Python's stack
        raise UndecidedError((call.place.source.problem(call.node, "nested too deeply"),)) from None
    if ways.next is None:
        return ways
    return Ways(replace(ways.next, arguments=call.state.arguments), ways.ends)
