"""What is concluded from a traced run's records: the calls, and the paths it may have meant."""

from __future__ import annotations

from trees import Link, tree

from dock2uk.match import load_runtimes
from dock2uk.strace import Observer

DIGITS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
AT_FDCWD = 0xFFFFFFFFFFFFFF9C
OPEN, GETPID, EXECVE, OPENAT = 2, 39, 59, 257


def call(number: int, *arguments: int, **strings: str) -> str:
    """A record as the kernel writes it; a string lies at the address in its name."""
    registers = [*arguments, *[0] * (7 - len(arguments))]
    words = " ".join(f"{one:x}" for one in (1, 0, 1, number, *registers))
    pieces = (f"@{name[1:]}:{(text.encode() + bytes(1)).hex()}" for name, text in strings.items())
    return (words + "".join(pieces)).translate(DIGITS)


def observer(*records: str) -> Observer:
    made = Observer(load_runtimes()[0])
    for record in records:
        made.take("call", record)
    return made


def test_calls_are_counted_whatever_they_name() -> None:
    made = observer(call(GETPID), call(OPEN, 0x10, a10="/x"), call(GETPID))
    made.take("ready", "80/tcp")
    made.take("return", call(GETPID))
    assert made.calls == {GETPID, OPEN}


def test_paths_are_followed_inside_the_image() -> None:
    image = tree({"/etc/x": Link("../data/x"), "/data/x": "", "/bin/run": "", "/other": ""})
    made = observer(
        call(OPENAT, AT_FDCWD, 0x10, a10="/etc/x"),
        call(EXECVE, 0x20, a20="bin/run"),
        call(OPEN, 0x30, a30="/not/there"),
    )
    assert made.paths(image, "/") == {"/etc/x", "/data/x", "/bin/run"}


def test_a_relative_path_may_start_from_every_directory_that_was_named() -> None:
    image = tree({"/a/one/file": "", "/b/one/file": "", "/c/one/file": "", "/d": ""})
    made = observer(
        call(OPEN, 0x10, a10="/a"),
        call(OPENAT, 3, 0x20, a20="one"),
        call(OPENAT, 4, 0x30, a30="file"),
    )
    assert made.paths(image, "/b") == {
        "/a", "/a/one", "/a/one/file", "/b/one", "/b/one/file",
    }  # fmt: skip


def test_a_name_that_is_no_text_is_no_path() -> None:
    made = observer(call(OPEN, 0x10), call(OPEN, 0x10, a10=""))
    assert made.paths(tree({"/x": ""}), "/") == frozenset()


def test_what_is_made_once_it_listens_is_counted() -> None:
    def event(*words: int) -> str:
        return " ".join(f"{one:x}" for one in words).translate(DIGITS)

    made, registers = Observer(load_runtimes()[0]), [0] * 7
    made.take("call", event(1, 0, 1, EXECVE, *registers))
    assert made.after_ready == (None, None)
    made.take("ready", "80/tcp")
    made.take("call", event(2, 0, 1, GETPID, *registers))  # a thread
    made.take("call", event(3, 0, 3, EXECVE, *registers))
    made.take("return", event(3, 0, 2**64 - 2))  # ENOENT
    made.take("call", event(3, 0, 3, EXECVE, *registers))
    made.take("ready", "81/tcp")
    assert made.after_ready == (1, 1)
