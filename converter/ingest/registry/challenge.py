"""What a 401 asks for: the WWW-Authenticate header (RFC 9110 § 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PARAMETER = re.compile(rf"({_TOKEN})[ \t]*=[ \t]*({_QUOTED}|{_TOKEN})")
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|$|(?=,))")
_BETWEEN = re.compile(r"[ \t,]*")
_HEADER_CHARACTERS = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate: the scheme and the parameters' names in small letters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(headers: Sequence[str]) -> tuple[Challenge, ...]:
    """Every challenge in order; what cannot be read ends its header."""
    return tuple(one for header in headers for one in _in_header(header[:_HEADER_CHARACTERS]))


def _in_header(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = _after(header, 0)
    while position < len(header):
        parameter = _PARAMETER.match(header, position)
        scheme = _SCHEME.match(header, position)
        if parameter and found:
            found[-1][1].setdefault(parameter[1].lower(), _value(parameter[2]))
            position = _after(header, parameter.end())
        elif scheme:
            found.append((scheme[1].lower(), {}))
            position = _after(header, scheme.end())
        else:
            break
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def _after(header: str, position: int) -> int:
    between = _BETWEEN.match(header, position)
    return between.end() if between else position


def _value(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
