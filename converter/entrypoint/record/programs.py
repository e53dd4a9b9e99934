"""Programs that are never the one an image runs: shells, and those that only start another.

Told by name, as everywhere: by that of the file, or by argv[0] where one file is many programs.
"""

from __future__ import annotations

import posixpath

from ...known_programs import SHELLS

# They stay as process 1 and pass signals on.
_INITS = frozenset(
    ("catatonit", "docker-init", "dumb-init", "s6-svscan", "tini", "tini-static", "tini-amd64")
)
# They change something of themselves and execute another program.
_PREPARERS = frozenset(
    ("capsh", "chpst", "chroot", "env", "gosu", "ionice", "nice", "nohup", "numactl", "prlimit",
     "runuser", "s6-setuidgid", "setpriv", "setsid", "setuidgid", "stdbuf", "su", "su-exec",
     "sudo", "taskset", "timeout", "unshare", "xargs")
)  # fmt: skip
_MULTI_CALL = frozenset(("busybox", "coreutils", "toybox"))


def is_shell(exe: str, argv: tuple[str, ...]) -> bool:
    return called(exe, argv) in SHELLS


def is_wrapper(exe: str, argv: tuple[str, ...]) -> bool:
    """Whether another program is meant by starting this one."""
    return called(exe, argv) in SHELLS | _INITS | _PREPARERS


def called(exe: str, argv: tuple[str, ...]) -> str:
    """The name of what runs: that of the file, or what a multi-call file was called as."""
    name = posixpath.basename(exe)
    if name not in _MULTI_CALL or not argv:
        return name
    invoked = posixpath.basename(argv[0]).lstrip("-")  # a login shell's name begins with "-"
    if invoked in _MULTI_CALL and len(argv) > 1:
        return posixpath.basename(argv[1])
    return invoked
