"""Writes the assembly that turns the kernel library into the kernel of one application.

Three sources, in GNU `as` syntax (AT&T), each a section of `husk.ld`: what was decided (the table
of system calls, the drivers, the boot configuration), the root archive, and the kernel's symbols.
They are apart because the symbols are known only after a first link with the other two.

The names here (`husk_syscall_table`, …) are the contract with `runtimes/husk/src`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .. import capabilities
from ..errors import Dock2ukError
from ..model import Entrypoint, ResourceLimit
from ..runtime import Match, SystemCall
from .packed_names import pack

NOT_IMPLEMENTED = "sys_not_implemented"
_BYTES_PER_LINE = 64
# Of every address in the kernel, which is in the top 2 GiB (husk.ld).
_UPPER_HALF = 0xFFFFFFFF00000000
# Resources in the order of their numbers (asm-generic/resource.h).
_RESOURCES = (
    "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS",
    "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS",
    "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
)  # fmt: skip
_INFINITY = (1 << 64) - 1  # RLIM_INFINITY


@dataclass(frozen=True, slots=True)
class Program:
    """What execve(2) and credentials(7) need to know to start one program."""

    exe: str
    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    umask: int = 0o022
    stop_signal: int = 15
    may_write_and_execute: bool = False  # memory may be both at once, for JIT compilers
    capabilities: tuple[str, ...] | None = None  # None: all there are, for user 0
    limits: tuple[ResourceLimit, ...] = ()  # in place of a container's

    @classmethod
    def of(cls, entrypoint: Entrypoint) -> Program:
        return cls(
            exe=entrypoint.exe,
            argv=entrypoint.argv,
            env=entrypoint.env,
            cwd=entrypoint.cwd,
            uid=entrypoint.uid,
            gid=entrypoint.gid,
            groups=entrypoint.groups,
            umask=entrypoint.umask,
            stop_signal=entrypoint.stop_signal,
            may_write_and_execute=any(recipe.write_execute for recipe in entrypoint.recipes),
            capabilities=capabilities.of_program(entrypoint),
            limits=entrypoint.limits,
        )


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function of the kernel, for backtraces."""

    address: int
    name: str


def application_source(match: Match, programs: Sequence[Program], hostname: str | None) -> str:
    """System call table, drivers and boot configuration."""
    parts = (
        '.section .husk_application,"a"',
        _system_call_tables(match.runtime.system_calls, match.system_calls),
        _process_starter(match.system_calls),
        _drivers((*match.drivers, *match.objects)),
        '.section .husk_boot,"a"',
        _boot_configuration(programs, hostname),
    )
    return "\n".join(parts) + "\n"


def archive_source(archive_name: str) -> str:
    """The root archive, from a file that `as` finds by its include path."""
    return (
        '.section .rootfs,"a"\n'
        ".balign 4096\n"
        f"{_label('husk_rootfs')}\n.incbin {_quoted(archive_name)}\n"
        f"{_label('husk_rootfs_end')}\n"
    )


def symbols_source(symbols: Sequence[Symbol], base_address: int) -> str:
    """The functions in address order, as `runtimes/husk/src/debug/kernel_symbols.rs` reads them:
    how far each is from the one before, then their names."""
    starts = [base_address, *(symbol.address for symbol in symbols)]
    distances = (after - before for before, after in pairwise(starts))
    names = [symbol.name.encode() for symbol in symbols]
    lines = (
        '.section .husk_symbols,"a"',
        _label("husk_symbols"),
        *(f".uleb128 {distance}" for distance in distances),
        _label("husk_symbol_names"),
        _data(pack(names)),
        _label("husk_symbols_end"),
    )
    return "\n".join(lines) + "\n"


