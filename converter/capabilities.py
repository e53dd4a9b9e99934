"""Linux's capabilities by name (linux/capability.h), and those of a container.

A mask has bit N for capability N, as the `Cap…` lines of /proc/PID/status have them.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import Dock2ukError
from .model import Confidence, Entrypoint

# In the order of their numbers.
NAMES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
    "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip

# What docker run(1) gives user 0 without --cap-add, and all processes as their bounding set.
OF_CONTAINERS = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT",
    "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_SETFCAP",
)  # fmt: skip


def of_program(entrypoint: Entrypoint) -> tuple[str, ...]:
    """What was seen; where nothing was run, what a container gives to the user."""
    if entrypoint.capabilities or entrypoint.confidence is Confidence.RECORDED:
        return entrypoint.capabilities
    return OF_CONTAINERS if entrypoint.uid == 0 else ()


def mask(names: Iterable[str]) -> int:
    """The bits of some capabilities; Dock2ukError for a name that is none."""
    bits = 0
    for name in names:
        if name not in NAMES:
            raise Dock2ukError(f"no capability is called {name!r}")
        bits |= 1 << NAMES.index(name)
    return bits


def names(bits: int) -> tuple[str, ...]:
    """The names of a mask; a capability newer than this list goes by its number."""
    return tuple(
        NAMES[number] if number < len(NAMES) else f"CAP_{number}"
        for number in range(bits.bit_length())
        if bits >> number & 1
    )
