"""The command line: the only place that prints or exits.

stdout carries the result (with --json one JSON document and nothing else), stderr the progress and
what went wrong. Exit status: 0 done; 1 an error, a misused command among them; 2 a policy said no,
and nothing else; 3 this workload is not supported; 4 the image was made but did not pass
verification.
"""

from __future__ import annotations

import datetime
import json
import signal
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text
from typer.exceptions import TyperException

from . import __version__, printable
from .audit_options import audit_options
from .entrypoint_options import Env, EnvFile, program_options, variables
from .errors import Dock2ukError
from .kernel_options import Machine, kernel_options
from .misuse import as_error
from .option_groups import taking
from .project_options import policy_options, project_options
from .report_options import (
    append_summary,
    report_options,
    require_data,
    require_formats,
    require_places,
    write_text,
)
from .report_options import write as write_reports
from .source_options import Source, seconds, source_options
from .speech import err, out, print_json, print_uncut, remark, say
from .speech import progress as progress_bars
from .strace_options import strace_options
from .vulnerability_options import vulnerability_options

if TYPE_CHECKING:
    from .audit import Audit
    from .entrypoint import Options
    from .ingest import SourceOptions
    from .pipeline import Conversion
    from .policy import Policy, Verdict
    from .project_options import Project
    from .report_options import Output
    from .runtime import KernelWishes
    from .strace_options import Tracing
    from .vulnerability_options import Knowledge

app = typer.Typer(
    name="dock2uk",
    help="Turn a container image into one file that boots, and say what changed in security terms.",
    epilog="Exit status: 0 done; 1 an error; 2 a policy said no; 3 this workload is not supported; "
    "4 the image was made but did not pass verification.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

cache_app = typer.Typer(help="What is kept between runs.", no_args_is_help=True)
app.add_typer(cache_app, name="cache")

_INTERRUPTED = 130  # 128 + SIGINT, as a shell has it


class Accelerator(StrEnum):
    """`auto` tries KVM with a real boot: /dev/kvm may be there and of no use."""

    auto = "auto"
    kvm = "kvm"
    tcg = "tcg"


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
NoRecipe = Annotated[
    bool, typer.Option("--no-recipe", help="Run the program as the image does, unchanged.")
]
Bundle = Annotated[Path, typer.Argument(metavar="DIR", help="A directory that `convert` made.")]


@app.command()
@taking(
    project=project_options,
    places=source_options,
    program=program_options,
    kernel=kernel_options,
    known=vulnerability_options,
    reports=report_options,
)
def convert(
    source: Source,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the bundle goes.")
    ],
    as_json: Json = False,
    no_recipe: NoRecipe = False,
    *,
    project: Callable[[str], Project],
    places: SourceOptions,
    program: Options,
    kernel: KernelWishes,
    known: Knowledge,
    reports: Sequence[Output],
) -> None:
    """Convert a container image into a bundle: unikernel.elf, bundle.json, report.json and .html.

    --entrypoint, --cmd, --env, --user and --workdir are as `docker run` has them. What looks like
    a secret in the environment is used to find the program and then left out: give it to `run`.

    Example: [bold]dock2uk convert nginx:latest -o nginx.uk[/bold]
    Example: [bold]dock2uk convert . --build-arg VERSION=2 -o app.uk[/bold]
    """
    from .pipeline import Request
    from .pipeline import convert as run_pipeline
    from .report import summary

    require_data(reports, has_vulnerabilities=known.is_expected)
    require_places(reports, output)
    wanted = project(source)
    if wanted.stripping.file:
        remark(f"rules of {wanted.stripping.file}")
    with progress_bars(is_wanted=not as_json) as progress:
        done = run_pipeline(
            Request(
                source,
                places,
                program,
                wanted.stripping,
                kernel=kernel,
                recipes=() if no_recipe else None,
                checks=wanted.checks,
                known=known.known,
                is_scanned=known.is_scanned,
            ),
            output,
            progress,
        )
    verdict = _judged(wanted.policy, done.report)
    _write_reports(reports, done.report, verdict)
    if as_json:
        print_json(done.report)
    elif not any(one.is_stdout for one in reports):
        out.print(summary(done.report))
        out.print(f"\nmade {output}: boot it with [bold]dock2uk run {output}[/bold]", style=None)
    _hold_to(wanted.policy, verdict, done)


