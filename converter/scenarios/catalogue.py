"""The scenarios, in the order in which they are tried: what may end the guest comes last.

Techniques are those of MITRE ATT&CK for Enterprise that the attempt is the core of.
"""

from __future__ import annotations

from .values import Scenario

SCENARIOS = (
    Scenario(
        "shell", "spawn a shell", "T1059.004",
        "open(2) and execve(2) of every shell that is kept, and of the usual ones; not blocked "
        "when execve does not return",
    ),
    Scenario(
        "dropped_program", "execute a dropped file", "T1105",
        "write a program to a directory that takes it and execve(2) it; not blocked when it runs",
    ),
    Scenario(
        "memory_program", "execute a file in memory", "T1620",
        "memfd_create(2), write, execveat(2), by the descriptor and reopened for reading; not "
        "blocked when it runs",
    ),
    Scenario(
        "dropped_library", "load code from a dropped file", "T1129",
        "write code to a directory that takes it and mmap(2) it PROT_EXEC, as dlopen(3) does; not "
        "blocked when it runs",
    ),
    Scenario(
        "password_file", "read /etc/shadow", "T1003.008",
        "not blocked when a byte of it is read",
    ),
    Scenario(
        "program_code", "overwrite the program's code", "T1055",
        "mprotect(2) to make a page that is executed from writable too, and a write to it; not "
        "blocked when that does not fault",
    ),
    Scenario(
        "write_execute", "make memory writable and executable at once", "T1620",
        "mmap(2), and mprotect(2) of memory that is writable; not blocked when code written to it "
        "runs",
    ),
    Scenario(
        "injected_code", "execute code written to memory", "T1620",
        "write code to memory and then make it executable instead of writable; not blocked when "
        "it runs",
    ),
    Scenario(
        "trace", "trace another process", "T1055.008",
        "ptrace(2) PTRACE_SEIZE of a child, or of the first process where there can be none; not "
        "blocked when it succeeds",
    ),
    Scenario(
        "kill", "kill another process", "T1489",
        "kill(2) of a child that waits, or of every other process where none can be made; not "
        "blocked when it dies of it, or there is one",
    ),
    Scenario(
        "become_root", "become user 0", "T1548.001",
        "setuid(2) and setresuid(2), unless the program begins as user 0, which counts as not "
        "blocked",
    ),
    Scenario(
        "mount", "mount a file system", "T1611",
        "mount(2) of a tmpfs over /; not blocked when it succeeds",
    ),
    Scenario(
        "kernel_module", "load a kernel module", "T1547.006",
        "init_module(2) and finit_module(2); not blocked when one succeeds",
    ),
    Scenario(
        "raw_socket", "open a raw socket", "T1040",
        "socket(2) of AF_PACKET, and of AF_INET with SOCK_RAW; not blocked when one is made",
    ),
    Scenario(
        "listen", "listen on another port", "T1571",
        "bind(2) and listen(2) on TCP port 31337; not blocked when both succeed",
    ),
    Scenario(
        "fork_bomb", "make processes without end", "T1499.001",
        "not blocked when 64 live at once: a bound is looked for no further. Where wait4(2) is not "
        "linked they are made one after the other, which is told and counts as not blocked",
    ),
    Scenario(
        "connect", "connect to another host", "T1095",
        "connect(2) by TCP to a host that accepts; not blocked when it is connected",
    ),
    Scenario(
        "kernel_code", "overwrite the kernel's code", "T1014",
        "a plain write to the kernel's first instruction; not blocked when it does not fault",
    ),
    Scenario(
        "kernel_privilege", "overwrite the kernel's code with its privilege", "T1068",
        "clear CR0.WP, as code of ring 0 may, and change a byte of the kernel's code; not blocked "
        "when it has changed",
    ),
)  # fmt: skip
