"""What the program needs of the image, each path with the reason it was found by.

Static facts only: nothing of the image is run. What they cannot decide is a finding.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UnsupportedError
from ..model import Analysis, Entrypoint, Image, Node, NodeType
from ..recipes import chosen
from .closure import Closure
from .go_files import add_go_files
from .kept_files import add_kept_files
from .module_trees import add_module_trees
from .needs import Needs
from .packages import read_packages
from .program_files import ProgramFiles
from .runtime_files import add_runtime_files

__all__ = ["analyse"]


def analyse(image: Image, entrypoint: Entrypoint, keep: Sequence[str] = ()) -> Analysis:
    """The program's ELF closure, the files it names, and those its libraries open; the same for
    what the user keeps."""
    program = image.tree.get(entrypoint.exe)
    if program is None or program.type is not NodeType.FILE:
        raise UnsupportedError((f"the program {entrypoint.exe} is not a file of the image",))
    needs = Needs(image.tree)
    closure = Closure(needs, entrypoint.env)
    packages = read_packages(image.tree)
    closure.add_program(program)
    _add_recipes(needs, entrypoint)
    add_module_trees(closure, entrypoint, packages)
    ProgramFiles(image, entrypoint, closure, packages).find()
    add_kept_files(closure, keep)
    add_go_files(closure, entrypoint)
    add_runtime_files(closure, entrypoint)
    _note_limits(needs, entrypoint, program)
    return Analysis(
        elves={path: closure.elves[path].file for path in sorted(closure.elves)},
        needed=dict(sorted(needs.reasons.items())),
        packages=packages,
        findings=tuple(needs.findings),
        unneeded=_unneeded(entrypoint),
    )


def _unneeded(entrypoint: Entrypoint) -> dict[str, str]:
    """Parts of a runtime that the program has no use for as it is started."""
    return {
        part: f"recipe {recipe.name} makes the program do without"
        for recipe in chosen(entrypoint.recipes)
        for part in recipe.without
    }


def _add_recipes(needs: Needs, entrypoint: Entrypoint) -> None:
    for recipe in chosen(entrypoint.recipes):
        because = f"recipe {recipe.name}: {recipe.reason}"
        for path in (*recipe.paths, *recipe.directories):
            needs.add(path, because)
        for path in recipe.paths:
            directory = needs.tree.resolve(path)
            for node in needs.files_below(directory) if directory is not None else ():
                needs.add(node.path, because)


def _note_limits(needs: Needs, entrypoint: Entrypoint, program: Node) -> None:
    """What a reader must know that no list of files shows."""
    if entrypoint.method == "interpreter":
        needs.note(f"{program.path} interprets a script: of its modules, packages' are kept")
    if "security.capability" in program.xattrs:
        needs.note(f"{program.path} has file capabilities: they are dropped, it runs as it is")
