"""What the recorder sees of start-ups in the forms that images have, run for real."""

from __future__ import annotations

import stat
import time

import pytest
from machine import ONE, OTHER, launch, leaves_nothing, machine, program, run

from dock2uk.contents import Held
from dock2uk.entrypoint.record import Bounds, find_obstacle, record
from dock2uk.entrypoint.record.recording import Ending, Recording
from dock2uk.errors import StartupError
from dock2uk.model import Node, NodeType, ResourceLimit
from tests.unit.trees import Link

SERVER = "/usr/bin/server"


def changes(recording: Recording) -> dict[str, Node | None]:
    return {change.path: change.node for change in recording.changes}


def test_this_machine_allows_a_sandbox() -> None:
    with leaves_nothing():
        assert find_obstacle() is None


def test_a_script_that_executes_a_server() -> None:
    with leaves_nothing():
        seen = run("umask 027\ncd /srv\nexport COLOUR=blue\nexec server listen 80", {"/srv": None})
    assert (seen.ending, seen.final_pid, seen.exit_status) == (Ending.LISTENS, 1, None)
    assert seen.final.exe == SERVER
    assert seen.final.argv == ("server", "listen", "80")
    assert "COLOUR=blue" in seen.final.env
    assert "HOSTNAME=alpha" in seen.final.env
    assert (seen.final.cwd, seen.final.umask) == ("/srv", 0o027)
    assert (seen.final.uid, seen.final.gid, seen.final.groups) == (0, 0, (0,))
    assert len(seen.final.capabilities) == 14
    assert "CAP_SYS_ADMIN" not in seen.final.capabilities
    assert [one.exe for one in seen.execs] == ["/usr/bin/dash", SERVER]
    assert [one.listening for one in seen.processes] == [("tcp 0.0.0.0:80",)]


def test_every_kind_of_change_to_files() -> None:
    start = """
    echo new > /etc/new.conf; chmod 640 /etc/new.conf; chown 33:33 /etc/new.conf
    echo more >> /etc/appended; chmod 600 /etc/mode; chown 33 /etc/owner; rm /etc/gone
    ln -s new.conf /etc/link; ln /etc/new.conf /etc/hard; mkfifo /run/pipe; mkdir -p /a/b
    mv /etc/old-name /etc/new-name; rm -r /opt/whole; rm -r /opt/again; mkdir /opt/again
    touch /etc/touched; echo same > /etc/same; echo 10.0.0.1 x >> /etc/hosts
    exec server listen 80"""
    text = {"mode": "m", "owner": "o", "gone": "g", "old-name": "n", "touched": "t"}
    entries = {f"/etc/{name}": value for name, value in text.items()}
    seen = changes(run(start, {
        **entries, "/etc/appended": "some\n", "/etc/same": "same\n",
        "/opt/whole/one/two": "x", "/opt/again/one": "x",
    }))  # fmt: skip
    assert sorted(seen) == [
        "/a", "/a/b", "/etc/appended", "/etc/gone", "/etc/hard", "/etc/link", "/etc/mode",
        "/etc/new-name", "/etc/new.conf", "/etc/old-name", "/etc/owner", "/opt/again/one",
        "/opt/whole", "/opt/whole/one", "/opt/whole/one/two", "/run/pipe",
    ]  # fmt: skip
    gone = {"/etc/gone", "/etc/old-name", "/opt/again/one", "/opt/whole", "/opt/whole/one",
            "/opt/whole/one/two"}  # fmt: skip
    assert {path for path, node in seen.items() if node is None} == gone
    nodes = {path: node for path, node in seen.items() if node is not None}
    new, appended, hard = nodes["/etc/new.conf"], nodes["/etc/appended"], nodes["/etc/hard"]
    assert (new.mode, new.uid, new.gid) == (0o640, 33, 33)
    assert new.content is not None
    assert new.content.read() == b"new\n"
    assert abs(new.mtime - time.time()) < 60
    assert appended.content is not None
    assert appended.content.open().read() == b"some\nmore\n"
    assert hard.inode == new.inode != appended.inode
    assert nodes["/etc/mode"].mode == 0o600
    assert nodes["/etc/owner"].uid == 33
    assert nodes["/etc/link"].target == "new.conf"
    assert nodes["/run/pipe"].type is NodeType.FIFO
    assert nodes["/a/b"].type is NodeType.DIRECTORY


def test_files_are_those_of_the_final_execve_and_not_of_the_server() -> None:
    seen = run("echo script > /run/state; exec server writes 80 /run/state")
    assert _text(seen, "/run/state") == b"script\n"


def test_files_of_a_server_behind_a_shell_are_those_of_its_execve() -> None:
    seen = run("echo script > /run/state; server writes 80 /run/state; true")
    assert _text(seen, "/run/state") == b"script\n"


