"""What two runs of a start-up agree on, what is named, and what goes into the image."""

from __future__ import annotations

from dataclasses import replace

import pytest
from trees import image

from dock2uk.contents import Held
from dock2uk.entrypoint.bake import Baked, bake_agreed, bake_all
from dock2uk.entrypoint.compare import Comparison, Run, compare
from dock2uk.entrypoint.record.recording import Ending, Final, Recording, Surroundings
from dock2uk.errors import UnsupportedError
from dock2uk.model import Change, DifferenceKind, Node, NodeType

TREE = image({
    "/etc/app.conf": "workers 1\n",
    "/usr/src/page.html": "hello, world\n",
    "/srv": None,
    "/var/lib/other": "",
}).tree  # fmt: skip
FINAL = Final("/bin/server", ("server",), (), "/", 0, 0, (), 0o022, (), False, ())
HERE = Surroundings("alpha", "172.17.0.2", 0, None)
THERE = Surroundings("omega", "172.17.0.9", 40_000_000, 1)


def file(path: str, text: str, *, mode: int = 0o644) -> Change:
    data = Held(text.encode("utf-8", "surrogateescape"))
    return Change(path, Node(path, NodeType.FILE, mode, 0, 0, 0, content=data))


def directory(path: str, uid: int = 0) -> Change:
    return Change(path, Node(path, NodeType.DIRECTORY, 0o755, uid, 0, 0))


def run(*changes: Change, env: tuple[str, ...] = (), where: Surroundings = HERE) -> Run:
    final = replace(FINAL, env=env)
    return Run(Recording(final, 1, Ending.LISTENS, None, (), (), changes, ""), where)


def compared(one: tuple[Change, ...], two: tuple[Change, ...]) -> Comparison:
    return compare(run(*one), run(*two, where=THERE))


def paths(baked: Baked) -> list[str]:
    return [change.path for change in baked.changes]


def test_what_is_the_same_goes_in_whatever_its_times() -> None:
    one = file("/etc/app.conf", "x")
    assert one.node is not None
    two = Change("/etc/app.conf", replace(one.node, mtime=9))
    baked = bake_agreed(
        TREE, compared((one, Change("/etc/old", None)), (two, Change("/etc/old", None)))
    )
    assert (paths(baked), baked.differences) == (["/etc/app.conf", "/etc/old"], ())


@pytest.mark.parametrize(
    ("one", "two", "kind"),
    [
        ("workers 2", "workers 1", DifferenceKind.MACHINE),
        ("listen 172.17.0.2 as alpha", "listen 172.17.0.9 as omega", DifferenceKind.MACHINE),
        ("made 2026-11-26T10:00:00", "made 2028-03-03T10:00:00", DifferenceKind.MACHINE),
        ("KEY='9f86d081884c7d659a2f'", "KEY='60303ae22b998861bce3'", DifferenceKind.SECRET),
        (
            "-----BEGIN PRIVATE KEY-----\nabc",
            "-----BEGIN PRIVATE KEY-----\nxyz",
            DifferenceKind.SECRET,
        ),
        ("a\0\x01", "a\0\x02", DifferenceKind.MACHINE),
    ],
)
def test_what_differs_is_named_and_left_out(one: str, two: str, kind: DifferenceKind) -> None:
    found = compared((file("/etc/app.conf", one),), (file("/etc/app.conf", two),))
    left = bake_agreed(TREE, found)
    assert paths(left) == []
    assert [(d.subject, d.kind, d.is_baked) for d in left.differences] == [
        ("/etc/app.conf", kind, False)
    ]
    baked = bake_all(found)
    assert [c.node.content.read().decode() for c in baked.changes if c.node and c.node.content] == [
        one
    ]
    assert [d.is_baked for d in baked.differences] == [True]


def test_a_database_is_taken_whole_or_not_at_all() -> None:
    made = (directory("/srv/base"), directory("/srv/base/1"), file("/srv/base/1/table", "same"))
    found = compared((*made, file("/srv/id", "7")), (*made, file("/srv/id", "8")))
    left = bake_agreed(TREE, found)
    assert paths(left) == []
    assert [d.subject for d in left.differences] == ["/srv/"]
    assert "id differs" in left.differences[0].detail
    assert paths(bake_all(found)) == ["/srv/base", "/srv/base/1", "/srv/base/1/table", "/srv/id"]


def test_the_directory_itself_stays_with_its_owner() -> None:
    owned = directory("/var/lib/app", uid=70)
    found = compared(
        (owned, file("/var/lib/app/id", "1"), file("/var/lib/app/data", "x")),
        (owned, file("/var/lib/app/id", "2"), file("/var/lib/app/data", "x")),
    )
    assert bake_agreed(TREE, found).changes == (owned,)


def test_copies_of_the_image_s_files_stand_for_themselves_where_they_are_the_most() -> None:
    copies = (file("/srv/page.html", "hello, world\n"), file("/srv/a/page.html", "hello, world\n"))
    one, two = file("/srv/config", "key 1"), file("/srv/config", "key 2")
    left = bake_agreed(TREE, compared((*copies, one), (*copies, two)))
    assert paths(left) == ["/srv/a/page.html", "/srv/page.html"]
    assert [d.subject for d in left.differences] == ["/srv/"]
    left = bake_agreed(TREE, compared((copies[0], one), (copies[0], two)))
    assert paths(left) == []


def test_variables() -> None:
    env = ("PATH=/bin", "HOSTNAME=alpha", "MY_ADDRESS=172.17.0.2", "SESSION_KEY_ID=x", "ONCE=1")
    other = ("PATH=/bin", "HOSTNAME=omega", "MY_ADDRESS=172.17.0.9", "SESSION_KEY_ID=x")
    baked = bake_agreed(TREE, compare(run(env=env), run(env=other, where=THERE)))
    assert baked.env == ("PATH=/bin", "SESSION_KEY_ID=x")
    assert [d.subject for d in baked.differences] == ["variable MY_ADDRESS", "variable ONCE"]


def test_a_file_with_a_secret_of_the_environment_is_left_out() -> None:
    env = ("DB_PASSWORD=hunter2", "X=1")
    change = file("/etc/app.conf", "password hunter2")
    found = compare(run(change, env=env), run(change, env=env, where=THERE))
    baked = bake_agreed(TREE, found)
    assert paths(baked) == []
    assert baked.differences[0].kind is DifferenceKind.SECRET


def test_another_program_in_each_run_is_refused_unless_baked() -> None:
    two = run(where=THERE)
    final = replace(FINAL, argv=("server", "-j2"))
    found = compare(Run(replace(two.recording, final=final), HERE), two)
    with pytest.raises(UnsupportedError, match="argv is not always the same"):
        bake_agreed(TREE, found)
    assert bake_all(found).differences[0].subject == "the program's argv"
