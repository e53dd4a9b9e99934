"""What docker would start: config, accounts, PATH, prefix programs, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_elf import tiny_elf
from trees import Entry, Link, image, program, read_entrypoint

from dock2uk.entrypoint.launch import Launch, first_launch
from dock2uk.entrypoint.stop_signal import stop_signal_number
from dock2uk.errors import UnsupportedError
from dock2uk.model import Entrypoint, ImageConfig, Overrides

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
# a comment
web:x:33:33:web:/var/www:/usr/sbin/nologin
broken:x:nope:33:::
"""
GROUP = "root:x:0:\nweb:x:33:\nextra:x:50:web,other\nlast:x:7:web\n"


def resolve(entries: dict[str, Entry] | None = None, **config: Any) -> Entrypoint:
    """Resolve an image that has a server, a shell, a few prefix programs and two accounts."""
    base: dict[str, Entry] = {
        "/bin": Link("usr/bin"),
        "/usr/bin/dash": program("", tiny_elf()),
        "/usr/bin/sh": Link("dash"),
        "/usr/bin/tini": program("", tiny_elf()),
        "/usr/bin/gosu": program("", tiny_elf()),
        "/usr/bin/env": program("", tiny_elf()),
        "/usr/bin/python3.11": program("", tiny_elf()),
        "/usr/local/bin/server": program("", tiny_elf()),
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
    }
    config.setdefault("cmd", ("server",))
    return read_entrypoint(image(base | (entries or {}), ImageConfig(**config)))


def refusal(entries: dict[str, Entry] | None = None, **config: Any) -> str:
    with pytest.raises(UnsupportedError) as caught:
        resolve(entries, **config)
    assert caught.value.exit_status == 3
    return "; ".join(caught.value.reasons)


def test_defaults_are_dockers() -> None:
    found = resolve()
    assert found.exe == "/usr/local/bin/server"
    assert found.env == (
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=test",
        "HOME=/root",
    )
    assert (found.cwd, found.uid, found.gid, found.groups) == ("/", 0, 0, (0,))
    assert (found.umask, found.stop_signal, found.ports) == (0o022, 15, ())


def test_entrypoint_comes_before_cmd() -> None:
    assert resolve(entrypoint=("server", "-a"), cmd=("-b",)).argv == ("server", "-a", "-b")


def test_path_and_home_of_the_image_win() -> None:
    found = resolve(
        {"/opt/bin/server": program("", tiny_elf())}, env=("PATH=/opt/bin:/usr/bin", "HOME=/h")
    )
    assert found.exe == "/opt/bin/server"
    assert "HOME=/h" in found.env


def test_relative_program_is_in_the_working_directory() -> None:
    entries: dict[str, Entry] = {"/app/run": program("", tiny_elf())}
    assert resolve(entries, working_dir="/app", cmd=("./run",)).exe == "/app/run"


def test_missing_working_directory_is_said() -> None:
    found = resolve(working_dir="/work")
    assert found.cwd == "/work"
    assert any("/work is not in the image" in line for line in found.evidence)


@pytest.mark.parametrize(
    ("user", "uid", "gid", "groups"),
    [
        ("", 0, 0, (0,)),
        ("web", 33, 33, (33, 7, 50)),
        ("33", 33, 33, (33, 7, 50)),
        ("web:extra", 33, 50, (50,)),
        ("web:0", 33, 0, (0,)),
        ("1000", 1000, 0, (0,)),
        ("1000:1001", 1000, 1001, (1001,)),
    ],
)
def test_user(user: str, uid: int, gid: int, groups: tuple[int, ...]) -> None:
    found = resolve(user=user)
    assert (found.uid, found.gid, found.groups) == (uid, gid, groups)


def test_home_is_the_users() -> None:
    assert "HOME=/var/www" in resolve(user="web").env
    assert "HOME=/" in resolve(user="1000").env


def test_unknown_names_are_refused() -> None:
    assert "no account 'nobody'" in refusal(user="nobody")
    assert "no group 'wheel'" in refusal(user="web:wheel")


def test_ports_have_a_protocol_and_an_order() -> None:
    assert resolve(exposed_ports=("8080", "53/udp", "80/tcp")).ports == (
        "53/udp",
        "80/tcp",
        "8080/tcp",
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (None, 15), ("", 15), ("SIGQUIT", 3), ("quit", 3), ("9", 9), ("SIGWINCH", 28),
        ("SIGRTMIN", 34), ("RTMIN+3", 37), ("SIGRTMAX-1", 63), ("SIGRTMAX", 64),
    ],
)  # fmt: skip
def test_stop_signal(text: str | None, number: int) -> None:
    assert stop_signal_number(text) == number


@pytest.mark.parametrize("text", ["SIGNOPE", "0", "65", "RTMIN+40", "RTMAX+1", "-1"])
def test_stop_signals_that_do_not_exist(text: str) -> None:
    with pytest.raises(UnsupportedError):
        stop_signal_number(text)


def test_prefix_programs() -> None:
    assert resolve(entrypoint=("tini", "-g", "--")).argv == ("server",)
    found = resolve(entrypoint=("tini", "--", "gosu", "web"), env=("HOME=/x",))
    assert (found.argv, found.uid, found.groups) == (("server",), 33, (33, 7, 50))
    assert "HOME=/var/www" in found.env
    assert "A=b c" in resolve(entrypoint=("env", "A=b c")).env


