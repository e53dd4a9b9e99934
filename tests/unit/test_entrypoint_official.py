"""Start-up scripts in the forms that official images use: read right, or undecided with a reason.

The scripts are in `start_up_scripts`.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from start_up_scripts import (
    ASKS_THE_PROGRAM,
    BALANCER,
    BROKER,
    CASES,
    COMMAND_PREFIX,
    COPIES,
    DATABASE,
    FOREGROUND,
    MODULES,
    PARTS,
    REEXEC,
    SECRETS,
    TIME_SERIES,
)
from tiny_elf import tiny_elf
from trees import Entry, Link, image, program, read_entrypoint

from dock2uk.errors import UnsupportedError
from dock2uk.model import Entrypoint, ImageConfig, Node, NodeType

PASSWD = "root:x:0:0::/root:/bin/sh\napp:x:999:998::/home/app:/bin/sh\nwww:x:33:33::/w:/bin/sh\n"
GROUP = "root:x:0:\napp:x:998:\nwww:x:33:\n"
ELVES = (
    "/usr/bin/bash", "/usr/bin/dash", "/usr/bin/gosu", "/usr/bin/setpriv", "/usr/bin/env",
    "/usr/bin/tini", "/usr/bin/dumb-init", "/usr/local/bin/server", "/usr/local/bin/node2",
    "/usr/bin/find", "/usr/bin/id", "/usr/bin/getent", "/usr/bin/su-exec",
)  # fmt: skip


def build(script: str, entries: dict[str, Entry] | None = None, **config: Any) -> Any:
    base: dict[str, Entry] = {path: program("", tiny_elf()) for path in ELVES}
    base |= {
        "/bin": Link("usr/bin"),
        "/usr/bin/sh": Link("dash"),
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
        "/usr/local/bin/docker-entrypoint.sh": program("", script.encode()),
    }
    config.setdefault("entrypoint", ("docker-entrypoint.sh",))
    config.setdefault("cmd", ("server",))
    return image(base | (entries or {}), ImageConfig(**config))


def resolve(script: str, entries: dict[str, Entry] | None = None, **config: Any) -> Entrypoint:
    return read_entrypoint(build(script, entries, **config))


def refusal(script: str, entries: dict[str, Entry] | None = None, **config: Any) -> str:
    with pytest.raises(UnsupportedError) as caught:
        resolve(script, entries, **config)
    return "; ".join(caught.value.reasons)


# ------------------------------------------------------------------ templates in parts


def test_parts_run_in_a_pipeline() -> None:
    entries: dict[str, Entry] = {
        "/docker-entrypoint.d/15-local.envsh": program("", b"export LEAKED=1\n"),
        "/docker-entrypoint.d/20-envsubst.sh": program("", b"#!/bin/sh\nexit 0\n"),
    }
    found = resolve(PARTS, entries, cmd=("server", "-g", "daemon off;"), env=("NAMED=1",))
    assert found.argv == ("server", "-g", "daemon off;")
    assert not any(entry.startswith("LEAKED=") for entry in found.env)
    assert {"NAMED=1", "PWD=/"} <= set(found.env)
    assert any("start-up work" in line and "while read -r f" in line for line in found.evidence)


# ------------------------------------------------------------------ prefix, user and umask


@pytest.mark.parametrize(
    ("cmd", "argv", "user"),
    [
        (("server",), ("server",), ""),
        (("--save", ""), ("server", "--save", ""), ""),
        (("/etc/a.conf", "--x"), ("server", "/etc/a.conf", "--x"), "app"),
    ],
)
def test_a_prefix_and_another_user(cmd: tuple[str, ...], argv: tuple[str, ...], user: str) -> None:
    found = resolve(REEXEC, {"/data": None}, cmd=cmd, user=user, working_dir="/data")
    assert (found.argv, found.uid, found.gid, found.groups) == (argv, 999, 998, (998,))
    assert (found.umask, found.cwd) == (0o077, "/data")
    home = "HOME=/home/app"
    assert home in found.env


def test_modules_become_arguments_once_for_each_time_the_script_runs() -> None:
    entries: dict[str, Entry] = {
        "/usr/local/lib/server/modules/b.so": b"\x7f",
        "/usr/local/lib/server/modules/a.so": b"\x7f",
        "/usr/local/lib/server/modules/empty.so": b"",
    }
    found = resolve(MODULES, entries)
    once = tuple(
        word for name in ("a", "b")
        for word in ("--loadmodule", f"/usr/local/lib/server/modules/{name}.so")
    )  # fmt: skip
    assert found.argv == ("server", *once, *once)
    assert (found.uid, found.groups, found.umask) == (999, (), 0o077)
    assert {"HOME=/root", "SHLVL=0"} <= set(found.env)
    assert resolve(MODULES).argv == ("server",)


# ------------------------------------------------------------------ a database

DATABASE_ENTRIES: dict[str, Entry] = {
    "/initdb.d": None,
    "/var/lib/db": Node("/var/lib/db", NodeType.DIRECTORY, 0o1777, 999, 998, 0),
}


def test_a_database_that_is_initialised() -> None:
    env = ("DATA=/var/lib/db", "DB_PASSWORD=x")
    found = resolve(DATABASE, DATABASE_ENTRIES, cmd=("-c", "a=b"), env=env)
    assert found.argv == ("server", "-c", "a=b")
    assert (found.uid, found.gid, found.cwd, found.umask) == (999, 998, "/", 0o022)
    assert {"DB_PASSWORD=x", "DB_USER=app", "HOME=/home/app"} <= set(found.env)
    assert not any(entry.startswith(("PGPASSWORD=", "PGUSER=")) for entry in found.env)
    said = "\n".join(found.evidence)
    for work in ("mkdir -p", "initdb", "pg_ctl -D", "hba.conf"):
        assert work in said
    assert resolve(DATABASE, DATABASE_ENTRIES, cmd=("server", "--version"), env=env).uid == 0


def test_a_database_without_a_password_ends() -> None:
    reason = refusal(DATABASE, DATABASE_ENTRIES, env=("DATA=/var/lib/db",))
    assert "ends before the last line: `exit 1`" in reason


def test_a_database_whose_files_nobody_can_know() -> None:
    env = ("DATA=/var/lib/db", "DB_PASSWORD=x")
    writable: dict[str, Entry] = {
        "/initdb.d": Node("", NodeType.DIRECTORY, 0o777, 0, 0, 0),
        "/var/lib/db": DATABASE_ENTRIES["/var/lib/db"],
    }
    assert "reads commands that cannot be seen here" in refusal(DATABASE, writable, env=env)


# ------------------------------------------------------------------ prefixes of arguments


def test_a_prefix_for_what_is_no_command() -> None:
    entries: dict[str, Entry] = {"/app/index.js": "x", "/app/notes": "y"}
    config = {"working_dir": "/app"}
    long = resolve(COMMAND_PREFIX, entries, cmd=("index.js", "a"), **config)
    assert long.argv == ("node2", "index.js", "a")
    assert resolve(COMMAND_PREFIX, entries, cmd=("./notes",), **config).argv == ("node2", "./notes")
    assert resolve(COMMAND_PREFIX, entries, cmd=("server", "-v")).argv == ("server", "-v")
    assert resolve(COMMAND_PREFIX, entries, cmd=("-e", "1")).argv == ("node2", "-e", "1")


def test_flags_that_are_inserted() -> None:
    found = resolve(BALANCER, cmd=("server", "-f", "/etc/b.cfg"), user="app")
    assert found.argv == ("server", "-W", "-db", "-f", "/etc/b.cfg")
    assert found.uid == 999


@pytest.mark.parametrize(
    ("cmd", "argv"),
    [
        (("/etc/config.yml",), ("server", "serve", "/etc/config.yml")),
        (("help",), ("server", "help")),
        (("-h", "x"), ("server", "-h", "x")),
        (("node2", "x"), ("node2", "x")),
    ],
)
def test_cases(cmd: tuple[str, ...], argv: tuple[str, ...]) -> None:
    assert resolve(CASES, cmd=cmd).argv == argv


def test_a_script_that_asks_the_program_is_undecided() -> None:
    assert "line 8: changes the arguments or not" in refusal(ASKS_THE_PROGRAM, cmd=("version",))


# ------------------------------------------------------------------ an application that is copied


def test_an_application_that_is_copied_and_a_second_script() -> None:
    entries: dict[str, Entry] = {
        "/usr/local/bin/server-foreground": program("", FOREGROUND),
        "/etc/server/envvars": "export SERVER_LOCK_DIR=/var/lock/server\nexport LANG=C\n",
        "/var/www/html": None,
        "/usr/src/app/.htaccess": "x",
        "/usr/src/app/content/a/b": None,
        "/usr/src/app/config-docker.php": "y",
        "/run/lock": None,
        "/var/lock": Link("/run/lock"),
    }
    config = {"cmd": ("server-foreground",), "working_dir": "/var/www/html"}
    found = resolve(COPIES, entries, **config)
    assert found.argv == ("server", "-DFOREGROUND")
    assert (found.uid, found.cwd) == (0, "/var/www/html")
    assert {"SERVER_LOCK_DIR=/var/lock/server", "LANG=C", "SHLVL=0"} <= set(found.env)
    assert any("start-up work" in line and "tar " in line for line in found.evidence)
    # A configuration made by a program that could have written anywhere.
    assert "cannot be seen here" in refusal(COPIES, entries, env=("APP_DB=1",), **config)


# ------------------------------------------------------------------ others


def test_a_broker_whose_server_is_a_script() -> None:
    entries: dict[str, Entry] = {
        "/opt/sbin/server-script": program(
            "", b'#!/bin/sh\nset -e\nEXTRA=${EXTRA:--x}\nexec node2 $EXTRA -pa "$0" "$@"\n'
        )
    }
    found = resolve(
        BROKER,
        entries,
        cmd=("server-script", "-v"),
        env=("PATH=/opt/sbin:/usr/local/bin:/usr/bin",),
    )
    assert found.argv == ("node2", "-x", "-pa", "/opt/sbin/server-script", "-v")
    assert found.uid == 999
    old = ("BROKER_DEFAULT_PASS_FILE=/x", "PATH=/usr/local/bin:/usr/bin")
    assert "ends before the last line" in refusal(BROKER, env=old)


def test_functions_that_exec() -> None:
    found = resolve(TIME_SERIES, cmd=("run", "--bolt"))
    assert (found.argv, found.uid, found.umask) == (("server", "--bolt"), 999, 0o027)
    assert "CONFIG=/etc/config" in found.env
    reason = refusal(TIME_SERIES, cmd=("run",), env=("INIT_MODE=setup",))
    assert 'starts more than one program: `server "$@"`' in reason


def test_an_init_in_the_first_line() -> None:
    found = resolve(SECRETS, cmd=("serve", "-dev"), env=("ROOT=",))
    assert found.argv == ("server", "serve", "-config=/config", "-dev-root=", "-dev")
    assert (found.uid, found.groups) == (999, (998,))
    assert any("ulimit -c 0" in line for line in found.evidence)
    address = ("REDIRECT_INTERFACE=eth0",)
    assert "gets REDIRECT_ADDR in its environment" in refusal(SECRETS, env=address)


@pytest.mark.parametrize(
    "script",
    [PARTS, REEXEC, DATABASE, COPIES, SECRETS],
    ids=["parts", "user", "db", "copy", "init"],
)
def test_a_script_is_read_in_well_below_a_tenth_of_a_second(script: str) -> None:
    env = ("DATA=/var/lib/db", "DB_PASSWORD=x")
    whole = build(script, DATABASE_ENTRIES, env=env)
    read_entrypoint(whole)  # the grammar is loaded
    best_s = 1.0
    for _ in range(3):
        start = time.perf_counter()
        read_entrypoint(whole)
        best_s = min(best_s, time.perf_counter() - start)
    assert best_s < 0.1
