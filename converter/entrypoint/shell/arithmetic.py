"""Shell arithmetic of known integers (XCU § 2.6.4); names assigned in it are given back.

The comma, the bit operators and bases other than C's are not read: the result is then not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\*\*|\+\+|--|[-+*/%]=|&&|\|\||[<>=!]=|[-+*/%<>!()?:=])"
)
_ASSIGNED = re.compile(
    r"(?:\+\+|--)\s*([A-Za-z_]\w*)|([A-Za-z_]\w*)\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))"
)
# Binary operators by how tightly they bind, loosest first.
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
_LARGEST = 2**63 - 1
_MAXIMUM_NESTING = 20


class UnreadError(Exception):
    """The expression is not read here, or is an error to the shell."""


class _NotKnownError(Exception):
    """A value in the expression is not known."""


@dataclass(frozen=True, slots=True)
class Result:
    """The value, and what the expression assigned; None is not known."""

    value: int | None
    assigned: Mapping[str, int | None]


Lookup = Callable[[str], str | None]  # a variable's text, "" if unset, None if not known


def evaluate(expression: str, lookup: Lookup) -> Result:
    """Never guesses: a value that is not known makes the result and every name it assigns so."""
    try:
        reader = _Reader(expression, lookup, 0)
        value = reader.whole()
    except _NotKnownError:
        names = [before or after for before, after in _ASSIGNED.findall(expression)]
        return Result(None, dict.fromkeys(names))
    return Result(value, reader.assigned)


class _Reader:
    """Precedence climbing over the tokens."""

    def __init__(self, expression: str, lookup: Lookup, depth: int) -> None:
        self.assigned: dict[str, int | None] = {}
        self._lookup = lookup
        self._depth = depth
        self._tokens: list[str] = []
        self._next = 0
        position = 0
        text = expression.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or depth > _MAXIMUM_NESTING:
                raise UnreadError
            self._tokens.append(match[1])
            position = match.end()

    def whole(self) -> int:
        value = self._conditional() if self._tokens else 0
        if self._next != len(self._tokens):
            raise UnreadError
        return value

    def _conditional(self) -> int:
        condition = self._binary(0)
        if not self._taken("?"):
            return condition
        first = self._conditional()
        if not self._taken(":"):
            raise UnreadError
        second = self._conditional()
        if self.assigned:
            raise UnreadError  # only one side's assignments would happen
        return first if condition else second

    def _binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            operator = self._tokens[self._next]
            self._next += 1
            count = len(self.assigned)
            right = self._binary(level + 1)
            if operator in ("&&", "||") and len(self.assigned) > count:
                raise UnreadError
            left = _bounded(_applied(operator, left, right))
        return left

    def _unary(self) -> int:
        for sign in ("-", "+", "!"):
            if self._taken(sign):
                value = self._unary()
                return {"-": -value, "+": value, "!": int(not value)}[sign]
        for step in ("++", "--"):
            if self._taken(step):
                name = self._name()
                return self._assign(name, self._value(name) + (1 if step == "++" else -1))
        return self._power()

    def _power(self) -> int:
        base = self._primary()
        if not self._taken("**"):
            return base
        exponent = self._unary()
        if not 0 <= exponent <= 63:
            raise UnreadError
        return _bounded(base**exponent)

    def _primary(self) -> int:
        if self._taken("("):
            value = self._conditional()
            if not self._taken(")"):
                raise UnreadError
            return value
        token = self._peek()
        if token[:1].isdigit():
            self._next += 1
            return _number(token)
        return self._named(self._name())

    def _named(self, name: str) -> int:
        operator = self._peek()
        if operator in ("++", "--"):
            self._next += 1
            value = self._value(name)
            self._assign(name, value + (1 if operator == "++" else -1))
            return value
        if operator == "=" or (
            len(operator) == 2 and operator[0] in "+-*/%" and operator[1] == "="
        ):
            self._next += 1
            value = self._conditional()
            if operator != "=":
                value = _bounded(_applied(operator[0], self._value(name), value))
            return self._assign(name, value)
        return self._value(name)

    def _name(self) -> str:
        token = self._peek()
        if not re.fullmatch(r"[A-Za-z_]\w*", token):
            raise UnreadError
        self._next += 1
        return token

    def _value(self, name: str) -> int:
        if name in self.assigned:
            return self.assigned[name] or 0
        text = self._lookup(name)
        if text is None:
            raise _NotKnownError
        if re.fullmatch(r"\s*-?\d+\s*", text):
            return -_number(text.strip()[1:]) if "-" in text else _number(text.strip())
        return _Reader(text, self._lookup, self._depth + 1).whole()

    def _assign(self, name: str, value: int) -> int:
        self.assigned[name] = _bounded(value)
        return value

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _taken(self, token: str) -> bool:
        is_next = self._peek() == token
        self._next += is_next
        return is_next


def _number(text: str) -> int:
    """A constant as C has it: 0x…, 0… octal, decimal."""
    try:
        if text[:2] in ("0x", "0X"):
            return _bounded(int(text, 16))
        return _bounded(int(text, 8 if text.startswith("0") else 10))
    except ValueError:
        raise UnreadError from None


def _bounded(value: int) -> int:
    if abs(value) > _LARGEST:
        raise UnreadError
    return value


def _applied(operator: str, left: int, right: int) -> int:
    if operator in ("/", "%"):
        if right == 0:
            raise UnreadError
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return quotient if operator == "/" else left - quotient * right
    results = {
        "+": left + right, "-": left - right, "*": left * right, "==": left == right,
        "!=": left != right, "<": left < right, ">": left > right, "<=": left <= right,
        ">=": left >= right, "&&": bool(left and right), "||": bool(left or right),
    }  # fmt: skip
    return int(results[operator])
