"""Shared objects that are opened by a name which configuration, locale or code gives."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from ..model import Node, NodeType
from .links import led_to
from .program_facts import facts_of

DEFINITION = (
    "shared objects in directories that programs have for modules, of name services, and elsewhere "
    "than in the dynamic linker's own directories those that no ELF file of the image needs "
    "(DT_NEEDED), a file with several names once"
)
_IN_PLACE_OF_MODULES = re.compile(
    r"/(?:gconv|engines-[\w.]+|ossl-modules|security|sasl2|modules|plugins?|extensions|pam_\w+"
    r"|lib-dynload|php/\d{8}|no-debug-non-zts-\d{8})/"
    r"[^/]+\.so(?:\.\d+)*$|/libnss_[^/]+\.so"
)
# Node.js' and OCaml's have endings of their own. A .debug file is an ELF file of the same type.
_SHARED_OBJECT = re.compile(r"\.(?:so(?:\.\d+)*|node|cmxs)$")
# Of glibc, also where it is built for several architectures, and of musl (ld.so(8)).
_LINKER_S = re.compile(
    r"(?:/usr(?:/local)?)?/lib(?:64|32|x32)?(?:/\w+-linux-\w+)?(?:/glibc-hwcaps/[^/]+)?/[^/]+"
)


def modules(nodes: Iterable[Node], needed: frozenset[str]) -> list[Node]:
    """Those of `nodes`; `needed` is of the whole image, for what is needed by something that was
    dropped was no module before either."""
    return [node for node in nodes if node.type is NodeType.FILE and _is_module(node, needed)]


def needed_by_others(nodes: Sequence[Node]) -> frozenset[str]:
    """Names that ELF files need, and the paths that links of these names lead to."""
    names = {posixpath.basename(name) for node in nodes for name in facts_of(node).needed}
    links = [
        node.path
        for node in nodes
        if node.type is NodeType.SYMLINK and posixpath.basename(node.path) in names
    ]
    by_path = {node.path: node for node in nodes}
    return frozenset(names).union(led_to(path, by_path) for path in links)


def _is_module(node: Node, needed: frozenset[str]) -> bool:
    if _IN_PLACE_OF_MODULES.search(node.path):
        return True
    if not _SHARED_OBJECT.search(node.path) or _LINKER_S.fullmatch(node.path):
        return False
    facts = facts_of(node)
    names = (node.path, posixpath.basename(node.path), facts.soname)
    return facts.elf_type == "ET_DYN" and needed.isdisjoint(names)
