"""What a start-up script's words and tests mean, where that is known before it runs.

Known are the positional parameters, the environment of the image, and the user's id. A variable
that the script itself assigns anywhere is not: its value depends on what has run. Files are not
looked at, since start-up work that is not done here could have made or removed them. Every answer
is a value or None, "not known".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .shell_commands import Command
from .shell_words import literal

_PARAMETER = re.compile(
    r"\$(?:([A-Za-z_]\w*|[0-9#])"  # $NAME, $1, $#
    r"|\{([A-Za-z_]\w*|[0-9]+|#)(?:(:?[-+])([\w./-]*)|#([\w./-]+)|:0:([0-9]))?\})"
)
_USER_ID = re.compile(r"\$\(\s*id\s+-u\s*\)")
_SCRIPT_NAME = re.compile(r"\$(?:BASH_SOURCE\b|\{BASH_SOURCE(?:\[0\])?\})")
_ALL_ARGUMENTS = ('"$@"', '"${@}"')
_ASSIGNED = re.compile(
    r"([A-Za-z_]\w*)[+:]?="  # NAME=, NAME+=, ${NAME:=
    r"|\b(?:for|read|getopts|local|declare|typeset|unset|mapfile|readarray|printf -v)\s+([\w -]+)"
)
_COMPARISONS = {
    "-eq": int.__eq__, "-ne": int.__ne__, "-gt": int.__gt__, "-ge": int.__ge__, "-lt": int.__lt__,
    "-le": int.__le__,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Values:
    """What is known at one point of a script."""

    script: str  # $0
    arguments: tuple[str, ...]  # $1, $2, …
    env: Mapping[str, str]
    uid: int
    assigned: frozenset[str]  # names that the script sets

    def word(self, word: str) -> str | None:
        """What one word expands to."""
        return literal(word, self._expand)

    def words(self, words: Sequence[str]) -> tuple[str, ...] | None:
        """What a command's words expand to, "$@" to all arguments."""
        expanded: list[str] = []
        for word in words:
            if word in _ALL_ARGUMENTS:
                expanded.extend(self.arguments)
                continue
            value = self.word(word)
            if value is None:
                return None
            expanded.append(value)
        return tuple(expanded)

    def _expand(self, text: str) -> tuple[int, str | None]:
        if match := _USER_ID.match(text):
            return match.end(), str(self.uid)
        if match := _SCRIPT_NAME.match(text):
            return match.end(), self.script
        match = _PARAMETER.match(text)
        if match is None or (match[1] or match[2]) in self.assigned:
            return 1, None
        return match.end(), _modified(self._parameter(match[1] or match[2]), match)

    def _parameter(self, name: str) -> str | None:
        if name == "#":
            return str(len(self.arguments))
        if not name.isdigit():
            return self.env.get(name)
        values = (self.script, *self.arguments)
        return values[int(name)] if int(name) < len(values) else None


def _modified(value: str | None, match: re.Match[str]) -> str:
    """`${NAME:-word}` and its kin (XCU § 2.6.2), and bash's `${NAME:0:count}`."""
    operator, word, prefix, count = match[3], match[4], match[5], match[6]
    if operator is not None:
        is_set = bool(value) if operator[0] == ":" else value is not None
        if operator[-1] == "+":
            return word if is_set else ""
        return (value or "") if is_set else word
    if prefix is not None:
        return (value or "").removeprefix(prefix)
    return (value or "")[: int(count)] if count is not None else value or ""


def assigned_names(script: str) -> frozenset[str]:
    """Every name the text could set; too many does no harm."""
    found = [first or rest for first, rest in _ASSIGNED.findall(script)]
    return frozenset(name for names in found for name in re.findall(r"\w+", names))


def status(command: Command, values: Values) -> bool | None:
    """Whether a command succeeds, when that is known."""
    outcome = None
    if not command.is_subshell and not command.redirections and command.words:
        outcome = _test_status(command.words, values)
    return None if outcome is None else outcome != command.is_negated


def _test_status(words: tuple[str, ...], values: Values) -> bool | None:
    if words in ((":",), ("true",)):
        return True
    if words == ("false",):
        return False
    if words[0] == "[[" and words[-1] == "]]":
        return _pattern_test(words[1:-1], values)
    is_bracket = words[0] == "[" and words[-1] == "]"
    if not is_bracket and words[0] != "test":
        return None
    return _any(
        [
            _all([_primary(part, values) for part in _split(alternative, "-a")])
            for alternative in _split(words[1:-1] if is_bracket else words[1:], "-o")
        ]
    )


def _pattern_test(words: tuple[str, ...], values: Values) -> bool | None:
    """`[[ word == pattern ]]`; other tests of `[[` as `[` has them."""
    if len(words) == 3 and words[1] in ("=", "==", "!=") and re.search(r"[*?]", words[2]):
        value = values.word(words[0])
        is_plain = re.fullmatch(r"[\w*?./-]+", words[2]) is not None
        if value is None or not is_plain:
            return None
        return fnmatchcase(value, words[2]) != (words[1] == "!=")
    has_operators = any(word in ("&&", "||", "(", ")", "=~", "<", ">") for word in words)
    return None if has_operators else _primary(words, values)


def _primary(words: tuple[str, ...], values: Values) -> bool | None:
    """One expression of test(1)."""
    if words[:1] == ("!",):
        inner = _primary(words[1:], values)
        return None if inner is None else not inner
    expanded = values.words(words)
    if expanded is None or any(word in _ALL_ARGUMENTS for word in words):
        return None
    if len(expanded) == 1:
        return bool(expanded[0])
    if len(expanded) == 2 and expanded[0] in ("-n", "-z"):
        return bool(expanded[1]) == (expanded[0] == "-n")
    return _comparison(*expanded) if len(expanded) == 3 else None


def _comparison(left: str, operator: str, right: str) -> bool | None:
    if operator in ("=", "==", "!="):
        return (left == right) != (operator == "!=")
    compare = _COMPARISONS.get(operator)
    if compare is None or not (is_number(left) and is_number(right)):
        return None
    return bool(compare(int(left), int(right)))


def is_number(text: str) -> bool:
    """Whether text is a number that every shell reads alike."""
    return re.fullmatch(r"[0-9]{1,9}", text) is not None


def _split(words: tuple[str, ...], separator: str) -> list[tuple[str, ...]]:
    parts: list[tuple[str, ...]] = [()]
    for word in words:
        parts = [*parts, ()] if word == separator else [*parts[:-1], (*parts[-1], word)]
    return parts


def _all(values: Sequence[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _any(values: Sequence[bool | None]) -> bool | None:
    if True in values:
        return True
    return None if None in values else False
