"""Every system call that a running program makes is one that its code was found to reach."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dock2uk import guest
from dock2uk.guest import GuestResult
from dock2uk.link import Program
from dock2uk.runtime import Library, Runtime
from tests.boot.served import Served, get, run, run_on
from tests.boot.servers import Bundles, wait_for

_CALLS = "calls.json"
_HTTP = (
    "nginx", "static-c", "static-pie-c", "dynamic-c", "musl-c", "static-go", "go-http",
    "python-http", "node-http",
)  # fmt: skip
_ACCEPTED = re.compile(r"accept4?(\(| resumed).* = \d")  # another process may come between
# Port, and something to say that has the program do more than wait.
_OTHERS = {
    "redis": (6379, b"PING\r\nSET a b\r\nBGSAVE\r\nINFO\r\n"),
    "php-fpm": (9000, b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
    "postgres": (5432, b"\x00\x00\x00\x08\x04\xd2\x16\x2f"),
}
# Of these everything is bounded; of the others calls.json says what is not.
_BOUNDED = ("nginx", "static-c", "static-pie-c", "dynamic-c", "musl-c")


@pytest.mark.parametrize("name", _HTTP)
def test_a_web_server_s_calls_were_found(bundle: Bundles, name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with run(bundle(name), "--strace-output", str(trace)) as server:
        assert get(server).status == 200
        _end(server)
    _assert_found(bundle(name), trace)


@pytest.mark.parametrize("name", _OTHERS)
def test_another_server_s_calls_were_found(bundle: Bundles, name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    port, words = _OTHERS[name]
    memory = ("-m", "768") if name == "postgres" else ()
    with run_on(port, bundle(name), "--strace-output", str(trace), *memory) as server:
        _until(lambda: "listen(" in trace.read_text() if trace.exists() else False)
        with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
            connection.sendall(words)
            _until(
                lambda: re.search(r"accept4?(\(| resumed).* = \d", trace.read_text()) is not None
            )
        _end(server)
    _assert_found(bundle(name), trace)


@pytest.mark.parametrize("name", _BOUNDED)
def test_the_kernel_is_linked_with_a_part_of_the_calls(bundle: Bundles, name: str) -> None:
    stored = json.loads((bundle(name) / _CALLS).read_text())
    assert stored["unbounded"] == []
    assert stored["counts"]["linked"] < stored["counts"]["table"] / 2


def _end(server: Served) -> None:
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)


def _assert_found(directory: Path, trace: Path) -> None:
    stored = json.loads((directory / _CALLS).read_text())
    found = {call["name"] for call in stored["calls"] if call["place"] is not None}
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    assert len(made) > 10
    assert made <= found, sorted(made - found)


def _until(is_so: Callable[[], bool]) -> None:
    wait_for(lambda: ["yes"] if is_so() else None, "the trace to show it")


def test_a_call_that_is_left_out_is_named_once_with_what_brings_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        #include <unistd.h>
        #include <errno.h>
        #include <sys/syscall.h>
        int main(void) { for (int i = 0; i < 3; i++)
            if (syscall(SYS_getppid) != -1 || errno != ENOSYS) return 1; return 0; }"""
    everything = guest.offer(guest.developer_runtime())
    calls = tuple(call for call in everything.system_calls if call.name != "getppid")
    monkeypatch.setattr(guest, "offer", lambda _: replace(everything, system_calls=calls))
    done = _booted(tmp_path, source)
    assert done.exit_status == 0
    assert done.console.count("getppid") == done.console.count("--keep-syscall getppid") * 2 == 2


def test_a_part_that_is_left_out_is_not_there_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        #include <errno.h>
        #include <fcntl.h>
        #include <sys/auxv.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <unistd.h>
        int main(void) {
            if (getauxval(AT_SYSINFO_EHDR)) return 4;
            if (mkfifo("/f", 0600) || open("/f", O_RDWR) != -1 || errno != ENXIO) return 5;
            if (socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_INET, SOCK_RAW, 0) >= 0) return 1;
            if (socket(AF_UNIX, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT) return 2;
            if (socket(AF_INET, SOCK_DGRAM, 0) != -1 || errno != EAFNOSUPPORT) return 3;
            return access("/proc/self", F_OK) == 0; }"""
    everything = guest.offer(guest.developer_runtime())
    monkeypatch.setattr(guest, "offer", lambda _: replace(everything, objects=("tcp",)))
    done = _booted(tmp_path, source)
    assert done.exit_status == 0
    named = re.findall("--keep-part (.*) links it", done.console)
    assert named == ["FIFOs", "'Unix sockets'", "TCP or UDP"]


def test_without_ipv6_there_are_no_such_sockets_and_the_others_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        #include <errno.h>
        #include <netinet/in.h>
        #include <sys/socket.h>
        #include <unistd.h>
        int main(void) {
            if (socket(AF_INET6, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT) return 1;
            struct sockaddr_in at = {AF_INET, htons(80), {htonl(INADDR_LOOPBACK)}};
            int to = socket(AF_INET, KIND, 0), from = socket(AF_INET, KIND, 0);
            if (bind(to, (void *)&at, sizeof at)) return 2;
            if (KIND == SOCK_STREAM && listen(to, 1)) return 2;
            if (connect(from, (void *)&at, sizeof at) || write(from, "hi", 2) != 2) return 3;
            char got[2];
            if (read(KIND == SOCK_STREAM ? accept(to, 0, 0) : to, got, 2) != 2) return 4;
            return got[1] != 'i'; }"""
    everything = guest.offer(guest.developer_runtime())
    for number, (kind, lacked) in enumerate((("SOCK_STREAM", {"IPv6"}), ("SOCK_DGRAM", {"TCP"}))):
        library = _library_without(everything.runtime, lacked)
        objects = tuple(name for name in everything.objects if name.upper() not in library.lacks)
        smaller = replace(everything, library=library.path, objects=objects)
        monkeypatch.setattr(guest, "offer", lambda _, smaller=smaller: smaller)
        (directory := tmp_path / str(number)).mkdir()
        done = _booted(directory, source.replace("KIND", kind))
        assert done.exit_status == 0, done.console
        assert re.findall("--keep-part (.*) links it", done.console) == ["IPv6"]


def _library_without(runtime: Runtime, parts: set[str]) -> Library:
    """The largest."""
    fitting = (one for one in runtime.smaller_libraries if parts <= one.lacks)
    return min(fitting, key=lambda one: len(one.lacks))


def _booted(directory: Path, source: str) -> GuestResult:
    """A static C program, in a kernel of what `guest.offer` gives."""
    root = directory / "root"
    root.mkdir()
    command = ["gcc", "-static", "-x", "c", "-", "-o", root / "app"]
    subprocess.run(command, input=source, text=True, check=True)
    image = directory / "image.elf"
    guest.link_directory(root, (Program("/app", ("app",)),), image)
    return guest.boot(image, timeout_s=60)
