"""Passwords in files of settings that only their ending tells of: NAME = value, "NAME": value.

Any program may read such a file, so that more is asked here than of the files whose format is known
(`image`): the name must end in what a secret is called, the value must be as varied as a password
is. One of letters alone (`correcthorse`) or of words (`my-app-secret`) is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .forms import FEWEST_DIFFERENT, form_of
from .names import is_path
from .texts import Found, Lines, digest, is_stand_in

_ENDINGS = (".conf", ".cfg", ".ini", ".properties", ".yaml", ".yml", ".toml", ".json")
# Alone in its line, or in an object of JSON; what is behind a sign of a comment is none.
_ASSIGNMENT = re.compile(
    r"""(?:^|[{,])[ \t]*(?:export[ \t]+|-[ \t]+)?["']?(?P<name>[A-Za-z_][\w.-]{0,80})["']?"""
    r"""[ \t]*[=:][ \t]*(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^\s"',{}\[\]]+))"""
    r"""(?=[ \t\r]*(?:$|[,}]|[ \t][#;]))""",
    re.MULTILINE,
)
_NAME = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|SECRET_?KEY|API_?KEY|ACCESS_?KEY|AUTH_?TOKEN|PRIVATE_?KEY)$"
)
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-.]")
# What is put in by something else: templates, YAML's tags and anchors, other files, variables.
_ELSEWHERE = re.compile(
    r"""[$!&*<@%{(\\].*|.*(?:\$\{|\$\(|\{\{|<%|%\(|://|\benv\b[.:\[(]|environ).*|__\w+__"""
    r"""|(?:enc|file|env|ref|vault|ssm|aws|gcp|arn|secrets?)[:(].*|[\w.]+\(.*\)?"""
    r"""|(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)|[\w./~\\-]+\.(?:pem|key|der|p12|pfx|jks|crt|cer|txt|json"""
    r"""|ya?ml|conf|env|pub|asc|gpg|properties)""",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"example|sample|placeholder|dummy|change[-_ ]?(?:me|it|this)|your|todo|redacted|insert"
    r"|replace",
    re.IGNORECASE,
)
# Names of things (`my-app-secret2`, `scram-sha-256`, `base64`): nobody need guess these.
_WORDS = re.compile(
    r"[A-Za-z]+[0-9]{0,3}(?:[-_.:/](?:[A-Za-z]+[0-9]{0,3}|[0-9]{1,3}))+"
    r"|(?:sha|base|oauth|pbkdf|argon|aes|rsa|ed|hs|utf)-?[0-9]+",
    re.IGNORECASE,
)


def is_place(path: str) -> bool:
    return path.endswith(_ENDINGS)


def find(text: str) -> Iterator[Found]:
    """Each with its line; those that have a form are not among them."""
    lines = Lines(text)
    for match in _ASSIGNMENT.finditer(text):
        words = _WORD_STARTS.sub("_", match["name"]).upper()
        value = match["double"] or match["single"] or match["bare"] or ""
        if _NAME.search(words) and _is_real(value) and form_of(value) is None:
            line = lines.of(match.start("name"))
            held = digest(value.encode(errors="surrogateescape"))
            yield Found(f"a value named {match['name']}", f"line {line}", held)


def _is_real(value: str) -> bool:
    if len(set(value)) < FEWEST_DIFFERENT or re.search(r"\s", value) or not _is_mixed(value):
        return False
    is_elsewhere = is_stand_in(value) or is_path(value) or _ELSEWHERE.fullmatch(value) is not None
    return not is_elsewhere and not _SHOWN.search(value) and _WORDS.fullmatch(value) is None


def _is_mixed(value: str) -> bool:
    """With a digit, or with letters of both cases and a sign: no word that is for people."""
    has_digit = any(one.isdigit() for one in value)
    has_cases = value != value.lower() and value != value.upper()
    return has_digit or (has_cases and not value.isalpha())
