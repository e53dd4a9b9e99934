"""The product: a container image in, a bundle out that boots, each stage once and in order.

Nothing is left at `output` unless the kernel image was made. `verify` may fail afterwards: the
bundle then stays, and says so.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bundle, report, verify
from .analyse import analyse
from .entrypoint import resolve
from .errors import Dock2ukError
from .ingest import read_image
from .link import link
from .match import load_runtimes, match
from .model import Artifact, BootResult, Entrypoint
from .progress import Progress
from .recipes import Recipe
from .strip import strip

REPORT_NAME = "report.json"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of it: the report, and the boot if there was one."""

    directory: Path
    report: dict[str, Any]
    boot: BootResult | None


def convert(
    reference: str,
    output: Path,
    progress: Progress,
    *,
    keep: Sequence[str] = (),
    recipes: Sequence[Recipe] | None = None,
    is_verified: bool,
) -> Conversion:
    """Make the bundle `output` from the image `reference`, with all recipes unless some are
    given. Raises Dock2ukError."""
    with _becoming(output) as directory:
        image = read_image(reference, progress)
        progress.step("finding the program")
        entrypoint = resolve(image, recipes)
        progress.step("analysing what it needs")
        analysis = analyse(image, entrypoint, keep)
        progress.step("stripping the rest")
        rootfs = strip(image, entrypoint, analysis, keep)
        chosen = match(analysis, load_runtimes())
        progress.step("linking the kernel")
        artifact = link(rootfs, entrypoint, chosen, directory)
        progress.step("booting it to see that it serves" if is_verified else "writing the report")
        boot = _boot(artifact, entrypoint) if is_verified else None
        document = report.build(
            report.Findings(image, entrypoint, analysis, rootfs, artifact, boot)
        )
        _write_bundle(directory, document)
        memory_mb = bundle.default_memory_mb(artifact, entrypoint)
        command = verify.suggested_command(Path(artifact.path.name), entrypoint.ports, memory_mb)
        bundle.write(image, entrypoint, artifact, command, [directory / REPORT_NAME])
    return Conversion(output, document, boot)


def _boot(artifact: Artifact, entrypoint: Entrypoint) -> BootResult:
    options = verify.Options(memory_mb=bundle.default_memory_mb(artifact, entrypoint))
    return verify.boot_and_probe(artifact, entrypoint, options)


def _write_bundle(directory: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # A name of a file need not be Unicode: such a byte becomes JSON's own escape, \udcXX.
    (directory / REPORT_NAME).write_text(text + "\n", "utf-8", "backslashreplace")


@contextmanager
def _becoming(output: Path) -> Iterator[Path]:
    """A directory beside `output` that takes its name when all went well, and vanishes else."""
    output = output.resolve()
    _require_replaceable(output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    except OSError as problem:
        raise Dock2ukError(f"cannot write to {output.parent}: {problem.strerror}") from problem
    try:
        yield partial
        partial.chmod(0o755)
        _take_place(partial, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _take_place(new: Path, output: Path) -> None:
    """The old bundle steps aside first: interrupted between, one of the two is still whole."""
    old = new.with_name(f"{new.name}.old")
    try:
        if output.exists():
            output.rename(old)
        new.rename(output)
    except OSError as problem:
        raise Dock2ukError(f"cannot replace {output}: {problem.strerror}") from problem
    finally:
        if old.exists() and not output.exists():
            old.rename(output)
        shutil.rmtree(old, ignore_errors=True)


def _require_replaceable(output: Path) -> None:
    """A bundle, an empty directory or nothing may be replaced; anything else is somebody's."""
    if not output.exists():
        return
    if not output.is_dir():
        raise Dock2ukError(f"{output} is not a directory")
    if output == Path.cwd() or output in Path.cwd().parents:
        raise Dock2ukError(f"{output} is where you are", hint="give -o a directory below it")
    if any(output.iterdir()) and not (output / bundle.NAME).exists():
        raise Dock2ukError(
            f"{output} is not empty and holds no bundle", hint="give -o another directory"
        )
