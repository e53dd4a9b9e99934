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

from . import (
    bundle,
    calls_document,
    entrypoint_document,
    packages,
    probes,
    report,
    secrets,
    stored_report,
    verify,
    vulnerabilities,
)
from .analyse import analyse
from .attack_run import attack, none_run
from .compare import compare
from .entrypoint import DEFAULTS, Options, resolve
from .errors import Dock2ukError
from .ingest import DEFAULT_OPTIONS, SourceOptions, read_image, with_changes
from .link import link
from .match import load_runtimes, match
from .model import (
    Analysis,
    Artifact,
    BootResult,
    Checks,
    Comparison,
    Entrypoint,
    Image,
    Observed,
    Question,
    Rootfs,
    Stripping,
)
from .observed_run import observe
from .progress import Progress
from .recipes import Recipe
from .report import difference, start_up
from .report.formats import html as page
from .runtime import KernelWishes, Match
from .scenarios import Attempt
from .strip import strip

REPORT_NAME = stored_report.NAME
PAGE_NAME = "report.html"
AS_NEEDED = Stripping()
AS_FOUND = KernelWishes()
BOOTED_AND_COMPARED = Checks()


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be converted, and how."""

    reference: str  # as the user typed it
    source: SourceOptions = DEFAULT_OPTIONS
    entrypoint: Options = DEFAULTS
    stripping: Stripping = AS_NEEDED
    kernel: KernelWishes = AS_FOUND
    recipes: tuple[Recipe, ...] | None = None  # None: all there are
    checks: Checks = BOOTED_AND_COMPARED
    known: vulnerabilities.Known | None = None  # of its packages
    is_scanned: bool = False  # a scanner of this machine is asked where nothing is known


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of it: the report, and the boot if there was one."""

    directory: Path
    report: dict[str, Any]
    boot: BootResult | None


