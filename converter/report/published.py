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
    placed = [(one, one.path) for one in secrets if one.path is not None and not one.is_hidden]
    paths = {path for _, path in placed}
    owned = owners(tuple(one for one in packages if not paths.isdisjoint(one.files)))
    found: dict[Secret, str] = {}
    for secret, path in placed:
        node = tree.get(path)
        names = _publishers(secret, node, tree, owned.get(path, ())) if node is not None else ()
        for name in names:
            found.setdefault(secret, name)
    return found


def _publishers(
    secret: Secret, node: Node, tree: Tree, owned: tuple[Package, ...]
) -> Iterator[str]:
    brought = [one for one in owned if _is_unchanged(node, tree.get(one.recorded_in))]
    if elf.header_of(node) is not None:
        yield from (one.name for one in brought if one.ecosystem in SYSTEM_ECOSYSTEMS)
        return
    is_for_show = _is_shown(node.path)
    if is_for_show or _is_documentation(secret, node):
        yield from (one.name for one in brought if not _is_private(one, tree))
    if is_for_show:
        yield from _go_modules(node, tree)


def _is_unchanged(node: Node, record: Node | None) -> bool:
    """As far as layers tell: the record is written when the package is installed."""
    return record is None or node.layer <= record.layer


def _is_shown(path: str) -> bool:
    ends = [match.end() for match in _OUTSIDE.finditer(path)]
    if not ends:
        return False
    *directories, name = path[ends[-1] :].split("/")
    return _FILE.fullmatch(name) is not None or any(map(_DIRECTORY.fullmatch, directories))


def _is_documentation(secret: Secret, node: Node) -> bool:
    """In a comment that documentation is made of."""
    line = _LINE.search(secret.place)
    if line is None or node.content is None or node.size > _LARGEST_BYTES:
        return False
    lines = node.content.read().split(b"\n")
    number = int(line[1])
    return number <= len(lines) and _DOCUMENTATION.match(lines[number - 1]) is not None


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
