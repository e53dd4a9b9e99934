"""Runs a C program under strace(1) on this machine and in husk, and makes the two alike."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from dock2uk.guest import boot, developer_runtime, link_directory
from dock2uk.link import Program
from dock2uk.strace import Style, Tracer
from dock2uk.verify.session import Event

PROGRAMS = Path(__file__).parent / "programs"
_TIMEOUT_S = 60
_UNFINISHED = " <unfinished ...>"
# What stands before the number of a process or thread.
_BEFORE_THREAD = (
    r"(kill\(|wait4\(|kill\(\w+, |si_pid=|tid=\[|[gpt]id\(\) = |, 88\) = |NULL\) = |\]}\) = )"
)


def build(name: str, directory: Path) -> Path:
    """Static, so that both run the same code, in a directory of its own."""
    target = directory / name
    flags = ("-O1", "-Wall", "-Werror", "-Wno-nonnull", "-static", "-pthread")
    subprocess.run(["gcc", *flags, "-o", target, PROGRAMS / f"{name}.c"], check=True)
    return target


def on_linux(program: Path, *options: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "trace")
        work = Path(directory, "work")
        work.mkdir()
        command = ["strace", "-f", *options, "-o", output, program]
        environment = {"PATH": "/usr/bin"}
        subprocess.run(
            command, cwd=work, env=environment, timeout=_TIMEOUT_S, check=False,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
        return output.read_text()


def in_husk(program: Path, *, calls: str = "all", style: Style | None = None) -> str:
    lines = io.StringIO()
    tracer = Tracer(developer_runtime(), lines, calls=calls, style=style or Style(is_file=True))
    for event in events(program, tracer.kernel_words):
        tracer.take(event.name, event.value)
    tracer.close()
    return lines.getvalue()


def events(program: Path, kernel_words: tuple[str, ...]) -> tuple[Event, ...]:
    """Run `program` in husk, in an empty directory as on Linux."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory, "root")
        (root / "work").mkdir(parents=True)
        shutil.copy(program, root / program.name)
        image = Path(directory, "image.elf")
        start = Program(f"/{program.name}", (str(program),), ("PATH=/usr/bin",), "/work")
        link_directory(root, (start,), image)
        return boot(image, timeout_s=_TIMEOUT_S, kernel_words=kernel_words).events


def compared(trace: str) -> list[str]:
    """Lines from the marker on, with what differs from run to run replaced."""
    lines = trace.splitlines()
    begin = next(at for at, line in enumerate(lines) if '"/begin"' in line)
    return alike(lines[begin + 1 :])


def rejoined(lines: list[str], call: str) -> list[str]:
    """The halves of each `call` as one line, where another thread's came between them."""
    whole: list[str] = []
    begun: dict[str, int] = {}
    for line in lines:
        thread = line.split()[0]
        first, resumed, rest = line.partition(f"<... {call} resumed>")
        if resumed and not first.removeprefix(thread).strip():
            whole[begun[thread]] += rest
            continue
        if line.startswith(f"{thread} {call}(") and line.endswith(_UNFINISHED):
            begun[thread] = len(whole)
            line = line.removesuffix(_UNFINISHED)
        whole.append(line)
    return whole


def alike(lines: list[str]) -> list[str]:
    """Threads become A, B, … in the order in which they appear, addresses 0xADDRESS."""
    threads: dict[str, str] = {}
    for line in lines:
        threads.setdefault(line.split()[0], chr(ord("A") + len(threads)))
    return [_alike(line, threads) for line in lines]


def _alike(line: str, threads: dict[str, str]) -> str:
    tid, _, text = line.partition(" ")
    # Columns depend on how long addresses and thread numbers are.
    text = re.sub(r" +(= |<)", r" \1", re.sub(r"0x[0-9a-f]{5,}", "0xADDRESS", text.strip()))
    for number, name in threads.items():
        for _ in range(2):  # tgkill(2) has two, one right after the other
            text = re.sub(rf"{_BEFORE_THREAD}{number}\b", rf"\1{name}", text)
    return f"{threads[tid]} {re.sub(r'si_uid=[0-9]+', 'si_uid=0', text)}"
