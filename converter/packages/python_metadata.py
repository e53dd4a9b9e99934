"""Python's packages: *.dist-info/METADATA (PEP 376, core metadata), *.egg-info of setuptools and
distutils. RECORD and installed-files.txt name the files; without them, top_level.txt does.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator
from email.parser import HeaderParser

from ..model import Node, NodeType, Package
from . import purl
from .image_files import ImageFiles
from .values import Unread

_ECOSYSTEM = "pypi"
_DIRECTORIES = {"METADATA": ".dist-info", "PKG-INFO": ".egg-info"}
_HEADER_BYTES = 64 << 10  # the description follows, of any length


def is_record(node: Node) -> bool:
    """METADATA, PKG-INFO, or distutils' single file NAME.egg-info."""
    parent, name = posixpath.split(node.path)
    ending = _DIRECTORIES.get(name)
    return parent.endswith(ending) if ending else name.endswith(".egg-info")


def read(files: ImageFiles, node: Node) -> Iterator[Package | Unread]:
    """The package that a file of metadata is of."""
    text = (files.text_of(node) or "").replace("\r\n", "\n").partition("\n\n")[0]
    fields = HeaderParser().parsestr(text[:_HEADER_BYTES])
    name, version = (str(fields.get(field, "")).strip() for field in ("Name", "Version"))
    if not name or not version:
        yield Unread(node.path, "it has no name or no version")
        return
    listed = _files(files, node)
    yield Package(
        name=_normalized(name),
        version=version,
        source=_normalized(name),
        source_version=version,
        files=files.canonicals(listed) if listed else (node.path,),
        ecosystem=_ECOSYSTEM,
        purl=purl.make(_ECOSYSTEM, _normalized(name), version),
        recorded_in=node.path,
        is_file_list_known=bool(listed),
    )


def _normalized(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _files(files: ImageFiles, node: Node) -> tuple[str, ...]:
    """Of the package; none where nothing says which they are."""
    directory, name = posixpath.split(node.path)
    if name not in _DIRECTORIES:  # distutils names no files; its package is named like the module
        module = name.partition("-")[0]
        return _modules(files, directory, (module,), (node.path,))
    site = posixpath.dirname(directory)
    if name == "METADATA":
        return _recorded(files, directory, site)
    installed = files.text_at(f"{directory}/installed-files.txt")
    if installed is not None:  # setuptools wrote it relative to the directory
        return tuple(_joined(directory, line) for line in installed.splitlines() if line)
    top_level = (files.text_at(f"{directory}/top_level.txt") or "").split()
    return _modules(files, site, tuple(top_level), files.files_below(directory))


def _recorded(files: ImageFiles, directory: str, site: str) -> tuple[str, ...]:
    """RECORD: path, hash, size; relative to where the package was installed."""
    lines = (files.text_at(f"{directory}/RECORD") or "").splitlines()
    try:
        rows = [row for row in csv.reader(lines) if row and row[0]]
    except csv.Error:
        return ()
    named = {_joined(site, row[0]) for row in rows}
    return tuple(named | _byte_code(files, named))


def _byte_code(files: ImageFiles, named: set[str]) -> set[str]:
    """Compiled when first imported, or by the installer (PEP 3147): of the package all the same."""
    found: set[str] = set()
    for directory in {posixpath.dirname(path) for path in named if path.endswith(".py")}:
        found.update(child.path for child in files.tree.children(f"{directory}/__pycache__"))
    return {path for path in found if _module_of(path) in named}


def _module_of(path: str) -> str:
    directory, name = posixpath.split(posixpath.dirname(path)), posixpath.basename(path)
    return f"{directory[0]}/{name.partition('.')[0]}.py"


def _modules(
    files: ImageFiles, site: str, names: tuple[str, ...], own: tuple[str, ...]
) -> tuple[str, ...]:
    """What lies in the directories and files of modules, with the metadata; none if no module is
    there."""
    found: list[str] = []
    for name in names:
        if "/" in name or name.startswith("."):
            continue
        node = files.tree.resolve(f"{site}/{name}")
        if node is not None and node.type is NodeType.DIRECTORY:
            found += files.files_below(node.path)
        elif files.tree.get(f"{site}/{name}.py") is not None:
            found.append(f"{site}/{name}.py")
    return (*found, *own) if found else ()


def _joined(directory: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(directory, name))
