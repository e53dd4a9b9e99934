"""The reader of expect.toml refuses what it does not understand, and the comparison sees faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dock2uk.ingest.tree import TreeBuilder
from dock2uk.model import Change, Node, Tree
from tests.entrypoint.expectation import Expectation, ExpectationError
from tests.entrypoint.observed import Found, complaints, found
from tests.nodes import directory, file

GOOD = """
static = "right"
[program]
is_process_1 = true
exe = "/app"
argv = ["app"]
cwd = "/"
uid = 0
gid = "staff"
groups = [0]
umask = 0o022
stop_signal = "SIGTERM"
capabilities = "default"
[environment]
PATH = "/bin"
[[changes]]
path = "/etc/app.conf"
change = "created"
type = "file"
mode = 0o644
owner = "root:root"
text = "on\\n"
[[differences]]
subject = "/etc/id"
kind = "secret"
"""
REFUSED = """
static = "refused"
[refused]
programs = ["/a", "/b"]
commands = ["a", "b"]
listening = []
"""


def test_reads_what_is_written() -> None:
    expected = Expectation.parse("good", GOOD)
    assert expected.one_program.argv == ("app",)
    assert expected.one_program.umask == 0o022
    assert expected.changes[0].text == "on\n"
    refused = Expectation.parse("refused", REFUSED).refused
    assert refused is not None
    assert refused.programs == ("/a", "/b")


@pytest.mark.parametrize(("before", "after"), [
    ('static = "right"', 'static = "maybe"'),
    ('static = "right"', ""),
    ('static = "right"', 'static = "refused"'),
    ('exe = "/app"', 'exe = "/app"\nexecutable = "/app"'),
    ('exe = "/app"', ""),
    ('capabilities = "default"', 'capabilities = "all"'),
    ("[environment]", "[variables]"),
    ('change = "created"', 'change = "made"'),
    ('change = "created"', 'change = "removed"'),
    ('text = "on\\n"', ""),
    ('text = "on\\n"', 'text = "on\\n"\nlike = "/etc/other"'),
    ('type = "file"', 'type = "symlink"'),
    ('kind = "secret"', 'kind = "random"'),
    ('kind = "secret"', 'kind = "secret"\nleft_out = ["/etc/other"]'),
])  # fmt: skip
def test_refuses_what_it_does_not_understand(before: str, after: str) -> None:
    assert before in GOOD
    with pytest.raises(ExpectationError):
        Expectation.parse("bad", GOOD.replace(before, after))


PASSWD = file("/etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
GROUP = file("/etc/group", b"root:x:0:\n")


def tree_of(*nodes: Node) -> Tree:
    builder = TreeBuilder()
    builder.begin_layer("sha256:0")
    for node in nodes:
        builder.add(node)
    return builder.tree()


TREE = tree_of(directory("/etc"), PASSWD, GROUP, file("/etc/old.conf", b"old"))
CREATED = file("/etc/app.conf", b"on\n")


def seen_of(*changes: Change) -> list[str]:
    return complaints(TREE, Expectation.parse("good", GOOD), found(TREE, changes))


def test_sees_what_is_wrong_with_changes() -> None:
    right = Change("/etc/app.conf", CREATED)
    touched = Change("/etc/old.conf", replace(file("/etc/old.conf", b"old"), mtime=99))
    assert seen_of(right, touched) == []
    assert seen_of() == ["/etc/app.conf: not created"]
    assert seen_of(right, Change("/etc/old.conf", None)) == [
        "/etc/old.conf: removed, and not expected"
    ]
    for wrong in (
        replace(CREATED, mode=0o600),
        replace(CREATED, uid=7),
        file("/etc/app.conf", b"off\n"),
        directory("/etc/app.conf"),
    ):
        assert seen_of(Change("/etc/app.conf", wrong)), wrong
    assert found(TREE, [Change("/etc/old.conf", None)]) == {"/etc/old.conf": Found("removed")}