def test_a_file_written_twice_is_what_it_was_last() -> None:
    seen = run("echo one > /run/state; true; cat /run/state; echo two > /run/state; exec true")
    assert _text(seen, "/run/state") == b"two\n"


def test_a_file_written_through_a_mapping_is_what_it_was_last() -> None:
    """Its times do not tell: the snapshot that `true` brings has it as it was before."""
    start = (
        "echo aaa > /run/state; server maps /run/state & sleep 0.2; env true; wait\n"
        "exec server listen 80"
    )
    assert _text(run(start), "/run/state") == b"Xaa\n"


def test_the_image_s_own_owners_modes_links_and_capabilities_are_there() -> None:
    xattrs = {"security.capability": bytes.fromhex("0100000200040000000000000000000000000000")}
    capable = Node("", NodeType.FILE, 0o755, 0, 0, 0, content=Held(b"x"), xattrs=xattrs)
    owned = Node("", NodeType.FILE, 0o640, 33, 34, 1_600_000_000, content=Held(b"y"))
    seen = run(
        "stat -c '%n %a %u %g %Y %h' /data /switch /link; ls -l /points; touch /capable\n"
        "chmod 700 /capable; exec server listen 80",
        {"/data": owned, "/switch": program(0o4755), "/link": Link("data"),
         "/points": Link("/etc/passwd"), "/capable": capable},
    )  # fmt: skip
    assert "/data 640 33 34 1600000000 1" in seen.output
    assert "/switch 4755 0 0" in seen.output
    assert "/points -> /etc/passwd" in seen.output
    node = changes(seen)["/capable"]
    assert node is not None
    assert dict(node.xattrs) == xattrs


def test_a_user_without_rights_and_a_setuid_program() -> None:
    tree = machine("server who; setuid who; exec server listen 8080",
                   {"/usr/bin/setuid": program(0o4755)})  # fmt: skip
    (seen,) = record(tree, launch(uid=33, cwd="/srv", umask=0o077), [ONE], Bounds(time_s=20))
    assert seen.output.splitlines() == ["33 33", "33 0"]
    assert (seen.final.uid, seen.final.gid, seen.final.groups) == (33, 33, (33,))
    assert seen.final.capabilities == ()
    assert seen.final.umask == 0o077
    assert not seen.final.has_no_new_privileges
    assert changes(seen)["/srv"]  # docker makes a working directory that is not there


def test_a_user_without_rights_may_listen_on_any_port() -> None:
    (seen,) = record(machine("exec server listen 80"), launch(uid=33), [ONE], Bounds(time_s=20))
    assert (seen.ending, seen.final.uid) == (Ending.LISTENS, 33)


def test_a_shell_that_nobody_talks_to_ends() -> None:
    (seen,) = record(machine(""), launch("sh"), [ONE], Bounds(time_s=20))
    assert (seen.ending, seen.exit_status, seen.final.exe) == (Ending.ENDED, 0, "/usr/bin/dash")


def test_limits_that_the_script_set() -> None:
    seen = run("ulimit -n 1000; exec server listen 80")
    assert seen.final.limits == (ResourceLimit("RLIMIT_NOFILE", 1000, 1000),)


def test_what_listens_is_named() -> None:
    start = "server listen6 81 & server datagram 53 & server local /run/s & exec server listen 1 2"
    seen = run(f"{start}")
    listening = {process.argv[1]: process.listening for process in seen.processes}
    assert listening == {
        "listen": ("tcp 0.0.0.0:1", "tcp 0.0.0.0:2"),
        "listen6": ("tcp [::]:81",),
        "datagram": ("udp 0.0.0.0:53",),
        "local": ("unix /run/s",),
    }


def test_a_server_by_datagrams_alone_listens() -> None:
    seen = run("exec server datagram 53")
    assert (seen.ending, seen.processes[0].listening) == (Ending.LISTENS, ("udp 0.0.0.0:53",))


def test_workers_belong_to_the_server() -> None:
    seen = run("exec server workers 80")
    assert [(one.pid, one.parent, one.exe) for one in seen.processes] == [
        (1, 0, SERVER), (2, 1, SERVER), (3, 1, SERVER),
    ]  # fmt: skip


def test_daemons_belong_to_who_lives_above_them() -> None:
    """What is between them has ended, and had executed nothing."""
    seen = run("(: ; (: ; server listen 81 &) ); exec server listen 80")
    assert {(one.argv, one.parent) for one in seen.processes} == {
        (("server", "listen", "80"), 0), (("server", "listen", "81"), 1),
    }  # fmt: skip
    assert [one.parent for one in seen.execs if one.argv[-1] == "81"] == [1]


