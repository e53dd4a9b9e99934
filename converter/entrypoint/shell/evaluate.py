"""Control flow: what a shell does with each node of the tree (XCU § 2.9).

Every statement takes a state and says where control may go: on, or to an end (`exec`, `exit`,
`return`, `break`, `continue`). At a condition that is not known both ways are taken and joined.
All of it is bounded by the number of statements and the depth of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...errors import UndecidedError
from . import loops, simple
from .grammar import Reason, is_broken, parse, shown, text_of
from .machine import End, Place, Ways, World
from .parameters import ExpansionFailure
from .patterns import Part, matches
from .redirections import apply as redirect
from .redirections import misplaced_words
from .state import FAILED, Function, Shell, State, join
from .values import Unknown, Value
from .words import Expander
from .words import joined as joined_text
from .work import anything, noted

if TYPE_CHECKING:
    from tree_sitter import Node

_MAXIMUM_STATEMENTS = 20_000
_MAXIMUM_DEPTH = 40
_MAXIMUM_TEXT_CHARACTERS = 1 << 18
_IGNORED = frozenset(("comment", ";", ";;", "\n", "{", "}", "(", ")", "do", "done", "&"))
_BODIES = ("list", "pipeline", "negated_command")


class TooMuchError(UndecidedError):
    """A bound was reached; unlike other problems this one ends everything."""


class Evaluator:
    """One evaluation of one script; `Machine` is what its parts see of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._statements = 0
        self._redirects: dict[int, list[Node]] = {}  # node id -> redirections written after it

    # -------------------------------------------------------------- sequences

    def text(self, code: str, state: State, place: Place) -> Ways:
        """Commands given as text."""
        if len(code) > _MAXIMUM_TEXT_CHARACTERS or place.depth > _MAXIMUM_DEPTH:
            raise TooMuchError((f"{place.source.name}: too long or nested too deeply to be read",))
        return self.sequence(parse(code).children, state, place)

    def sequence(self, nodes: Sequence[Node], state: State, place: Place) -> Ways:
        """One statement after the other, `&` after one puts it in the background."""
        ends: list[End] = []
        statements = [node for node in nodes if node.type not in _IGNORED]
        for node in statements:
            is_final = node is statements[-1]
            follower = node.next_sibling
            if follower is not None and follower.type == "&":
                self._background(node, place)
                continue
            ways = self.statement(node, state, place if is_final else place.within())
            ends += ways.ends
            if ways.next is None:
                return Ways(None, tuple(ends))
            state = ways.next
        return Ways(state, tuple(ends))

    def _background(self, node: Node, place: Place) -> None:
        raise UndecidedError((place.source.problem(node, "starts more than one program"),))

    def statement(self, node: Node, state: State, place: Place) -> Ways:
        """Any statement."""
        self._statements += 1
        if self._statements > _MAXIMUM_STATEMENTS:
            told = f"runs more than {_MAXIMUM_STATEMENTS} commands"
            raise TooMuchError((place.source.problem(node, told),))
        evaluate = _STATEMENTS.get(node.type)
        if evaluate is None or (is_broken(node) and node.type != "test_command"):
            raise UndecidedError((place.source.problem(node, "syntax that is not read here"),))
        try:
            return evaluate(self, node, state, place)
        except ExpansionFailure as failure:
            told = place.source.problem(node, f"ends the script: {failure}")
            end = End("exit", state.with_status(FAILED), told, place.is_guarded)
            return Ways(None, (end,))

    # -------------------------------------------------------------- joining

    def joined(self, one: State, other: State, because: Reason) -> State:
        return join(one, other, because)

    def both(self, one: Ways, other: Ways, because: Reason) -> Ways:
        """Where control may go when it is not known which of two ways is taken."""
        for ways, opposite in ((one, other), (other, one)):
            if ways.next is None and opposite.next is not None:
                noted = opposite.next
                for end in ways.ends:
                    if end.kind == "exit" and end.state.status:
                        noted = noted.noting(f"{end.told} would end the start-up: taken not to")
                opposite = Ways(noted, opposite.ends)
                one, other = (ways, opposite) if ways is one else (opposite, ways)
        ends = (*one.ends, *(end for end in other.ends if end not in one.ends))
        if one.next is None or other.next is None:
            return Ways(one.next or other.next, ends)
        return Ways(join(one.next, other.next, because), ends)

    def finished(self, ways: Ways, node: Node, place: Place) -> Ways:
        """`set -e`: a command that fails where nobody looks at its status ends the shell."""
        state = ways.next
        is_looked_at = place.is_checked or state is None or "errexit" not in state.options
        if is_looked_at or state is None or state.status == 0:
            return ways
        told = place.source.problem(node, "fails, and `set -e` ends the script")
        failed = End("exit", state.with_status(state.status or FAILED), told, place.is_guarded)
        if state.status is not None:
            return Ways(None, (*ways.ends, failed))
        # A program that fails ends the start-up. The start-up is taken to work.
        ends = (*ways.ends, failed) if place.is_alone else ways.ends
        return Ways(state.with_status(0), ends)

    # -------------------------------------------------------------- processes of their own

    def substitution(self, node: Node, state: State, place: Place) -> tuple[State, Value]:
        """`$(…)`: what is written to its standard output."""
        inner = replace(place, is_heard=True)
        start = state
        if self.world.shell is Shell.BASH:  # it does not inherit `-e` (bash(1) § set)
            start = replace(state, options=state.options - {"errexit"})
        nodes = [child for child in node.children if child.is_named]
        if text_of(node).startswith("`") and "\\" in text_of(node):
            return state.with_status(None), Unknown("backslashes inside backquotes")
        if any(child.type == "file_redirect" for child in nodes):
            return state.with_status(None), Unknown("a file that is read")
        after = self.isolated(node, start, inner, lambda s, p: self.sequence(nodes, s, p))
        value = after.output
        if isinstance(value, Unknown):
            value = Unknown(place.source.problem(node, "is not known"))
        return replace(after, output=state.output, options=state.options), value

    def isolated(
        self, node: Node, state: State, place: Place, run: Callable[[State, Place], Ways]
    ) -> State:
        """Run something in a process of its own: of what it does to the shell's state, only its
        status and output are seen, and what it may have done to files."""
        inner = replace(place, is_alone=True, is_last=False, depth=place.depth + 1)
        if inner.depth > _MAXIMUM_DEPTH:
            raise TooMuchError((place.source.problem(node, "nested too deeply"),))
        try:
            ways = run(replace(state, output=""), inner)
        except TooMuchError:
            raise
        except UndecidedError:
            state = noted(node, state, place, anything(self.world))
            return replace(state, status=None, output=Unknown("what is not read"))
        because = place.source.reason(node)
        states = [*([ways.next] if ways.next else []), *(end.state for end in ways.ends)]
        if not states:
            raise TooMuchError((place.source.problem(node, "never ends"),))
        result = states[0]
        for other in states[1:]:
            result = _joined_outside(result, other, because)
        return replace(
            state, status=result.status, output=result.output, changed=result.changed,
            evidence=result.evidence, left_out=result.left_out, may_stay=result.may_stay,
        )  # fmt: skip

    # -------------------------------------------------------------- functions

    def call(self, function: Function, name: str, state: State, place: Place) -> Ways:
        """A function's body with its own arguments and locals (XCU § 2.9.5)."""
        if place.depth > _MAXIMUM_DEPTH:
            raise TooMuchError((f"{place.source.name}: functions call one another too deeply",))
        inner = replace(
            place,
            source=function.source,
            functions=(name, *place.functions),
            depth=place.depth + 1,
            is_last=False,
        )
        ways = self.statement(function.body, replace(state, locals={}), inner)
        after = ways.next
        for end in ways.ends:
            if end.kind == "return":
                after = (
                    end.state
                    if after is None
                    else join(after, end.state, function.source.reason(function.body))
                )
        others = tuple(end for end in ways.ends if end.kind != "return")
        return Ways(None if after is None else _without_locals(after, state), others)

    # -------------------------------------------------------------- statements

    def redirected(self, node: Node, state: State, place: Place) -> Ways:
        """Redirections belong to the last command of the list or pipeline before them."""
        body = node.child_by_field_name("body")
        if body is None:
            return self._only_redirections(node, state, place)
        redirects = node.children_by_field_name("redirect")
        heredocs = [one for one in redirects if one.type == "heredoc_redirect"]
        redirects += [more for one in heredocs for more in one.children_by_field_name("redirect")]
        following = [one for one in heredocs if _has_more(one)]
        target = body
        while target.type in _BODIES:
            target = target.named_children[-1]
        self._redirects[target.id] = redirects
        if following:
            return self._after_heredoc(body, following[0], state, place)
        return self.statement(body, state, place)

    def redirections(self, node: Node) -> list[Node]:
        """What was written after a command."""
        return self._redirects.get(node.id, [])

    def _only_redirections(self, node: Node, state: State, place: Place) -> Ways:
        nodes = node.children_by_field_name("redirect")
        self._require_no_words(nodes, node, place)
        return Ways(redirect(self, nodes, state, place).state.with_status(0))

    def _after_heredoc(self, body: Node, heredoc: Node, state: State, place: Place) -> Ways:
        """`cmd <<EOF | more` and `cmd <<EOF && more`: the grammar hangs the rest below."""
        pipeline = next((c for c in heredoc.named_children if c.type == "pipeline"), None)
        right = heredoc.child_by_field_name("right")
        if pipeline is not None:
            return self._piped([body, *pipeline.named_children], pipeline, state, place)
        operator = heredoc.child_by_field_name("operator")
        if right is None or operator is None:
            raise UndecidedError((place.source.problem(body, "syntax that is not read here"),))
        first = self.statement(body, state, place.checked())
        return self._and_or(first, text_of(operator), right, place)

    def compound(self, node: Node, state: State, place: Place) -> Ways:
        """`{ …; }`, or bash's `(( … ))`."""
        if node.children and node.children[0].type == "((":
            self.world.require(place.source, node, "`((`", Shell.BASH)
            return self.finished(self._arithmetic(node, state, place), node, place)
        return self.with_redirections(
            node, state, place, lambda s, p: self.sequence(node.children, s, p)
        )

    def _arithmetic(self, node: Node, state: State, place: Place) -> Ways:
        expander = Expander(self, state, place)
        span = (node.start_byte + 2, node.end_byte - 2)
        text = joined_text(expander.between(node, span, in_quotes=True))
        value = expander.calculated(text, node)
        status = None if isinstance(value, Unknown) else int(int(value) == 0)
        return Ways(expander.state.with_status(status))

    def with_redirections(
        self, node: Node, state: State, place: Place, run: Callable[[State, Place], Ways]
    ) -> Ways:
        """A compound command, heard as far as its redirections let it be."""
        redirects = self.redirections(node)
        if not redirects:
            return run(state, place)
        self._require_no_words(redirects, node, place)
        redirected = redirect(self, redirects, state, place)
        inner = replace(place, is_heard=place.is_heard and redirected.is_heard)
        if not redirected.is_plain:
            inner = replace(inner, is_last=False, is_redirected=True)
        return run(redirected.state, inner)

    def _require_no_words(self, redirects: list[Node], node: Node, place: Place) -> None:
        if misplaced_words(redirects):
            raise UndecidedError((place.source.problem(node, "syntax that is not read here"),))

    def subshell(self, node: Node, state: State, place: Place) -> Ways:
        """`( … )`."""

        def run(start: State, inner: Place) -> Ways:
            after = self.isolated(
                node, start, inner, lambda s, p: self.sequence(node.children, s, p)
            )
            heard = start.writing(after.output) if inner.is_heard else start
            return Ways(replace(after, output=heard.output))

        return self.finished(self.with_redirections(node, state, place, run), node, place)

    def negated(self, node: Node, state: State, place: Place) -> Ways:
        """`! command`: nobody is ended by its status."""
        ways = self.statement(node.named_children[-1], state, place.checked())
        return self._inverted(ways)

    def _inverted(self, ways: Ways) -> Ways:
        if ways.next is None:
            return ways
        status = ways.next.status
        return Ways(ways.next.with_status(None if status is None else int(status == 0)), ways.ends)

    def pipeline(self, node: Node, state: State, place: Place) -> Ways:
        """`a | b`: every part in a process of its own; the status is the last one's."""
        return self._piped(list(node.named_children), node, state, place)

    def _piped(self, parts: list[Node], node: Node, state: State, place: Place) -> Ways:
        is_negated = parts[0].type == "negated_command"
        if is_negated:
            parts[0] = parts[0].named_children[-1]
        statuses: list[int | None] = []
        for part in (part for part in parts if part.type != "comment"):
            inner = replace(place, is_heard=place.is_heard and part is parts[-1])
            start = state
            after = self.isolated(part, start, inner, _runs(self, part))
            heard = start.writing(after.output) if inner.is_heard else start
            state = replace(after, output=heard.output)
            statuses.append(state.status)
        state = state.with_status(_pipe_status(statuses, state))
        if is_negated:
            return self._inverted(Ways(state))
        return self.finished(Ways(state), node, place)

    def and_or(self, node: Node, state: State, place: Place) -> Ways:
        """`a && b`, `a || b`."""
        left, operator, right = (child for child in node.children if child.type != "comment")
        first = self.statement(left, state, place.checked())
        return self._and_or(first, text_of(operator), right, place)

    def _and_or(self, first: Ways, operator: str, right: Node, place: Place) -> Ways:
        state = first.next
        if state is None:
            return first
        goes_on = None if state.status is None else (state.status == 0) == (operator == "&&")
        if goes_on is False:
            return first
        if goes_on:
            second = self.statement(right, state, place)
            return Ways(second.next, (*first.ends, *second.ends))
        taken, skipped = (0, FAILED) if operator == "&&" else (FAILED, 0)
        left = right.prev_named_sibling or right
        told = place.source.problem(left, "is not known")
        second = self.statement(right, state.with_status(taken), place.guarded(told))
        ways = self.both(second, Ways(state.with_status(skipped)), place.source.reason(right))
        return Ways(ways.next, (*first.ends, *ways.ends))

    def conditional(self, node: Node, state: State, place: Place) -> Ways:
        """`if … then … elif … else … fi`."""
        branches = [_branch(node)]
        for child in node.children:
            if child.type == "elif_clause":
                branches.append(_branch(child))
            elif child.type == "else_clause":
                branches.append(([], child.children[1:]))
        return self.with_redirections(
            node, state, place, lambda s, p: self._branches(branches, s, p)
        )

    def _branches(
        self, branches: Sequence[tuple[Sequence[Node], Sequence[Node]]], state: State, place: Place
    ) -> Ways:
        if not branches:
            return Ways(state.with_status(0))
        condition, body = branches[0]
        if not condition:
            return self.sequence(body, state, place)
        asked = self.sequence(condition, state, place.checked())
        if asked.next is None:
            return asked
        status, state = asked.next.status, asked.next
        if status is not None:
            state = state.noting(_outcome(place, condition, status == 0))
            ways = (
                self.sequence(body, state, place)
                if status == 0
                else self._branches(branches[1:], state, place)
            )
            return Ways(ways.next, (*asked.ends, *ways.ends))
        inner = place.guarded(place.source.problem(condition[0], "is not known"))
        taken = self.sequence(body, state.with_status(0), inner)
        other = self._branches(branches[1:], state.with_status(FAILED), inner)
        ways = self.both(taken, other, place.source.reason(condition[0]))
        return Ways(ways.next, (*asked.ends, *ways.ends))

    def case(self, node: Node, state: State, place: Place) -> Ways:
        """`case WORD in PATTERN) … esac`."""
        value = node.child_by_field_name("value")
        assert value is not None
        expander = Expander(self, state, place)
        subject = expander.text((value,))
        items = [child for child in node.children if child.type == "case_item"]
        start = expander.state
        return self.with_redirections(
            node, start, place, lambda s, p: self._items(items, subject, s, p)
        )

    def _items(self, items: Sequence[Node], subject: Value, state: State, place: Place) -> Ways:
        if not items:
            return Ways(state.with_status(0))
        expander = Expander(self, state, place)
        if is_broken(items[0]):
            raise expander.undecided(items[0], "syntax that is not read here")
        outcome = _matches_any(expander, items[0], subject)
        state = expander.state
        if outcome is False:
            return self._items(items[1:], subject, state, place)
        if outcome:
            told = f"`{_head(items[0])}` is what `case` takes here"
            state = state.noting(place.source.seen(items[0], told))
            return self._item(items, subject, state, place)
        inner = place.guarded(place.source.problem(items[0], "is not known"))
        taken = self._item(items, subject, state, inner)
        other = self._items(items[1:], subject, state, inner)
        return self.both(taken, other, place.source.reason(items[0]))

    def _item(self, items: Sequence[Node], subject: Value, state: State, place: Place) -> Ways:
        """The commands of an item; `;&` goes on with the next one's, `;;&` with its pattern."""
        item = items[0]
        closing = next(i for i, child in enumerate(item.children) if child.type == ")")
        body = item.children[closing + 1 :]
        ways = self.sequence(
            [node for node in body if node.type not in (";&", ";;&")], state.with_status(0), place
        )
        ending = item.children[-1].type
        if ending not in (";&", ";;&") or ways.next is None or len(items) == 1:
            return ways
        self.world.require(place.source, item, f"`{ending}`", Shell.BASH)
        more = self._item if ending == ";&" else self._items
        after = more(items[1:], subject, ways.next, place)
        return Ways(after.next, (*ways.ends, *after.ends))

    def definition(self, node: Node, state: State, place: Place) -> Ways:
        """`name() { …; }`."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        assert name is not None
        assert body is not None
        if node.child_by_field_name("redirect") is not None:
            raise UndecidedError((place.source.problem(node, "redirects a function"),))
        if node.children[0].type == "function":
            shells = (Shell.BASH, Shell.ASH)
            self.world.require(place.source, node, "`function`", *shells)
        functions = {**state.functions, text_of(name): Function(body, place.source)}
        return Ways(replace(state, functions=functions).with_status(0))

    def test(self, node: Node, state: State, place: Place) -> Ways:
        """`[ … ]` or `[[ … ]]`."""
        return self.finished(simple.test(self, node, state, place), node, place)

    def command(self, node: Node, state: State, place: Place) -> Ways:
        """A simple command."""
        return self.finished(simple.command(self, node, state, place), node, place)


def _runs(evaluator: Evaluator, node: Node) -> Callable[[State, Place], Ways]:
    return lambda state, place: evaluator.statement(node, state, place)


def _joined_outside(one: State, other: State, because: Reason) -> State:
    """Of two ways through a process of its own, what is seen from outside."""
    same = replace(
        one, output=other.output, status=other.status, changed=other.changed,
        evidence=other.evidence, left_out=other.left_out, may_stay=other.may_stay,
    )  # fmt: skip
    return join(one, same, because)


def _without_locals(after: State, before: State) -> State:
    """What a function leaves: locals end, and the arguments are the caller's again."""
    for name, variable in (after.locals or {}).items():
        after = after.setting(name, variable)
    return replace(after, locals=before.locals, arguments=before.arguments)


