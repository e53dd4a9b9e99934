"""Programs that prepare and exec another: what each does, and the options it is not read with."""

from __future__ import annotations

import shlex

import pytest
from tiny_elf import tiny_elf
from trees import Entry, image, program, read_entrypoint

from dock2uk.errors import UnsupportedError
from dock2uk.model import Entrypoint, ImageConfig

NAMES = (
    "server", "sh", "tini", "dumb-init", "catatonit", "gosu", "su-exec", "setpriv", "env", "nice",
    "ionice", "numactl", "chpst", "setuidgid", "s6-setuidgid", "su", "runuser", "sudo", "setsid",
    "nohup", "stdbuf", "timeout", "chroot", "unshare", "start-stop-daemon", "supervisord", "xargs",
    "runsvdir",
)  # fmt: skip
PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/sh\n"
GROUP = "root:x:0:\nweb:x:34:\nextra:x:50:web\nlast:x:7:web\n"


def resolve(*argv: str) -> Entrypoint:
    entries: dict[str, Entry] = {f"/usr/bin/{name}": program("", tiny_elf()) for name in NAMES}
    entries |= {"/etc/passwd": PASSWD, "/etc/group": GROUP, "/bin/sh": program("", tiny_elf())}
    config = ImageConfig(entrypoint=argv, env=("KEPT=1", "GONE=2"))
    return read_entrypoint(image(entries, config))


def refusal(*argv: str) -> str:
    with pytest.raises(UnsupportedError) as caught:
        resolve(*argv)
    return "; ".join(caught.value.reasons)


@pytest.mark.parametrize(
    "words",
    [
        "tini -s -v -g --", "tini -p SIGTERM -e143 --", "tini", "dumb-init -c -r 15:3 --",
        "dumb-init --single-child", "catatonit --", "nice -n 5", "nice -n5", "ionice -c2 -n7",
        "numactl --interleave=all", "numactl -i all", "setsid -w", "nohup", "timeout -k 5 10",
        "timeout --signal=KILL 10s", "env", "chroot /", "sh -c 'exec server -x' --",
    ],
)  # fmt: skip
def test_seen_through_with_nothing_changed(words: str) -> None:
    found = resolve(*shlex.split(words), "server", "-x")
    assert (found.exe, found.argv) == ("/usr/bin/server", ("server", "-x"))
    assert (found.uid, found.gid, found.groups) == (0, 0, (0,))
    assert {"KEPT=1", "GONE=2", "HOME=/root"} <= set(found.env)


@pytest.mark.parametrize(
    ("words", "ids", "home"),
    [
        ("gosu web", (33, 34, (34, 7, 50)), "/var/www"),
        ("su-exec web:extra", (33, 50, (50,)), "/var/www"),
        ("gosu 1000:1000", (1000, 1000, (1000,)), "/"),
        ("setpriv --reuid=web --regid=web --clear-groups", (33, 34, ()), "/root"),
        ("setpriv --reuid 33 --regid 50 --init-groups --nnp", (33, 50, (34, 7, 50)), "/root"),
        ("setpriv --reuid web --regid web --groups 7,extra", (33, 34, (7, 50)), "/root"),
        (
            "setpriv --reuid 33 --regid 34 --clear-groups --inh-caps=-all --bounding-set -all",
            (33, 34, ()),
            "/root",
        ),
        ("setuidgid web", (33, 34, (34, 7, 50)), "/root"),
        ("s6-setuidgid web", (33, 34, (34, 7, 50)), "/root"),
        ("chpst -u web:extra:last", (33, 50, (50, 7)), "/root"),
        ("chpst -u web", (33, 34, (34,)), "/root"),
        ("runuser -u web --", (33, 34, (34, 7, 50)), "/var/www"),
        ("chroot --userspec=web:extra /", (33, 50, (50,)), "/root"),
    ],
)
def test_another_user(words: str, ids: tuple[int, int, tuple[int, ...]], home: str) -> None:
    found = resolve(*words.split(), "server")
    assert (found.uid, found.gid, found.groups) == ids
    assert f"HOME={home}" in found.env
    assert found.argv == ("server",)


def test_what_is_not_done_is_said() -> None:
    found = resolve("nice", "-n", "5", "timeout", "10", "setpriv", "--nnp", "server")
    said = "\n".join(found.evidence)
    assert "nice: -n 5, said and not done here" in said
    assert "timeout: 10, said and not done here" in said
    assert "setpriv: --nnp, said and not done here" in said


def test_su_runs_its_command_with_the_users_shell() -> None:
    found = resolve("su", "web", "-c", "exec server -x")
    assert (found.argv, found.uid, found.groups) == (("server", "-x"), 33, (34, 7, 50))
    assert {"HOME=/var/www", "USER=web", "LOGNAME=web", "SHELL=/bin/sh"} <= set(found.env)
    assert resolve("runuser", "-c", "server", "web").uid == 33


def test_env_changes_the_environment() -> None:
    assert "A=b c" in resolve("env", "A=b c", "server").env
    assert resolve("env", "-i", "PATH=/usr/bin", "server").env == ("PATH=/usr/bin",)
    assert "GONE=2" not in resolve("env", "-u", "GONE", "server").env
    assert resolve("env", "-C", "/usr/bin", "server").cwd == "/usr/bin"
    found = resolve("env", "-S", "A=1 server -a", "-b")
    assert found.argv == ("server", "-a", "-b")
    assert "A=1" in found.env


def test_start_stop_daemon_starts_its_program() -> None:
    found = resolve(
        "start-stop-daemon", "--start", "--quiet", "--chuid", "web", "--umask", "027", "--exec",
        "/usr/bin/server", "--", "-x",
    )  # fmt: skip
    assert (found.argv, found.uid, found.umask) == (("/usr/bin/server", "-x"), 33, 0o027)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("tini --subreaper -- server", "'--subreaper' is not known"),
        ("dumb-init -x server", "'-x' is not known"),
        ("gosu --version", "'--version' is not known"),
        ("gosu nobody server", "no account 'nobody'"),
        ("gosu web", "is given no program"),
        ("setpriv --reuid web --regid web server", "--regid needs one of"),
        ("setpriv --selinux-label x server", "'--selinux-label' is not known"),
        ("setpriv --ruid web server", "'--ruid' is not known"),
        ("setpriv --reuid", "has no value"),
        ("setpriv --inh-caps=-all --bounding-set -all server", "what is left of the capabilities"),
        ("env --block-signal server", "'--block-signal' is not known"),
        ("env -S 'a$B'", "is not known"),
        ("su - web", "login shell"),
        ("su -l web -c server", "login shell"),
        ("sudo -u web server", "resets the environment"),
        ("stdbuf -oL server", "LD_PRELOAD"),
        ("chroot /srv server", "leaves the image's root"),
        ("unshare -r server", "namespaces"),
        ("xargs server", "takes its arguments from its input"),
        ("start-stop-daemon --start --background --exec server", "'--background' is not known"),
        ("supervisord -n", "a supervisor: starts more than one program"),
        ("runsvdir /service", "a supervisor: starts more than one program"),
    ],
)
def test_undecided_with_the_reason(words: str, reason: str) -> None:
    assert reason in refusal(*shlex.split(words))
