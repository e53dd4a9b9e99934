"""Why a machine refuses a sandbox, where one of its settings says so, and how to change that."""

from __future__ import annotations

from pathlib import Path

# Settings that forbid it: the value that does, and what to do (sysctl(8); user_namespaces(7),
# Debian's and Ubuntu's kernels, Documentation/admin-guide/LSM/Yama.rst).
_SETTINGS = (
    ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("kernel/yama/ptrace_scope", "3", "boot without kernel.yama.ptrace_scope=3"),
)
_FILTERED = "Seccomp:\t2"  # proc(5): a seccomp filter holds for us


def remedy(proc: Path = Path("/proc")) -> str | None:
    """What would help; None when nothing here explains it."""
    for name, forbids, help_ in _SETTINGS:
        file = proc / "sys" / name
        if file.exists() and file.read_text().strip() == forbids:
            return help_
    if _FILTERED in (proc / "self" / "status").read_text():
        return (
            "this runs in a container that refuses namespaces: run it outside, or the container "
            "with --privileged"
        )
    return None
