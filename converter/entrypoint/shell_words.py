"""Split a POSIX shell script into words and operators (XCU § 2.3 Token Recognition).

Nothing is expanded or run. Comments and here-documents are taken out, quotes are kept in the
words, and `literal` says what a word means when no expansion can change it. Bash's arrays and
process substitutions are not read: they end in ShellSyntaxError, never in a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Longest first: `;;&` before `;;` before `;` (XCU § 2.10.2, and bash's `;&`, `;;&`, `&>`, `|&`).
_OPERATORS = (
    ";;&", "<<-", "<<<", "&>>", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
    "|&", "&", "|", ";", "<", ">", "(", ")",
)  # fmt: skip
_WORD_ENDS = frozenset(" \t\n&|;<>()")
_GLOB = frozenset("*?[")
_PLAIN_VALUE = re.compile(r"[\w@%+=:,./-]+")
_MAXIMUM_NESTING = 64


# Given text that begins with `$`: how many characters the expansion takes, and its value if known.
Expand = Callable[[str], tuple[int, str | None]]


class ShellSyntaxError(Exception):
    """The script cannot be read with certainty; the message says where."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word as written, an operator, or the end of a line ("\\n")."""

    text: str
    line: int
    is_word: bool
    is_glued: bool = False  # no blank before it: the `>` of `2>file`


def tokens(script: str) -> Iterator[Token]:
    """The tokens of a whole script, each line ended by a newline token."""
    return _Scanner(script.replace("\r\n", "\n")).scan()


def literal(word: str, expand: Expand | None = None) -> str | None:
    """What a word means after quote removal; None when an expansion could change it.

    `expand` is asked about every `$…`. Outside double quotes only a value of plain characters is
    taken: then neither field splitting nor globbing (XCU § 2.6) can happen to it.
    """
    if word.startswith("~"):
        return None
    pieces = []
    position = 0
    is_quoted = False
    while position < len(word):
        character = word[position]
        length, text = 1, None
        if character == '"':
            is_quoted, text = not is_quoted, ""
        elif character == "$":
            length, text = expand(word[position:]) if expand is not None else (1, None)
            if not is_quoted and text is not None and not _PLAIN_VALUE.fullmatch(text):
                return None
        elif character == "'" and not is_quoted:
            end = word.index("'", position + 1)
            length, text = end + 1 - position, word[position + 1 : end]
        elif character == "\\":
            length, text = 2, _escaped(word[position : position + 2], is_quoted=is_quoted)
        elif character != "`" and (is_quoted or character not in _GLOB):
            text = character
        if text is None:
            return None
        pieces.append(text)
        position += length
    return "".join(pieces)


def _escaped(pair: str, *, is_quoted: bool) -> str:
    """A backslash and what follows it (XCU § 2.2.1; inside double quotes § 2.2.3)."""
    if pair == "\\\n":
        return ""
    return pair if is_quoted and pair[1:] not in ("$", "`", '"', "\\") else pair[1:]


