"""The syntax tree of a script, by tree-sitter's bash grammar, and where its nodes stand.

The grammar is loaded when the first script is met: most images have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ... import secrets
from ...errors import UndecidedError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_SHOWN_CHARACTERS = 100
_MAXIMUM_REPAIRS = 20
_ON_ONE_LINE = (
    "command", "variable_assignments", "declaration_command", "unset_command", "file_redirect",
)  # fmt: skip
_STATEMENTS = ("redirected_statement", "command", "list", "pipeline", "negated_command")
_LINE_END = re.compile(rb"(?<!\\)\n")


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def parse(text: str) -> Node:
    """The tree's root; what the grammar could not place is an ERROR node in it.

    Two things that the grammar reads wrongly without saying so are helped: a line that ends where
    it goes on reading the same command gets a semicolon, and a `[` that it takes for the beginning
    of something else than a test gets a backslash, which makes it a command like others.
    """
    data = text.replace("\r\n", "\n").encode("utf-8", "surrogateescape")
    for _ in range(_MAXIMUM_REPAIRS):
        root = _parser().parse(data).root_node
        repairs = sorted(set(_repairs(root, data)))
        if not repairs:
            return root
        starts = [0, *(at for at, _ in repairs)]
        pieces = [data[start:end] for start, end in pairwise([*starts, len(data)])]
        data = pieces[0] + b"".join(
            addition + piece for (_, addition), piece in zip(repairs, pieces[1:], strict=True)
        )
    raise UndecidedError(("a script that the grammar reads wrongly",))


def _repairs(root: Node, data: bytes) -> Iterator[tuple[int, bytes]]:
    """What to insert where."""
    pending = [root]
    while pending:
        node = pending.pop()
        pending += node.children
        if node.type == "test_command" and _is_no_test(node):
            yield node.start_byte, b"\\"
        if node.type not in _ON_ONE_LINE:
            continue
        for child, following in pairwise(node.children):
            gap = data[child.end_byte : following.start_byte]
            end = _LINE_END.search(gap)
            if end:
                yield child.end_byte + end.start(), b";"


def _is_no_test(node: Node) -> bool:
    """Whether `[` was taken for the beginning of commands, or could not be read."""
    if text_of(node.children[0]) != "[":
        return False
    return node.has_error or any(child.type in _STATEMENTS for child in node.children)


@dataclass(frozen=True, slots=True)
class Reason:
    """The command that makes two ways through a script differ."""

    where: str
    command: str

    def saying(self, text: str) -> str:
        return f"{self.where}: {text} or not, which is not known: `{self.command}`"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that commands come from."""

    name: str  # "/start.sh", "/bin/sh -c 'exec x'"
    first_line: int = 1

    def line(self, node: Node) -> int:
        return self.first_line + node.start_point[0]

    def problem(self, node: Node, text: str) -> str:
        return f"{self.name} line {self.line(node)}: {text}: `{shown(node)}`"

    def reason(self, node: Node) -> Reason:
        return Reason(f"{self.name} line {self.line(node)}", shown(node))

    def seen(self, node: Node, text: str) -> str:
        return f"{self.name}:{self.line(node)}: {text}"


def text_of(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "surrogateescape")


def shown(node: Node) -> str:
    """The node's text on one line, without secrets, cut: of one that is cut not enough may be left
    to know it by."""
    text = secrets.masked_text(" ".join(text_of(node).split()))
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def is_broken(node: Node) -> bool:
    """Whether the grammar could not read what stands directly here."""
    return node.is_error or node.is_missing or any(_is_bad(child) for child in node.children)


def _is_bad(node: Node) -> bool:
    return node.is_error or node.is_missing
