"""All packages of an image: the distribution's, and those of languages, found by one walk.

A package that several places record (a module in two programs, a library in two trees) is one, with
the files of all. One whose record the distribution's package brought is part of that package, which
stands for it where it cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..model import Node, NodeType, Package, Tree
from . import composer, gems, go_programs, jars, node_modules, python_metadata
from .distribution import read_distribution
from .image_files import ImageFiles, TooLargeError, is_content
from .system import owners, read_system
from .values import Inventory, Unread

_Owners = Mapping[str, tuple[Package, ...]]

# Each says of a file whether it records packages, and reads it.
_LANGUAGES = (python_metadata, node_modules, jars, gems, composer, go_programs)


def inventory(tree: Tree) -> Inventory:
    """Everything that the source image's files record."""
    files = ImageFiles(tree)
    distribution = read_distribution(files)
    system, unread = read_system(files, distribution)
    found = tuple(_of_languages(files))
    languages = _merged(one for one in found if isinstance(one, Package))
    owned = owners(system)
    packages = (*system, *_with_owners(languages, owned))
    return Inventory(
        packages=tuple(sorted(packages, key=_order)),
        unread=tuple(dict.fromkeys((*unread, *_unowned(found, owned)))),
        distribution=distribution,
        contents=frozenset(_contents(packages, tree)),
    )


def _order(package: Package) -> tuple[str, ...]:
    return package.ecosystem, package.name, package.version, package.architecture, package.purl


def _of_languages(files: ImageFiles) -> Iterator[Package | Unread]:
    for node in files.tree:
        if node.type is not NodeType.FILE:
            continue
        reader = next((one for one in _LANGUAGES if one.is_record(node)), None)
        if reader is not None:
            yield from _guarded(files, node, reader.read(files, node))


def _guarded(
    files: ImageFiles, node: Node, found: Iterator[Package | Unread]
) -> Iterator[Package | Unread]:
    try:
        yield from found
    except TooLargeError as refused:
        yield Unread(node.path, str(refused))


def _merged(packages: Iterable[Package]) -> tuple[Package, ...]:
    met: dict[tuple[str, ...], Package] = {}
    for package in packages:
        key = package.ecosystem, package.name, package.version
        first = met.get(key)
        if first is None:
            met[key] = package
        else:
            every = tuple(sorted({*first.files, *package.files}))
            is_known = first.is_file_list_known and package.is_file_list_known
            met[key] = replace(first, files=every, is_file_list_known=is_known)
    return tuple(met.values())


def _unowned(found: Iterable[Package | Unread], owned: _Owners) -> Iterator[Unread]:
    return (one for one in found if isinstance(one, Unread) and one.path not in owned)


def _with_owners(packages: Iterable[Package], owned: _Owners) -> Iterator[Package]:
    for package in packages:
        found = owned.get(package.recorded_in)
        yield _part(package, found[0]) if found else package


def _part(package: Package, owner: Package) -> Package:
    """Where nothing says which files are its own, they are among those of the owner."""
    if package.is_file_list_known:
        return replace(package, part_of=owner.name)
    is_known = owner.is_file_list_known
    return replace(package, part_of=owner.name, files=owner.files, is_file_list_known=is_known)


def _contents(packages: Iterable[Package], tree: Tree) -> Iterator[str]:
    for path in {path for package in packages for path in package.files}:
        if is_content(tree.get(path), tree):
            yield path
