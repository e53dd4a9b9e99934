"""What the words of a script expand to (XCU § 2.6), with quoting, splitting and pathname expansion.

Every result is a value or not known. `$'…'` and arrays are read for the shells that have them;
brace expansion and process substitution are not: such a word is any number of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ...errors import UndecidedError
from . import arithmetic, parameters
from .grammar import is_broken, text_of
from .machine import Machine, Place
from .patterns import Part, has_magic
from .state import Shell, State
from .values import Unknown, Value, Variable

if TYPE_CHECKING:
    from tree_sitter import Node

_MAXIMUM_TEXT_CHARACTERS = 1 << 18
_BLANKS = " \t\n"  # the default of IFS
_SIMPLE = re.compile(r"\$(?:([A-Za-z_]\w*|[0-9@*#?])|\{([A-Za-z_]\w*|[0-9]+)\})")
_ANSI = re.compile(r"\\(?:([abefnrtv\\'\"?])|([0-7]{1,3})|x([0-9a-fA-F]{1,2}))|([^\\]+)|(\\)")
_ANSI_NAMED = {
    "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
# What can be a word or a part of one.
PARTS = frozenset((
    "word", "string", "raw_string", "ansi_c_string", "translated_string", "concatenation", "number",
    "simple_expansion", "expansion", "command_substitution", "arithmetic_expansion", "regex",
    "extglob_pattern", "process_substitution", "brace_expression", "variable_name", "test_operator",
    "special_variable_name", "heredoc_body", "file_descriptor",
))  # fmt: skip


class Origin(Enum):
    """Where a piece of a word comes from decides what is done to it."""

    LITERAL = "written without quotes"
    EXPANDED = "the result of an expansion without quotes"
    QUOTED = "quoted"
    BREAK = "a field ends"


@dataclass(frozen=True, slots=True)
class Piece:
    text: Value
    origin: Origin


BREAK = Piece("", Origin.BREAK)


class Expander:
    """Expands words one after the other; `state` is what it is after those so far."""

    def __init__(self, machine: Machine, state: State, place: Place) -> None:
        self.machine = machine
        self.state = state
        self.place = place

    # -------------------------------------------------------------- results

    def fields(self, words: Iterable[Sequence[Node]]) -> list[Value]:
        """What the words of a command become; each is a run of nodes that touch."""
        found: list[Value] = []
        for word in words:
            pieces = [piece for node in word for piece in self.pieces(node)]
            found.extend(self._globbed(self._split(_with_home(pieces, self))))
        return found

    def text(self, nodes: Sequence[Node]) -> Value:
        """One word without splitting: the value of an assignment, a `case` subject."""
        pieces = [piece for node in nodes for piece in self.pieces(node)]
        return joined(_with_home(pieces, self))

    def pattern(self, nodes: Sequence[Node]) -> list[Part] | Unknown:
        """A pattern: what is not quoted is special, even in an expansion's result."""
        return as_pattern([piece for node in nodes for piece in self.pieces(node)])

    # -------------------------------------------------------------- pieces

    def pieces(self, node: Node, *, in_quotes: bool = False) -> list[Piece]:
        """The pieces of one node."""
        if is_broken(node):
            raise self.undecided(node, "syntax that is not read here")
        kind = node.type
        if kind == "raw_string":
            return [Piece(text_of(node)[1:-1], Origin.QUOTED)]
        if kind == "string":
            return self._string(node)
        if kind in ("simple_expansion", "expansion"):
            return parameters.expand(self, node, in_quotes=in_quotes)
        if kind == "command_substitution":
            return [self._substitution(node, in_quotes)]
        if kind == "arithmetic_expansion":
            return [Piece(self._arithmetic(node), _origin(in_quotes))]
        if kind == "ansi_c_string":
            self.require(node, "$'…'", Shell.BASH, Shell.ASH)
            return [Piece(_ansi(text_of(node)[2:-1]), Origin.QUOTED)]
        if kind in ("process_substitution", "brace_expression", "translated_string"):
            return [Piece(Unknown(self.place.source.problem(node, "not read"), is_many=True),
                          Origin.EXPANDED)]  # fmt: skip
        if node.child_count:
            return self.between(node, (node.start_byte, node.end_byte), in_quotes=in_quotes)
        return self.literal(text_of(node), node, in_quotes=in_quotes)

    def between(self, node: Node, span: tuple[int, int], *, in_quotes: bool) -> list[Piece]:
        """The pieces of a node's children in a span of bytes, and of the text between them."""
        start, end = span
        pieces: list[Piece] = []
        for child in node.children:
            if child.start_byte < start or child.end_byte > end:
                continue
            pieces += self._gap(node, (start, child.start_byte), in_quotes)
            if child.is_named:
                pieces += self.pieces(child, in_quotes=in_quotes)
            else:
                pieces += self.literal(text_of(child), child, in_quotes=in_quotes)
            start = child.end_byte
        return pieces + self._gap(node, (start, end), in_quotes)

    def _gap(self, node: Node, span: tuple[int, int], in_quotes: bool) -> list[Piece]:
        data = (node.text or b"")[span[0] - node.start_byte : span[1] - node.start_byte]
        if not data:
            return []
        return self.literal(data.decode("utf-8", "surrogateescape"), node, in_quotes=in_quotes)

    def literal(self, text: str, node: Node, *, in_quotes: bool) -> list[Piece]:
        """Text with its backslashes; `$NAME` in it where the grammar sees none."""
        pieces: list[Piece] = []
        position = 0
        origin = Origin.QUOTED if in_quotes else Origin.LITERAL
        while position < len(text):
            letter = text[position]
            simple = _SIMPLE.match(text, position)
            if letter == "\\":
                pieces.append(_escaped(text[position : position + 2], in_quotes))
                position += 2
            elif simple:
                pieces += parameters.named(self, node, simple[1] or simple[2], in_quotes)
                position = simple.end()
            elif letter in "`\"'" and not (in_quotes and letter == "'"):
                return [Piece(Unknown("quotes that are not read", is_many=True), Origin.EXPANDED)]
            elif text.startswith(("$(", "${"), position):
                return [Piece(Unknown("not read", is_many=True), Origin.EXPANDED)]
            else:
                pieces.append(Piece(letter, origin))
                position += 1
        return pieces

    def _string(self, node: Node) -> list[Piece]:
        """`"…"`; one with nothing in it is an empty word, unless what is in it is `$@`."""
        pieces = self.between(node, (node.start_byte + 1, node.end_byte - 1), in_quotes=True)
        if pieces or re.search(r"\$@|\$\{\w+\[@\]|\$\{@|@\}", text_of(node)):
            return pieces
        return [Piece("", Origin.QUOTED)]

    def _substitution(self, node: Node, in_quotes: bool) -> Piece:
        self.state, value = self.machine.substitution(node, self.state, self.place)
        if isinstance(value, str):
            value = value.rstrip("\n")
        elif not in_quotes:
            value = replace(value, is_many=True)
        return Piece(value, _origin(in_quotes))

    def _arithmetic(self, node: Node) -> Value:
        text = text_of(node)
        head, tail = (3, 2) if text.startswith("$((") else (2, 1)
        span = (node.start_byte + head, node.end_byte - tail)
        return self.calculated(joined(self.between(node, span, in_quotes=True)), node)

    def calculated(self, expression: Value, node: Node) -> Value:
        """The value of an arithmetic expression; assignments in it take place."""
        if isinstance(expression, Unknown):
            return expression
        try:
            result = arithmetic.evaluate(expression, self._number_text)
        except arithmetic.UnreadError:
            raise self.undecided(node, "arithmetic that is not read here") from None
        for name, value in result.assigned.items():
            told = self.place.source.problem(node, f"changes {name} to what is not known")
            self.state = self.state.assigning(name, Unknown(told) if value is None else str(value))
        if result.value is None:
            return Unknown(self.place.source.problem(node, "arithmetic that is not known"))
        return str(result.value)

    def _number_text(self, name: str) -> str | None:
        value = parameters.lookup(self, name)
        return "" if value is None else value if isinstance(value, str) else None

    # -------------------------------------------------------------- fields

    def _split(self, pieces: Sequence[Piece]) -> list[list[Part] | Unknown]:
        """Field splitting (XCU § 2.6.5); a field is parts of a pattern, or not known."""
        splitter = _Splitter(self._separators())
        for piece in pieces:
            splitter.take(piece)
        splitter.finish()
        return splitter.fields

    def _separators(self) -> str | None:
        variable = self.state.variables.get("IFS", Variable(_BLANKS))
        value = variable.scalar
        return value if isinstance(value, str) and not value.strip(_BLANKS) else None

    def _globbed(self, fields: list[list[Part] | Unknown]) -> list[Value]:
        found: list[Value] = []
        for field in fields:
            if isinstance(field, Unknown):
                found.append(field)
            elif self._has_braces(field):
                found.append(Unknown("brace expansion is not read", is_many=True))
            elif not has_magic(field) or "noglob" in self.state.options:
                found.append("".join(part.text for part in field))
            else:
                found.extend(self._paths(field))
        return found

    def _has_braces(self, field: list[Part]) -> bool:
        text = "".join("q" if part.is_quoted else part.text for part in field)
        is_brace = re.search(r"\{[^{}]*(,|\.\.)[^{}]*\}", text) is not None
        return is_brace and self.machine.world.shell in (Shell.BASH, Shell.ANY)

    def _paths(self, field: list[Part]) -> list[Value]:
        paths = self.machine.world.files(self.state).glob(field)
        literal = "".join(part.text for part in field)
        if paths is None or {"extglob", "globstar", "dotglob", "failglob"} & self.state.options:
            return [Unknown(f"the files that {literal} stands for", is_many=True)]
        if paths:
            return list(paths)
        return [] if "nullglob" in self.state.options else [literal]

    # -------------------------------------------------------------- problems

    def require(self, node: Node, what: str, *shells: Shell) -> None:
        self.machine.world.require(self.place.source, node, what, *shells)

    def undecided(self, node: Node, what: str) -> UndecidedError:
        return UndecidedError((self.place.source.problem(node, what),))


