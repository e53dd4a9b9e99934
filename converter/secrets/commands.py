"""Secrets in the text of commands, as a shell is given them: in scripts, in what was typed, in
instructions of a Dockerfile.

An option or a variable tells of its value by its name. Options of one letter do so where their
program's manual says that they take a password, and what a variable with a secret's name is
compared with is its secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from . import shown
from .forms import Match, apart
from .names import is_told, may_be_told

_HERE = r"(?:(?!&&)[^\n;|]){0,500}?"  # further on in the same command
# Where a name has its value: `--name value` and `--name=value`, also as a list has them, and
# `NAME=value`.
_NAMED = re.compile(
    r"""(?<![\w-])--?(?:D(?=[a-z]))?(?P<option>[A-Za-z_][\w.-]+)"""
    r"""(?:=|[ \t]+(?!-)|["'],[ ]?(?=["'](?!-)))"""
    r"""|(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)="""
)
# `[ "$TOKEN" = value ]`, `case "$TOKEN" in value)`, and `${TOKEN:-value}`.
_COMPARED = re.compile(
    r"""\$\{?(?P<name>\w+)"""
    r"""(?:[^\s"'}]{0,80}\}?["']?[ \t]+(?:[!=]?=|in)[ \t]+|(?P<option>:?[-=]))"""
)
# sed(1)'s `s/@@TOKEN@@/value/`.
_PUT_IN = re.compile(
    r"(?<=s)(?P<delimiter>[/|#,~!])[^\w\n]{0,9}(?P<name>[A-Za-z_]\w*)[^\w\n=:*]{0,9}(?P=delimiter)"
)
# `[ value = "$TOKEN" ]`, where a letter may stand before both.
_COMPARED_TO = re.compile(
    r"""(?<![^\s"'])(?P<value>[^\s"'\[\]]{1,1000})["']?[ \t]+[!=]?=[ \t]+"""
    r"""["']?\w?\$\{?(?P<name>\w+)"""
)
# A header, or a line of a file that is written: `secret_key: value`.
_COLON = re.compile(r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)(?:\\?["'])?:(?![-=:])[ \t]*""")
# In files and languages that commands have within: `password 'value'`, `token = value`.
_BESIDE = re.compile(r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]*)[ \t]+(?:=[ \t]*)?""")
# A word without quotes or in some, which may be escaped (\"…\") or cut off where the text ends.
_WORD = re.compile(
    r"""(?P<quote>\\?["'])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\n])){0,1000})"""
    r"""|(?P<bare>(?!\.\*)(?:[^\s"'`;&|<>(){}\\]|\\[^\s"'n]){1,1000})"""
)
# What stands before the password, by the manuals of these programs. mysql(1)'s -p takes no word
# behind it.
_SHORT = re.compile(
    "|".join(
        (
            rf"\b(?:mysql|mariadb)[\w-]*\b{_HERE}[ \t]-p(?!\s)",
            rf"\b(?:mongo\w*|sshpass|unzip|zip)\b{_HERE}[ \t]-[pP][ \t]?",
            r"\b(?:docker|podman|buildah|skopeo|helm|oc|az|crane)[ \t]+(?:\w+[ \t]+)?login\b"
            rf"{_HERE}[ \t]-p[ \t]",
            rf"\b(?:useradd|usermod)\b{_HERE}[ \t]-p[ \t]",
            rf"\bredis-cli\b{_HERE}[ \t]-a[ \t]",
            rf"\bldap\w+\b{_HERE}[ \t]-w[ \t]",
            rf"\bopenssl\b{_HERE}[ \t](?:-pass(?:in|out)?[ \t][\"']?pass:|-k[ \t])",
            r"\bopenssl[ \t]+passwd[ \t]+(?:-\w+[ \t]+)*",
            r"\bhtpasswd[ \t]+-\w*b\w*[ \t]+(?:[^\s-]\S*[ \t]+){1,2}?(?=\S+(?:$|[ \t]*[;&|\n]))",
            r"\brabbitmqctl[ \t]+(?:add_user|change_password)[ \t]+\S+[ \t]+",
            r"\bvault[ \t]+login[ \t]+",
            rf"\bsqlplus\b{_HERE}[ \t]\w+/",
            rf"\bsmbclient\b{_HERE}[ \t]-U[ \t]*[\"']?[^\s%\"']+%",
            rf"\b(?:kinit|passwd|chpasswd)\b{_HERE}<<<[ \t]*(?:[\w.-]+:)?",
            r"\b(?i:identified[ \t]+(?:with[ \t]+\S+[ \t]+)?by)[ \t]+",
        )
    )
)
# And what has something behind it that says so: curl(1)'s `-u name:password`, what is read from
# standard input by chpasswd(8), passwd(1) and docker(1), git(1)'s addresses with a token.
_PAIR = re.compile(
    "|".join(
        (
            rf"""\b(?:curl|wget|https?)\b{_HERE}[ \t](?:-[uU]|--(?:proxy-)?user)[ \t=]?["']?"""
            r"""[^\s:"']+:(?P<user>[^\s"'`]+)""",
            r"""\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?["']?(?:[\w.-]+:)?(?P<piped>[^\s"'`|]+)"""
            r"""["']?[ \t]*\|[ \t]*(?:[^\s|]+[ \t]+)?"""
            r"""(?:chpasswd|[^\n|;]{0,200}--(?:password-)?stdin)\b""",
            r"""https?://(?P<address>[\w-]{16,200})@""",
        )
    )
)
# RFC 6750 § 2.1, RFC 7617 § 2.
_HEADER = re.compile(
    r"""(?:\bauthorization["']?[:=][ \t]*["']?(?:[a-z]+[ \t]+)?|\b(?:bearer|basic)[ \t]+)"""
    r"""(?P<value>[\w.~+/=:-]{8,})""",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Match]:
    """In order and without overlaps."""
    return apart((*_told(text), *_named(_COLON, text, _is_told_and_varied)))


def hinted(text: str) -> Iterator[Match]:
    """What may be one too (`secret: word`), for what is only shown otherwise then."""
    beside = _named(_BESIDE, text, _is_told_and_varied)
    return apart((*_told(text), *_named(_COLON, text, is_told), *beside))


def _told(text: str) -> Iterator[Match]:
    for pattern in (_NAMED, _COMPARED, _PUT_IN):
        yield from _named(pattern, text, is_told)
    for match in _COMPARED_TO.finditer(text):
        if is_told(match["name"], match["value"]):
            yield from _meant(f"a value named {match['name']}", text, *match.span("value"))
    for match in _SHORT.finditer(text):
        yield from _meant("a password of a command", text, *_word(text, match.end()))
    for match in _PAIR.finditer(text):
        start, end = match.span(match.lastgroup or 0)
        if match["address"] is None or shown.is_varied(text[start:end]):
            yield from _meant("a password of a command", text, start, end)
    for match in _HEADER.finditer(text):
        if shown.is_varied(match["value"]):
            yield from _meant("a token in a header", text, *match.span("value"))


def _named(
    pattern: re.Pattern[str], text: str, is_one: Callable[[str, str], bool]
) -> Iterator[Match]:
    place = 0
    while match := pattern.search(text, place):
        name, place = match["name"] or match.groupdict()["option"], match.end()
        start, end = _word(text, place) if may_be_told(name) else (place, place)
        if is_one(name, text[start:end]):
            yield from _meant(f"a value named {name}", text, start, end)
            place = end


def _word(text: str, place: int) -> tuple[int, int]:
    """Where the word that begins here stands without its quotes; nothing where there is none."""
    match = _WORD.match(text, place)
    if match is None:
        return place, place
    return match.span("bare" if match["bare"] is not None else "quoted")


def _meant(kind: str, text: str, start: int, end: int) -> Iterator[Match]:
    value = text[start:end]
    if not value.startswith("-") and not shown.is_stand_in(value) and not shown.is_for_show(value):
        yield Match(kind, start, end)


def _is_told_and_varied(name: str, value: str) -> bool:
    return shown.is_varied(value) and is_told(name, value)
