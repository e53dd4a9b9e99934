"""What `explain` says of a path, from report.json alone."""

from __future__ import annotations

from typing import Any

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.paths_document import explanation

FILES: dict[str, Any] = {
    "kept": [
        {"path": "/", "because": "root directory"},
        {"path": "/etc/passwd", "because": "the accounts the program needs"},
        {"path": "/lib", "because": "directory on the way", "target": "usr/lib"},
        {"path": "/usr/lib", "because": "directory of /usr/lib/libz.so.1"},
        {"path": "/usr/lib/libz.so.1", "because": "DT_NEEDED libz.so.1 of /usr/lib/libssl.so.3"},
        {"path": "/usr/lib/libssl.so.3", "because": "DT_NEEDED libssl.so.3 of /usr/sbin/nginx"},
        {"path": "/usr/lib/libz.so", "because": "named", "target": "libz.so.1"},
        {"path": "/usr/sbin/nginx", "because": "the program"},
    ],
    "added": [
        {"path": "/etc/passwd", "because": "rewritten without passwords"},
        {"path": "/srv", "because": "working directory, made as docker makes it"},
    ],
    "dropped": [
        {"path": "/usr/lib/libx.so", "because": "of package libx; nothing names it"},
        {"path": "/usr/lib/liby.so", "because": "of package libx; nothing names it"},
        {"path": "/loop", "because": "dropped", "target": "loop"},
    ],
}


def lines(asked: str) -> list[str]:
    return list(explanation(FILES, asked))


def test_the_chain_leads_back_to_the_program() -> None:
    assert lines("/usr/lib/libz.so.1") == [
        "/usr/lib/libz.so.1 is in the bundle",
        "  because DT_NEEDED libz.so.1 of /usr/lib/libssl.so.3",
        "  /usr/lib/libssl.so.3: DT_NEEDED libssl.so.3 of /usr/sbin/nginx",
        "  /usr/sbin/nginx: the program",
    ]


def test_a_symlink_on_the_way_and_at_the_end_is_followed() -> None:
    assert lines("lib/libz.so")[:4] == [
        "/lib/libz.so is /usr/lib/libz.so by a symlink on the way",
        "/usr/lib/libz.so is in the bundle",
        "  because named",
        "it is a symlink to /usr/lib/libz.so.1:",
    ]
    assert lines("lib/libz.so")[4:] == lines("/usr/lib/libz.so.1")


def test_what_is_not_there_what_was_made_and_what_was_changed() -> None:
    assert lines("/usr/lib/libx.so") == [
        "/usr/lib/libx.so is not in the bundle",
        "  because of package libx; nothing names it",
    ]
    assert lines("/srv") == [
        "/srv is in the bundle, and was not in the image",
        "  because working directory, made as docker makes it",
    ]
    assert "  rewritten without passwords" in lines("/etc/passwd")


def test_a_directory_is_summed_up() -> None:
    said = lines("/usr/lib")
    assert "of what is in it 3 paths are in the bundle, 2 are not:" in said
    assert "  2 not: of package libx; nothing names it" in said
    assert "  /usr/lib/libssl.so.3: DT_NEEDED libssl.so.3 of /usr/sbin/nginx" in said


def test_a_pattern_gives_a_line_each() -> None:
    assert lines("/usr/lib/lib[xy].so") == [
        f"/usr/lib/lib{name}.so is not in the bundle: of package libx; nothing names it"
        for name in "xy"
    ]


@pytest.mark.parametrize("asked", ["/usr/lib/libq.so", "/etc/x*"])
def test_what_the_image_never_had_is_an_error(asked: str) -> None:
    with pytest.raises(Dock2ukError, match="the image has no"):
        lines(asked)


def test_a_loop_of_links_ends() -> None:
    assert len(lines("/loop")) < 200
