"""The command line: the only place that prints or exits.

stdout carries the result (with --json one JSON document and nothing else), stderr the progress and
what went wrong. Exit status: 0 done; 1 an error; 2 a policy said no, or the command was misused;
3 this workload is not supported; 4 the image was made but did not pass verification.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from . import __version__
from .errors import Dock2ukError, UnsupportedError, VerificationError
from .progress import Progress, Silent

if TYPE_CHECKING:
    from . import strace

app = typer.Typer(
    name="dock2uk",
    help="Turn a container image into one file that boots, and say what changed in security terms.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_out = Console()
_err = Console(stderr=True)

_INTERRUPTED = 130  # 128 + SIGINT, as a shell has it


class Machine(StrEnum):
    """Machine types of QEMU."""

    microvm = "microvm"
    q35 = "q35"
    pc = "pc"


class Stamp(StrEnum):
    """What a traced line begins with."""

    none = "none"
    relative = "relative"
    clock = "clock"


class Accelerator(StrEnum):
    """`auto` tries KVM with a real boot: /dev/kvm may be there and of no use."""

    auto = "auto"
    kvm = "kvm"
    tcg = "tcg"


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Bundle = Annotated[Path, typer.Argument(metavar="DIR", help="A directory that `convert` made.")]


class _Shown:
    """Progress on a terminal: the running step, and a bar where it can be counted."""

    def __init__(self, live: RichProgress) -> None:
        self._live = live
        self._task: TaskID | None = None

    def step(self, description: str) -> None:
        if self._task is not None:
            self._live.remove_task(self._task)
        self._task = self._live.add_task(description, total=None)

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        if self._task is not None:
            self._live.update(self._task, completed=done_bytes, total=total_bytes)


@contextmanager
def _progress(*, is_wanted: bool) -> Iterator[Progress]:
    if not is_wanted or not _err.is_terminal:
        yield Silent()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with RichProgress(*columns, console=_err, transient=True) as live:
        yield _Shown(live)


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="An image of the local Docker daemon (nginx:latest), docker-archive:FILE[:REF] "
            "or oci:DIR[:REF].",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the bundle goes.")
    ],
    as_json: Json = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Keep this path too (a directory with all in it; globs work). Repeatable.",
        ),
    ] = None,
    no_recipe: Annotated[
        bool, typer.Option("--no-recipe", help="Run the program as the image does, unchanged.")
    ] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not boot the result to see that it serves.")
    ] = False,
) -> None:
    """Convert a container image into a bundle: unikernel.elf, bundle.json and report.json.

    Example: [bold]dock2uk convert nginx:latest -o nginx.uk[/bold]
    """
    from .pipeline import convert as run_pipeline
    from .report import summary

    with _progress(is_wanted=not as_json) as progress:
        done = run_pipeline(
            source,
            output,
            progress,
            keep=keep or (),
            recipes=() if no_recipe else None,
            is_verified=not no_verify,
        )
    if as_json:
        _print_json(done.report)
    else:
        _out.print(summary(done.report))
        _out.print(f"\nmade {output}: boot it with [bold]dock2uk run {output}[/bold]", style=None)
    if done.boot is not None:
        from .verify import require_passed

        require_passed(done.boot)


@app.command()
def run(
    directory: Bundle,
    publish: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--publish",
            metavar="[IP:]HOST:GUEST",
            help="Forward a port of this machine (127.0.0.1 if no IP is given) to the guest's. "
            "Repeatable.",
        ),
    ] = None,
    memory_mb: Annotated[
        int | None,
        typer.Option("-m", "--memory", metavar="MB", min=1, help="Memory; else the bundle's own."),
    ] = None,
    machine: Annotated[Machine | None, typer.Option(help="QEMU machine type.")] = None,
    accel: Annotated[Accelerator, typer.Option(help="Accelerator.")] = Accelerator.auto,
    is_traced: Annotated[
        bool,
        typer.Option("--strace", help="Print system calls on stderr, as strace(1) does."),
    ] = False,
    strace_output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Trace, and write to this file instead."),
    ] = None,
    strace_filter: Annotated[
        str | None,
        typer.Option(
            metavar="CALLS",
            help="Trace these calls: names with commas between, %file, %network and the other "
            "classes of strace -e, /regular-expression; ! before them for all others.",
        ),
    ] = None,
    strace_time: Annotated[
        Stamp | None, typer.Option(help="Trace, with the time of day or since the line before.")
    ] = None,
    strace_spent: Annotated[
        bool, typer.Option("--strace-spent", help="Trace, with the time spent in each call.")
    ] = False,
) -> None:
    """Boot a bundle in the foreground; the exit status is the program's own.

    Example: [bold]dock2uk run nginx.uk -p 8080:80[/bold]
    """
    from .verify.run import run_guest

    asks = (is_traced, strace_output, strace_filter, strace_time, strace_spent)
    machine_name = None if machine is None else machine.value
    with ExitStack() as stack:
        tracer = None
        if any(asks):
            calls, stamp = strace_filter or "all", (strace_time or Stamp.none).value
            output = stack.enter_context(_trace_output(strace_output))
            tracer = _tracer(directory, output, calls, (stamp, strace_spent))
        options = (memory_mb, machine_name, accel.value)
        status = run_guest(directory, publish or (), *options, tracer=tracer)
    raise typer.Exit(status)


@contextmanager
def _trace_output(path: Path | None) -> Iterator[TextIO]:
    """Standard error, or a file."""
    if path is None:
        yield sys.stderr
        return
    file = path.open("w")
    try:
        yield file
    finally:
        with suppress(OSError):  # the tracer has flushed it, or told why that cannot be
            file.close()


def _tracer(directory: Path, output: TextIO, calls: str, looks: tuple[str, bool]) -> strace.Tracer:
    from . import bundle as bundles
    from . import strace
    from .match import load_runtimes

    name = bundles.read(directory).document["runtime"]["name"]
    runtime = next((runtime for runtime in load_runtimes() if runtime.name == name), None)
    if runtime is None:
        raise Dock2ukError(f"the bundle's runtime {name!r} is not here: it cannot be traced")
    stamp, is_spent_shown = looks
    style = strace.Style(strace.Stamp(stamp), is_spent_shown, is_file=output is not sys.stderr)
    return strace.Tracer(runtime, output, calls=calls, style=style)


@app.command()
def inspect(directory: Bundle, as_json: Json = False) -> None:
    """Show what a bundle is: its source, its program, its files and its report."""
    from . import bundle as bundles
    from .pipeline import REPORT_NAME
    from .report import summary

    bundle = bundles.read(directory)
    altered = bundles.altered_files(bundle)
    document = _read_json(directory / REPORT_NAME)
    if as_json:
        _print_json({**bundle.document, "report": document, "altered": list(altered)})
        raise typer.Exit(1 if altered else 0)
    _out.print(summary(document))
    _out.print(f"\nboots with: {bundle.document['command']}", soft_wrap=True, markup=False)
    if altered:
        raise Dock2ukError(
            f"not as they were written: {', '.join(altered)}", hint="convert the image again"
        )


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine has and lacks for converting and running, and what mends it."""
    from .match import load_runtimes
    from .verify.doctor import examine, is_ready

    findings = examine(load_runtimes())
    if as_json:
        _print_json([_finding(finding) for finding in findings])
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            style = "green" if finding.is_ok else "red" if finding.is_required else "yellow"
            verdict = "ok" if finding.is_ok else "missing" if finding.is_required else "note"
            remedy = "" if finding.is_ok or finding.remedy is None else f"-> {finding.remedy}"
            table.add_row(f"[{style}]{verdict}[/{style}]", finding.name, finding.value, remedy)
        _out.print(table)
    raise typer.Exit(0 if is_ready(findings) else 1)