@app.command()
@taking(places=source_options, program=program_options)
def entrypoint(
    source: Source,
    as_json: Json = False,
    no_recipe: NoRecipe = False,
    *,
    places: SourceOptions,
    program: Options,
) -> None:
    """Show the one program that an image runs, and how it was found, step by step.

    Nothing is converted. With --json, entrypoint.json as `convert` writes it.

    Example: [bold]dock2uk entrypoint redis:7 --resolve record[/bold]
    """
    from .entrypoint_document import document
    from .pipeline import Request, find_entrypoint
    from .report import chain

    request = Request(source, places, program, recipes=() if no_recipe else None)
    with progress_bars(is_wanted=not as_json) as progress:
        found = find_entrypoint(request, progress)
    if as_json:
        print_json(document(found))
    else:
        out.print(chain(source, document(found)), soft_wrap=True, highlight=False)


@app.command()
@taking(tracing=strace_options)
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
    env: Env = None,
    env_file: EnvFile = None,
    memory_mb: Annotated[
        int | None,
        typer.Option("-m", "--memory", metavar="MB", min=1, help="Memory; else the bundle's own."),
    ] = None,
    machine: Annotated[Machine | None, typer.Option(help="QEMU machine type.")] = None,
    accel: Annotated[Accelerator, typer.Option(help="Accelerator.")] = Accelerator.auto,
    *,
    tracing: Tracing,
) -> None:
    """Boot a bundle in the foreground; the exit status is the program's own.

    Variables of --env and --env-file are given to the program at this boot and are nowhere in the
    bundle; they beat the image's own.

    Example: [bold]dock2uk run nginx.uk -p 8080:80 -e TZ=Europe/Berlin[/bold]
    """
    from .verify.run import run_guest

    machine_name = None if machine is None else machine.value
    options = (memory_mb, machine_name, accel.value)
    given = variables(env_file, env)
    with tracing(directory) as tracer:
        status = run_guest(directory, publish or (), *options, environment=given, tracer=tracer)
    raise typer.Exit(status)


@app.command()
def inspect(directory: Bundle, as_json: Json = False) -> None:
    """Show what a bundle is: its source, its program, its files and its report."""
    from . import bundle as bundles
    from . import stored_report
    from .report import summary

    bundle = bundles.read(directory)
    altered = bundles.altered_files(bundle)
    document = stored_report.read(directory)
    if as_json:
        print_json({**bundle.document, "report": document, "altered": list(altered)})
        raise typer.Exit(1 if altered else 0)
    with stored_report.understood(directory):
        out.print(summary(document))
    out.print(f"\nboots with: {bundle.document['command']}", soft_wrap=True, markup=False)
    _require_unaltered(directory)


@cache_app.command("ls")
def cache_ls(as_json: Json = False) -> None:
    """List what is kept between runs: what it is, its size, and when it was used last."""
    from . import cache
    from .ingest import cache_contents

    found = cache_contents.entries()
    if as_json:
        print_json({"directory": str(cache.directory()), **cache_contents.document(found)})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("size", "unused", "kind", "digest", "what"):
        justify: Literal["left", "right"] = "right" if heading in ("size", "unused") else "left"
        table.add_column(heading, justify=justify, no_wrap=True)
    for one in found:
        size, unused = decimal(one.size_bytes), cache_contents.in_words(one.unused_s)
        table.add_row(size, unused, one.kind, one.digest[:19], Text(one.what))
    print_uncut(table)
    out.print(
        f"{decimal(sum(one.size_bytes for one in found))} in {cache.directory()}", soft_wrap=True
    )


@cache_app.command("prune")
def cache_prune(
    as_json: Json = False,
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="Remove what was not used for so long: 7d, 12h.")
    ] = "30d",
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
) -> None:
    """Remove what was not used for 30 days, and what interrupted downloads left.

    Example: [bold]dock2uk cache prune --older-than 7d[/bold]
    """
    from .ingest import cache_contents

    gone = cache_contents.prune(0.0 if everything else seconds(older_than))
    if as_json:
        print_json(cache_contents.document(gone))
        return
    size = decimal(sum(one.size_bytes for one in gone))
    out.print(f"removed {len(gone)} files, {size}")


