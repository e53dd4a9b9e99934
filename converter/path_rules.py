"""What the user says of paths: keep these, drop those, each rule with its reason.

A rule's pattern is a path of the image or a glob(7) of one, in which `*` stays in one directory and
`**` is any number of them. A directory brings all it holds. Where a rule keeps, symlinks are
followed and kept; where it drops, they are not followed. A pattern that means no path of the image
is an error: it is a typing mistake or another image's pattern.

Of a rule that keeps a path and one that drops it, the one with the longer path decides, so that a
part of a directory can be said otherwise than the rest; of two as long, the one that drops.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from .errors import Dock2ukError
from .model import Node, NodeType, Rule, Stripping, Tree

_WILDCARD = re.compile(r"[*?\[]")
_ANY_DIRECTORIES = "**"
_HINT = "paths are the image's own, such as /usr/share/misc; * stays in one directory, ** does not"


def said_of_paths(tree: Tree, stripping: Stripping) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What rules keep and what rules drop: path -> reason; no path is in both."""
    kept = _by_path(tree, stripping.keep, paths_to_keep)
    dropped = _by_path(tree, stripping.drop, _paths_to_drop)
    return (
        {path: rule.because for path, rule in kept.items() if not _beats(dropped.get(path), rule)},
        {
            path: rule.because
            for path, rule in dropped.items()
            if path not in kept or _beats(rule, kept[path])
        },
    )


def paths_to_keep(tree: Tree, rule: Rule) -> Iterator[str]:
    """Everything that a rule keeps, each path once: where links lead, with all that is there."""
    pending = [node.path for node in _meant(tree, rule)]
    met: set[str] = set()
    while pending:
        path = pending.pop()
        for passed in (path, *tree.chain(path)):
            if passed not in met:
                met.add(passed)
                yield passed
                pending += (child.path for child in tree.children(passed))


def _paths_to_drop(tree: Tree, rule: Rule) -> Iterator[str]:
    for node in _meant(tree, rule):
        yield node.path
        yield from _below(tree, node)


def _by_path(
    tree: Tree, rules: Sequence[Rule], paths_of: Callable[[Tree, Rule], Iterator[str]]
) -> dict[str, Rule]:
    found: dict[str, Rule] = {}
    for rule in sorted(rules, key=_length):  # longer ones last: they decide
        found.update(dict.fromkeys(paths_of(tree, rule), rule))
    return found


def _length(rule: Rule) -> int:
    return _normal(rule).count("/")


def _beats(drop: Rule | None, keep: Rule) -> bool:
    return drop is not None and _length(drop) >= _length(keep)


def _normal(rule: Rule) -> str:
    return posixpath.normpath("/" + rule.pattern.lstrip("/"))


def _meant(tree: Tree, rule: Rule) -> Iterable[Node]:
    pattern = _normal(rule)
    nodes = _matching(tree, pattern) if _WILDCARD.search(pattern) else _named(tree, pattern)
    if not nodes:
        near = difflib.get_close_matches(pattern, [node.path for node in tree], n=1)
        hint = f"did you mean {near[0]}?" if near else _HINT
        raise Dock2ukError(f"{rule.origin}: no such path in the image", hint=hint)
    return nodes


def _named(tree: Tree, path: str) -> tuple[Node, ...]:
    directory = tree.resolve(posixpath.dirname(path))
    name = posixpath.basename(path)
    node = tree.get(posixpath.join(directory.path, name)) if directory and name else directory
    return (node,) if node is not None else ()


def _matching(tree: Tree, pattern: str) -> tuple[Node, ...]:
    parts = tuple(part for part in pattern.split("/") if part)
    return tuple(node for node in tree if _matches(node.path.strip("/").split("/"), parts))


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == _ANY_DIRECTORIES:
        return any(_matches(names[start:], parts[1:]) for start in range(len(names) + 1))
    is_first = bool(names) and fnmatchcase(names[0], parts[0])
    return is_first and _matches(names[1:], parts[1:])


def _below(tree: Tree, directory: Node) -> Iterator[str]:
    pending = [directory]
    while pending:
        for child in tree.children(pending.pop().path):
            yield child.path
            if child.type is NodeType.DIRECTORY:
                pending.append(child)
