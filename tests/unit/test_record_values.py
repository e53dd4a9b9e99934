"""What passes between converter and supervisor, and what is read from this machine's tables."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest

from dock2uk import capabilities
from dock2uk.entrypoint.record import (
    id_maps,
    listeners,
    obstacles,
    processes,
    programs,
)
from dock2uk.entrypoint.record.recording import Bounds, Surroundings
from dock2uk.entrypoint.record.request import (
    Entry,
    Place,
    Request,
    Run,
    Start,
    from_json,
    to_json,
)
from dock2uk.errors import SandboxUnavailableError
from dock2uk.model import NodeType


def test_a_request_arrives_as_it_was_sent() -> None:
    odd = os.fsdecode(b"/caf\xe9")  # no UTF-8
    xattrs = {"security.capability": b"\0\xff"}
    entries = (
        Entry("/", NodeType.DIRECTORY, 0o755, 0, 0, 0, 0, 0, None, None, {}),
        Entry(odd, NodeType.FILE, 0o4755, 1, 2, 3, 4, 5, Place(6, 7), None, xattrs),
        Entry("/link", NodeType.SYMLINK, 0o777, 0, 0, 0, 0, 9, None, odd, {}),
    )
    start = Start((odd, ""), ("A=b",), "/", 1, 2, (2, 3), 0o22)
    runs = (Run(Surroundings("a", "10.0.0.1", -5, None), 8, 9),)
    request = Request(entries, start, runs, Bounds(time_s=1.5))
    assert from_json(to_json(request)) == request


@pytest.mark.parametrize(
    ("exe", "argv", "is_wrapper"),
    [
        ("/bin/dash", ("sh", "/start"), True),
        ("/usr/bin/tini", ("tini", "--", "x"), True),
        ("/usr/sbin/gosu", ("gosu", "x"), True),
        ("/usr/bin/python3.11", ("python3", "/sh"), False),
        ("/bin/busybox", ("sh", "/start"), True),
        ("/bin/busybox", ("-sh",), True),
        ("/bin/busybox", ("/bin/busybox", "ash"), True),
        ("/bin/busybox", ("httpd", "-f"), False),
        ("/opt/shd", ("sh",), False),
    ],
)
def test_shells_and_wrappers_are_told_by_name(
    exe: str, argv: tuple[str, ...], is_wrapper: bool
) -> None:
    assert programs.is_wrapper(exe, argv) is is_wrapper


def test_capabilities_have_the_kernel_s_numbers() -> None:
    assert capabilities.mask(("CAP_CHOWN", "CAP_KILL", "CAP_SYS_ADMIN")) == 1 | 1 << 5 | 1 << 21
    assert capabilities.names(1 << 21 | 1 << 40) == ("CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE")
    assert capabilities.mask(capabilities.OF_CONTAINERS) == 0xA80425FB  # as `docker run` shows it


def test_listening_sockets_are_found_and_others_are_not(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as other,
        socket.create_connection(server.getsockname()) as client,
        socket.socket(socket.AF_UNIX) as local,
    ):
        local.bind(path)
        local.listen()
        found = listeners.listening(os.getpid(), listeners.table_of(os.getpid()))
        ports = [one.getsockname()[1] for one in (server, other, client)]
    assert f"tcp 127.0.0.1:{ports[0]}" in found
    assert f"tcp [::1]:{ports[1]}" in found
    assert f"unix {path}" in found
    assert not [name for name in found if name.endswith(f":{ports[2]}")]


def test_the_state_of_a_process_is_read() -> None:
    state = processes.state_of(os.getpid())
    assert (state.uid, state.gid) == (os.geteuid(), os.getegid())
    assert state.cwd == os.getcwd()
    assert os.path.samefile(state.exe, "/proc/self/exe")
    assert processes.resident_bytes(os.getpid()) > processes.proportional_bytes(os.getpid()) > 0


def _as_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> str:
    """/etc/subuid of a user called "someone", uid 1234."""
    file = tmp_path / "subuid"
    file.write_text(text)
    entry = pwd.struct_passwd(("someone", "x", 1234, 1234, "", "/", "/bin/sh"))
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setattr(pwd, "getpwall", lambda: [entry])
    return str(file)


@pytest.mark.parametrize("owner", ["someone", "1234"])
def test_a_user_s_range_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, owner: str
) -> None:
    text = f"other:1:65536\n{owner}:5:9\nbroken\n{owner}:100000:65536\n"
    found = id_maps._delegated(_as_user(monkeypatch, tmp_path, text))
    assert found == id_maps.IdRange(100_000, 65_536)


def test_a_user_without_a_range_is_told_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SandboxUnavailableError) as caught:
        id_maps._delegated(_as_user(monkeypatch, tmp_path, "someone:5:9\n"))
    assert caught.value.hint is not None
    assert "usermod --add-subuids" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0 0 4294967295", (0x70000000, 1 << 27)),  # no namespace around us
        ("0 100000 165536", (100_000, 65_536)),  # a container's: the part above its accounts
    ],
)
def test_root_takes_ids_that_nobody_has(
    tmp_path: Path, line: str, expected: tuple[int, int]
) -> None:
    file = tmp_path / "uid_map"
    file.write_text(f"{line}\n")
    assert id_maps._unused(str(file)) == id_maps.IdRange(*expected)


def test_root_of_a_small_namespace_has_none_to_give(tmp_path: Path) -> None:
    file = tmp_path / "uid_map"
    file.write_text("0 100000 65536\n")
    with pytest.raises(SandboxUnavailableError):
        id_maps._unused(str(file))


@pytest.mark.parametrize(
    ("name", "value", "help_"),
    [
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        ("user/max_user_namespaces", "9", None),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "unprivileged_userns=0"),
        ("kernel/yama/ptrace_scope", "3", "boot without"),
        ("kernel/yama/ptrace_scope", "1", None),
    ],
)
def test_a_setting_that_forbids_sandboxes_is_named(
    tmp_path: Path, name: str, value: str, help_: str | None
) -> None:
    file = tmp_path / "sys" / name
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\nSeccomp:\t0\n")
    found = obstacles.remedy(tmp_path)
    assert found is None if help_ is None else found is not None and help_ in found


def test_a_container_around_us_is_named(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\nSeccomp:\t2\n")
    assert "--privileged" in (obstacles.remedy(tmp_path) or "")
