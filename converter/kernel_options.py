"""The options about what the kernel of an image has, whatever is found."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from .runtime import KernelWishes


class Machine(StrEnum):
    """Machine types of QEMU."""

    microvm = "microvm"
    q35 = "q35"
    pc = "pc"


KeepCalls = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-syscall",
        metavar="NAME",
        help="Link this system call whatever is found. Repeatable.",
    ),
]
KeepParts = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-part",
        metavar="NAME",
        help="Link this part of the kernel whatever is found, such as TCP, 'Unix sockets' or "
        "'/proc and /sys'; notes in the report name them. Repeatable.",
    ),
]
For = Annotated[
    Machine | None,
    typer.Option(
        "--machine",
        help="Link drivers for this QEMU machine alone. For every one, if nothing is said.",
    ),
]


def kernel_options(
    keep_syscall: KeepCalls = None, keep_part: KeepParts = None, machine: For = None
) -> KernelWishes:
    name = None if machine is None else machine.value
    return KernelWishes(tuple(keep_syscall or ()), tuple(keep_part or ()), name)