def _finding(finding: Any) -> dict[str, Any]:
    return {
        "name": finding.name,
        "is_ok": finding.is_ok,
        "is_required": finding.is_required,
        "value": finding.value,
        "remedy": finding.remedy,
    }


def _version(is_wanted: bool) -> None:
    if is_wanted:
        _out.print(f"dock2uk {__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turn a container image into one file that boots, and say what changed in security terms."""


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise Dock2ukError(f"cannot read {path}: {problem}") from problem


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _say(error: Dock2ukError, *, as_json: bool) -> None:
    """A line that says what failed, and one that says what to try."""
    is_result_out = isinstance(error, VerificationError)  # the report was printed before
    if as_json and not is_result_out:
        reasons = list(error.reasons) if isinstance(error, UnsupportedError) else []
        details = {"message": error.message, "hint": error.hint, "reasons": reasons}
        _print_json({"error": {"status": error.exit_status, **details}})
        return
    if isinstance(error, UnsupportedError):
        _err.print("[bold red]not supported:[/bold red] this workload, because")
        for reason in error.reasons:
            _err.print(f"  - {reason}", markup=False, highlight=False, soft_wrap=True)
    else:
        _err.print("[bold red]error:[/bold red]", end=" ")
        _err.print(error.message, markup=False, highlight=False, soft_wrap=True)
    if error.hint is not None:
        _err.print(f"try: {error.hint}", markup=False, highlight=False, soft_wrap=True)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """As an interruption: what is half made is taken away on the way out."""
    sys.exit(128 + number)


def _fail(error: Dock2ukError) -> NoReturn:
    _say(error, as_json="--json" in sys.argv[1:])
    sys.exit(error.exit_status)


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names of files need not be Unicode, nor terminals; `\udce9` is right in JSON too.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Dock2ukError as error:
        _fail(error)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        _fail(Dock2ukError(f"{where}{problem.strerror or problem}"))
    except KeyboardInterrupt:
        _err.print("interrupted")
        sys.exit(_INTERRUPTED)
