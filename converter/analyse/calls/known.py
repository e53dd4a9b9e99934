"""Facts of many files: from the cache, or found and put there.

What is missing is found by this process and one beside it, if there is enough of it; the other
leaves what it finds in the cache, and what is not there in the end is found here.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Thread

from ... import cache, tools
from ...model import OnePiece
from ..elf_file import ReadElf
from .facts import ElfFacts, read_facts
from .kept import from_bytes, to_bytes

_KIND = "calls"
_BESIDE = "dock2uk.analyse.calls.beside"
_WORTHWHILE_BYTES = 2 << 20  # of files: half a second of work, which is what a process costs


def facts_of(elves: Iterable[ReadElf]) -> dict[str, ElfFacts]:
    """By the digest of the file."""
    by_digest = {elf.digest: elf for elf in elves}
    found = {digest: facts for digest in by_digest if (facts := _kept(digest)) is not None}
    missing = [elf for digest, elf in by_digest.items() if digest not in found]
    missing.sort(key=lambda elf: elf.content.size)
    with _beside(missing):
        for elf in _taken_from(missing):
            found[elf.digest] = _find(elf)
    for digest in by_digest.keys() - found.keys():
        kept = _kept(digest)
        found[digest] = kept if kept is not None else _find(by_digest[digest])
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """What is made here has no cycles: the collector would look at millions of values for nothing,
    a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def _beside(missing: list[ReadElf]) -> Iterator[None]:
    """Another process takes from the end of `missing`, too."""
    if not _is_worthwhile(missing):
        yield
        return
    with tools.answering(_BESIDE) as find_it:
        asking = Thread(target=_ask, args=(find_it, missing), daemon=True)
        asking.start()
        yield
        asking.join()


def _is_worthwhile(missing: Sequence[ReadElf]) -> bool:
    is_much = sum(elf.content.size for elf in missing) >= _WORTHWHILE_BYTES
    is_one_of_many = multiprocessing.parent_process() is not None  # has its processor, no more
    return is_much and not is_one_of_many and len(os.sched_getaffinity(0)) > 1


def _ask(find_it: Callable[[str], str], missing: list[ReadElf]) -> None:
    for elf in _taken_from(missing):
        if not isinstance(elf.content, OnePiece):
            continue  # nobody else can read it
        path, offset = elf.content.piece()
        asked = [os.fspath(path), offset, elf.content.size, elf.digest, elf.is_go]
        if not find_it(json.dumps(asked)):
            return


def _taken_from(missing: list[ReadElf]) -> Iterator[ReadElf]:
    """The last, as long as there is one; two threads take from the same list."""
    with suppress(IndexError):
        while True:
            yield missing.pop()


def _kept(digest: str) -> ElfFacts | None:
    try:
        return from_bytes(cache.path(_KIND, f"sha256:{digest}").read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find(data: bytes, digest: str, *, is_go: bool) -> ElfFacts:
    """Facts of this file, which are in the cache then; a cache that cannot be used is none."""
    facts = read_facts(data, keeps_registers=not is_go)
    try:
        with cache.writing(cache.path(_KIND, f"sha256:{digest}")) as file:
            file.write(to_bytes(facts))
    except OSError:
        pass  # read-only home: the next run finds it again
    return facts


def _find(elf: ReadElf) -> ElfFacts:
    return find(elf.data, elf.digest, is_go=elf.is_go)