@app.command()
@taking(places=source_options, policy=policy_options, reports=report_options)
def report(
    subjects: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR | A B",
            help="A bundle; or two of anything that can be compared: bundles, their report.json, "
            "images from wherever they are.",
        ),
    ],
    as_json: Json = False,
    *,
    places: SourceOptions,
    policy: Callable[[str], Policy | None],
    reports: Sequence[Output],
) -> None:
    """Show a bundle's report again, or write it in other forms; of two, show what lies between.

    With --fail-on, --policy, --fail-if-worse or --config it is held to rules, as `convert` does.
    Two images are compared as they are: figures, packages, and every path with its mode, owner and
    content. Of a bundle its unikernel counts. Of a difference there are html, json and md.

    Example: [bold]dock2uk report nginx.uk --report md=comment.md --report sarif=nginx.sarif[/bold]
    Example: [bold]dock2uk report nginx:1.28 nginx:1.29[/bold]
    """
    if len(subjects) > 2:
        raise Dock2ukError("give one bundle, or two things to compare")
    rules = policy(subjects[0])
    if len(subjects) == 1:
        _show_again(Path(subjects[0]), rules, reports, as_json=as_json)
    elif rules is None:
        _show_difference(subjects, places, reports, as_json=as_json)
    else:
        raise Dock2ukError("rules are about one bundle", hint="--fail-if-worse compares two")


def _show_again(
    directory: Path, rules: Policy | None, reports: Sequence[Output], *, as_json: bool
) -> None:
    from . import stored_report
    from .report import summary

    require_places(reports)
    document = stored_report.read(directory)
    require_data(reports, has_vulnerabilities=document["vulnerabilities"] is not None)
    with stored_report.understood(directory):
        verdict = _judged(rules, document) if rules is not None else None
        _write_reports(reports, document, verdict)
        if as_json:
            print_json(document)
        elif not reports:
            out.print(summary(document))
    _require_unaltered(directory)
    if rules is not None and verdict is not None:
        _tell(rules.text, *verdict.notes)
        verdict.require_passed()


def _require_unaltered(directory: Path) -> None:
    """Shown as it is, and said to be other than it was written."""
    from . import bundle

    if not (directory / bundle.NAME).exists():
        return
    if altered := bundle.altered_files(bundle.read(directory)):
        hint = "convert the image again"
        raise Dock2ukError(f"not as they were written: {', '.join(altered)}", hint=hint)


def _show_difference(
    subjects: Sequence[str], places: SourceOptions, reports: Sequence[Output], *, as_json: bool
) -> None:
    from .pipeline import profile
    from .report import difference

    require_formats(reports, difference.FORMATS, "a difference")
    require_places(reports)
    with progress_bars(is_wanted=not as_json) as progress:
        sides = [profile(subject, places, progress) for subject in subjects]
    document = difference.build(*sides)
    for output in reports:
        write_text(output, difference.FORMATS[output.format](document))
    if as_json:
        print_json(document)
    elif not reports:
        out.print(difference.summary(printable.values(document)))


@app.command()
@taking(asked=audit_options, places=source_options, reports=report_options)
def audit(
    as_json: Json = False,
    *,
    asked: Callable[[SourceOptions], Audit],
    places: SourceOptions,
    reports: Sequence[Output],
) -> None:
    """Say of many images whether they can be converted, and what would be gained.

    Nothing is linked or booted, and but for --resolve record or auto nothing of an image is run.
    A row that fails stops no other; interrupted, the same command goes on where it was. Of an audit
    there are html, json and md.

    Example: [bold]dock2uk audit --from-file fleet.txt --report html=fleet.html[/bold]
    """
    from . import audit as audits

    require_formats(reports, audits.FORMATS, "an audit")
    require_places(reports)
    wanted = asked(places)
    with progress_bars(is_wanted=not as_json) as progress:
        rows = audits.look(wanted, progress)
    document = audits.build(rows)
    for output in reports:
        write_text(output, audits.FORMATS[output.format](document))
    for line in append_summary(audits.FORMATS["md"](document)):
        remark(line)
    audits.forget(wanted)
    if as_json:
        print_json(document)
    elif not any(one.is_stdout for one in reports):
        print_uncut(
            audits.summary(printable.values(document), out.width if out.is_terminal else None)
        )
    raise typer.Exit(1 if document["counts"]["not read"] else 0)


