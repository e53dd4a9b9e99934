"""What a runtime has, and what of it the kernel of an image gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A row of a runtime's system call table."""

    number: int
    name: str
    level: str  # "full", "partial", "none"
    note: str
    signature: str = "?"  # its arguments for tracing; "?" when nobody wrote them down


@dataclass(frozen=True, slots=True)
class Driver:
    """A device driver of a runtime, and the machines that have its device; none named: all."""

    name: str
    machines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What of a runtime only programs with a use for it carry."""

    name: str
    calls: frozenset[str]  # names of system calls
    objects: tuple[str, ...]  # of the library, named as drivers are
    imports: frozenset[str] = frozenset()  # functions; who imports one has a use for it
    sockets: tuple[tuple[int, int | None], ...] = ()  # family and type (None: any) it is there for
    files: frozenset[str] = frozenset()  # /proc and its like: of use to what names one of them


@dataclass(frozen=True, slots=True)
class Library:
    """A static archive without some of a runtime's parts: what it has links smaller for that."""

    path: Path
    lacks: frozenset[str]  # names of parts


@dataclass(frozen=True, slots=True)
class Runtime:
    """A library OS as its runtime.toml and capabilities.json describe it."""

    name: str
    version: str
    directory: Path
    library: Path  # static archive, of everything
    linker_script: Path
    elf_types: tuple[str, ...]
    system_calls: tuple[SystemCall, ...]
    drivers: tuple[Driver, ...]
    machines: tuple[str, ...]
    minimum_memory_bytes: int
    parts: tuple[Part, ...] = ()
    smaller_libraries: tuple[Library, ...] = ()
    components: tuple[tuple[str, str], ...] = ()  # name and version of each crate compiled in
    elf_machine: str = "x86_64"
    attacker: Path | None = None  # the program that tries attack scenarios

    def call_name(self, number: int) -> str:
        """Of a number that it need not know."""
        names = (one.name for one in self.system_calls if one.number == number)
        return next(names, f"call {number}")


@dataclass(frozen=True, slots=True)
class KernelWishes:
    """What the user wants of the kernel, whatever is found."""

    calls: tuple[str, ...] = ()  # system calls to link
    parts: tuple[str, ...] = ()  # parts of the runtime to link
    machine: str | None = None  # the one it is for; None: every one that the runtime knows


@dataclass(frozen=True, slots=True)
class Match:
    runtime: Runtime
    library: Path  # of the runtime's, the one to link
    system_calls: tuple[SystemCall, ...]  # what will be linked
    drivers: tuple[str, ...]
    notes: tuple[str, ...]
    objects: tuple[str, ...] = ()  # of the parts that are linked
    reasons: Mapping[str, str] = field(default_factory=dict)  # name of a call -> why (not) linked
    machines: tuple[str, ...] = ()  # that there are drivers for; the first is the default
