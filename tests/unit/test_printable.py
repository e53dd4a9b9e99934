"""What an image says of itself is text on a terminal: it moves no cursor and makes no line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from test_report import document  # noqa: F401 - a fixture

from dock2uk import printable
from dock2uk.report import chain, summary
from tests.images import docker_archive, file, layer
from tests.unit.test_cli import dock2uk

HOSTILE = "a\nverified: all is well\x1b[8m\x1b]52;c;eA==\x07\u202e\tb"
SHOWN = "a\\nverified: all is well\\u001b[8m\\u001b]52;c;eA==\\u0007\\u202e\\tb"


def test_a_value_is_one_line() -> None:
    assert printable.one_line(HOSTILE) == SHOWN
    assert printable.values({HOSTILE: [HOSTILE, 1, None]}) == {SHOWN: [SHOWN, 1, None]}


def test_lines_of_others_are_marked() -> None:
    shown = printable.quoted("fine\n::error::x\n\x1b[2J")
    assert shown == "  | fine\n  | ::error::x\n  | \\u001b[2J"


@pytest.mark.parametrize("shown", ["summary", "chain"])
def test_neither_the_report_nor_the_chain_can_be_forged(
    document: dict[str, Any],  # noqa: F811
    shown: str,
) -> None:
    hostile = {"argv": ["/server", HOSTILE], "env": [f"{HOSTILE}=1"], "evidence": [HOSTILE]}
    entrypoint = document["entrypoint"] | hostile
    console = Console(file=io.StringIO(), width=1000, force_terminal=True, color_system=None)
    if shown == "summary":
        console.print(summary(document | {"entrypoint": entrypoint, "notes": [HOSTILE]}))
    else:
        console.print(chain(HOSTILE, entrypoint))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert SHOWN in text
    assert "\x1b]52" not in text
    assert "\nverified: all" not in text


def test_errors_have_no_controls(tmp_path: Path) -> None:
    made = layer(file("etc/passwd", b"x"))
    image = docker_archive(tmp_path / "i.tar", [made], Cmd=[f"/{HOSTILE}"])
    done = dock2uk("entrypoint", f"docker-archive:{image}", cwd=tmp_path)
    assert done.returncode == 3
    assert "\x1b" not in done.stderr
    assert "\nverified" not in done.stderr
