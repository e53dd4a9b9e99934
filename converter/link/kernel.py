"""Links the kernel of one application with GNU binutils alone: no compiler, no Rust.

Twice: the first link tells where the functions are, the second carries their names. The linker
script puts the names after the code, so nothing moves in between; that is checked.

The bytes of the result depend on the inputs alone: every tool works in a temporary directory with
fixed relative names, and nothing in the result names that directory.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .. import elf, tools
from ..errors import Dock2ukError
from ..runtime import Match, Runtime
from .application import Program, Symbol, application_source, archive_source, symbols_source
from .function_name import readable

# The top 2 GiB of addresses, where husk.ld links the kernel.
BASE_ADDRESS = 0xFFFFFFFF80000000
_ARCHIVE = "rootfs.cpio"
UNSTRIPPED = "unstripped.elf"
_PACKAGE = "binutils"
# A line of nm(1) about a function that has an address, local, global or weak; not the places that
# husk.ld marks, where a function begins too.
_TEXT_SYMBOL = re.compile(
    r"^([0-9a-f]{16}) [tTwW] (?!husk_(?:image|text)_start$)(.+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into a kernel image."""

    match: Match
    programs: Sequence[Program]
    write_archive: Callable[[BinaryIO], int]  # returns the size in bytes
    hostname: str | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """A linked kernel image and what its parts weigh."""

    path: Path
    kernel_bytes: int  # in the loaded segments, without the root archive
    code_bytes: int  # in those that are executable
    archive_bytes: int


def link_kernel(plan: Plan, output: Path) -> Kernel:
    """Make the stripped, bootable kernel image `output`."""
    with tempfile.TemporaryDirectory(prefix="dock2uk-link-") as directory:
        workplace = Path(directory)
        archive_bytes = build(plan, workplace)
        output.parent.mkdir(parents=True, exist_ok=True)
        strip = tools.require("strip", package=_PACKAGE)
        tools.run([strip, "--strip-all", "-o", output.resolve(), UNSTRIPPED], cwd=workplace)
    with output.open("rb") as file:
        segments = tuple(elf.loaded(file, output.stat().st_size))
    loaded_bytes = sum(one.size for one in segments)
    code_bytes = sum(one.size for one in segments if one.is_code)
    return Kernel(output, loaded_bytes - archive_bytes, code_bytes, archive_bytes)


def build(plan: Plan, workplace: Path) -> int:
    """Make the kernel with all its symbols in `workplace`; return the archive's size in bytes."""
    library = plan.match.library
    if not library.exists():
        raise Dock2ukError(f"{library} is not built", hint="make husk")
    with (workplace / _ARCHIVE).open("wb") as archive:
        archive_bytes = plan.write_archive(archive)
    _assemble(workplace, "archive", archive_source(_ARCHIVE))
    application = application_source(plan.match, plan.programs, plan.hostname)
    _assemble(workplace, "application", application)
    _link_with_symbols(workplace, plan.match)
    return archive_bytes


def _assemble(workplace: Path, name: str, source: str) -> None:
    (workplace / f"{name}.s").write_text(source)
    assembler = tools.require("as", package=_PACKAGE)
    tools.run([assembler, "--64", "-o", f"{name}.o", f"{name}.s"], cwd=workplace)


def _link_with_symbols(workplace: Path, match: Match) -> None:
    _assemble(workplace, "symbols", symbols_source((), BASE_ADDRESS))
    _link_once(workplace, match)
    symbols = _functions(workplace)
    _assemble(workplace, "symbols", symbols_source(symbols, BASE_ADDRESS))
    _link_once(workplace, match)
    if _functions(workplace) != symbols:
        raise Dock2ukError(
            "the kernel's functions moved between the two links, so backtraces would lie",
            hint=f"{match.runtime.linker_script} must place .husk_symbols after .text",
        )


def _link_once(workplace: Path, match: Match) -> None:
    linker = tools.require("ld", package=_PACKAGE)
    command: list[str | Path] = [linker, "-m", "elf_x86_64", "-static", "--no-dynamic-linker"]
    command += ["-z", "max-page-size=4096", "-z", "noexecstack", "--build-id=none"]
    command += ["--gc-sections", "--fatal-warnings", "-T", match.runtime.linker_script.resolve()]
    command += ["-o", UNSTRIPPED, "application.o", "archive.o", "symbols.o"]
    tools.run([*command, match.library.resolve()], cwd=workplace)


def _functions(workplace: Path) -> tuple[Symbol, ...]:
    """The text symbols in address order, one name an address, demangled."""
    nm = tools.require("nm", package=_PACKAGE)
    listing = tools.run([nm, "--demangle", "--numeric-sort", UNSTRIPPED], cwd=workplace).stdout
    found: dict[int, str] = {}
    for address, name in sorted(_TEXT_SYMBOL.findall(listing)):
        found.setdefault(int(address, 16), readable(name))
    return tuple(Symbol(address, name) for address, name in found.items())


def library_code_bytes(runtime: Runtime) -> int:
    """Code in the runtime's own object of its library; what its compiler adds is not counted."""
    size = tools.require("size", package=_PACKAGE)
    listing = tools.run([size, "-A", runtime.library.resolve()]).stdout
    own = re.findall(rf"^{re.escape(runtime.name)}\S* .*\n((?:.+\n)*)", listing, re.MULTILINE)
    return sum(map(int, re.findall(r"^\.text\S* +(\d+)", "".join(own), re.MULTILINE)))