def _has_more(heredoc: Node) -> bool:
    kinds = ("heredoc_start", "heredoc_body", "heredoc_end", "file_redirect", "heredoc_redirect")
    return any(child.type not in kinds for child in heredoc.named_children)


def _pipe_status(statuses: Sequence[int | None], state: State) -> int | None:
    """With pipefail, of the last part that fails; those before the last may be ended by SIGPIPE."""
    if "pipefail" not in state.options or statuses[-1] or len(statuses) == 1:
        return statuses[-1]
    return FAILED if any(statuses) else None


def _branch(node: Node) -> tuple[list[Node], list[Node]]:
    """The condition and the commands of an `if` or `elif`."""
    then = next(i for i, child in enumerate(node.children) if child.type == "then")
    ends = ("elif_clause", "else_clause", "fi")
    body = [child for child in node.children[then + 1 :] if child.type not in ends]
    condition = [child for child in node.children[1:then] if child.type != ";"]
    return condition, body


def _outcome(place: Place, condition: Sequence[Node], is_true: bool) -> str:
    text = "; ".join(shown(node) for node in condition if node.type != "comment")
    return place.source.seen(condition[0], f"`{text}` is {str(is_true).lower()} here")


def _head(item: Node) -> str:
    return text_of(item).split(")")[0].strip() + ")"


