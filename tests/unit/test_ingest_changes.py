"""What start-up did to the files, as a layer of its own."""

from __future__ import annotations

from dataclasses import replace

from trees import image, program

from dock2uk.ingest import with_changes
from dock2uk.model import Change, ImageConfig, Node, NodeType

IMAGE = image(
    {
        "/bin/a": program("", b"a"),
        "/etc/x/old": program("", b"old"),
        "/etc/kept": program("", b"k"),
    },
    ImageConfig(),
)


def directory(path: str, mode: int = 0o755) -> Node:
    return Node(path, NodeType.DIRECTORY, mode, 0, 0, 0)


def link(path: str, target: str) -> Node:
    return Node(path, NodeType.SYMLINK, 0o777, 0, 0, 0, target=target)


def test_no_change_is_the_same_image() -> None:
    assert with_changes(IMAGE, ()) is IMAGE


def test_made_changed_and_gone() -> None:
    changed = replace(IMAGE.tree.get("/etc/kept") or directory("/"), mode=0o600, uid=7)
    after = with_changes(
        IMAGE,
        [
            Change("/etc/x/old", None),
            Change("/etc/kept", changed),
            Change("/run", directory("/run")),
        ],
    ).tree
    kept = after.get("/etc/kept")
    assert kept is not None
    assert (kept.mode, kept.uid, kept.content and kept.content.read()) == (0o600, 7, b"k")
    assert after.get("/etc/x/old") is None
    assert after.get("/etc/x") is not None
    assert after.get("/run") is not None
    assert IMAGE.tree.get("/etc/x/old") is not None  # the image itself is as it was


def test_a_directory_gives_way_to_a_link() -> None:
    after = with_changes(IMAGE, [Change("/etc/x", link("/etc/x", "/bin"))]).tree
    found = after.resolve("/etc/x/a")
    assert found is not None
    assert found.path == "/bin/a"
    assert after.get("/etc/x/old") is None


def test_a_directory_emptied_and_filled_again() -> None:
    new = replace(IMAGE.tree.get("/etc/kept") or directory("/"), path="/etc/x/new")
    after = with_changes(
        IMAGE,
        [Change("/etc/x", None), Change("/etc/x/new", new), Change("/etc/x", directory("/etc/x"))],
    ).tree
    assert [node.path for node in after.children("/etc/x")] == ["/etc/x/new"]
