"""The files a program names: in its arguments, its environment, its own text, its configuration.

The rule, the same for every program:
- A file that is named is needed. What it names in turn (configuration) is followed.
- A directory that is named is needed with all it holds when it is the program's own; only by
  itself when it is shared (shared_directories).
- Code is never kept for standing in a directory: an ELF program is kept when a file of the same
  source package names it, a library when anything names it, by its path or by the name without
  `.so` of a file in one of the program's own directories.
- A library that configuration names, by path or by such a name, is a plug-in: what is written in it
  counts as the program's own text.
- Configuration that is there but not switched on (Debian's `*-available` directories) is left out
  unless something names it.
- A path that is named and does not exist keeps the directory it would be made in, under /var and
  the like.
Not found this way: names put together at run time, and interpreted programs' modules.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from .. import elf
from ..known_programs import is_shell
from ..model import Entrypoint, Image, Node, NodeType, Package
from ..packages import owners
from .closure import Closure
from .config_words import MAXIMUM_CONFIG_BYTES, text_of, words
from .module_trees import is_module
from .needs import is_account_file, is_of_runtime
from .own_places import OwnPlaces, variables, words_of
from .shared_directories import SharedDirectories, is_state_path

# A whole C string that is an absolute path: NUL before it and NUL after it.
_PATH_STRING = re.compile(rb"(?<=\0)/[\x21-\x7e]{1,254}(?=\0)")
# A whole C string that could be the name of a module.
_WORD_STRING = re.compile(rb"(?<=\0)[A-Za-z_][\w.+-]{2,60}(?=\0)")
_MAXIMUM_CONFIG_WORDS = 100_000
_MAXIMUM_GLOB_MATCHES = 5000
# Debian's convention for configuration that is installed and not switched on.
_SWITCHED_OFF = re.compile(r"[-_.]available(?:/|$)")


class ProgramFiles:
    """Finds the files of one program; adds them to `needs` and named libraries to `closure`."""

    def __init__(
        self, image: Image, entrypoint: Entrypoint, closure: Closure, packages: tuple[Package, ...]
    ) -> None:
        self._image = image
        self._entrypoint = entrypoint
        self._closure = closure
        self._needs = closure.needs
        self._owners = owners(packages)
        self._shared = SharedDirectories(self._owners)
        self._own_places = OwnPlaces(image.tree, self._owners)
        self._own_sources = {p.source for p in self._owners.get(entrypoint.exe, ())}
        self._bases: dict[str, None] = {}  # directories that relative names may start from
        self._directories: set[str] = set()  # kept with all they hold
        self._configs: dict[str, None] = {}  # read, or waiting to be
        self._read: set[str] = set()  # of those
        self._lookups = 0  # of words in them
        self._searched: set[str] = set()  # ELF files whose text was looked at
        self._words: set[str] = set()  # met in configuration and in the program
        self._other_programs: dict[str, str] = {}  # canonical path -> what to say of it
        self._unnamed: dict[str, list[Node]] = {}  # directory -> ELF files nothing has named yet

    def find(self) -> None:
        """Everything the program names, and everything those files name."""
        self._from_config_of_image()
        self._from_arguments()
        self._from_own_strings()
        self._from_own_packages()
        self._follow()
        self._from_own_places()
        self._from_search_path()
        self._follow()

    def note_left_out(self) -> None:
        """Say what was met and is not kept, once all that is kept is known."""
        for node, finding in self._other_programs.items():
            if node not in self._closure.elves and node not in self._needs.reasons:
                self._needs.note(finding)
        self._note_unnamed()

    def _follow(self) -> None:
        while self._is_new_in_configs() or self._is_new_in_plug_ins():
            self._add_modules()

    # -------------------------------------------------------------- where names come from

    def _from_config_of_image(self) -> None:
        cwd = self._entrypoint.cwd
        if cwd != "/":
            self._name(cwd, "working directory of the program")
        for volume in self._image.config.volumes:
            self._name(volume, "a volume of the image's config")
        for name, value in variables(self._entrypoint):
            for word in words_of(value):
                if word.startswith("/"):
                    self._name_pattern(posixpath.normpath(word), f"environment variable {name}")

    def _from_arguments(self) -> None:
        for word in self._entrypoint.argv[1:]:
            for candidate in words_of(word):
                is_relative = not candidate.startswith("/") and "/" in candidate
                path = posixpath.normpath(posixpath.join(self._entrypoint.cwd, candidate))
                if candidate.startswith("/") or is_relative or self._is_config_file(path):
                    self._name_pattern(path, f"argument {word!r}")

    def _name_pattern(self, path: str, because: str) -> None:
        for match in self._matches(path):
            self._name(match, because)

    def _is_config_file(self, path: str) -> bool:
        node = self._needs.at(path)
        return node is not None and node.type is NodeType.FILE and "." in posixpath.basename(path)

    def _from_own_strings(self) -> None:
        """Of the program, and of no library but its own package's."""
        for path in list(self._closure.elves):
            if path == self._entrypoint.exe or self._is_own(path):
                self._from_strings(path)

    def _from_strings(self, path: str) -> None:
        """Absolute paths written in an ELF file, and words that may be names of modules."""
        self._searched.add(path)
        elf = self._closure.elves[path]
        for found in elf.strings(_PATH_STRING):
            name = posixpath.normpath(found)
            if found.endswith("/") and not self._is_shared(name):
                self._bases[name] = None
            self._name(name, f"path written in {path}")
        self._words.update(elf.strings(_WORD_STRING))

    def _is_new_in_plug_ins(self) -> bool:
        """Look at the text of plug-ins found since; whether there were any."""
        new = [path for path in self._closure.plug_ins if path not in self._searched]
        for path in new:
            self._from_strings(path)
        return bool(new)

    def _from_own_packages(self) -> None:
        """What the program's own packages ship in /etc under its name, and for it to write to."""
        for path, packages in sorted(self._owners.items()):
            sources = {package.source for package in packages}
            if not sources & self._own_sources:
                continue
            node = self._needs.tree.get(path)
            if node is None or node.type is not NodeType.DIRECTORY:
                continue
            because = f"directory of package {packages[0].name}, which has the program"
            names = (posixpath.basename(self._entrypoint.exe), *sources, packages[0].name)
            if posixpath.dirname(path) == "/etc" and posixpath.basename(path).startswith(names):
                self._fill_directory(node, because)  # with what its extensions put there
            elif sources == self._own_sources and is_state_path(path):
                self._needs.add(path, because)

    def _from_own_places(self) -> None:
        """What the image's author put beside a program that is no package's."""
        exe = self._entrypoint.exe
        for path in self._own_places.named_after(exe):
            self._name(path, f"it has the name of {exe}, which no package owns")
        for path, because in self._own_places.of_program((exe,)).items():
            self._name(path, because)

    def _from_search_path(self) -> None:
        """Programs that no package brought either, by their names alone (execvp(3))."""
        exe = self._entrypoint.exe
        path = dict(entry.partition("=")[::2] for entry in self._entrypoint.env).get("PATH", "")
        if exe in self._owners:
            return
        because = f"a program on PATH that is named as {exe} names what it runs"
        for directory in filter(None, map(self._needs.tree.resolve, path.split(":"))):
            nodes = self._needs.tree.children(directory.path)
            shells = {node.inode for node in nodes if is_shell(node)}  # applets are links to one
            for node in nodes:
                is_candidate = node.path not in self._owners and node.inode not in shells - {0}
                is_named = posixpath.basename(node.path) in self._words and not is_shell(node)
                if is_candidate and is_named and elf.kind(node) == "executable":
                    self._closure.add_plug_in(node.path, because)

    # -------------------------------------------------------------- what a name keeps

    def _name(self, path: str, because: str) -> None:
        """Something names `path`: keep what the rule at the top says."""
        if is_of_runtime(path) or is_account_file(path):
            return
        node = self._needs.at(path)
        target = self._needs.tree.resolve(path)
        if node is None:
            self._name_missing(path, because)
        elif target is None:
            self._needs.add(path, because)  # a symlink to what the runtime provides
        elif target.type is NodeType.DIRECTORY:
            self._needs.add(path, because)
            self._add_directory(target, because)
        elif target.type is NodeType.FILE:
            self._name_file(path, target, because)

    def _name_missing(self, path: str, because: str) -> None:
        parent = self._needs.tree.resolve(posixpath.dirname(path))
        if parent is not None and parent.type is NodeType.DIRECTORY and is_state_path(parent.path):
            self._needs.add(posixpath.dirname(path), f"would hold {path}: {because}")

    def _name_file(self, path: str, node: Node, because: str) -> None:
        kind = elf.kind(node)
        if kind == "library":
            self._closure.add_plug_in(path, because)
        elif kind is not None or _is_script(node):
            self._name_program(path, node, because)
        else:
            self._needs.add(path, because)
            if not is_module(node.path):
                self._add_config(node)

    def _name_program(self, path: str, node: Node, because: str) -> None:
        """Another program: kept when it comes with this one, else said."""
        if node.path in self._closure.elves or node.path in self._needs.reasons:
            return
        if not self._is_own(node.path) or elf.header_of(node) is None:
            finding = f"{path} is named ({because}) and left out: it is another program"
            self._other_programs.setdefault(node.path, finding)
            return
        self._closure.add_library(path, f"program of the same package: {because}")

    def _add_directory(self, directory: Node, because: str) -> None:
        """A directory of the program's own with its data; shared ones only by themselves."""
        self._needs.reasons.setdefault(directory.path, because)
        if not self._is_shared(directory.path):
            self._fill_directory(directory, because)

    def _fill_directory(self, directory: Node, because: str) -> None:
        self._needs.reasons.setdefault(directory.path, because)
        if directory.path in self._directories:
            return
        self._directories.add(directory.path)
        self._bases[directory.path] = None
        for node in self._needs.files_below(directory):
            if _SWITCHED_OFF.search(node.path, len(directory.path)):
                continue
            if node.path in self._needs.left_out and directory.path not in self._needs.left_out:
                continue
            if elf.kind(node) is not None:
                self._unnamed.setdefault(directory.path, []).append(node)
                continue
            self._needs.add(node.path, f"in {directory.path}: {because}")
            if node.path.startswith("/etc/"):
                self._add_config(node)

    def _add_modules(self) -> None:
        """Of the libraries in the program's own directories, those that are named without path."""
        for directory, nodes in sorted(self._unnamed.items()):
            for node in nodes:
                stem = posixpath.basename(node.path).removesuffix(".so")
                if stem in self._words and elf.kind(node) == "library":
                    self._closure.add_plug_in(node.path, f"{stem} is named, and is in {directory}")

    def _note_unnamed(self) -> None:
        for directory, nodes in sorted(self._unnamed.items()):
            left_out = {node.path for node in nodes} - set(self._closure.elves)
            if left_out:
                self._needs.note(
                    f"{len(left_out)} ELF files in {directory} left out: nothing names them"
                )

    def _add_config(self, node: Node) -> None:
        """Queue a file to be read for the names in it."""
        target = self._needs.tree.resolve(node.path)
        if target is None or target.type is not NodeType.FILE or target.path in self._configs:
            return
        if target.size <= MAXIMUM_CONFIG_BYTES:
            self._configs[target.path] = None

    # -------------------------------------------------------------- configuration

    def _is_new_in_configs(self) -> bool:
        """Read the configuration files found since, and those they name; whether there were any.
        With a bound, for an image may be made to keep us busy."""
        before = len(self._read)
        while waiting := [path for path in self._configs if path not in self._read]:
            for path in waiting:
                self._read.add(path)
                self._read_config(path)
                if self._lookups > _MAXIMUM_CONFIG_WORDS:
                    self._needs.note(
                        f"more than {_MAXIMUM_CONFIG_WORDS} words of configuration: not all read"
                    )
                    self._read.update(self._configs)
        return len(self._read) > before

    def _read_config(self, path: str) -> None:
        for word in words(self._config_text(path)):
            self._words.add(word)
            self._lookups += 1
            for candidate in self._candidates(word, posixpath.dirname(path)):
                self._name(candidate, f"named in {path}")

    def _config_text(self, path: str) -> str:
        node = self._needs.tree.get(path)
        content = node.content if node is not None else None
        return (text_of(content.read()) or "") if content is not None else ""

    def _candidates(self, word: str, directory: str) -> Iterator[str]:
        """The paths a word could mean: itself, or relative to the file or the program's own."""
        if word.startswith("/"):
            yield from self._matches(posixpath.normpath(word))
            return
        if word.startswith(("-", "$", "~", "!")) or not re.search(r"[A-Za-z0-9]", word):
            return
        for base in dict.fromkeys((directory, *self._bases)):
            if self._is_shared(base) or is_of_runtime(base):
                continue
            for path in self._matches(posixpath.normpath(posixpath.join(base, word))):
                if self._needs.at(path) is not None:
                    yield path

    def _matches(self, path: str) -> Iterator[str]:
        """Paths of the tree that a pattern (glob(7)) means; a plain path as it is."""
        if not re.search(r"[*?\[]", path):
            yield path
            return
        found = [""]
        for part in path.split("/")[1:]:
            if len(found) > _MAXIMUM_GLOB_MATCHES:
                self._needs.note(f"pattern {path} matches more than {_MAXIMUM_GLOB_MATCHES} paths")
                return
            found = [match for base in found for match in self._matches_in(base, part)]
        yield from found

    def _matches_in(self, base: str, part: str) -> Iterator[str]:
        if not re.search(r"[*?\[]", part):
            yield f"{base}/{part}"
            return
        directory = self._needs.tree.resolve(base or "/")
        for child in self._needs.tree.children(directory.path) if directory else ():
            name = posixpath.basename(child.path)
            if fnmatchcase(name, part) and (part.startswith(".") or not name.startswith(".")):
                yield f"{base}/{name}"

    def _is_shared(self, path: str) -> bool:
        node = self._needs.tree.resolve(path)
        return self._shared.is_shared(node.path if node is not None else path)

    def _is_own(self, path: str) -> bool:
        """Whether a file comes from the program's own source package."""
        sources = {package.source for package in self._owners.get(path, ())}
        return bool(sources & self._own_sources)


def _is_script(node: Node) -> bool:
    """Whether the kernel would run the file with an interpreter (execve(2))."""
    if not node.mode & 0o111 or node.content is None:
        return False
    with node.content.open() as file:
        return file.read(2) == b"#!"