def _system_call_tables(known: Iterable[SystemCall], linked: Iterable[SystemCall]) -> str:
    """Of handlers, up to the last that is linked, by the lower halves of their addresses; and of
    the names of all that are known."""
    names = {call.number: call.name.encode() for call in known}
    handlers = {call.number: f"sys_{call.name}" for call in linked}
    count = max(handlers, default=-1) + 1
    table = [handlers.get(number, NOT_IMPLEMENTED) for number in range(count)]
    every_name = [names.get(number, b"") for number in range(max(names, default=-1) + 1)]
    lines = (
        ".balign 8",
        f"{_label('husk_syscall_count')}\n.quad {count}",
        _label("husk_syscall_table"),
        *(f".long {handler} - {_UPPER_HALF:#x}" for handler in table),
        _label("husk_syscall_names"),
        _data(pack(every_name)),
        _label("husk_syscall_names_end"),
    )
    return "\n".join(lines)


def _process_starter(linked: Iterable[SystemCall]) -> str:
    """What clone(2) calls to make a process rather than a thread, where any may be made."""
    can_fork = any(call.name == "fork" for call in linked)
    starter = "husk_start_process" if can_fork else "0"
    return f".balign 8\n{_label('husk_process_starter')}\n.quad {starter}"


def _drivers(drivers: Iterable[str]) -> str:
    rows = [f".quad husk_driver_{driver.replace('-', '_')}" for driver in drivers]
    return "\n".join((".balign 8", _label("husk_drivers"), *rows, ".quad 0"))


def _boot_configuration(programs: Sequence[Program], hostname: str | None) -> str:
    records = [] if hostname is None else [("hostname", hostname)]
    for program in programs:
        records += _program_records(program)
    strings = [_string(f"{key}={value}") for key, value in records]
    return "\n".join((_label("husk_boot_config"), *strings, _label("husk_boot_config_end")))


def _program_records(program: Program) -> list[tuple[str, str]]:
    records = [("exe", program.exe)]
    records += [("arg", argument) for argument in program.argv]
    records += [("env", variable) for variable in program.env]
    records += [("cwd", program.cwd), ("uid", str(program.uid)), ("gid", str(program.gid))]
    if program.groups:
        records.append(("groups", ",".join(map(str, program.groups))))
    records.append(("umask", f"{program.umask:03o}"))
    records.append(("stop_signal", str(program.stop_signal)))
    records.append(("capabilities", _capability_masks(program)))
    records += [("limit", _limit(limit)) for limit in program.limits]
    if program.may_write_and_execute:
        records.append(("write_execute", "1"))
    return records


def _capability_masks(program: Program) -> str:
    """Those it has, and its bounding set: for user 0 the same, or execve(2) would give more."""
    if program.capabilities is None:
        every = capabilities.mask(capabilities.NAMES)
        return f"{every if program.uid == 0 else 0:x},{every:x}"
    held = capabilities.mask(program.capabilities)
    container = capabilities.mask(capabilities.OF_CONTAINERS)
    return f"{held:x},{held if program.uid == 0 else held | container:x}"


def _limit(limit: ResourceLimit) -> str:
    if limit.name not in _RESOURCES:
        raise Dock2ukError(f"no resource limit is called {limit.name!r}")
    values = (_INFINITY if value is None else value for value in (limit.soft, limit.hard))
    return ",".join(map(str, (_RESOURCES.index(limit.name), *values)))


def _label(name: str) -> str:
    return f".globl {name}\n{name}:"


def _string(text: str) -> str:
    """NUL-terminated; a NUL inside would end it early, and no execve(2) string holds one."""
    if "\0" in text:
        raise Dock2ukError(f"a NUL byte in a string of the boot configuration: {text!r}")
    # surrogateescape: file names and arguments are bytes and need not be UTF-8.
    return _data(text.encode(errors="surrogateescape") + b"\0")


def _data(data: bytes) -> str:
    chunks = [data[at : at + _BYTES_PER_LINE] for at in range(0, len(data), _BYTES_PER_LINE)]
    return "\n".join(f'.ascii "{_escaped(chunk)}"' for chunk in chunks)


def _quoted(text: str) -> str:
    return f'"{_escaped(text.encode(errors="surrogateescape"))}"'


def _escaped(data: bytes) -> str:
    """Octal for all but plain characters: three digits, so a digit that follows is no part of it
    (as manual, "Strings")."""
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in data
    )
