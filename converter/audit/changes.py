"""What has to be done so that an image's unikernel does what its container does, and what only a
test can show.

`convert` leaves out what differs from run to run, what looks like a secret and other programs; it
says so when the unikernel does not answer. An audit boots nothing, and has to say it before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..model import Confidence, Difference, Entrypoint
from ..pipeline import Foresight

# As `analyse.program_files` names another program.
_OTHER_PROGRAM = re.compile(r"(?P<path>/.*) is named \((?P<because>.*)\) and left out: ", re.DOTALL)
# Who is told a program's path by the image's author may well start it; a string in a file may be
# of a branch that never runs: a shell's path is in every build of PHP.
_TOLD = ("argument ", "environment variable ")
# As `entrypoint` begins what reading a start-up leaves out, and why it was not run after that.
_NOT_DONE, _NOT_RUN = "not done: ", "it was not run: "
_VARIABLE = "variable "


@dataclass(frozen=True, slots=True)
class Findings:
    """Each a line for the user."""

    changes: tuple[str, ...]  # without these it is known to lack something
    doubts: tuple[str, ...]  # it may work as it is
    risks: tuple[str, ...]  # of the analysis, that are neither


def findings(found: Foresight) -> Findings:
    programs = [match for one in found.analysis.findings if (match := _OTHER_PROGRAM.match(one))]
    told = [match for match in programs if match["because"].startswith(_TOLD)]
    changes = (*_recipes(found), *_left_out(found), *map(_to_keep, told))
    doubts = (
        *_not_done(found.entrypoint),
        *_images_own(found),
        *(f"may start {_of(match)}" for match in programs if match not in told),
    )
    return Findings(
        changes,
        doubts,
        tuple(one for one in found.analysis.findings if not _OTHER_PROGRAM.match(one)),
    )


def _recipes(found: Foresight) -> Iterator[str]:
    for one in found.entrypoint.recipes:
        yield f"recipe {one.name}: {one.change}"


def _to_keep(program: re.Match[str]) -> str:
    return f"--keep {_of(program)}"


def _of(program: re.Match[str]) -> str:
    return f"{program['path']}: another program, which is left out ({program['because']})"


def _left_out(found: Foresight) -> Iterator[str]:
    """What start-up made or was given, and nothing stands for."""
    for one in _unbaked(found.entrypoint):
        if one.subject.startswith(_VARIABLE):
            name = one.subject.removeprefix(_VARIABLE)
            yield f"run it with -e {name}: {one.kind.value} left out: {one.detail}"
        elif not _is_in_image(found, one):
            yield f"--bake: {one.kind.value} left out: {one.subject}: {one.detail}"


def _images_own(found: Foresight) -> Iterator[str]:
    """What start-up changed, and the image has in its own form."""
    for one in _unbaked(found.entrypoint):
        if _is_in_image(found, one):
            yield (
                f"{one.subject} is the image's own, not as start-up leaves it "
                f"({one.kind.value}: {one.detail}); --bake has that"
            )


def _unbaked(entrypoint: Entrypoint) -> Iterator[Difference]:
    return (one for one in entrypoint.differences if not one.is_baked)


def _is_in_image(found: Foresight, one: Difference) -> bool:
    """Not of a directory that start-up filled, which ends in a slash: the image has it empty."""
    return not one.subject.endswith("/") and found.image.tree.get(one.subject) is not None


def _not_done(entrypoint: Entrypoint) -> Iterator[str]:
    """Reading a start-up shows what it would do; its files are made by running it."""
    work = _after(_NOT_DONE, entrypoint.evidence)
    if entrypoint.confidence is not Confidence.READ or not work:
        return
    more = f" and {len(work) - 1} more" if len(work) > 1 else ""
    failed = _after(_NOT_RUN, entrypoint.evidence)
    remedy = f"it was not run: {failed[0]}" if failed else "--resolve auto runs it"
    yield f"its start-up was read, not run: {work[0]}{more}; {remedy}"


def _after(beginning: str, lines: Sequence[str]) -> list[str]:
    return [line.removeprefix(beginning) for line in lines if line.startswith(beginning)]
