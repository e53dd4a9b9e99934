"""`test`, `[ … ]` and `[[ … ]]`: true, false or not known (test(1), bash(1) § Conditional
Expressions).

The words are taken as the shell would see them: which of them are operators is decided here, not
by the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import parameters, patterns
from .files import Files
from .grammar import is_broken, text_of
from .state import Shell
from .values import Unknown, Value
from .words import PARTS, Expander

if TYPE_CHECKING:
    from tree_sitter import Node

_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "-eq": int.__eq__, "-ne": int.__ne__, "-gt": int.__gt__, "-ge": int.__ge__, "-lt": int.__lt__,
    "-le": int.__le__,
}  # fmt: skip
_OF_FILES = frozenset(["-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h", "-p", "-b", "-c"])
_UNARY = _OF_FILES | frozenset(
    ["-n", "-z", "-S", "-t", "-v", "-o", "-u", "-g", "-k", "-O", "-G", "-N", "-a", "-R"]
)
_BINARY = frozenset(_COMPARISONS) | {"=", "==", "!=", "<", ">", "-nt", "-ot", "-ef", "=~"}
# Meta characters that mean the same in POSIX extended expressions and in Python's.
_SAME_EXPRESSION = re.compile(
    r"(?:[\w /:,@%=_-]|\\[.$*+?^()\[\]{}|/-]|\[\^?[\w.:/@-]+\]|[.^$()|*+?])*"
)
_Outcome = bool | None


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a test, as a run of nodes that touch; an operator of `[[` is one node."""

    nodes: tuple[Node, ...]

    @property
    def text(self) -> str:
        return "".join(text_of(node) for node in self.nodes)

    @property
    def is_operator(self) -> bool:
        return len(self.nodes) == 1 and not self.nodes[0].is_named


def words_of(node: Node) -> list[tuple[Node, ...]]:
    """The words inside a `[ … ]`."""
    return [token.nodes for token in _tokens(node)]


def bracket(expander: Expander, words: Sequence[Value]) -> _Outcome:
    """`test WORDS`, which is `[ WORDS ]`."""
    if any(isinstance(word, Unknown) and word.is_many for word in words):
        return None
    return _Bracket(expander, words).outcome()


def double_bracket(expander: Expander, node: Node) -> _Outcome:
    """`[[ … ]]`: no splitting, and a pattern right of `==`."""
    reader = _DoubleBracket(expander, _tokens(node))
    outcome = reader.either()
    if not reader.is_done:
        raise expander.undecided(node, "a test that is not read here")
    return outcome


def _tokens(node: Node) -> list[_Token]:
    """The words between the brackets, whatever expression the grammar made of them."""
    found: list[_Token] = []
    for leaf in _leaves(node.children[1:-1]):
        before = found[-1] if found else None
        touches = before is not None and before.nodes[-1].end_byte == leaf.start_byte
        is_word = leaf.is_named or text_of(leaf) in ("=", "==", "!=", "!", "-", "+")
        if before is not None and touches and is_word and not before.is_operator:
            found[-1] = _Token((*before.nodes, leaf))
        else:
            found.append(_Token((leaf,)))
    return found


