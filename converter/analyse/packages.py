"""Installed packages and the files they own, from dpkg's database (dpkg-query(1), deb-control(5)).

Reads /var/lib/dpkg/status with info/*.list, and distroless images' /var/lib/dpkg/status.d. Paths
are made canonical: on a merged-/usr system dpkg says /lib/x for the file at /usr/lib/x. Databases
of apk and rpm are not read yet: their images have no packages here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from ..model import Node, NodeType, Package, Tree

_DATABASE = "/var/lib/dpkg"


def read_packages(tree: Tree) -> tuple[Package, ...]:
    """Every installed package, in name order."""
    canonical = _canonicalizer(tree)
    found = {}
    for fields in _stanzas(tree):
        name, status = fields.get("Package", ""), fields.get("Status", "install ok installed")
        if not name or not status.endswith(" installed"):
            continue
        source = fields.get("Source", name).split(" ")[0]
        listed = _listed_files(tree, name, fields.get("Architecture", ""))
        files = tuple(sorted({canonical(path) for path in listed}))
        found[name] = Package(name, fields.get("Version", ""), source, files)
    return tuple(found[name] for name in sorted(found))


def owners(packages: tuple[Package, ...]) -> Mapping[str, tuple[Package, ...]]:
    """Path -> the packages that list it; directories have many."""
    owned: dict[str, tuple[Package, ...]] = {}
    for package in packages:
        for path in package.files:
            owned[path] = (*owned.get(path, ()), package)
    return owned


def _stanzas(tree: Tree) -> Iterator[dict[str, str]]:
    texts = [_text(tree.resolve(f"{_DATABASE}/status"))]
    directory = tree.resolve(f"{_DATABASE}/status.d")
    if directory is not None:
        nodes = tree.children(directory.path)
        texts += [_text(node) for node in nodes if not node.path.endswith(".md5sums")]
    for text in texts:
        for stanza in text.split("\n\n"):
            yield dict(re.findall(r"^([A-Za-z-]+): *(.*)$", stanza, re.MULTILINE))


def _listed_files(tree: Tree, name: str, architecture: str) -> Iterator[str]:
    """The paths of info/NAME.list; for distroless, those of status.d/NAME.md5sums."""
    for path in (f"{_DATABASE}/info/{name}.list", f"{_DATABASE}/info/{name}:{architecture}.list"):
        for line in _text(tree.resolve(path)).splitlines():
            yield line if line != "/." else "/"
    for line in _text(tree.resolve(f"{_DATABASE}/status.d/{name}.md5sums")).splitlines():
        _, separator, path = line.partition("  ")
        if separator:
            yield "/" + path.lstrip("/")


def _canonicalizer(tree: Tree) -> Callable[[str], str]:
    @cache
    def directory(path: str) -> str:
        node = tree.resolve(path)
        return node.path if node is not None else path

    def canonical(path: str) -> str:
        parent, name = posixpath.split(path)
        return posixpath.join(directory(parent), name) if name else "/"

    return canonical


def _text(node: Node | None) -> str:
    if node is None or node.type is not NodeType.FILE or node.content is None:
        return ""
    return node.content.read().decode("utf-8", "replace")
