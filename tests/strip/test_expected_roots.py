"""What is kept of sample images, against what was counted by hand: fixtures/*/expect.toml.

`[elf]` and `[data]` have patterns of paths, `**` for any number of directories, and how many files
each is; the first pattern that fits counts. What fits none is one too many.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dock2uk.elf import kind
from dock2uk.model import Keep, Node, NodeType, StripMode
from tests.strip.test_fixture_roots import FIXTURES, analysed

DIRECTORY = Path(__file__).resolve().parents[2] / "fixtures"
EXPECTED = {
    path.parent.name: tomllib.loads(path.read_text())
    for path in sorted(DIRECTORY.glob("*/expect.toml"))
    if not path.parent.name.startswith("start-")
}


def kept_files(name: str) -> list[Node]:
    root = analysed(name).stripped(StripMode.CLOSURE)
    return [node for node in root.nodes if node.type is NodeType.FILE]


def counted(nodes: list[Node], patterns: Mapping[str, int]) -> dict[str, int]:
    found = Counter(_pattern_of(node.path, patterns) for node in nodes)
    return dict.fromkeys(patterns, 0) | found


def _pattern_of(path: str, patterns: Mapping[str, int]) -> str:
    return next((one for one in patterns if _fits(path, one)), f"unexpected: {path}")


def _fits(path: str, pattern: str) -> bool:
    parts = re.split(r"(\*\*|\*)", pattern)
    expression = "".join({"**": ".*", "*": "[^/]*"}.get(one, re.escape(one)) for one in parts)
    return re.fullmatch(expression, path) is not None


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_kept_is_what_was_counted(name: str) -> None:
    expected: Mapping[str, Any] = EXPECTED[name]
    nodes = kept_files(name)
    programs = [node for node in nodes if kind(node) is not None]
    data = [node for node in nodes if kind(node) is None]
    assert counted(programs, expected["elf"]) == expected["elf"]
    assert counted(data, expected["data"]) == expected["data"]


@pytest.mark.parametrize("name", EXPECTED)
def test_what_was_named_as_dropped_is(name: str) -> None:
    kept = {
        one.path
        for one in analysed(name).stripped(StripMode.CLOSURE).decisions
        if isinstance(one, Keep)
    }
    assert not kept & set(EXPECTED[name]["dropped"]["paths"])
    present = {node.path for node in analysed(name).image.tree}
    assert (
        set(EXPECTED[name]["dropped"]["paths"]) <= present
    )  # a name that is not there says nothing


def test_each_kind_of_program_is_counted() -> None:
    kinds = {"nginx", "redis", "python-app", "node-app", "go-data", "java-http", "php-fpm"}
    assert kinds | {"musl-c", "plug-ins", "locale-c"} <= EXPECTED.keys()
    assert all((FIXTURES / name / "index.json").exists() for name in EXPECTED)
