"""Variables in a Dockerfile's words (Dockerfile reference § Environment replacement): $NAME,
${NAME}, ${NAME:-word}, ${NAME:+word} and the forms without the colon.

What a variable of the base image holds is not known: such a reference stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .lines import words

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MODIFIER = re.compile(r"(:?[-+])")
_NESTING = 16  # of a word in a word


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known where a word stands."""

    variables: Mapping[str, str]
    escape: str


def expanded(text: str, scope: Scope, depth: int = 0) -> str:
    """`text` with known variables replaced, its quotes and escapes as they were."""
    result, position, quote = "", 0, ""
    while position < len(text):
        letter = text[position]
        if letter == scope.escape and quote != "'" and position + 1 < len(text):
            result += text[position : position + 2]
            position += 2
            continue
        if letter == "$" and quote != "'":
            value, position = _reference(text, position, scope, depth)
            result += value
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        result += letter
        position += 1
    return result


def _reference(text: str, begin: int, scope: Scope, depth: int) -> tuple[str, int]:
    """What stands for the reference at `begin`, and where the text goes on."""
    is_braced = text[begin + 1 : begin + 2] == "{"
    name = _NAME.match(text, begin + (2 if is_braced else 1))
    if name is None:
        return "$", begin + 1
    if not is_braced:
        return scope.variables.get(name[0], text[begin : name.end()]), name.end()
    end = _closing(text, name.end())
    if end < 0:
        return "$", begin + 1
    as_written = text[begin : end + 1]
    value = _modified(name[0], text[name.end() : end], scope, depth)
    return (as_written if value is None else value), end + 1


def _modified(name: str, rest: str, scope: Scope, depth: int) -> str | None:
    """The value of `${NAME` with what follows up to the brace; None when it is not known."""
    value = scope.variables.get(name)
    if not rest:
        return value
    modifier = _MODIFIER.match(rest)
    if modifier is None or depth >= _NESTING:
        return None
    is_set = bool(value) if modifier[0].startswith(":") else value is not None
    is_default = modifier[0].endswith("-")
    if is_set and is_default:
        return value
    word = expanded(rest[modifier.end() :], scope, depth + 1)
    return word if is_set or is_default else ""


def _closing(text: str, begin: int) -> int:
    """The brace that ends what was open at `begin`; -1 when none does."""
    depth = 1
    for position in range(begin, len(text)):
        if text.startswith("${", position):
            depth += 1
        elif text[position] == "}":
            depth -= 1
        if depth == 0:
            return position
    return -1


def plain(word: str, escape: str) -> str:
    """A word as a program is given it: without its quotes and escapes."""
    result, position, quote = "", 0, ""
    while position < len(word):
        letter = word[position]
        follower = word[position + 1 : position + 2]
        if letter == escape and follower and (not quote or (quote == '"' and follower in '"$\\`')):
            result += follower
            position += 2
            continue
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        else:
            result += letter
        position += 1
    return result


def pairs(value: str, escape: str) -> Iterator[tuple[str, str | None]]:
    """Names and values of ENV, ARG and LABEL; None where no value is given. `ENV NAME rest of the
    line` is the old form of one."""
    listed = words(value, escape)
    if len(listed) > 1 and "=" not in listed[0]:
        yield plain(listed[0], escape), plain(value.strip()[len(listed[0]) :].strip(), escape)
        return
    for word in listed:
        name, equals, rest = word.partition("=")
        yield plain(name, escape), plain(rest, escape) if equals else None
