"""Every source file says what it is, and stays of a size that can be read at once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.style.files import name, tracked

LONGEST_FILE_LINES = 600
LONGEST_FUNCTION_LINES = 70

PYTHON = tracked("*.py", "fixtures/*/build")
OTHERS = tracked("*.rs", "*.c", "*.h", "*.S", "*.ld", "Makefile", "scripts/*", ".ci/run")
SOURCES = (*PYTHON, *OTHERS)
COMMENTS = ("//", "/*", "#")
FUNCTION = re.compile(r'\s*(pub(\([a-z]+\))? )?(const )?(unsafe )?(extern "C" )?fn \w')


def test_files_are_short() -> None:
    assert not [name(path) for path in SOURCES if _line_count(path) > LONGEST_FILE_LINES]


def _line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_files_begin_by_saying_what_they_are() -> None:
    written = [path for path in PYTHON if path.read_text()]  # an empty __init__ has nothing to say
    silent = [path for path in written if not ast.get_docstring(ast.parse(path.read_text()))]
    silent += [path for path in OTHERS if not path.read_text().lstrip().startswith(COMMENTS)]
    assert not [name(path) for path in silent]


def test_python_functions_are_short() -> None:
    long = [
        f"{name(path)}: {node.name}"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION_LINES
    ]
    assert not long


def test_rust_functions_are_short() -> None:
    long = [
        f"{name(path)}: {head}"
        for path in tracked("runtimes/*.rs")
        for head, length in _rust_functions(path.read_text())
        if length > LONGEST_FUNCTION_LINES
    ]
    assert not long


def _rust_functions(source: str) -> Iterator[tuple[str, int]]:
    """First line and length of each: it ends at the brace in the column where it began, for the
    formatter sees to that. One inside another counts as part of it."""
    opened: tuple[int, int, str] | None = None
    for number, line in enumerate(source.splitlines(), start=1):
        column = len(line) - len(line.lstrip())
        if opened is None and FUNCTION.match(line) and not line.rstrip().endswith((";", "}")):
            opened = (number, column, line.strip())
        elif opened is not None and line.strip() == "}" and column == opened[1]:
            yield opened[2], number - opened[0] + 1
            opened = None


def test_the_reader_of_rust_functions_sees_them() -> None:
    source = (
        "impl A {\n    pub fn b(\n        c: u8,\n    ) {\n        d();\n    }\n}\nfn e() {\n}\n"
    )
    assert list(_rust_functions(source)) == [("pub fn b(", 5), ("fn e() {", 2)]
