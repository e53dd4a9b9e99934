"""What the program needs of the image, each path with the reason it was found by.

From static facts and what the entrypoint stage recorded: nothing of the image is run here. What
they cannot decide is a finding.
"""

from __future__ import annotations

from ..errors import UnsupportedError
from ..model import (
    Analysis,
    Entrypoint,
    Image,
    Node,
    NodeType,
    Observed,
    PruneMode,
    StripMode,
    Stripping,
)
from ..packages import system_packages
from ..recipes import chosen
from .calls import find_calls
from .closure import Closure
from .joined_names import add_joined_names
from .kept_files import add_kept_files, add_observed_files
from .mentions import mentions
from .module_trees import add_module_trees, names_started_by
from .needs import Needs
from .program_files import ProgramFiles
from .runtime_files import add_runtime_files

__all__ = ["analyse"]

_AS_NEEDED = Stripping()


def analyse(
    image: Image,
    entrypoint: Entrypoint,
    stripping: Stripping = _AS_NEEDED,
    observed: Observed | None = None,
) -> Analysis:
    """The program's ELF closure, the files it names, and those its libraries open; the same for
    what the user keeps and what was observed. Where more than what is needed stays, no code is
    looked at."""
    program = image.tree.get(entrypoint.exe)
    if program is None or program.type is not NodeType.FILE:
        raise UnsupportedError((f"the program {entrypoint.exe} is not a file of the image",))
    needs = Needs(image.tree)
    closure = Closure(needs, entrypoint.env)
    packages = system_packages(image.tree)
    closure.add_program(program)
    _add_other_name(needs, entrypoint)
    _add_recipes(needs, entrypoint)
    add_module_trees(closure, entrypoint, packages)
    files = ProgramFiles(image, entrypoint, closure, packages)
    files.find()
    add_kept_files(closure, stripping.keep)
    is_kept_as_traced = observed is not None and stripping.mode is StripMode.TRACED
    add_observed_files(closure, observed if is_kept_as_traced else None)
    _add_start_up(closure, entrypoint)
    add_joined_names(closure, entrypoint)
    add_runtime_files(closure, entrypoint)
    files.note_left_out()
    _note_limits(needs, entrypoint, program)
    unread = _unread(stripping)
    return Analysis(
        elves={path: closure.elves[path].file for path in sorted(closure.elves)},
        needed=dict(sorted(needs.reasons.items())),
        packages=packages,
        findings=tuple(needs.findings),
        unneeded=_unneeded(entrypoint),
        mentions=None if unread else mentions(closure, entrypoint),
        calls=None if unread else find_calls(closure.elves),
        unread=unread,
        made_calls=observed.calls if observed and stripping.prune is PruneMode.TRACED else None,
        left_out=needs.left_out,
    )


def _add_other_name(needs: Needs, entrypoint: Entrypoint) -> None:
    """The name it is started by, where that is a symlink: programs look themselves up by it."""
    for name in names_started_by(needs.tree, entrypoint):
        needs.add(name, "the name that the program is started by")


def _unread(stripping: Stripping) -> str:
    if stripping.prune is PruneMode.NONE:
        return "--prune none"
    if stripping.mode in (StripMode.CLOSURE, StripMode.TRACED):
        return ""
    return f"--strip {stripping.mode.value} keeps programs whose code was not looked at"


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


def _add_start_up(closure: Closure, entrypoint: Entrypoint) -> None:
    """What start-up made is there for the program; so is what the program was seen running."""
    for change in entrypoint.changes:
        if change.node is not None:
            closure.needs.add(change.path, "made or changed by the start-up, as recorded")
    for path in entrypoint.children:
        closure.add_library(path, f"{entrypoint.exe} was seen running it")


def _note_limits(needs: Needs, entrypoint: Entrypoint, program: Node) -> None:
    """What a reader must know that no list of files shows."""
    if entrypoint.method == "interpreter":
        needs.note(f"{program.path} interprets a script: of its modules, packages' are kept")
    if "security.capability" in program.xattrs:
        needs.note(f"{program.path} has file capabilities: they are dropped, it runs as it is")