def _matches_any(expander: Expander, item: Node, subject: Value) -> bool | None:
    """Whether one of the patterns before `)` matches."""
    outcomes = [
        _matches(expander.pattern(pattern), subject) for pattern in simple.runs_of(
            item.children_by_field_name("value"))
    ]  # fmt: skip
    if True in outcomes:
        return True
    return None if None in outcomes else False


def _matches(pattern: list[Part] | Unknown, subject: Value) -> bool | None:
    if isinstance(pattern, Unknown):
        return None
    if pattern and all(part == Part("*", is_quoted=False) for part in pattern):
        return True
    return None if isinstance(subject, Unknown) else matches(pattern, subject)


_STATEMENTS: dict[str, Callable[[Evaluator, Node, State, Place], Ways]] = {
    "command": Evaluator.command,
    "variable_assignment": Evaluator.command,
    "variable_assignments": Evaluator.command,
    "declaration_command": Evaluator.command,
    "unset_command": Evaluator.command,
    "test_command": Evaluator.test,
    "redirected_statement": Evaluator.redirected,
    "list": Evaluator.and_or,
    "pipeline": Evaluator.pipeline,
    "negated_command": Evaluator.negated,
    "if_statement": Evaluator.conditional,
    "case_statement": Evaluator.case,
    "for_statement": loops.for_each,
    "c_style_for_statement": loops.for_counting,
    "while_statement": loops.while_true,
    "compound_statement": Evaluator.compound,
    "subshell": Evaluator.subshell,
    "function_definition": Evaluator.definition,
}