def convert(request: Request, output: Path, progress: Progress) -> Conversion:
    """Make the bundle `output` of an image. Raises Dock2ukError."""
    with _becoming(output) as directory:
        source, entrypoint = _found(request, progress)
        questions = probes.covering(request.checks.questions, entrypoint.asked_ports)
        inventory = packages.inventory(source.tree)
        image = with_changes(source, entrypoint.changes)
        observed = _observed(image, entrypoint, questions, request, progress)
        progress.step("analysing what it needs")
        analysis = analyse(image, entrypoint, request.stripping, observed)
        progress.step("stripping the rest")
        rootfs = strip(image, entrypoint, analysis, request.stripping)
        chosen = match(analysis, load_runtimes(), request.kernel)
        progress.step("linking the kernel")
        artifact = link(rootfs, entrypoint, chosen, directory)
        is_booted = request.checks.is_verified
        boot = _boot(artifact, entrypoint, questions, progress) if is_booted else None
        comparison = _compared(source, boot, request, progress)
        attempts = _attacked(rootfs, entrypoint, artifact, boot, request, progress)
        known, notes = _known(request, progress)
        crates = packages.crates(chosen.runtime.components)
        notes = (*start_up.notes(source.tree, entrypoint.changes), *notes)
        findings = report.Findings(
            image, entrypoint, analysis, rootfs, artifact, boot, request.stripping, comparison,
            inventory, vulnerabilities.match(inventory, known, crates),
            secrets.find(source, inventory.packages), attempts, notes, observed, source,
            _asked(request),
        )  # fmt: skip
        document = report.build(findings)
        _write_json(directory / REPORT_NAME, document)
        (directory / PAGE_NAME).write_text(page.render(document), "utf-8")
        _write_json(directory / entrypoint_document.NAME, document["entrypoint"])
        calls = calls_document.document(analysis.calls, artifact.match)
        _write_json(directory / calls_document.NAME, calls)
        memory_mb = bundle.default_memory_mb(artifact, entrypoint)
        command = verify.suggested_command(
            Path(artifact.path.name), entrypoint.ports, memory_mb, artifact.match.machines
        )
        bundle.write(image, entrypoint, artifact, command, _documents(directory))
    return Conversion(output, document, boot)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What is known of a conversion before anything is linked."""

    image: Image
    entrypoint: Entrypoint
    analysis: Analysis
    rootfs: Rootfs
    match: Match
    inventory: packages.Inventory
    secrets: tuple[secrets.Secret, ...]
    source: Image  # as it was before its start-up


def foresee(request: Request, progress: Progress) -> Foresight:
    """The stages that make nothing: what `convert` would keep of an image."""
    source, entrypoint = _found(request, progress)
    image = with_changes(source, entrypoint.changes)
    progress.step("analysing what it needs")
    analysis = analyse(image, entrypoint, request.stripping, None)
    rootfs = strip(image, entrypoint, analysis, request.stripping)
    chosen = match(analysis, load_runtimes(), request.kernel)
    inventory = packages.inventory(source.tree)
    found = secrets.find(source, inventory.packages)
    return Foresight(image, entrypoint, analysis, rootfs, chosen, inventory, found, source)


def find_entrypoint(request: Request, progress: Progress) -> Entrypoint:
    """The first two stages alone: which program the image runs."""
    return _found(request, progress)[1]


def profile(subject: str, source: SourceOptions, progress: Progress) -> difference.Profile:
    """One side of a difference: a bundle, a report.json, or an image, read and not converted."""
    path = Path(subject)
    report_path = path / REPORT_NAME if path.is_dir() else path
    if report_path.suffix == ".json" and report_path.is_file():
        with stored_report.understood(subject):
            return difference.of_report(subject, stored_report.read(report_path))
    image = read_image(subject, progress, source)
    progress.step("looking through it")
    inventory = packages.inventory(image.tree)
    found = secrets.find(image, inventory.packages)
    return difference.of_image(subject, image, inventory, found)


def _asked(request: Request) -> dict[str, Any]:
    """How it was asked for, beside what is in the way of stripping; a secret is nowhere."""
    kernel, program = request.kernel, request.entrypoint
    said = program.overrides
    words = {"entrypoint": said.entrypoint, "cmd": said.cmd}
    return {
        "resolve": program.resolve.value,
        "bake": program.is_baked,
        "recipes": request.recipes is None,
        "machine": kernel.machine,
        "system_calls": list(kernel.calls),
        "parts": list(kernel.parts),
        **{k: None if v is None else secrets.masked_words(v) for k, v in words.items()},
        "env": list(map(entrypoint_document.without_secret, said.env)),
        "user": said.user,
        "workdir": said.workdir,
    }


def _found(request: Request, progress: Progress) -> tuple[Image, Entrypoint]:
    image = read_image(request.reference, progress, request.source)
    progress.step("finding the program")
    return image, resolve(image, request.recipes, request.entrypoint, progress)


def _observed(
    image: Image,
    entrypoint: Entrypoint,
    questions: Sequence[Question],
    request: Request,
    progress: Progress,
) -> Observed | None:
    if not request.stripping.is_traced:
        return None
    progress.step("tracing a run of the whole image")
    return observe(image, entrypoint, questions)


def _boot(
    artifact: Artifact, entrypoint: Entrypoint, questions: Sequence[Question], progress: Progress
) -> BootResult:
    progress.step("booting it to see that it serves")
    options = verify.Options(memory_mb=bundle.default_memory_mb(artifact, entrypoint))
    return verify.boot_and_probe(artifact, questions, options)


def _compared(
    image: Image, boot: BootResult | None, request: Request, progress: Progress
) -> Comparison:
    if boot is None or not request.checks.is_compared:
        return Comparison("it was not asked for" if boot else "it was not booted")
    progress.step("asking its container the same")
    return compare(image, request.entrypoint.overrides, boot)


def _attacked(
    rootfs: Rootfs,
    entrypoint: Entrypoint,
    artifact: Artifact,
    boot: BootResult | None,
    request: Request,
    progress: Progress,
) -> tuple[Attempt, ...]:
    if boot is None or not boot.is_passed:
        return none_run("it was not booted" if boot is None else "it did not pass verification")
    if not request.checks.is_attacked:
        return none_run("it was not asked for")
    progress.step("attacking it from inside")
    return attack(rootfs, entrypoint, artifact)


def _known(
    request: Request, progress: Progress
) -> tuple[vulnerabilities.Known | None, tuple[str, ...]]:
    """Of vulnerabilities, with what is to be told of how it came to be known."""
    if request.known is not None or not request.is_scanned:
        return request.known, ()
    scan = vulnerabilities.scan(request.reference, progress.step)
    return (scan.known, (scan.note,)) if scan is not None else (None, ())


def _documents(directory: Path) -> Sequence[Path]:
    names = (REPORT_NAME, PAGE_NAME, entrypoint_document.NAME, calls_document.NAME)
    return [directory / name for name in names]


def _write_json(path: Path, document: Any) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    # A name of a file need not be Unicode: such a byte becomes JSON's own escape, \udcXX.
    path.write_text(text + "\n", "utf-8", "backslashreplace")


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
