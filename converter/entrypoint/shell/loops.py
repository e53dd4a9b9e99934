"""`for`, `while` and `until`: run over what is known, else until nothing changes any more.

A loop that may run any number of times ends where one more round adds nothing that was not
possible before: every value that a round changes is then not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import UndecidedError
from .grammar import Reason, text_of
from .machine import End, Place, Ways
from .simple import runs_of
from .state import Shell, State
from .values import Unknown, Value
from .words import Expander

if TYPE_CHECKING:
    from tree_sitter import Node

    from .evaluate import Evaluator

_MAXIMUM_ROUNDS = 1000


@dataclass(frozen=True, slots=True)
class _Round:
    """Where one round of a loop leads."""

    next: State | None  # to the next round
    left: tuple[State, ...]  # out of the loop
    ends: tuple[End, ...]  # further


@dataclass(slots=True)
class _Loop:
    """What has been gathered while a loop is evaluated."""

    evaluator: Evaluator
    node: Node
    body: Sequence[Node]
    left: State | None
    ends: list[End]

    def leave(self, state: State, because: Reason) -> None:
        self.left = state if self.left is None else self.evaluator.joined(self.left, state, because)

    def round(self, state: State, place: Place) -> State | None:
        """The body once; the state that the next round begins with."""
        result = _sorted(
            self.evaluator, self.evaluator.sequence(self.body, state, place), place, self.node
        )
        for left in result.left:
            self.leave(left, place.source.reason(self.node))
        self.ends += [end for end in result.ends if end not in self.ends]
        return result.next

    def ways(self) -> Ways:
        return Ways(self.left, tuple(self.ends))


def _sorted(evaluator: Evaluator, ways: Ways, place: Place, node: Node) -> _Round:
    """`break` leaves the loop, `continue` goes on with it, with a count those around it."""
    following = ways.next
    left: list[State] = []
    ends: list[End] = []
    for end in ways.ends:
        if end.kind not in ("break", "continue"):
            ends.append(end)
        elif end.count > 1:
            ends.append(replace(end, count=end.count - 1))
        elif end.kind == "break":
            left.append(end.state)
        elif following is None:
            following = end.state
        else:
            following = evaluator.joined(following, end.state, place.source.reason(node))
    return _Round(following, tuple(left), tuple(ends))


def _new(evaluator: Evaluator, node: Node) -> _Loop:
    body = node.child_by_field_name("body")
    assert body is not None
    if any(child.is_error or child.is_missing for child in body.children):
        raise UndecidedError((f"line {node.start_point[0] + 1}: a loop that is not read",))
    return _Loop(evaluator, node, body.children, None, [])


# ------------------------------------------------------------------ for


def for_each(evaluator: Evaluator, node: Node, state: State, place: Place) -> Ways:
    """`for NAME in WORDS; do …; done`; without `in` over the arguments."""
    if node.children[0].type == "select":
        raise UndecidedError((place.source.problem(node, "asks a person"),))
    name = node.child_by_field_name("variable")
    assert name is not None
    expander = Expander(evaluator, state, place)
    values = _listed(expander, node)
    start = expander.state.with_status(0)
    inner = place.within()
    loop = _new(evaluator, node)
    return evaluator.with_redirections(
        node, start, inner, lambda s, p: _over(loop, text_of(name), values, (s, p))
    )


def _listed(expander: Expander, node: Node) -> list[Value]:
    if any(child.type == "in" for child in node.children):
        return expander.fields(runs_of(node.children_by_field_name("value")))
    arguments = expander.state.arguments
    return [arguments] if isinstance(arguments, Unknown) else list(arguments)


def _over(loop: _Loop, name: str, values: list[Value], start: tuple[State, Place]) -> Ways:
    state, place = start
    if any(isinstance(value, Unknown) and value.is_many for value in values):
        because = place.source.problem(loop.node, "runs over what is not known")
        return _any_rounds(loop, state, place.guarded(because), (name, Unknown(because)))
    following: State | None = state
    for value in values[:_MAXIMUM_ROUNDS]:
        assert following is not None
        following = loop.round(following.assigning(name, value), place)
        if following is None:
            break
    if following is not None:
        loop.leave(following, place.source.reason(loop.node))
    return loop.ways()


def _any_rounds(loop: _Loop, state: State, place: Place, assigned: tuple[str, Value]) -> Ways:
    """No round, or any number of them."""
    because = place.source.reason(loop.node)
    for _ in range(_MAXIMUM_ROUNDS):
        following = loop.round(state.assigning(*assigned), place)
        if following is None:
            break
        wider = loop.evaluator.joined(state, following, because)
        if wider == state:
            state = wider
            break
        state = wider
    loop.leave(state, because)
    return loop.ways()


def for_counting(evaluator: Evaluator, node: Node, state: State, place: Place) -> Ways:
    """bash's `for ((a; b; c))` is not read."""
    evaluator.world.require(place.source, node, "`for ((`", Shell.BASH)
    raise UndecidedError((place.source.problem(node, "a loop that is not read here"),))


# ------------------------------------------------------------------ while


def while_true(evaluator: Evaluator, node: Node, state: State, place: Place) -> Ways:
    """`while …; do …; done` and `until`."""
    inner = place.within()
    loop = _new(evaluator, node)
    return evaluator.with_redirections(node, state, inner, lambda s, p: _while(loop, s, p))


def _while(loop: _Loop, state: State, place: Place) -> Ways:
    condition = [c for c in loop.node.children_by_field_name("condition") if c.type != ";"]
    wanted = 0 if loop.node.children[0].type == "while" else 1
    because = place.source.reason(loop.node)
    for _ in range(_MAXIMUM_ROUNDS):
        asked = loop.evaluator.sequence(condition, state, place.checked())
        loop.ends += [end for end in asked.ends if end not in loop.ends]
        if asked.next is None:
            break
        outcome = None if asked.next.status is None else int(asked.next.status != 0) == wanted
        if outcome is not True:
            loop.leave(asked.next.with_status(0 if outcome is False else None), because)
        if outcome is False:
            break
        inner = place if outcome else place.guarded(because.saying("goes on"))
        following = loop.round(asked.next, inner)
        if following is None:
            break
        following = following if outcome else loop.evaluator.joined(state, following, because)
        if following == state:
            break
        state = following
    else:
        raise UndecidedError((place.source.problem(loop.node, "a loop that does not end here"),))
    return loop.ways()
