"""The ELF closure: the program, its interpreter, and every library the interpreter would load."""

from __future__ import annotations

import posixpath
import re

from .. import library_cache
from ..contents import Held
from ..errors import UnsupportedError
from ..model import Node, NodeType
from .elf_file import ElfError, ReadElf, read_elf
from .library_search import LibrarySearch
from .needs import Needs

_PRELOAD_FILE = "/etc/ld.so.preload"
_MAXIMUM_ELVES = 4096


class Closure:
    """ELF files found so far, by canonical path; grows as more are named."""

    def __init__(self, needs: Needs, env: tuple[str, ...]) -> None:
        self.needs = needs
        self._env = dict(entry.partition("=")[::2] for entry in env)
        self._search: LibrarySearch | None = None
        self._by_name: set[str] = set()  # DT_NEEDED names already answered: ld.so loads each once
        self.elves: dict[str, ReadElf] = {}
        self.plug_ins: dict[
            str, None
        ] = {}  # of those, what the program opens by a name it is given

    def add_program(self, node: Node) -> ReadElf:
        """The program and all it is linked with; UnsupportedError when a library is not there."""
        program = self._read(node)
        self.needs.add(node.path, "the program the image runs")
        if program.file.interpreter is None:
            return program  # static or static-PIE: nothing else is loaded
        interpreter = self.needs.add(
            program.file.interpreter, f"PT_INTERP of {node.path}: its dynamic linker"
        )
        if interpreter is None or interpreter.type is not NodeType.FILE:
            reason = f"{program.file.interpreter}, the dynamic linker of {node.path}, is not there"
            raise UnsupportedError((reason,))
        self._read(interpreter)
        library_path = self._env.get("LD_LIBRARY_PATH", "")
        search = LibrarySearch(self.needs.tree, program.file.interpreter, library_path)
        self._search = search
        self.needs.add(
            "/etc/ld-musl-x86_64.path" if search.is_musl else library_cache.PATH,
            f"where {interpreter.path} looks libraries up",
        )
        missing = self._add_needed((program,))
        if missing:
            raise UnsupportedError(tuple(missing))
        self._add_preloaded(program)
        return program

    def _add_preloaded(self, program: ReadElf) -> None:
        """LD_PRELOAD and /etc/ld.so.preload (ld.so(8)); what is not found there is ignored."""
        by_variable = re.split(r"[\s:]+", self._env.get("LD_PRELOAD", ""))
        asked = [(name, "LD_PRELOAD in the environment") for name in by_variable]
        listed = self.needs.add(_PRELOAD_FILE, "libraries to load before all others (ld.so(8))")
        if listed is not None and listed.type is NodeType.FILE and listed.content is not None:
            names = listed.content.read().decode("utf-8", "replace").split()
            asked += [(name, _PRELOAD_FILE) for name in names]
        for name, because in asked:
            for path in self.find(name, program) if name else ():
                self.add_library(path, because)

    def add_library(self, path: str, because: str) -> ReadElf | None:
        """A library opened at run time; what it lacks is a finding, for the program goes on."""
        node = self.needs.tree.resolve(path)
        if node is None or node.type is not NodeType.FILE:
            return None
        if node.path in self.elves:
            return self.elves[node.path]
        try:
            library = self._read(node)
        except ElfError as problem:
            self.needs.note(f"{problem.message} ({because})")
            return None
        self.needs.add(path, because)
        for missing in self._add_needed((library,)):
            self.needs.note(missing)
        return library

    def add_plug_in(self, path: str, because: str) -> None:
        """A library that is a part of the program, such as configuration names them; not one that
        the program is linked with."""
        node = self.needs.tree.resolve(path)
        is_new = node is not None and node.path not in self.elves
        library = self.add_library(path, because)
        if library is not None and is_new:
            self.plug_ins[library.file.path] = None

    def find(self, name: str, requester: ReadElf) -> tuple[str, ...]:
        """Where the dynamic linker would find a library by name; nothing for a static program."""
        return self._search.find(name, (requester.file,)) if self._search else ()

    def imports(self, *names: str) -> bool:
        """Whether an ELF file of the closure takes one of these symbols from another."""
        return any(name in elf.file.imports for elf in self.elves.values() for name in names)

    def library(self, prefix: str) -> ReadElf | None:
        """The library of the closure whose file name begins so."""
        for path in sorted(self.elves):
            if posixpath.basename(path).startswith(prefix):
                return self.elves[path]
        return None

    def _add_needed(self, chain: tuple[ReadElf, ...]) -> list[str]:
        """Load what the last of the chain needs, and what that needs; the names not found."""
        missing: list[str] = []
        pending = [chain]
        while pending:
            chain = pending.pop(0)
            requester = chain[-1].file
            for name in requester.needed:
                if name in self._by_name:
                    continue
                self._by_name.add(name)
                found = self._load(name, chain)
                pending += [(*chain, elf) for elf in found]
                if not found:
                    missing.append(f"{name}, DT_NEEDED of {requester.path}, is not in the image")
        return missing

    def _load(self, name: str, chain: tuple[ReadElf, ...]) -> list[ReadElf]:
        if self._search is None:
            return []
        loaded = []
        for path in self._search.find(name, tuple(elf.file for elf in chain)):
            node = self.needs.add(path, f"DT_NEEDED {name} of {chain[-1].file.path}")
            if node is not None and node.type is NodeType.FILE:
                loaded.append(self._read(node))
        return loaded

    def _read(self, node: Node) -> ReadElf:
        if node.path not in self.elves:
            if len(self.elves) >= _MAXIMUM_ELVES:
                raise UnsupportedError((f"the program needs more than {_MAXIMUM_ELVES} ELF files",))
            self.elves[node.path] = read_elf(node.path, node.content or Held(b""))
        return self.elves[node.path]