def test_behind_an_init_it_is_the_child() -> None:
    tree = machine("echo x > /run/made; exec server listen 80", {"/usr/bin/tini": program()})
    (seen,) = record(tree, launch("tini", "init", "/start"), [ONE], Bounds(time_s=20))
    assert (seen.ending, seen.final_pid) == (Ending.LISTENS, 2)
    assert seen.final.argv == ("server", "listen", "80")
    assert set(changes(seen)) == {"/run/made"}
    assert [one.exe for one in seen.processes] == ["/usr/bin/tini", SERVER]


def test_behind_an_init_a_program_that_never_listens_settles() -> None:
    tree = machine("exec server idle", {"/usr/bin/tini": program()})
    (seen,) = record(tree, launch("tini", "init", "/start"), [ONE], Bounds(time_s=20))
    assert (seen.ending, seen.final_pid) == (Ending.SETTLED, 2)


def test_behind_an_init_a_program_that_ends_is_the_one() -> None:
    tree = machine("echo x > /run/made; exec cat /nowhere", {"/usr/bin/tini": program()})
    (seen,) = record(tree, launch("tini", "init", "/start"), [ONE], Bounds(time_s=20))
    assert (seen.ending, seen.final_pid, seen.final.exe) == (Ending.ENDED, 2, "/usr/bin/cat")
    assert set(changes(seen)) == {"/run/made"}


@pytest.mark.parametrize("command", ["server listen 80 & wait", "server listen 80; echo ended"])
def test_behind_a_shell_that_stays_it_is_the_server(command: str) -> None:
    seen = run(f"echo x > /run/made; {command}")
    assert (seen.ending, seen.final.exe) == (Ending.LISTENS, SERVER)
    assert seen.final_pid == 2
    assert set(changes(seen)) == {"/run/made"}


def test_a_temporary_server_is_not_the_one() -> None:
    """The form of the databases' scripts: start, ask with pauses, stop, execute."""
    seen = run(
        "server listen 5432 & server=$!\nfor n in 1 2; do sleep 1; echo asked >> /run/log; done\n"
        "kill $server; wait $server; echo x > /run/made; exec server listen 5433"
    )
    assert seen.final_pid == 1
    assert seen.final.argv == ("server", "listen", "5433")
    assert set(changes(seen)) == {"/run/log", "/run/made"}


def test_a_temporary_server_that_ends_by_itself_is_not_the_one() -> None:
    seen = run("server briefly 5432 200; echo x > /run/made; exec server listen 5433")
    assert seen.final.argv == ("server", "listen", "5433")


def test_a_server_that_executes_itself_began_at_the_first_execve() -> None:
    seen = run("exec server again 80")
    assert seen.final.argv == ("server", "again", "80")
    assert [one.argv[-1] for one in seen.execs] == ["/start", "80", "more"]


def test_a_program_that_never_listens_settles() -> None:
    began_s = time.monotonic()
    seen = run("exec server idle")
    assert (seen.ending, seen.final.argv) == (Ending.SETTLED, ("server", "idle"))
    assert time.monotonic() - began_s < 10


def test_a_program_that_ends_is_told_with_its_status() -> None:
    seen = run("echo hello; exec cat /nowhere")
    assert (seen.ending, seen.exit_status, seen.final.exe) == (Ending.ENDED, 1, "/usr/bin/cat")
    assert seen.output.startswith("hello\n")


def test_a_script_that_fails_is_an_error_with_what_it_printed() -> None:
    with leaves_nothing(), pytest.raises(StartupError) as caught:
        run("echo the reason >&2; exit 3")
    assert "ended with status 3" in caught.value.message
    assert "the reason" in caught.value.message


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("nowhere",), "no program nowhere in PATH"),
        (("/etc/nowhere",), "No such file or directory"),
        (("/etc/passwd",), "Permission denied"),
        (("/no-program",), "Exec format error"),
    ],
)
def test_a_program_that_cannot_be_executed(argv: tuple[str, ...], problem: str) -> None:
    junk = Node("", NodeType.FILE, 0o755, 0, 0, 0, content=Held(b"\x01junk"))
    with pytest.raises(StartupError) as caught:
        record(machine("", {"/no-program": junk}), launch(*argv), [ONE], Bounds())
    assert f"{argv[0]} cannot be executed: " in caught.value.message
    assert problem in caught.value.message


def test_two_runs_differ_in_their_surroundings_and_only_there() -> None:
    tree = machine(
        "hostname; cat /etc/hostname /etc/hosts; nproc; date +%s > /run/then; server times\n"
        "cat /proc/sys/kernel/hostname; exec server listen 80"
    )
    here, there = record(tree, launch(), [ONE, OTHER], Bounds(time_s=20))
    assert here.output.splitlines()[:2] == ["alpha", "alpha"]
    assert there.output.splitlines()[:2] == ["beta", "beta"]
    assert "172.17.0.5\talpha" in here.output
    assert "172.18.0.9\tbeta" in there.output
    assert "\n1\n" in there.output
    assert here.final.argv == there.final.argv
    stamps = [int(_text(seen, "/run/then")) for seen in (here, there)]
    assert abs(stamps[1] - stamps[0] - OTHER.clock_offset_s) < 30