def _leaves(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        if node.is_missing or node.is_error:
            raise _BrokenTestError
        if node.type in PARTS or not node.child_count:
            yield node
        else:
            yield from _leaves(node.children)


class _BrokenTestError(Exception):
    """The grammar could not read the test."""


def is_readable(node: Node) -> bool:
    """Whether the grammar could read all of a `[ … ]`."""
    try:
        return not is_broken(node) and _tokens(node) is not None
    except _BrokenTestError:
        return False


# ------------------------------------------------------------------ test(1)


class _Bracket:
    """POSIX decides by the number of words; more than four are read as `-o` of `-a`."""

    def __init__(self, expander: Expander, words: Sequence[Value]) -> None:
        self._expander = expander
        self._words = words

    def outcome(self) -> _Outcome:
        return self._expression(list(self._words))

    def _expression(self, words: list[Value]) -> _Outcome:
        count = len(words)
        if count == 0:
            return False
        if count == 1:
            return None if isinstance(words[0], Unknown) else bool(words[0])
        if count == 3 and words[1] in _BINARY:
            return self._binary(words)
        if words[0] == "!" and count <= 4:
            return _negated(self._expression(words[1:]))
        if count == 2:
            return _unary(self._expander, words[0], words[1])
        if words[0] == "(" and words[-1] == ")" and count <= 4:
            return self._expression(words[1:-1])
        return self._joined(words)

    def _binary(self, words: list[Value]) -> _Outcome:
        left, operator, right = words
        assert isinstance(operator, str)
        shell = self._expander.machine.world.shell
        if operator == "==" and shell in (Shell.DASH, Shell.ANY):
            return False if shell is Shell.DASH else None  # dash: status 2
        if operator in ("<", ">", "=~"):
            return None
        return _compared(left, operator, right)

    def _joined(self, words: list[Value]) -> _Outcome:
        """`a -a b -o c`: only where every part is a plain expression."""
        for operator, join in (("-o", _any), ("-a", _all)):
            parts = _split(words, operator)
            if len(parts) > 1:
                if any((len(part) > 4 and operator == "-a") or not part for part in parts):
                    return None
                return join([self._expression(part) for part in parts])
        return None


def _split(words: list[Value], separator: str) -> list[list[Value]]:
    parts: list[list[Value]] = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


# ------------------------------------------------------------------ [[ ]]


class _DoubleBracket:
    """Reads `||` over `&&` over `!`, parentheses and single tests."""

    def __init__(self, expander: Expander, tokens: list[_Token]) -> None:
        self._expander = expander
        self._tokens = tokens
        self._next = 0

    @property
    def is_done(self) -> bool:
        return self._next == len(self._tokens)

    def either(self) -> _Outcome:
        outcomes = [self._both()]
        while self._taken("||"):
            outcomes.append(self._both())
        return _any(outcomes)

    def _both(self) -> _Outcome:
        outcomes = [self._single()]
        while self._taken("&&"):
            outcomes.append(self._single())
        return _all(outcomes)

    def _single(self) -> _Outcome:
        if self._taken("!"):
            return _negated(self._single())
        if self._taken("("):
            outcome = self.either()
            return outcome if self._taken(")") else None
        if self.is_done:
            return None
        first = self._take()
        if first.text in _UNARY and not self._at_end() and self._peek() not in _BINARY:
            return _unary(self._expander, first.text, self._value(self._take()))
        if self._peek() in _BINARY:
            operator = self._take().text
            return None if self.is_done else self._compared(first, operator, self._take())
        value = self._value(first)
        return None if isinstance(value, Unknown) else bool(value)

    def _compared(self, left: _Token, operator: str, right: _Token) -> _Outcome:
        value = self._value(left)
        if operator == "=~":
            return self._matches(value, right)
        if operator in ("=", "==", "!="):
            wanted = self._expander.pattern(right.nodes)
            if isinstance(value, Unknown) or isinstance(wanted, Unknown):
                return None
            outcome = patterns.matches(wanted, value)
            return outcome if operator != "!=" else _negated(outcome)
        return _compared(value, operator, self._value(right))

    def _matches(self, value: Value, right: _Token) -> _Outcome:
        """`=~`, where Python's expressions are the same as regex(7)'s."""
        wanted = self._expander.pattern(right.nodes)
        self._expander.state = self._expander.state.assigning(
            "BASH_REMATCH", Unknown("what an expression matched")
        )
        if isinstance(value, Unknown) or isinstance(wanted, Unknown):
            return None
        text = right.text if len(right.nodes) == 1 and right.nodes[0].type == "regex" else None
        if text is None or "$" in text[:-1] or not _SAME_EXPRESSION.fullmatch(text):
            return None
        if not value.isascii() or "\n" in value or re.search(r"\)[*+]|[*+?][*+?]", text):
            return None
        if not patterns.is_quick(f"{text}*", value):
            return None
        try:
            return re.search(text, value) is not None
        except re.error:
            return None

    def _value(self, token: _Token) -> Value:
        return self._expander.text(token.nodes)

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _at_end(self) -> bool:
        return self.is_done or self._peek() in ("&&", "||", ")")

    def _peek(self) -> str:
        return "" if self.is_done else self._tokens[self._next].text

    def _taken(self, text: str) -> bool:
        is_next = not self.is_done and self._peek() == text
        self._next += is_next
        return is_next


# ------------------------------------------------------------------ single tests


def _unary(expander: Expander, operator: Value, operand: Value) -> _Outcome:
    if isinstance(operator, Unknown) or operator not in _UNARY:
        return None
    if operator == "-v" and isinstance(operand, str) and operand.isidentifier():
        value = parameters.lookup(expander, operand)
        return None if isinstance(value, Unknown) else value is not None
    if isinstance(operand, Unknown):
        return None
    if operator in ("-n", "-z"):
        return bool(operand) == (operator == "-n")
    if operator in _OF_FILES:
        return _of_file(expander.machine.world.files(expander.state), operator[1], operand)
    return None


def _of_file(files: Files, operator: str, path: str) -> _Outcome:
    return files.test(operator, path)


def _compared(left: Value, operator: str, right: Value) -> _Outcome:
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if operator in ("=", "==", "!="):
        return (left == right) != (operator == "!=")
    compare = _COMPARISONS.get(operator)
    if compare is None or not (_is_number(left) and _is_number(right)):
        return None
    return compare(int(left), int(right))


def _is_number(text: str) -> bool:
    """Whether every shell reads the text as the same number."""
    return re.fullmatch(r"0|-?[1-9][0-9]{0,8}", text) is not None


def _negated(outcome: _Outcome) -> _Outcome:
    return None if outcome is None else not outcome


def _all(outcomes: Sequence[_Outcome]) -> _Outcome:
    if False in outcomes:
        return False
    return None if None in outcomes else True


def _any(outcomes: Sequence[_Outcome]) -> _Outcome:
    if True in outcomes:
        return True
    return None if None in outcomes else False
