"""Images planted by hand: an Alpine-like, a Debian-like and an rpm-based one. What each has of what
is counted stands in expect.toml."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.images import Entry, directory, docker_archive, file, hard_link, layer, symlink
from tests.metrics import hardened
from tests.packages.databases import ALPINE, DEBIAN, FEDORA, dpkg, rpm_blob, rpm_sqlite
from tests.unit.test_secrets_image import AWS, GITHUB, openssh
from tests.unit.tiny_elf import tiny_elf

APPLICATION = "/usr/bin/app"
_SETUID, _SETGID = 0o4755, 0o2755
_CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"}
_PASSWD = """root:x:0:0::/root:/bin/sh
toor::0:0::/root:/bin/sh
daemon:x:1:1::/:/usr/sbin/nologin
app:x:100:100::/:/bin/false
+::::::
"""
_SHADOW = "root:$6$salt$hash:1::::::\ntoor::1::::::\ndaemon:*:1::::::\napp:!:1::::::\n"
_OLD_SHADOW = "root:$6$salt$older:1::::::\napp:!:1::::::\n"
# What gives privilege or starts programs elsewhere than in the places that everybody knows.
_RULES = {
    "/etc/shadow-": _OLD_SHADOW, "/etc/gshadow": "app:$6$salt$hash::\ndaemon:*::\n",
    "/usr/lib/pam.d/login": "x", "/usr/share/polkit-1/rules.d/50.rules": "x",
    "/etc/authselect/system-auth": "x", "/etc/rc.local": "x", "/etc/inittab": "x",
    "/etc/rc.d/init.d/x": "x", "/etc/xinetd.d/x": "x",
}  # fmt: skip
_RULES_BY_LINK = {
    "etc/pam.d/system-auth": "/etc/authselect/system-auth",
    "etc/systemd/system/multi-user.target.wants/x.service": "/lib/systemd/system/x.service",
    "etc/systemd/system/y.service": "/opt/y/y.service",
    "etc/systemd/system/z.service": "/dev/null",
}


@cache
def program() -> bytes:
    """A static program without a C library: one executable segment, two returns."""
    source = """
        __attribute__((noinline)) static void one(void) { __asm__ volatile("nop"); }
        void _start(void) {
            one();
            __asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall");
        }"""
    flags = (
        "-Os", "-static", "-nostdlib", "-fno-stack-protector", "-fcf-protection=none",
        "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "app"
        command = ["gcc", *flags, "-x", "c", "-", "-o", path]
        subprocess.run(command, input=source, text=True, check=True)
        return path.read_bytes()


def _texts(entries: dict[str, str]) -> list[Entry]:
    return [file(path[1:], text.encode()) for path, text in entries.items()]


def _opened_by_name() -> list[Entry]:
    """A module in a directory that no list knows, and a library of a program's own, which is
    none."""
    server = tiny_elf(interpreter=None, needed=("libown.so.1",), rpath="$ORIGIN")
    return [
        file("opt/db/server", server, 0o755),
        file("opt/db/lib/module.so", tiny_elf(interpreter=None)),
        file("opt/db/libown.so.1.2", tiny_elf(interpreter=None)),
        symlink("opt/db/libown.so.1", "libown.so.1.2"),
    ]


def alpine() -> list[bytes]:
    """busybox with applets, one copied under another name; a token deleted in the second layer."""
    busybox = program() + b"BusyBox"
    database = (
        "P:busybox\nV:1.36.1-r29\nA:x86_64\nF:bin\nR:busybox\n\n"
        "P:app\nV:1.0-r0\nA:x86_64\nF:usr/bin\nR:app\n"
    )
    first = layer(
        *_texts(ALPINE | {"/lib/apk/db/installed": database, "/etc/passwd": _PASSWD}),
        file("bin/busybox", busybox, 0o755),
        *(symlink(f"bin/{name}", "/bin/busybox") for name in ("sh", "ash", "cat")),
        hard_link("bin/sed", "bin/busybox"), file("opt/helper", busybox, 0o755),
        file("sbin/apk", b"\x7fELF", 0o755), file("usr/bin/wget", b"w", _SETUID),
        file("usr/bin/app", program(), 0o755), file("root/token", f"t={GITHUB}\n".encode()),
        file("etc/crontabs/root", b"* * * * * x\n"),
        file("etc/periodic/daily/x", b"#!/bin/sh", 0o755),
    )  # fmt: skip
    return [first, layer(file("root/.wh.token", b""), directory("srv", 0o777))]


def debian() -> list[bytes]:
    """/bin is /usr/bin, as packages do not say; keys that a later layer replaces."""
    database = dpkg(
        "Package: bash\nVersion: 5.2\n", "Package: app\nVersion: 1\n",
        bash=("/bin/bash", "/usr/share/doc/bash/copyright"), app=("/usr/bin/app",),
    )  # fmt: skip
    first = layer(
        symlink("bin", "usr/bin"), *_texts(DEBIAN | database | {"/etc/passwd": _PASSWD}),
        file("etc/shadow", _SHADOW.encode(), 0o640), file("etc/sudoers", b"x"),
        file("etc/pam.d/login", b"x"), file("usr/bin/bash", b"#!x", 0o755),
        hard_link("usr/bin/rbash", "usr/bin/bash"), symlink("usr/bin/sh", "bash"),
        file("usr/share/doc/bash/copyright", b"c"), file("usr/bin/su", b"s", _SETUID),
        file("usr/bin/wall", b"w", _SETGID), file("usr/bin/locked", b"l", 0o2644),
        Entry("usr/bin/ping", b"p", mode=0o755, pax=_CAPABILITY),
        file("usr/bin/perl", b"p", 0o755), symlink("usr/bin/perl5", "perl"),
        file("usr/bin/curl", b"c", 0o755), file("usr/bin/dpkg", b"d", 0o755),
        file("usr/bin/app", program(), 0o755), file("srv/key", openssh(b"none").encode()),
        file("usr/lib/x86_64-linux-gnu/gconv/UTF-16.so", b"g"), directory("tmp", 0o1777),
        file("lib/systemd/system/x.service", b"x"), file("var/shared", b"x", 0o666),
        *_texts(_RULES), *(symlink(*link) for link in _RULES_BY_LINK.items()),
        *hardened.entries(), *_opened_by_name(),
    )  # fmt: skip
    return [first, layer(file("srv/key", b"no key any more"))]


def rpm() -> list[bytes]:
    """Python and its scripts; a credential in a file of settings."""
    database = rpm_sqlite(
        rpm_blob("app", "1", "1", ["/usr/bin/app"]),
        rpm_blob("zsh", "5", "2", ["/usr/bin/zsh", "/usr/share/zsh/x"]),
    )
    return [
        layer(
            *_texts(FEDORA | {"/etc/passwd": _PASSWD}),
            file("var/lib/rpm/rpmdb.sqlite", database), file("usr/bin/zsh", b"z", 0o755),
            file("usr/share/zsh/x", b"x"), file("usr/bin/python3.12", b"p", 0o755),
            symlink("usr/bin/python3", "python3.12"),
            file("usr/bin/pip", b"#!/usr/bin/python3", 0o755),
            file("usr/bin/dnf", b"#!/usr/bin/python3", 0o755), file("usr/bin/rpm", b"r", 0o755),
            file("usr/bin/find", b"f", 0o755), file("usr/bin/env", b"e", 0o755),
            file("root/.aws/credentials", f"aws_access_key_id = {AWS}\n".encode()),
            file("usr/libexec/platform-python3.6", b"p", 0o755),
            file("opt/runtime/python3.11", b"p", 0o755), file("usr/share/doc/python3", b"p"),
            file("usr/bin/pwsh", b"s", 0o755), file("usr/bin/wget2", b"w", 0o755),
            file("usr/bin/app", program(), 0o755), directory("var/tmp", 0o777),
        )
    ]  # fmt: skip


IMAGES = {"alpine": alpine, "debian": debian, "rpm": rpm}


def archive(name: str, path: Path) -> str:
    """As a docker archive that runs the application as user 100."""
    made = docker_archive(path, IMAGES[name](), Cmd=[APPLICATION], User="100:100")
    return f"docker-archive:{made}"
