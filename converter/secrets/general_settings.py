"""Passwords in files that are no place for them in particular: settings, code, scripts.

Any program may read such a file, so that more is asked here than of the files whose format is known
(`places`): the value must be as varied as a password is. One of letters alone (`correcthorse`) or
of words (`my-app-secret`) is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import commands, shown
from .forms import Match, apart
from .names import is_secret_name, is_told, words_of
from .texts import Found, placed

# Alone in its line, in an object of JSON or among arguments; what is behind a sign of a comment is
# none.
_NAMED = re.compile(
    r"""(?:^|[{,(])[ \t]*(?:(?:export|readonly|local|const|let|var|set)[ \t]+|-[ \t]+)?"""
    r"""["']?(?P<name>[A-Za-z_][\w.-]{0,80})["']?[ \t]*(?:=>?|:)[ \t]*""",
    re.MULTILINE,
)
_VALUE = re.compile(
    r"""(?:"(?P<double>[^"\n]{0,1000})"|'(?P<single>[^'\n]{0,1000})'"""
    r"""|(?P<bare>[^\s"',{}\[\]]{1,1000}+))(?=[ \t\r]*(?:$|[,}\]);]|[ \t](?:[#;]|//)))""",
    re.MULTILINE,
)
# Of the `Password` of a connection string, in a value of a file (SqlConnection.ConnectionString).
_CONNECTION = re.compile(
    r""";[ \t]*(?P<name>Password|Pwd)[ \t]*=(?P<value>[^;"'\s]+)""", re.IGNORECASE
)
_HINTS = ("pass", "pwd", "secret", "token", "key", "credential", "masterauth", "bearer", "basic ")
_SHORTEST_TOKEN = 16  # of a name that is `token` alone, as parts of texts are called as well
_TOKEN = re.compile(r"(?:API|ACCESS|AUTH|BEARER|BOT|REFRESH)_TOKEN$")
# What is put in by something else: templates, YAML's tags and anchors, other files, variables.
_ELSEWHERE = re.compile(
    r"""[$!&*<@%{(\\].*|.*(?:\.{3}$|\$\{|\$\(|\{\{|<%|%\(|://|\benv\b[.:\[(]|environ).*|__\w+__"""
    r"""|(?:enc|file|env|ref|vault|ssm|aws|gcp|arn|secrets?)[:(].*|[\w.]+\(.*\)?"""
    r"""|(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""",
    re.IGNORECASE,
)
# Names of things (`my-app-secret2`, `scram-sha-256`, `base64`): nobody need guess these.
_WORDS = re.compile(
    r"[A-Za-z]+[0-9]{0,3}(?:[-_.:/](?:[A-Za-z]+[0-9]{0,3}|[0-9]{1,3}))+"
    r"|(?:sha|base|oauth|pbkdf|argon|aes|rsa|ed|hs|utf)-?[0-9]+",
    re.IGNORECASE,
)


def in_settings(text: str) -> Iterator[Found]:
    """Each with its line; those that have a form are not among them."""
    if _has_hint(text):
        yield from placed(text, apart((*_assigned(text), *_connections(text))))


def in_code(text: str) -> Iterator[Found]:
    """As in settings, but that what is not quoted is a name of something there."""
    if _has_hint(text):
        yield from placed(text, (one for one in _assigned(text) if text[one.start - 1] in "\"'"))


def in_script(text: str) -> Iterator[Found]:
    """In commands of a shell, comments apart."""
    found = commands.find(text) if _has_hint(text) else ()
    yield from placed(
        text,
        (
            one for one in found
            if _is_real(text[one.start : one.end]) and not _is_comment(text, one.start)
        ),
    )  # fmt: skip


def _has_hint(text: str) -> bool:
    """In a fraction of the time that looking for assignments takes."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS)


def _assigned(text: str) -> Iterator[Match]:
    place = 0
    while match := _NAMED.search(text, place):
        name, place = match["name"], match.end()
        word = _VALUE.match(text, place) if is_secret_name(name) else None
        start, end = word.span(word.lastgroup or 0) if word is not None else (place, place)
        if _is_told(name, text[start:end]):
            yield Match(f"a value named {name}", start, end)
            place = end


def _is_told(name: str, value: str) -> bool:
    words = words_of(name)
    is_part = words.endswith("TOKEN") and not _TOKEN.search(words)
    is_long = not is_part or len(value) >= _SHORTEST_TOKEN
    return is_long and is_told(name, value) and _is_real(value)


def _connections(text: str) -> Iterator[Match]:
    for match in _CONNECTION.finditer(text):
        if is_told(match["name"], match["value"]) and not shown.is_stand_in(match["value"]):
            yield Match(f"a value named {match['name']}", *match.span("value"))


def _is_real(value: str) -> bool:
    is_elsewhere = shown.is_stand_in(value) or _ELSEWHERE.fullmatch(value) is not None
    is_word = shown.is_for_show(value) or _WORDS.fullmatch(value) is not None
    return not is_elsewhere and not is_word and shown.is_varied(value)


def _is_comment(text: str, place: int) -> bool:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line.lstrip().startswith("#")
