"""Every sample image, stripped in every mode: all paths are decided, with reasons, and nothing that
is kept points at something that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from dock2uk.analyse import analyse
from dock2uk.analyse.library_search import LibrarySearch
from dock2uk.entrypoint import DEFAULTS, resolve
from dock2uk.ingest import read_image, with_changes
from dock2uk.ingest.tree import TreeBuilder
from dock2uk.model import Analysis, Entrypoint, Image, Keep, Rootfs, StripMode, Stripping, Tree
from dock2uk.progress import Silent
from dock2uk.strip import strip
from tests.roots import programs, violations

FIXTURES = Path(__file__).resolve().parents[2] / "build/fixtures"
# More than one program each: refused, as tests/entrypoint sees.
REFUSED = ("start-supervisor", "start-two-listeners")
NAMES = sorted({path.parent.name for path in FIXTURES.glob("*/index.json")}.difference(REFUSED))


@dataclass(frozen=True)
class Analysed:
    image: Image
    entrypoint: Entrypoint
    analysis: Analysis

    def stripped(self, mode: StripMode) -> Rootfs:
        return strip(self.image, self.entrypoint, self.analysis, Stripping(mode))


@cache
def analysed(name: str) -> Analysed:
    source = read_image(f"oci:{FIXTURES / name}", Silent())
    entrypoint = resolve(source, None, DEFAULTS, Silent())
    image = with_changes(source, entrypoint.changes)
    return Analysed(image, entrypoint, analyse(image, entrypoint))


@pytest.fixture
def root(name: str, mode: StripMode) -> tuple[Analysed, Rootfs]:
    found = analysed(name)
    return found, found.stripped(mode)


def tree_of(root: Rootfs) -> Tree:
    builder = TreeBuilder()
    builder.begin_layer("sha256:0")
    for node in root.nodes:
        builder.add(node)
    return builder.tree()


@pytest.mark.parametrize("mode", StripMode)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_points_at_what_is_dropped(root: tuple[Analysed, Rootfs]) -> None:
    found, stripped = root
    assert not violations(found.image.tree, stripped)


@pytest.mark.parametrize("mode", StripMode)
@pytest.mark.parametrize("name", NAMES)
def test_every_library_that_was_found_is_still_found(root: tuple[Analysed, Rootfs]) -> None:
    found, stripped = root
    assert set(_lost(found, stripped)) == set()


def _lost(found: Analysed, stripped: Rootfs) -> Iterator[str]:
    interpreter = found.analysis.elves[found.entrypoint.exe].interpreter
    if interpreter is None:
        return
    before, after = (
        LibrarySearch(tree, interpreter, "") for tree in (found.image.tree, tree_of(stripped))
    )
    kept = set(programs(stripped))
    for path, elf in found.analysis.elves.items():
        for name in elf.needed if path in kept else ():
            if before.find(name, (elf,)) != after.find(name, (elf,)):
                yield f"{name} of {path}"


@pytest.mark.parametrize("name", ["nginx", "redis", "python-http"])
def test_each_mode_leaves_less(name: str, kept_paths: Callable[[str, str], set[str]]) -> None:
    closure, safe, none = (kept_paths(name, mode) for mode in ("closure", "safe", "none"))
    assert closure < safe < none


@pytest.fixture
def kept_paths() -> Callable[[str, str], set[str]]:
    def get(name: str, mode: str) -> set[str]:
        stripped = analysed(name).stripped(StripMode(mode))
        return {one.path for one in stripped.decisions if isinstance(one, Keep)}

    return get
