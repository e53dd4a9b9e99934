"""The forms of an audit: all say the same, on any terminal and for any number of images."""

from __future__ import annotations

import io
import re
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from dock2uk import audit
from dock2uk.audit import assessment
from tests.audits import DOCS, SCHEMA

HOSTILE = "<script>x</script>\u202e|`"


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["redis-server"], "/usr/bin/redis-check-rdb as redis-server"),
        (["/usr/bin/redis-check-rdb", "x"], "/usr/bin/redis-check-rdb"),
        ([], "/usr/bin/redis-check-rdb"),
    ],
)
def test_a_program_of_several_names_is_shown_with_the_one_it_has(
    argv: list[str], shown: str
) -> None:
    row = audit.assessment.without("x", "convertible", ())
    row["program"] = {"exe": "/usr/bin/redis-check-rdb", "argv": argv}
    row["program"] |= {"uid": 0, "ports": [], "method": "static", "confidence": "read"}
    document = audit.build([row])
    assert f"| {shown} |" in audit.FORMATS["md"](document)
    assert f"<code>{shown}</code></td>" in audit.FORMATS["html"](document)


def test_what_a_verdict_means_is_said_everywhere_the_same() -> None:
    readme = (DOCS.parent / "README.md").read_text()
    verdicts = SCHEMA["$defs"]["verdict"]
    assert verdicts["enum"] == list(audit.VERDICTS) == list(assessment.MEANINGS)
    page = audit.FORMATS["html"](fleet(1))
    for verdict, meaning in assessment.MEANINGS.items():
        assert f"{verdict}: {meaning}" in verdicts["description"]
        assert f"| {verdict} | {meaning[0].upper()}{meaning[1:]}. |" in readme
        assert f"<dt>{verdict}</dt><dd>{meaning}</dd>" in page


def fleet(count: int, **changed: Any) -> dict[str, Any]:
    """An audit of so many images that are alike."""
    program = {"exe": "/usr/sbin/nginx", "argv": ["nginx"], "uid": 0, "ports": [], "method": "elf"}
    row = {
        **assessment.without("x", "convertible with a change", ("recipe nginx: one process",)),
        "program": program | {"confidence": "certain"}, "risks": ["it runs as user 0"],
        "metrics": [
            {"id": "bytes", "name": "bytes", "unit": "bytes", "before": 4 << 20, "after": 1 << 20},
            {"id": "files", "name": "files", "unit": "files", "before": 7000, "after": 20},
        ],
    }  # fmt: skip
    rows = [row | {"source": f"registry.example/team/image-{n}:1"} | changed for n in range(count)]
    document = audit.build(rows)
    jsonschema.validate(document, SCHEMA)
    return document


def printed(document: dict[str, Any], width: int | None = None) -> str:
    console = Console(width=1000, record=True, file=io.StringIO())
    console.print(audit.summary(document, width), soft_wrap=True)
    return console.export_text()


def test_risks_and_gains_are_told_with_how_many_have_them() -> None:
    document = fleet(3)
    document["images"][0] |= {"risks": ["its own", "it runs as user 0"], "risks_unlisted": 4}
    text, markdown = printed(document), audit.FORMATS["md"](document)
    for shown in (text, markdown.replace("\\", "")):
        assert "3 images: it runs as user 0" in shown
        assert "registry.example/team/image-0:1: its own" in shown
        assert "and 4 more" in shown
        assert "4.0 MiB > 1.0 MiB (-75 %)" in shown
        assert "7,000 > 20" in shown
    [first, second] = [
        line for line in text.splitlines() if re.match(r".*image-[01]:1 +conv", line)
    ]
    assert re.search(r"nginx +6 ", first)
    assert re.search(r"nginx +1 ", second)


def test_more_risks_than_a_screen_has_are_counted() -> None:
    document = fleet(1, risks=[f"risk {n}" for n in range(100)])
    assert "\nand 70 more\n" in printed(document)


def test_a_terminal_narrower_than_the_table_has_a_block_an_image() -> None:
    document = fleet(2)
    assert printed(document, width=400) == printed(document)
    text = printed(document, width=80)
    assert max(map(len, text.splitlines())) <= 80
    first = text[: text.index("registry.example/team/image-1:1")].splitlines()
    assert first[:2] == ["registry.example/team/image-0:1", "  convertible with a change"]
    assert [line.split() for line in first[2:4]] == [["program", "/usr/sbin/nginx"], ["risks", "1"]]


def test_the_markdown_of_hundreds_of_images_fits_a_comment() -> None:
    text = audit.FORMATS["md"](fleet(1500))
    assert 55_000 < len(text.encode()) <= 60_200
    assert text.startswith("## dock2uk audit: 1500 convertible with a change\n")
    assert text.endswith("--report html=PATH or json=PATH has all._\n")
    assert "left out" not in audit.FORMATS["md"](fleet(10))


def test_hostile_names_are_text_in_every_form() -> None:
    row = {
        "source": HOSTILE, "digest": None, "verdict": "not read", "because": [HOSTILE],
        "hint": HOSTILE, "program": None, "risks": [HOSTILE], "risks_unlisted": 3, "metrics": [],
    }  # fmt: skip
    document = audit.build([row])
    jsonschema.validate(document, SCHEMA)
    assert "<script>x" not in audit.FORMATS["html"](document)
    assert "<script>x" not in audit.FORMATS["md"](document).replace("\\<", "")
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(audit.summary(document))
    text = console.export_text()
    assert ("\u202e" in text, "\\u202e" in text) == (False, True)