class _Splitter:
    """Gathers pieces into fields."""

    def __init__(self, separators: str | None) -> None:
        self.fields: list[list[Part] | Unknown] = []
        self._separators = separators  # None: something else than blanks, or not known
        self._field: list[Part] | None = None
        self._unknown: Unknown | None = None

    def take(self, piece: Piece) -> None:
        if piece.origin is Origin.BREAK:
            self.finish()
        elif isinstance(piece.text, Unknown):
            self._take_unknown(piece.text, piece.origin)
        elif piece.origin is Origin.EXPANDED:
            self._take_expanded(piece.text)
        else:
            self._append(Part(piece.text, piece.origin is Origin.QUOTED))

    def finish(self) -> None:
        if self._unknown is not None:
            self.fields.append(self._unknown)
        elif self._field is not None:
            self.fields.append(self._field)
        self._field = self._unknown = None

    def _take_unknown(self, value: Unknown, origin: Origin) -> None:
        is_many = value.is_many or origin is not Origin.QUOTED
        is_many = is_many or (self._unknown is not None and self._unknown.is_many)
        self._unknown = replace(value, is_many=is_many)

    def _take_expanded(self, text: str) -> None:
        if self._separators is None:
            if text:
                self._take_unknown(Unknown("IFS is not its default"), Origin.EXPANDED)
            return
        for part in re.findall(r"[ \t\n]+|[^ \t\n]+", text) if self._separators else [text]:
            if part and part[0] in (self._separators or "\0"):
                self.finish()
            elif part:
                self._append(Part(part, is_quoted=False))

    def _append(self, part: Part) -> None:
        self._field = [*(self._field or ()), part]


