"""Builds the ABI programs, runs them on this machine's Linux and, in as few boots as possible, in
husk. Linux is the oracle: output and exit status must be the same.

A program says how it is linked in its first lines (`link: static`, the default, `static-pie` or
`dynamic`) and which libraries it wants (`libraries: -lpthread`).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dock2uk.guest import GuestResult, boot, link_directory
from dock2uk.link import Program

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "programs"
BUILD = ROOT / "build/abi"

# Programs make mistakes on purpose: the compiler need not warn of them.
_WRONG_ON_PURPOSE = ("unused-result", "stringop-overflow", "stringop-overread", "nonnull")
_QUIET = tuple(f"-Wno-{warning}" for warning in _WRONG_ON_PURPOSE)
_FLAGS = (
    *("-O1", "-g0", "-Wall", "-Werror", *_QUIET, "-pthread"),
    *("-fno-stack-clash-protection", "-fstack-protector-strong"),
)
_FORMS = {
    "static": ("-static", "-no-pie"),
    "static-pie": ("-static-pie", "-fPIE"),
    "dynamic": ("-pie", "-fPIE"),
}
_LINUX_TIMEOUT_S = 30
_PROGRAM_TIMEOUT_S = 2  # of a boot's time limit, for each program in it
_BOOT_TIMEOUT_S = 15
_BOOTS = 8  # a batch that dies is begun again after the program that killed it, so often
_MEMORY_MB = 256
_BANNER = re.compile(r"^husk: program (\d+): ", re.MULTILINE)
# What the kernel says beside the program, and what the host's terminal does to line ends.
_KERNEL_LINE = re.compile(r"^husk: .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What one run of a program showed; `counts` is what the kernel counted afterwards."""

    output: str
    status: int | None
    counts: Mapping[str, int]


def names() -> tuple[str, ...]:
    """Every program, in the order in which they run."""
    return tuple(sorted(source.stem for source in sources()))


def sources() -> tuple[Path, ...]:
    """Of C, and of C++ where its own run-time library is what is tested."""
    return (*SOURCES.glob("*.c"), *SOURCES.glob("*.cc"))


def build() -> Path:
    """Compile what is new; the directory of the executables."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(_compile, sources()))
    return BUILD


def _compile(source: Path) -> None:
    compile_program(source, BUILD / source.stem)


def compile_program(source: Path, target: Path) -> None:
    """Compile `source` as its first lines say, when it or a header beside it is newer."""
    inputs = (source, *source.parent.glob("*.h"))
    if target.exists() and all(target.stat().st_mtime > i.stat().st_mtime for i in inputs):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    words = source.read_text()[:2000]
    form = re.search(r"link: (\S+)", words)
    libraries = re.search(r"libraries: (.+?)(?: \*/|\n)", words)
    compiler = "g++" if source.suffix == ".cc" else "gcc"
    command = [
        compiler,
        *_FLAGS,
        *_FORMS[form.group(1) if form else "static"],
        "-o",
        target,
        source,
    ]
    command += libraries.group(1).split() if libraries else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{source} does not compile:\n{done.stderr}")


def run_on_linux(name: str) -> Outcome:
    """Run in an empty working directory, its only environment a PATH."""
    with tempfile.TemporaryDirectory() as cwd:
        done = subprocess.run(
            [BUILD / name],
            cwd=cwd,
            env={"PATH": "/usr/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LINUX_TIMEOUT_S,
            check=False,
        )
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Outcome(done.stdout.decode("utf-8", "replace"), status, {})


def run_in_husk(
    names: Sequence[str], machine: str = "microvm", kernel_words: tuple[str, ...] = ()
) -> dict[str, Outcome]:
    """Run them one after the other; the first boot's first program only sets the counts."""
    outcomes: dict[str, Outcome] = {}
    left = list(names)
    for _ in range(_BOOTS):
        if not left:
            break
        found = _boot(left, machine, kernel_words)
        outcomes.update(found)
        left = left[max(len(found), 1) :]
    return outcomes


def _boot(names: Sequence[str], machine: str, kernel_words: tuple[str, ...]) -> dict[str, Outcome]:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory) / "root"
        fill_root(root, [BUILD / name for name in names])
        programs = [
            Program(exe=f"/{name}", argv=(f"/{name}",), env=("PATH=/usr/bin",), cwd="/work")
            for name in names
        ]
        image = Path(directory) / "abi.elf"
        link_directory(root, programs, image)
        timeout_s = _BOOT_TIMEOUT_S + _PROGRAM_TIMEOUT_S * len(names)
        result = boot(
            image,
            machine=machine,
            memory_mb=_MEMORY_MB,
            timeout_s=timeout_s,
            kernel_words=kernel_words,
        )
    return _outcomes(names, result)


def fill_root(root: Path, executables: Sequence[Path]) -> None:
    """Executables at the root of `root`, the libraries they load, and two empty directories."""
    (root / "work").mkdir(parents=True)
    (root / "tmp").mkdir()
    for executable in executables:
        shutil.copy(executable, root / executable.name)
    for library in _shared_libraries(executables):
        target = root / str(library).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library.resolve(), target)


def _shared_libraries(executables: Sequence[Path]) -> set[Path]:
    """What ldd says the dynamic ones load, the dynamic linker itself included."""
    found: set[Path] = set()
    for executable in executables:
        listed = subprocess.run(["ldd", executable], capture_output=True, text=True, check=False)
        found.update(Path(path) for path in re.findall(r"(/\S+) \(0x", listed.stdout))
    return found


def sections(result: GuestResult) -> dict[int, str]:
    """The console of each of several programs by its number, cut at the kernel's banners."""
    pieces = _BANNER.split(result.console.replace("\r\n", "\n"))
    outputs = dict(zip(map(int, pieces[1::2]), pieces[2::2], strict=True))
    return {number: output.partition("\n")[2] for number, output in outputs.items()}


def without_kernel_lines(console: str) -> str:
    return _KERNEL_LINE.sub("", console)


def _outcomes(names: Sequence[str], result: GuestResult) -> dict[str, Outcome]:
    """What each program said, with its events. One that ended the machine has no status."""
    outputs = sections(result) if len(names) > 1 else {1: result.console.replace("\r\n", "\n")}
    statuses, held = exit_statuses(result), counts(result)
    outcomes = {}
    for number, output in outputs.items():
        shown = without_kernel_lines(output)
        status = statuses.get(number)
        if status is None and len(names) == 1:
            status = result.exit_status
        outcomes[names[number - 1]] = Outcome(
            shown if status is not None else output, status, held.get(number, {})
        )
    return outcomes


def exit_statuses(result: GuestResult) -> dict[int, int]:
    """Of several programs, by their number."""
    words = [event.value.split() for event in result.events if event.name == "program"]
    return {int(word[0]): int(word[2]) for word in words}


def counts(result: GuestResult) -> dict[int, dict[str, int]]:
    """What was in use after each program, by their number."""
    lines = [event.value for event in result.events if event.name == "counts"]
    return {
        number: {key: int(value) for key, _, value in (p.partition("=") for p in line.split())}
        for number, line in enumerate(lines, start=1)
    }
