"""Installed packages and the files they own, from dpkg's database (dpkg-query(1), deb-control(5)).

Reads /var/lib/dpkg/status with info/*.list, and distroless images' /var/lib/dpkg/status.d. Paths
are made canonical: on a merged-/usr system dpkg says /lib/x for the file at /usr/lib/x. Databases
of apk and rpm are not read yet: their images have no packages here.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from ..model import Node, NodeType, Package, Tree

_DATABASE = "/var/lib/dpkg"


def read_packages(tree: Tree) -> tuple[Package, ...]:
    """Every installed package, in name order."""
    canonical = _canonicalizer(tree)
    found: dict[str, Package] = {}
    depends: dict[str, tuple[str, ...]] = {}
    for fields in _stanzas(tree):
        name, status = fields.get("Package", ""), fields.get("Status", "install ok installed")
        if not name or not status.endswith(" installed"):
            continue
        source = fields.get("Source", name).split(" ")[0]
        listed = _listed_files(tree, name, fields.get("Architecture", ""))
        files = tuple(sorted({canonical(path) for path in listed}))
        found[name] = Package(name, fields.get("Version", ""), source, files)
        depends[name] = _depended_on(fields)
    return tuple(
        replace(found[name], depends=tuple(other for other in depends[name] if other in found))
        for name in sorted(found)
    )


def owners(packages: tuple[Package, ...]) -> Mapping[str, tuple[Package, ...]]:
    """Path -> the packages that list it; directories have many."""
    owned: dict[str, tuple[Package, ...]] = {}
    for package in packages:
        for path in package.files:
            owned[path] = (*owned.get(path, ()), package)
    return owned


def with_dependencies(packages: tuple[Package, ...], names: Iterable[str]) -> tuple[Package, ...]:
    """The packages named and all that they depend on, each once, in the order met."""
    by_name = {package.name: package for package in packages}
    met: dict[str, Package] = {}
    pending = [name for name in names if name in by_name]
    while pending:
        name = pending.pop(0)
        if name not in met:
            met[name] = by_name[name]
            pending += by_name[name].depends
    return tuple(met.values())


def _depended_on(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Package names of the fields that say what must be there (deb-control(5)); of alternatives,
    each. Virtual packages have no files and are not looked for."""
    relations = ",".join(fields.get(field, "") for field in ("Pre-Depends", "Depends"))
    return tuple(dict.fromkeys(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", relations)))


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