def joined(pieces: Sequence[Piece]) -> Value:
    """The pieces as one text."""
    texts: list[str] = []
    length = 0
    for piece in pieces:
        if isinstance(piece.text, Unknown):
            return replace(piece.text, is_many=False)
        length += len(piece.text)
        if length > _MAXIMUM_TEXT_CHARACTERS:
            return Unknown("a text that is too long")
        texts.append(" " if piece.origin is Origin.BREAK else piece.text)
    return "".join(texts)


def as_pattern(pieces: Sequence[Piece]) -> list[Part] | Unknown:
    parts: list[Part] = []
    for piece in pieces:
        if isinstance(piece.text, Unknown):
            return piece.text
        text = " " if piece.origin is Origin.BREAK else piece.text
        parts.append(Part(text, piece.origin is Origin.QUOTED))
    return parts


def _with_home(pieces: list[Piece], expander: Expander) -> list[Piece]:
    """Tilde expansion (XCU § 2.6.1) of a word that begins with `~` or `~/`."""
    if not pieces or pieces[0] != Piece("~", Origin.LITERAL):
        return pieces
    if len(pieces) > 1 and pieces[1] != Piece("/", Origin.LITERAL):
        return [Piece(Unknown("another user's home"), Origin.QUOTED)]
    home = parameters.lookup(expander, "HOME")
    return [Piece(Unknown("HOME is not set") if home is None else home, Origin.QUOTED), *pieces[1:]]


def _origin(in_quotes: bool) -> Origin:
    return Origin.QUOTED if in_quotes else Origin.EXPANDED


def _escaped(pair: str, in_quotes: bool) -> Piece:
    """A backslash and what follows it (XCU § 2.2.1; inside double quotes § 2.2.3)."""
    if pair == "\\\n":
        return Piece("", Origin.EXPANDED)
    is_kept = in_quotes and pair[1:] not in ("$", "`", '"', "\\")
    return Piece(pair if is_kept else pair[1:], Origin.QUOTED)


def _ansi(text: str) -> Value:
    """`$'…'` (bash(1) § QUOTING)."""
    pieces: list[str] = []
    for match in _ANSI.finditer(text):
        named, octal, hexadecimal, plain, rest = match.groups()
        if rest:
            return Unknown("an escape that is not read")
        code = int(octal, 8) if octal else int(hexadecimal, 16) if hexadecimal else 0
        if (octal or hexadecimal) and not 0 < code < 128:
            return Unknown("an escape that is not read")
        pieces.append(plain or (_ANSI_NAMED.get(named, named) if named else chr(code)))
    return "".join(pieces)