class _Scanner:
    """A position in the script; every method reads forward and bounds itself by its end."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._position = 0
        self._line = 1
        self._heredocs: list[tuple[str, bool]] = []  # delimiter, whether tabs are stripped

    def scan(self) -> Iterator[Token]:
        while self._position < len(self._script):
            character = self._script[self._position]
            if character in " \t":
                self._advance(1)
            elif self._script.startswith("\\\n", self._position):
                self._advance(2)
            elif character == "#":
                self._skip_comment()
            elif character == "\n":
                yield Token("\n", self._line, is_word=False)
                self._advance(1)
                self._skip_heredocs()
            else:
                yield from self._operator_or_word()
        if self._heredocs:
            raise self._error(f"here-document {self._heredocs[0][0]!r} does not end")
        yield Token("\n", self._line, is_word=False)

    def _operator_or_word(self) -> Iterator[Token]:
        line, start = self._line, self._position
        is_glued = start > 0 and self._script[start - 1] not in " \t\n"
        for operator in _OPERATORS:
            if self._script.startswith(operator, self._position):
                self._advance(len(operator))
                yield Token(operator, line, is_word=False, is_glued=is_glued)
                if operator in ("<<", "<<-"):
                    yield self._heredoc_delimiter(strips_tabs=operator == "<<-")
                return
        yield Token(self._word(), line, is_word=True)

    def _heredoc_delimiter(self, *, strips_tabs: bool) -> Token:
        while self._peek() in (" ", "\t"):
            self._advance(1)
        line, word = self._line, self._word()
        delimiter = re.sub(r"""['"\\]""", "", word)
        if not delimiter:
            raise self._error("here-document without a delimiter")
        self._heredocs.append((delimiter, strips_tabs))
        return Token(word, line, is_word=True)

    def _skip_heredocs(self) -> None:
        for delimiter, strips_tabs in self._heredocs:
            while True:
                if self._position >= len(self._script):
                    raise self._error(f"here-document {delimiter!r} does not end")
                end = self._script.find("\n", self._position)
                end = len(self._script) if end < 0 else end
                text = self._script[self._position : end]
                self._advance(end + 1 - self._position)
                if (text.lstrip("\t") if strips_tabs else text) == delimiter:
                    break
        self._heredocs.clear()

    def _skip_comment(self) -> None:
        end = self._script.find("\n", self._position)
        self._position = len(self._script) if end < 0 else end

    def _word(self) -> str:
        start = self._position
        while self._position < len(self._script) and self._peek() not in _WORD_ENDS:
            self._word_part(0)
        if self._position == start:
            raise self._error("a word was expected")
        return self._script[start : self._position].replace("\\\n", "")

    def _word_part(self, nesting: int) -> None:
        """One character of a word, or a whole quotation or substitution."""
        if nesting > _MAXIMUM_NESTING:
            raise self._error("substitutions nested too deeply")
        character = self._peek()
        if character == "\\":
            self._advance(2)
        elif character == "'":
            self._skip_to("'")
        elif character == "`":
            self._skip_backquotes()
        elif character == '"':
            self._advance(1)
            while self._peek() != '"':
                self._quoted_part(nesting + 1)
            self._advance(1)
        elif character == "$":
            self._dollar(nesting)
        else:
            self._advance(1)

    def _quoted_part(self, nesting: int) -> None:
        """Inside double quotes only `\\`, backquote and `$` are special (XCU § 2.2.3)."""
        if self._peek() == "":
            raise self._error("a double quote does not end")
        if self._peek() in ("\\", "`", "$"):
            self._word_part(nesting)
        else:
            self._advance(1)

    def _dollar(self, nesting: int) -> None:
        self._advance(1)
        if self._peek() == "(":
            self._balanced(")", nesting)
        elif self._peek() == "{":
            self._balanced("}", nesting)
        elif self._peek() == "'":
            raise self._error("$'…' quoting is not read")

    def _balanced(self, closing: str, nesting: int) -> None:
        """A substitution up to the bracket that closes it, quotes and nested ones skipped."""
        opening = self._peek()
        self._advance(1)
        depth = 1
        while depth:
            character = self._peek()
            if character == "":
                raise self._error(f"`${opening}` does not end")
            if character == closing or (character == opening and closing == ")"):
                depth += 1 if character == opening else -1
                self._advance(1)
            elif character == "#" and closing == ")" and self._begins_comment():
                self._skip_comment()
            else:
                self._word_part(nesting + 1)

    def _begins_comment(self) -> bool:
        return self._script[self._position - 1] in " \t\n;"

    def _skip_backquotes(self) -> None:
        self._advance(1)
        while self._peek() != "`":
            if self._peek() == "":
                raise self._error("a backquote does not end")
            self._advance(2 if self._peek() == "\\" else 1)
        self._advance(1)

    def _skip_to(self, quote: str) -> None:
        end = self._script.find(quote, self._position + 1)
        if end < 0:
            raise self._error(f"a {quote} does not end")
        self._advance(end + 1 - self._position)

    def _peek(self) -> str:
        return self._script[self._position : self._position + 1]

    def _advance(self, count: int) -> None:
        self._line += self._script.count("\n", self._position, self._position + count)
        self._position += count

    def _error(self, problem: str) -> ShellSyntaxError:
        return ShellSyntaxError(f"line {self._line}: {problem}")
