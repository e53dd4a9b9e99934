"""What a regular file is as a program: found by reading it once, and kept by its layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .. import dynamic_file, elf
from ..content_search import held
from ..layer_answers import Answers, Question
from ..model import Content, ElfFile, Node, NodeType
from . import hardening_gaps
from .hardening_gaps import Hardening

_PIECE_BYTES = 1 << 20
_RETURN = b"\xc3"  # near return (SDM volume 2, RET)
# The built-in that every POSIX shell has and the variable that it sets (XCU getopts). csh and fish
# have neither: they are told by their names alone.
_SHELL_MARKS = (b"OPTIND\0", b"getopts\0")


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """`code_bytes` are those of executable segments, `returns` the returns in them."""

    is_script: bool = False  # begins with #!
    elf_type: str = ""  # of an ELF file: "ET_EXEC"
    is_posix_shell: bool = False
    code_bytes: int = 0
    returns: int = 0
    hardening: Hardening | None = None  # None: no program or library, or its headers are damaged
    needed: tuple[str, ...] = ()  # of its dynamic section, as `soname` is
    soname: str = ""


_NOTHING = ProgramFacts()


def facts_of(node: Node) -> ProgramFacts:
    if node.type is not NodeType.FILE or node.content is None or node.size < 2:
        return _NOTHING
    return _ANSWERS.of(node.content)


def keep() -> None:
    _ANSWERS.keep()


def _find(content: Content) -> ProgramFacts:
    with content.open() as file:
        head = file.read(elf.HEADER_SIZE_BYTES)
        if head[:2] == b"#!":
            return ProgramFacts(is_script=True)
        header = elf.read_header(head)
        if header is None:
            return _NOTHING
        dynamic = _dynamic(content) if header.type in ("ET_EXEC", "ET_DYN") else None
        file.seek(0)
        code = [one for one in elf.loaded(file, content.size) if one.is_code]
        counts = [_returns(file, one) for one in code]
        return ProgramFacts(
            elf_type=header.type,
            is_posix_shell=held(content, _SHELL_MARKS) == set(_SHELL_MARKS),
            code_bytes=sum(size for size, _ in counts),
            returns=sum(returns for _, returns in counts),
            hardening=_hardening(dynamic, content) if dynamic is not None else None,
            needed=dynamic.needed if dynamic is not None else (),
            soname=(dynamic.soname or "") if dynamic is not None else "",
        )


def _returns(file: BinaryIO, segment: elf.Loaded) -> tuple[int, int]:
    """Bytes of the segment, and returns in them."""
    file.seek(segment.offset)
    size = count = 0
    for data in _pieces(file, segment.size):
        size += len(data)
        count += data.count(_RETURN)
    return size, count


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (data := file.read(min(size, _PIECE_BYTES))):
        size -= len(data)
        yield data


def _dynamic(content: Content) -> ElfFile | None:
    try:
        return dynamic_file.read("", content)
    except dynamic_file.ElfError:
        return None


def _hardening(file: ElfFile, content: Content) -> Hardening:
    return hardening_gaps.found(file, dynamic_file.written_search_path(content))


def _encoded(facts: ProgramFacts) -> Any:
    return 0 if facts == _NOTHING else astuple(facts)


def _decoded(value: Any) -> ProgramFacts:
    if value == 0:
        return _NOTHING
    is_script, elf_type, is_shell, code_bytes, returns, lists, needed, soname = value
    hardening = Hardening(*map(tuple, lists)) if lists is not None else None
    return ProgramFacts(
        is_script, elf_type, is_shell, code_bytes, returns, hardening, tuple(needed), soname
    )


_SOURCES = (
    "report/program_facts.py", "report/hardening_gaps.py", "dynamic_file.py", "elf.py",
    "content_search.py",
)  # fmt: skip
_ANSWERS = Answers(
    Question(
        "programs", _find, _encoded, _decoded,
        tuple(Path(__file__).parents[1] / name for name in _SOURCES),
    )
)  # fmt: skip
