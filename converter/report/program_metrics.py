"""What an attacker could use that is there: interpreters, tools, code, by what a file is called and
by what it is. Numbers of code that can be reused are a weak measure: so their definitions say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..known_programs import is_interpreter, is_living_off_the_land, is_network_tool
from ..model import Node, NodeType, Rootfs, Tree
from .metrics import Metric, of_nodes, once
from .modules import DEFINITION, modules, needed_by_others
from .program_facts import facts_of


def program_metrics(tree: Tree, rootfs: Rootfs, workload: str) -> tuple[Metric, ...]:
    """`workload` is the program itself: no tool to live off the land, for it is why the image
    exists. As an interpreter or a network tool it counts, for whoever takes it over has it."""
    before, after = tuple(tree), rootfs.nodes

    def is_tool(node: Node) -> bool:
        return node.path != workload and is_living_off_the_land(node)

    named = (
        ("interpreters", "interpreters", is_interpreter,
         "executable files, and links in a bin or sbin, named as an interpreter of Perl, Python, "
         "Ruby, Node.js, PHP, Lua, Tcl, awk and their like; the program itself where it is one"),
        ("network_tools", "network tools", is_network_tool,
         "programs in a bin or sbin that fetch, send or listen, by a list of ours; the "
         "program itself where it is one"),
        ("living_off_the_land", "tools to live off the land", is_tool,
         "programs in a bin or sbin that read or write any file or start others, by a list "
         "of ours; not the program that the image runs"),
    )  # fmt: skip
    return (
        *(_named(row, before, after) for row in named),
        _counted("executables", "executable files", _is_executable, before, after,
                 "regular files with an execute bit, a file with several names once"),
        _counted("scripts", "scripts", _is_script, before, after,
                 "regular files with an execute bit that begin with #!"),
        _modules(before, after),
        *_code_metrics(before, after),
    )  # fmt: skip


def _named(
    row: tuple[str, str, Callable[[Node], bool], str],
    before: Sequence[Node],
    after: Sequence[Node],
) -> Metric:
    name, title, is_one, definition = row
    found = [list(filter(is_one, nodes)) for nodes in (before, after)]
    return of_nodes(name, title, "paths", definition, *found)


def _counted(
    name: str,
    title: str,
    is_one: Callable[[Node], bool],
    before: Sequence[Node],
    after: Sequence[Node],
    definition: str,
) -> Metric:
    found = [list(once(filter(is_one, nodes))) for nodes in (before, after)]
    return of_nodes(name, title, "files", definition, *found)


def _is_executable(node: Node) -> bool:
    return node.type is NodeType.FILE and bool(node.mode & 0o111)


def _is_script(node: Node) -> bool:
    return _is_executable(node) and facts_of(node).is_script


def _modules(before: Sequence[Node], after: Sequence[Node]) -> Metric:
    needed = needed_by_others(before)
    found = [list(once(modules(nodes, needed))) for nodes in (before, after)]
    return of_nodes("modules", "modules opened by name", "files", DEFINITION, *found)


def _code_metrics(before: Sequence[Node], after: Sequence[Node]) -> tuple[Metric, ...]:
    code = [[(node, facts_of(node)) for node in once(nodes)] for nodes in (before, after)]
    sizes = [sum(facts.code_bytes for _, facts in rows) for rows in code]
    returns = [sum(facts.returns for _, facts in rows) for rows in code]
    paths = [tuple(node.path for node, facts in rows if facts.code_bytes) for rows in code]
    shown = [
        tuple(f"{node.path}: {facts.code_bytes:,}" for node, facts in rows if facts.code_bytes)
        for rows in code
    ]
    return (
        Metric(
            "code_bytes", "code of programs and libraries", "bytes", sizes[0], sizes[1],
            "bytes of executable segments of ELF files, a file with several names once; the "
            "kernel's code is another line", *shown, *paths,
        ),
        Metric(
            "return_bytes", "return instructions in it", "returns", returns[0], returns[1],
            "bytes of value C3 in that code, where chains of reused code could end: a weak proxy, "
            "for what is left may do as well (arXiv 2312.13274)",
        ),
    )  # fmt: skip
