"""One program or several, from what a recording shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_elf import tiny_elf
from trees import program, tree

from dock2uk.entrypoint.programs import children_of, process_tree, require_one_program
from dock2uk.entrypoint.record.recording import Ending, Exec, Final, Process, Recording
from dock2uk.errors import UnsupportedError

FINAL = Final("/usr/sbin/server", ("server", "-x"), (), "/", 0, 0, (), 0o022, (), False, ())
TREE = tree(
    {path: program(path, tiny_elf()) for path in ("/usr/sbin/server", "/bin/sh", "/bin/tool")}
)


def process(pid: int, parent: int, exe: str, *listening: str) -> Process:
    return Process(pid, parent, exe, (exe.rpartition("/")[2],), listening)


def recording(*processes: Process, final_pid: int = 1, execs: tuple[Exec, ...] = ()) -> Recording:
    return Recording(FINAL, final_pid, Ending.LISTENS, None, execs, processes, (), "")


def test_a_server_and_its_workers_are_one() -> None:
    workers = [process(pid, 1, FINAL.exe) for pid in (7, 8)]
    require_one_program(recording(process(1, 0, FINAL.exe, "tcp 0.0.0.0:80"), *workers))


def test_a_wrapper_that_stays_is_not_counted() -> None:
    server = process(6, 1, FINAL.exe, "tcp 0.0.0.0:80")
    require_one_program(recording(process(1, 0, "/usr/bin/tini"), server, final_pid=6))


def test_a_shell_with_two_servers_is_refused_with_the_tree() -> None:
    shown = recording(
        process(1, 0, "/bin/sh"),
        process(6, 1, FINAL.exe, "tcp 0.0.0.0:80"),
        process(7, 1, "/bin/tool", "tcp 0.0.0.0:81", "unix /run/x"),
        final_pid=6,
    )
    with pytest.raises(UnsupportedError) as caught:
        require_one_program(shown)
    assert caught.value.reasons[1:] == (
        "1 sh",
        "  6 server  (tcp 0.0.0.0:80)",
        "  7 tool  (tcp 0.0.0.0:81, unix /run/x)",
    )
    assert process_tree(shown) == caught.value.reasons[1:]


def test_a_supervisor_is_refused() -> None:
    served = [process(8, 1, "/bin/tool", "tcp [::]:1"), process(9, 1, "/bin/other", "tcp [::]:2")]
    with pytest.raises(UnsupportedError):
        require_one_program(recording(process(1, 0, FINAL.exe), *served))


def test_a_server_whose_helper_listens_too_is_one() -> None:
    helper = process(8, 1, "/bin/tool", "tcp [::]:1")
    require_one_program(recording(process(1, 0, FINAL.exe, "tcp [::]:2"), helper))


def test_children_are_what_the_program_ran_itself() -> None:
    execs = (
        Exec(1, 0, "/bin/sh", ("sh",)),
        Exec(5, 1, "/bin/tool", ("tool", "before")),
        Exec(1, 0, FINAL.exe, FINAL.argv),
        Exec(8, 1, "/bin/sh", ("sh", "-c", "x")),
        Exec(9, 8, FINAL.exe, ("server", "worker")),
    )
    shown = recording(process(1, 0, FINAL.exe), execs=execs)
    assert children_of(shown, TREE).kept == ()
    assert children_of(shown, TREE).shells == ("/bin/sh",)
    more = replace(shown, execs=(*execs, Exec(10, 9, "/bin/tool", ("tool",))))
    assert children_of(more, TREE).kept == ("/bin/tool",)