def test_an_unknown_option_of_a_prefix_program_is_refused() -> None:
    assert "'--subreaper' is not known" in refusal(entrypoint=("tini", "--subreaper", "--"))


def test_shell_form_of_one_command() -> None:
    found = resolve(
        cmd=("/bin/sh", "-c", "A=1 exec server -g 'a; b' --port=$PORT"), env=("PORT=8",)
    )
    assert found.argv == ("server", "-g", "a; b", "--port=8")
    assert "A=1" in found.env
    assert found.method == "shell form"


@pytest.mark.parametrize(
    "command", ["server; other", "server | other", "server &", "$(server)", "server > log", "A=1"]
)
def test_shell_form_that_needs_a_shell_is_refused(command: str) -> None:
    assert f"-c {command!r}" in refusal(cmd=("/bin/sh", "-c", command))


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("mkdir -p /x && server -a", ("server", "-a")),
        ("mkdir -p /x; exec server", ("server",)),
        ("migrate; exec server", ("server",)),
        ("cd /usr && umask 077 && server $PORT", ("server", "8")),
        ('if [ -n "$PORT" ]; then server -p "$PORT"; else server; fi', ("server", "-p", "8")),
        ("exec server 2>&1", ("server",)),
        ('server "$0" "$@"', ("server", "/bin/sh")),
    ],
)
def test_shell_form_ends_in_its_last_command(command: str, argv: tuple[str, ...]) -> None:
    assert resolve(cmd=("/bin/sh", "-c", command), env=("PORT=8",)).argv == argv


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("server & exec other", "starts more than one program: `server`"),
        ("migrate; server", "the shell stays: more follows `migrate`"),
        ("trap : TERM; server", "the shell stays"),
        ("check || server", "the shell stays: more follows `check`"),
        ("server; echo done", "the last line is no `exec PROGRAM"),
        ("for x in 1; do server; done", "the last line is no `exec PROGRAM"),
    ],
)
def test_shell_form_whose_shell_stays_is_refused(command: str, reason: str) -> None:
    assert reason in refusal(cmd=("/bin/sh", "-c", command))


@pytest.mark.parametrize("cmd", [("sh",), ("/bin/sh", "-i"), ("/usr/bin/dash",)])
def test_a_shell_is_refused(cmd: tuple[str, ...]) -> None:
    assert "the shell /usr/bin/dash: it is interactive" in refusal(cmd=cmd)


def test_an_interpreter_alone_is_refused_and_with_a_script_is_run() -> None:
    assert "interactive" in refusal(cmd=("python3.11",))
    entries: dict[str, Entry] = {"/app.py": program("", b"#!/usr/bin/env python3.11\nprint()\n")}
    found = resolve(entries, cmd=("/app.py", "x"))
    assert (found.exe, found.argv) == ("/usr/bin/python3.11", ("python3.11", "/app.py", "x"))


def test_programs_that_cannot_be_run() -> None:
    assert "'nope' is not in the image" in refusal(cmd=("nope",))
    assert "neither Entrypoint nor Cmd" in refusal(cmd=())
    arm: dict[str, Entry] = {"/a": program("", tiny_elf(machine=183))}
    assert "/a is for aarch64" in refusal(arm, cmd=("/a",))
    assert "neither ELF nor a script" in refusal({"/a": program("", b"hello")}, cmd=("/a",))
    assert "no x bit" in refusal({"/a": tiny_elf()}, cmd=("/a",))
    assert "names no interpreter" in refusal({"/a": program("", b"#!\n")}, cmd=("/a",))
    assert "'/bin/bash' is not in the image" in refusal(
        {"/a": program("", b"#!/bin/bash\nexec x\n")}, cmd=("/a",)
    )
    assert "linux/arm64" in refusal(architecture="arm64")


# ------------------------------------------------------------------ docker run's overrides


def launched(overrides: Overrides, **config: Any) -> Launch:
    entries: dict[str, Entry] = {"/usr/bin/server": program("", tiny_elf()), "/etc/passwd": PASSWD}
    return first_launch(image(entries, ImageConfig(**config)), overrides)


def test_another_entrypoint_drops_the_command() -> None:
    config = {"entrypoint": ("a",), "cmd": ("b",)}
    assert launched(Overrides(entrypoint=("server",)), **config).argv == ("server",)
    assert launched(Overrides(entrypoint=("x",), cmd=("y", "z")), **config).argv == ("x", "y", "z")
    assert launched(Overrides(cmd=("y",)), **config).argv == ("a", "y")
    assert launched(Overrides(entrypoint=(), cmd=("y",)), **config).argv == ("y",)
    with pytest.raises(UnsupportedError, match="neither Entrypoint nor Cmd"):
        launched(Overrides(entrypoint=()), **config)


def test_user_environment_and_directory_are_taken_over() -> None:
    found = launched(
        Overrides(env=("A=2", "B=x=y", "B=z"), user="web", workdir="/w"),
        cmd=("server",),
        env=("A=1", "C=3"),
        working_dir="/",
    )
    assert {"A=2", "B=z", "C=3", "HOME=/var/www"} <= set(found.env)
    assert not {"A=1", "B=x=y"} & set(found.env)
    assert (found.uid, found.cwd) == (33, "/w")
    assert found.evidence[1:] == (
        "--env: A",
        "--env: B",
        "--env: B",
        "--user: web",
        "--workdir: /w",
        "config: WorkingDir /w is not in the image; created, as docker does",
    )
