"""The lines of a Dockerfile that make an instruction: continued ones joined, comments in between
left out, the bodies of heredocs taken off (Docker's Dockerfile reference § Format, § Escape, §
Here-documents; what is said there less clearly is as BuildKit's reader has it).

`dockerfile_parse`, which reads what comes out of here, takes a body's lines for instructions, and
ends an instruction at an empty line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import SourceError

_COMMENT = re.compile(r"\s*#")
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_WITH_HEREDOCS = re.compile(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s(.*)", re.IGNORECASE | re.DOTALL)
_QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Logical:
    """An instruction's text in one line, and where it began."""

    line: int  # from 1
    text: str
    heredocs: tuple[str, ...] = ()  # their bodies


@dataclass(frozen=True, slots=True)
class Lines:
    logical: tuple[Logical, ...]
    escape: str
    syntax: str | None  # the frontend that a `# syntax=` directive asks for


def split(text: str, shown: str) -> Lines:
    """The instructions of a Dockerfile; SourceError with the line when a heredoc does not end."""
    physical = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    directives = _directives(physical)
    escape = directives.get("escape", "\\")
    if escape not in ("\\", "`"):
        raise SourceError(f"{shown}: the escape character {escape!r} is neither \\ nor `")
    reader = _Reader(physical, escape, shown)
    return Lines(tuple(reader.logical()), escape, directives.get("syntax"))


def _directives(physical: Sequence[str]) -> dict[str, str]:
    """Comments at the very top that mean something; the first other line ends them."""
    found: dict[str, str] = {}
    for line in physical:
        match = _DIRECTIVE.match(line)
        if match is None:
            break
        found.setdefault(match[1].lower(), match[2])
    return found


class _Reader:
    """Goes through the lines once."""

    def __init__(self, physical: Sequence[str], escape: str, shown: str) -> None:
        self._physical = physical
        self._next = 0
        self._shown = shown
        self._escape = escape
        # Two of them are one that is meant.
        self._continued = re.compile(rf"(?:^|[^{re.escape(escape)}])({re.escape(escape)}[ \t]*)$")

    def logical(self) -> Iterator[Logical]:
        while self._next < len(self._physical):
            begin = self._next
            text = self._joined()
            if text.strip():
                yield Logical(begin + 1, text, tuple(self._bodies(text, begin + 1)))

    def _joined(self) -> str:
        first = self._take()
        if _COMMENT.match(first):
            return ""
        text, is_continued = self._continuation(first.lstrip())
        while is_continued and self._next < len(self._physical):
            line = self._take()
            if line.strip() and not _COMMENT.match(line):
                more, is_continued = self._continuation(line)
                text += more
        return text

    def _take(self) -> str:
        self._next += 1
        return self._physical[self._next - 1]

    def _continuation(self, line: str) -> tuple[str, bool]:
        match = self._continued.search(line)
        return (line[: match.start(1)], True) if match else (line, False)

    def _bodies(self, text: str, line: int) -> Iterator[str]:
        for name, is_indented in _heredocs(text, self._escape):
            yield self._body(name, line, is_indented=is_indented)

    def _body(self, name: str, line: int, *, is_indented: bool) -> str:
        body = list[str]()
        while self._next < len(self._physical):
            one = self._take()
            if (one.lstrip("\t") if is_indented else one) == name:
                return "\n".join(body)
            body.append(one)
        raise SourceError(
            f"{self._shown}:{line}: the heredoc {name} is not ended by a line of its own"
        )


def _heredocs(text: str, escape: str) -> Iterator[tuple[str, bool]]:
    """The delimiter of each heredoc in turn, and whether tabs may stand before it."""
    match = _WITH_HEREDOCS.match(text)
    if match is None or match[1].lstrip().startswith("["):  # the form in JSON has none
        return
    for word in words(match[1], escape):
        heredoc = _HEREDOC.fullmatch(word)
        name = _unquoted(heredoc[2]) if heredoc else ""
        if heredoc and name:
            yield name, heredoc[1] == "-"


def words(text: str, escape: str) -> list[str]:
    """Words as they are written, quotes and escapes still in them."""
    found, word, quote = [], "", ""
    position = 0
    while position < len(text):
        letter = text[position]
        pair = letter == escape and quote != "'" and position + 1 < len(text)
        taken = text[position : position + (2 if pair else 1)]
        position += len(taken)
        if not quote and letter.isspace():
            found.append(word)
            word = ""
            continue
        if not pair and letter in _QUOTES and quote in ("", letter):
            quote = "" if quote else letter
        word += taken
    return [one for one in [*found, word] if one]


def _unquoted(name: str) -> str:
    return name.strip().translate({ord(quote): None for quote in _QUOTES})
