"""`--report FORMAT=PATH`: which forms of the report are written, and where."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import Dock2ukError

if TYPE_CHECKING:
    from .policy import Verdict

_SUMMARY = "GITHUB_STEP_SUMMARY"  # where a step of GitHub's actions puts what its run shows
_LARGEST_SUMMARY_BYTES = 1 << 20
_NO_ROOM = "what dock2uk has to say is left out: a summary may have 1 MiB"
_STDOUT, _STDOUT_DESCRIPTOR = Path("-"), 1  # as tar(1) has it
_BUNDLE = "bundle.json"  # who has it is a bundle
_OF_A_BUNDLE = {
    _BUNDLE, "report.json", "report.html", "entrypoint.json", "calls.json", "unikernel.elf",
}  # fmt: skip

Reports = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT=PATH",
        help="Write the report as html, json, md, sarif, junit, cyclonedx, spdx, openvex or "
        "intoto too; - is stdout, where nothing else is said then. Repeatable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Output:
    """A form of the report and its file."""

    format: str
    path: Path

    @property
    def is_stdout(self) -> bool:
        return self.path == _STDOUT


def report_options(report: Reports = None) -> tuple[Output, ...]:
    """What the options say; Dock2ukError before anything is made where one cannot be done."""
    outputs = tuple(map(_output, report or ()))
    for index, one in enumerate(outputs):
        if one.path.resolve() in (other.path.resolve() for other in outputs[:index]):
            raise Dock2ukError(f"two reports are to be written to {one.path}")
    return outputs


def require_places(outputs: Sequence[Output], made: Path | None = None) -> None:
    """Dock2ukError for a file that cannot be written, before anything is made; what is in the
    directory that will be `made` is written after it, beside what it holds and not over it."""
    for output in outputs:
        is_soon_there = made is not None and output.path.parent.resolve() == made.resolve()
        if not output.is_stdout and not is_soon_there:
            _require_writable(output.path)
        directory = made if is_soon_there and made is not None else output.path.parent
        if is_soon_there or (directory / _BUNDLE).exists():
            _require_other_name(output.path)


def _require_writable(path: Path) -> None:
    """Tried, for no mode says all; what this makes is taken away again."""
    was_there = path.exists()
    try:
        with path.open("ab"):
            pass
    except OSError as problem:
        raise Dock2ukError(f"cannot write {path}: {problem.strerror}") from problem
    if not was_there:
        path.unlink()


def _require_other_name(path: Path) -> None:
    if path.name in _OF_A_BUNDLE:
        raise Dock2ukError(f"{path} is a file of the bundle", hint="give another name")


def require_data(outputs: Sequence[Output], *, has_vulnerabilities: bool) -> None:
    """Dock2ukError for a form that needs what was not given, before anything is made."""
    if not has_vulnerabilities and any(one.format == "openvex" for one in outputs):
        raise Dock2ukError(
            "OpenVEX is about vulnerabilities, and no data on them was given",
            hint="give --vulns FILE or --vuln-db DIR",
        )


def write(
    outputs: Sequence[Output], document: Mapping[str, Any], verdict: Verdict | None = None
) -> list[str]:
    """Every form, and a summary where GitHub's actions ask for one, which has the verdict of the
    policy too; what is left out, and why."""
    from .report.formats import FORMATS, NothingToSayError, markdown

    notes = []
    for output in outputs:
        try:
            write_text(output, FORMATS[output.format](document))
        except NothingToSayError as nothing:
            notes.append(f"{output.path} is not written: {nothing}")
    text = markdown.render(document) + (_verdict(verdict) if verdict is not None else "")
    return [*notes, *append_summary(text)]


def append_summary(text: str) -> list[str]:
    """Markdown, where GitHub's actions ask for it; what is to be told where there is no room."""
    summary = os.environ.get(_SUMMARY)
    if not summary or _is_appended(Path(summary), text):
        return []
    _is_appended(Path(summary), f"\n_{_NO_ROOM}._\n")
    return [f"{summary}: {_NO_ROOM}"]


def _verdict(verdict: Verdict) -> str:
    """A rule is an item, its evidence the items below it."""
    from .report.formats.markdown import escaped

    if not verdict.violations and not verdict.notes:
        return ""
    said = "The policy says no" if verdict.violations else "The policy is passed"
    lines = [
        f"{'  ' if line.startswith('  ') else ''}- {escaped(line.strip())}"
        for line in (*verdict.violations, *verdict.notes)
    ]
    return f"\n### {said}\n\n" + "\n".join(lines) + "\n"


def require_formats(outputs: Sequence[Output], known: Collection[str], what: str) -> None:
    """Dock2ukError for a form that `what` does not have."""
    for output in outputs:
        if output.format not in known:
            raise Dock2ukError(f"{what} has no {output.format}", hint=f"it has {', '.join(known)}")


def write_text(output: Output, text: str) -> None:
    try:
        if output.is_stdout:
            with open(_STDOUT_DESCRIPTOR, "w", encoding="utf-8", closefd=False) as file:
                file.write(text)
        else:
            output.path.write_text(text, "utf-8")
    except OSError as problem:
        raise Dock2ukError(f"cannot write {output.path}: {problem.strerror}") from problem


def _output(text: str) -> Output:
    from .report.formats import FORMATS

    name, separator, path = text.partition("=")
    known = ", ".join(FORMATS)
    if not separator or not path:
        raise Dock2ukError(f"not FORMAT=PATH: {text!r}", hint=f"formats: {known}")
    if name not in FORMATS:
        raise Dock2ukError(f"no such form of the report: {name!r}", hint=f"formats: {known}")
    return Output(name, Path(path))


def _is_appended(path: Path, text: str) -> bool:
    """Whether there was room: with more than is taken the whole step would fail."""
    try:
        size = path.stat().st_size if path.exists() else 0
        if size + len(text.encode()) >= _LARGEST_SUMMARY_BYTES:
            return False
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise Dock2ukError(f"cannot write {path}, {_SUMMARY}: {problem.strerror}") from problem
    return True