@app.command()
def explain(
    directory: Bundle,
    path: Annotated[
        str | None,
        typer.Argument(metavar="[PATH]", help="A path of the image, a directory, or a glob."),
    ] = None,
    syscall: Annotated[
        str | None,
        typer.Option("--syscall", metavar="NAME", help="A system call: execve, openat, …"),
    ] = None,
) -> None:
    """Say why a path or a system call is or is not in a bundle, back to the program.

    Example: [bold]dock2uk explain nginx.uk /etc/nginx/mime.types[/bold]
    Example: [bold]dock2uk explain nginx.uk --syscall execve[/bold]
    """
    from . import calls_document, paths_document, stored_report

    if (path is None) == (syscall is None):
        raise Dock2ukError(
            "one thing at a time", hint=f"explain {directory} PATH or --syscall NAME"
        )
    if path is not None:
        lines = paths_document.explanation(stored_report.read(directory)["files"], path)
    else:
        stored = _read_json(directory / calls_document.NAME)
        lines = calls_document.explanation(stored, str(syscall))
    for line in lines:
        out.print(printable.one_line(line), soft_wrap=True, markup=False, highlight=False)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine has and lacks for converting and running, and what mends it."""
    from .entrypoint.record import find_obstacle
    from .match import load_runtimes
    from .verify.doctor import examine, is_ready

    findings = examine(load_runtimes(), find_obstacle())
    if as_json:
        print_json([_finding(finding) for finding in findings])
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            style = "green" if finding.is_ok else "red" if finding.is_required else "yellow"
            verdict = "ok" if finding.is_ok else "missing" if finding.is_required else "note"
            remedy = "" if finding.is_ok or finding.remedy is None else f"-> {finding.remedy}"
            table.add_row(f"[{style}]{verdict}[/{style}]", finding.name, finding.value, remedy)
        out.print(table)
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
        out.print(f"dock2uk {__version__}", highlight=False)
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


def _judged(rules: Policy, document: dict[str, Any]) -> Verdict:
    from . import policy

    return policy.judge(document, rules, datetime.date.today())


def _hold_to(rules: Policy, verdict: Verdict, done: Conversion) -> None:
    """The rules are told with what they say, and what they were told to ignore. A unikernel that
    does not answer ends it first, with what the rules say of it told all the same."""
    from .verify import require_passed

    is_failed = done.boot is not None and not done.boot.is_passed
    _tell(rules.text, *verdict.notes, *(verdict.violations if is_failed else ()))
    if done.boot is not None:
        differences = done.report["entrypoint"]["differences"]
        require_passed(done.boot, [one["subject"] for one in differences if not one["is_baked"]])
    verdict.require_passed()


def _tell(*lines: str) -> None:
    for line in filter(None, lines):
        remark(line)


def _write_reports(
    reports: Sequence[Output], document: dict[str, Any], verdict: Verdict | None = None
) -> None:
    for note in write_reports(reports, document, verdict):
        remark(note)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """As an interruption: what is half made is taken away on the way out."""
    sys.exit(128 + number)


def _fail(error: Dock2ukError) -> NoReturn:
    say(error, as_json="--json" in sys.argv[1:])
    sys.exit(error.exit_status)


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names of files need not be Unicode, nor terminals; `\udce9` is right in JSON too.
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as misuse:
        _fail(as_error(misuse))
    except Dock2ukError as error:
        _fail(error)
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        _fail(Dock2ukError(f"{where}{problem.strerror or problem}"))
    except KeyboardInterrupt:
        err.print("interrupted")
        sys.exit(_INTERRUPTED)