def _text(seen: Recording, path: str) -> bytes:
    node = changes(seen)[path]
    assert node is not None
    assert node.content is not None
    return node.content.read()


def test_all_clock_calls_tell_the_same_shifted_time() -> None:
    tree = machine("exec server times")
    (seen,) = record(tree, launch(), [OTHER], Bounds(time_s=20))
    lines = (line.rpartition(" ") for line in seen.output.splitlines())
    told = {name: value for name, _, value in lines}
    wanted_s = time.time() + OTHER.clock_offset_s
    for name in ("clock_gettime", "gettimeofday", "time"):
        assert abs(int(told[name]) - wanted_s) < 30
    assert int(told["monotonic"]) < time.time() / 2
    assert told["bad address"] == "EFAULT"


def test_the_system_calls_that_docker_refuses_are_refused() -> None:
    seen = run("exec server calls")
    assert dict(line.split() for line in seen.output.splitlines()) == {
        "mount": "EPERM", "unshare": "EPERM", "clone": "EPERM", "clone3": "ENOSYS",
        "vsock": "EPERM", "personality": "EPERM", "asking": "works", "keyctl": "EPERM",
        "bpf": "EPERM", "settimeofday": "EPERM", "sethostname": "EPERM", "chroot": "works",
        "mknod": "EPERM",
    }  # fmt: skip


def test_no_descriptor_of_ours_is_open() -> None:
    assert run("exec server descriptors").output.split() == ["0", "1", "2"]


def test_dev_proc_and_sys_are_those_of_a_container() -> None:
    seen = run(
        "ls /dev; echo x > /dev/null; echo printed > /dev/stderr; cat /proc/1/comm\n"
        "echo 1 > /proc/sys/kernel/pid_max; echo 1 > /proc/sysrq-trigger; cat /proc/kcore\n"
        "mkdir /sys/x; stat -f -c %T /dev/shm; exec true"
    )
    listed = seen.output.split()
    assert listed[:15] == [
        "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
        "stdout", "tty", "urandom", "zero", "printed",
    ]  # fmt: skip
    assert seen.output.count("Read-only file system") == 2  # dash says it in its own words
    assert seen.output.count("cannot create /proc/sys") == 2
    assert "tmpfs" in listed
    assert changes(seen) == {}


def test_the_network_is_one_address_and_no_way_out() -> None:
    seen = run("cat /proc/net/dev /proc/net/fib_trie; echo routes; cat /proc/net/route; exec true")
    shown, _, routes = seen.output.partition("routes\n")
    assert "eth0:" in shown
    assert "172.17.0.5" in shown
    assert [line.split()[1] for line in routes.splitlines()[1:]] == ["000011AC"]  # 172.17.0.0


def test_mount_points_that_the_image_lacks_are_no_change() -> None:
    assert changes(run("ls /etc/resolv.conf /proc/1 && exec server listen 80")) == {}


def test_a_mode_with_every_bit_arrives() -> None:
    tree = machine("exec stat -c %a /box", {"/box": Node("", NodeType.DIRECTORY, 0o3775, 0, 0, 0)})
    (seen,) = record(tree, launch(), [ONE], Bounds(time_s=20))
    assert int(seen.output, 8) == stat.S_ISVTX | stat.S_ISGID | 0o775


def test_what_is_written_is_told_to_the_end() -> None:
    start = "echo x > /etc/made; touch /etc/touched; exec server writes 80 /var/state"
    seen = run(start, {"/etc/touched": "t", "/etc/kept": "k", "/var/other": ""})
    assert seen.written == ("/etc/made", "/etc/touched", "/var/state")


def test_what_is_made_once_it_listens_is_counted_from_there() -> None:
    seen = run("server briefly 81 300 & wait; true; exec server workers 80")
    assert (seen.forks_after_ready, seen.execs_after_ready) == (2, 0)
    assert len(seen.processes) == 3
    again = run("exec server again 80")
    assert (again.forks_after_ready, again.execs_after_ready) == (0, 1)
    idle = run("exec server idle")
    assert (idle.forks_after_ready, idle.execs_after_ready) == (None, None)


def test_who_binds_is_who_is_told() -> None:
    image = machine("exec server listen 8080")
    as_root, as_user = (
        record(image, launch(uid=uid), [ONE], Bounds(time_s=20))[0].binders for uid in (0, 33)
    )
    assert as_root == (("tcp 0.0.0.0:8080", 0),)
    assert as_user == (("tcp 0.0.0.0:8080", 33),)
