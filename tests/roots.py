"""What must hold of every stripped root, whatever image it is of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dock2uk.elf import kind
from dock2uk.library_cache import PATH, read_library_cache
from dock2uk.model import Drop, Keep, NodeType, Rootfs, Tree

RUNTIME_MAKES = re.compile(r"/(?:dev|proc|sys|etc/(?:hostname|hosts|resolv\.conf))(?:/|$)")
SHEBANG = re.compile(rb"#![ \t]*([^ \t\n\0]+)")


def violations(tree: Tree, root: Rootfs) -> list[str]:
    """Every breach, in words; none: the root is sound."""
    checks = (_of_decisions, _of_links, _of_library_cache, _of_scripts)
    return [breach for check in checks for breach in check(tree, root)]


def _of_decisions(tree: Tree, root: Rootfs) -> Iterator[str]:
    paths = [decision.path for decision in root.decisions]
    if paths != [node.path for node in tree]:
        yield "kept and dropped are not all paths of the image, each once"
    yield from (f"{one.path}: no reason" for one in root.decisions if not one.because)
    kept = {one.path for one in root.decisions if isinstance(one, Keep)}
    decided = kept | {one.path for one in root.added}
    yield from (f"{node.path} goes in undecided" for node in root.nodes if node.path not in decided)
    lost = kept - {node.path for node in root.nodes}
    yield from (f"{path} is kept and not there" for path in lost)


@dataclass(frozen=True)
class _Lost:
    """What of the paths that a name leads through is dropped."""

    tree: Tree
    dropped: frozenset[str]

    def on_the_way(self, path: str) -> list[str]:
        passed = self.tree.chain(path)
        return [one for one in passed if one in self.dropped and not RUNTIME_MAKES.match(one)]


def _lost(tree: Tree, root: Rootfs) -> _Lost:
    return _Lost(tree, frozenset(one.path for one in root.decisions if isinstance(one, Drop)))


def _of_links(tree: Tree, root: Rootfs) -> Iterator[str]:
    lost = _lost(tree, root)
    for node in root.nodes:
        if node.type is NodeType.SYMLINK:
            for path in lost.on_the_way(node.path):
                yield f"{node.path} leads to {path}, which is dropped"


def _of_library_cache(tree: Tree, root: Rootfs) -> Iterator[str]:
    lost = _lost(tree, root)
    cache = tree.resolve(PATH)
    for node in root.nodes:
        if cache is None or node.path != cache.path or node.content is None:
            continue
        for paths in read_library_cache(node.content.read()).values():
            for path in paths:
                if tree.resolve(path) is None or lost.on_the_way(path):
                    yield f"{PATH} names {path}, which is not there"


def _of_scripts(tree: Tree, root: Rootfs) -> Iterator[str]:
    """Kept scripts that may be executed have their interpreter."""
    lost = _lost(tree, root)
    for node in root.nodes:
        if node.type is not NodeType.FILE or not node.mode & 0o111 or node.content is None:
            continue
        with node.content.open() as content:
            found = SHEBANG.match(content.read(256))
        path = found[1].decode("utf-8", "surrogateescape") if found else ""
        if path and lost.on_the_way(path):
            yield f"{node.path} is a script of {path}, which is dropped"


def programs(root: Rootfs) -> list[str]:
    """Kept ELF files."""
    return [node.path for node in root.nodes if kind(node) is not None]
