"""link: the stripped file system and the chosen runtime become one bootable kernel image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from ..model import Artifact, Entrypoint, Node, Rootfs
from ..runtime import Match
from . import cpio
from .application import Program
from .kernel import Plan, library_code_bytes, link_kernel

__all__ = ["Program", "link", "link_programs"]

IMAGE_NAME = "unikernel.elf"


def link(rootfs: Rootfs, entrypoint: Entrypoint, match: Match, output: Path) -> Artifact:
    """Make `output`/unikernel.elf: the kernel, the root archive and how to start the program."""
    programs = (Program.of(entrypoint),)
    return link_programs(rootfs.nodes, programs, match, output / IMAGE_NAME)


def link_programs(
    nodes: Iterable[Node], programs: Sequence[Program], match: Match, path: Path
) -> Artifact:
    """Make the kernel image `path` that runs `programs` one after the other over `nodes`."""
    kernel = link_kernel(Plan(match, programs, partial(cpio.write, nodes)), path)
    with path.open("rb") as image:
        digest = hashlib.file_digest(image, "sha256").hexdigest()
    return Artifact(
        path=path,
        sha256=digest,
        size=path.stat().st_size,
        kernel_bytes=kernel.kernel_bytes,
        code_bytes=kernel.code_bytes,
        library_code_bytes=library_code_bytes(match.runtime),
        archive_bytes=kernel.archive_bytes,
        match=match,
    )
