"""Secrets that everybody has: keys and passwords that a package publishes for show.

In programs and libraries of a distribution, in documentation, tests, declarations of types and
documentation's comments of any package. A file that a later layer replaced is no longer the
package's. Whether a package is public is not asked, but of npm's `private`; what is in a package's
code or settings is never taken for published.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from .. import elf
from ..model import Node, Package, Tree
from ..packages import SYSTEM_ECOSYSTEMS, owners
from ..secrets import Secret

_LARGEST_BYTES = 1 << 20
# Up to where a path is of the system or of a package's name, and not of what is in the package.
_OUTSIDE = re.compile(
    r"(?:^/usr/(?:share|lib\w*|include|src)|/(?:site|dist)-packages|/gems/[^/]+"
    r"|/node_modules/(?:@[^/]+/)?[^/]+|/pkg/mod/[^@]+@[^/]+|/vendor/[^/]+/[^/]+)(?=/)"
)
_DIRECTORY = re.compile(
    r"tests?|testing|test[-_]?(?:data|suite|cases?|vectors?)|__tests__|specs?|fixtures?"
    r"|(?:\w+[-_])?vectors|docs?|documentation|examples?|samples?|man[0-9]?",
    re.IGNORECASE,
)
# METADATA and PKG-INFO hold the description, a README mostly (core metadata specifications).
_FILE = re.compile(
    r".*\.d\.[cm]?ts|.*\.(?:md|markdown|rst|adoc|pod)|(?:readme|changes|changelog|history|news)"
    r"(?:\.\w+)?|test_.*\.py|.*_test\.(?:go|py|rb)|.*_spec\.rb|.*\.(?:test|spec)\.[cm]?[jt]sx?"
    r"|metadata|pkg-info",
    re.IGNORECASE,
)
_LINE = re.compile(r", line ([0-9]+)$")
_DOCUMENTATION = re.compile(rb"\s*(?:/\*\*|\*)(?:\s|$)")  # of JSDoc and its like
_VENDORED = re.compile(r"(?P<root>/(?:.*/)?vendor)/(?P<inside>.+)")
_CACHED = re.compile(r"/pkg/mod/(?P<module>[^@]+)@v[^/]+/")
_VENDORED_MODULE = re.compile(r"^# (?P<name>\S+) v\S+(?: => [^./]\S* v\S+)?$", re.MULTILINE)


def publishers(
    secrets: Iterable[Secret], tree: Tree, packages: Iterable[Package]
) -> Mapping[Secret, str]:
    """Those that a package publishes, each with the package's name."""
    placed: dict[str, list[Secret]] = {}
    for one in secrets:
        if one.path is not None and not one.is_hidden:
            placed.setdefault(one.path, []).append(one)
    owned = owners(tuple(one for one in packages if not placed.keys().isdisjoint(one.files)))
    found: dict[Secret, str] = {}
    for path, some in placed.items():
        node = tree.get(path)
        if node is not None:
            found |= _of_file(node, some, tree, owned.get(path, ()))
    return found


def _of_file(
    node: Node, secrets: Iterable[Secret], tree: Tree, owned: tuple[Package, ...]
) -> Mapping[Secret, str]:
    brought = [one for one in owned if _is_unchanged(node, tree.get(one.recorded_in))]
    if elf.header_of(node) is not None:
        names = [one.name for one in brought if one.ecosystem in SYSTEM_ECOSYSTEMS]
        return dict.fromkeys(secrets, names[0]) if names else {}
    names = [one.name for one in brought if not _is_private(one, tree)]
    if _is_shown(node.path):
        names += _go_modules(node, tree)
        return dict.fromkeys(secrets, names[0]) if names else {}
    lines = _documentation(node) if names else ()
    return {one: names[0] for one in secrets if _line(one) in lines}


def _is_unchanged(node: Node, record: Node | None) -> bool:
    """As far as layers tell: the record is written when the package is installed."""
    return record is None or node.layer <= record.layer


def _is_shown(path: str) -> bool:
    ends = [match.end() for match in _OUTSIDE.finditer(path)]
    if not ends:
        return False
    *directories, name = path[ends[-1] :].split("/")
    return _FILE.fullmatch(name) is not None or any(map(_DIRECTORY.fullmatch, directories))


def _documentation(node: Node) -> frozenset[int]:
    """The lines that are in comments that documentation is made of."""
    if node.content is None or node.size > _LARGEST_BYTES:
        return frozenset()
    lines = enumerate(node.content.read().split(b"\n"), 1)
    return frozenset(number for number, line in lines if _DOCUMENTATION.match(line))


def _line(secret: Secret) -> int:
    """Where it stands in its file; 0 where there are no lines."""
    line = _LINE.search(secret.place)
    return int(line[1]) if line is not None else 0


def _is_private(package: Package, tree: Tree) -> bool:
    """npm refuses to publish a package whose package.json says so (package.json(5))."""
    record = tree.get(package.recorded_in) if package.ecosystem == "npm" else None
    if record is None or record.content is None or record.size > _LARGEST_BYTES:
        return False
    try:
        document = json.loads(record.content.read())
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("private") is True


def _go_modules(node: Node, tree: Tree) -> Iterator[str]:
    """Of Go's module cache, where capitals are `!` and the letter, and of what was vendored, but
    for modules that a directory replaces (Go Modules Reference, `go mod vendor`)."""
    if cached := _CACHED.search(node.path):
        yield re.sub(r"!([a-z])", lambda letter: letter[1].upper(), cached["module"])
    vendored = _VENDORED.fullmatch(node.path)
    record = tree.get(posixpath.join(vendored["root"], "modules.txt")) if vendored else None
    if vendored is None or record is None or record.content is None:
        return
    if record.size > _LARGEST_BYTES or not _is_unchanged(node, record):
        return
    text = record.content.read().decode("utf-8", "replace")
    names = (match["name"] for match in _VENDORED_MODULE.finditer(text))
    within = [name for name in names if vendored["inside"].startswith(f"{name}/")]
    yield from sorted(within, key=len, reverse=True)
