"""Measures every figure the docs quote, husk beside a Linux guest with the same root archive.

    python -m bench [--only PREFIX] [--runs 5]

Writes bench/results/latest.json and the table in docs/performance.md.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from . import analysis, audit, initramfs, linux_kernel, measure, pull, read, report
from .guest import STATIC_ADDRESS, Guest

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "bench"
RESULTS = ROOT / "bench" / "results" / "latest.json"
DOCK2UK = ROOT / ".venv" / "bin" / "dock2uk"
# On a microvm under TCG Linux has only the PIT to calibrate its clock by, and on a busy machine
# gives up on it and hangs; QEMU's TSC counts nanoseconds.
LINUX_COMMAND_LINE = "console=ttyS0 quiet panic=-1 tsc_early_khz=1000000"

Figure = dict[str, object]


@dataclass(frozen=True, slots=True)
class Trio:
    """One program as husk runs it, and as Linux does, started in two ways."""

    husk: Guest
    linux: Guest
    bzimage: Guest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--only", default="", help="measure figures whose name begins so")
    parser.add_argument("--runs", type=int, default=5, help="of each; boots are run twice as often")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Figure] = {}
    for name, figure in measurements(options.runs).items():
        if name.startswith(options.only):
            measure.say(f"measuring {name}")
            figures |= figure()
    if options.only:
        print(json.dumps(figures, indent=2))
        return
    document = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "figures": figures}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2) + "\n")
    report.write_table(document, ROOT / "docs" / "performance.md")
    print(report.table(document))


def measurements(runs: int) -> Mapping[str, Callable[[], dict[str, Figure]]]:
    """By name; each gives its figures, some with variants of its own name."""
    return {
        "boot.nginx": lambda: boots("boot.nginx", prepare("nginx"), 2 * runs),
        "boot.static": lambda: boots("boot.static", prepare("static-c"), 2 * runs),
        "kernel_bytes": lambda: {"kernel_bytes": alone("bytes", [kernel_bytes()])},
        "small": small_servers,
        "min_memory.nginx": lambda: memory("min_memory.nginx", prepare("nginx")),
        "requests.nginx": lambda: requests("requests.nginx", prepare("nginx"), runs),
        "convert.nginx": lambda: {"convert.nginx": alone("s", conversions(runs))},
        "analysis": lambda: analyses(runs),
        "audit": lambda: audits(runs),
        "resolve": lambda: resolutions(runs),
        "pull": lambda: pulls(2 * runs),
        "read": lambda: reads(2 * runs),
    }


@functools.cache
def prepare(fixture: str) -> Trio:
    """Convert the fixture, and make a Linux guest of the archive in the result."""
    bundle = WORK / fixture
    convert = convert_command(fixture, bundle)
    subprocess.run(convert, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    entrypoint = json.loads((bundle / "bundle.json").read_text())["entrypoint"]
    image = bundle / "unikernel.elf"
    kernel = linux_kernel.fetch(WORK / "kernel")
    init = WORK / "init"
    source = ROOT / "bench" / "init.c"
    subprocess.run(["gcc", "-O2", "-Wall", "-static", "-o", init, source], check=True)
    archive = WORK / f"{fixture}.cpio"
    what = initramfs.Guest(init, kernel.modules, entrypoint["exe"], tuple(entrypoint["argv"]))
    initramfs.build(initramfs.root_archive(image), what, archive)
    return Trio(
        husk=Guest("husk", image, STATIC_ADDRESS),
        linux=Guest("linux", kernel.vmlinux, LINUX_COMMAND_LINE, archive),
        bzimage=Guest("bzimage", kernel.bzimage, LINUX_COMMAND_LINE, archive),
    )


def convert_command(fixture: str, bundle: Path) -> list[str | Path]:
    source = f"oci:{ROOT / 'build' / 'fixtures' / fixture}"
    return [DOCK2UK, "convert", source, "-o", bundle, "--no-verify"]


def boots(name: str, trio: Trio, runs: int) -> dict[str, Figure]:
    guests = (trio.husk, trio.linux, trio.bzimage)
    values = measure.interleaved(guests, runs, lambda one: measure.boot_ms(one, console(one)))
    return {
        name: pair("ms", values["husk"], values["linux"]),
        f"{name}.bzimage": pair("ms", values["husk"], values["bzimage"]),
    }


def memory(name: str, trio: Trio) -> dict[str, Figure]:
    husk = measure.minimum_memory_mb(trio.husk, console(trio.husk), 8, 64)
    linux = measure.minimum_memory_mb(trio.linux, console(trio.linux), 48, 256)
    return {name: pair("MB", [husk], [linux])}


def requests(name: str, trio: Trio, runs: int) -> dict[str, Figure]:
    values = measure.interleaved(
        (trio.husk, trio.linux), runs, lambda one: measure.requests_per_s(one, console(one))
    )
    return {name: pair("requests/s", values["husk"], values["linux"])}


def conversions(runs: int) -> list[float]:
    command = convert_command("nginx", WORK / "convert")
    measure.convert_s(command)  # to warm the page cache
    return [measure.convert_s(command) for _ in range(runs)]


def analyses(runs: int) -> dict[str, Figure]:
    source = f"oci:{ROOT / 'build' / 'fixtures' / 'nginx'}"
    cold, warm = zip(*(analysis.cold_and_warm(source) for _ in range(runs)), strict=True)
    return {
        "analysis.cold": alone("s", [seconds for seconds, _ in cold]),
        "analysis.warm": alone("s", [seconds for seconds, _ in warm]),
        "analysis_memory": alone("MB", [mebibytes for _, mebibytes in cold]),
    }


def audits(runs: int) -> dict[str, Figure]:
    layouts = [one.parent for one in (ROOT / "build" / "fixtures").glob("*/index.json")]
    seconds, peaks_mb = audit.per_image(DOCK2UK, sorted(layouts), runs)
    return {
        "audit.per_image": alone("s", seconds),
        "audit_memory": alone("MB", [max(peaks_mb)]),
    }


def resolutions(runs: int) -> dict[str, Figure]:
    """What finding the program takes beyond reading an image whose program is named, taking turns:
    by reading its start-up script, and by running it twice."""
    source = f"oci:{ROOT / 'build' / 'fixtures' / 'start-nginx'}"
    base: list[str | Path] = [DOCK2UK, "entrypoint", source, "--json"]
    ways = {
        "named": ["--entrypoint", "/usr/sbin/nginx"],
        "static": ["--resolve", "static"],
        "recorded": ["--resolve", "record"],
    }
    measure.convert_s([*base, *ways["named"]])  # to warm the page cache
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, options in ways.items():
            taken[name].append(measure.convert_s([*base, *options]))
    named = statistics.median(taken.pop("named"))
    return {
        f"resolve.{name}": alone("s", [value - named for value in values])
        for name, values in taken.items()
    }


def pulls(runs: int) -> dict[str, Figure]:
    """Beside skopeo, whose figures stand in Linux's column."""
    found = pull.rates(WORK / "pull", runs)
    return {
        "pull.skopeo": pair("MB/s", found.pulls, found.skopeo),
        "pull_and_read.skopeo": pair("MB/s", found.reads, found.skopeo),
        "pull_memory": alone("MB", [max(found.peaks_mb)]),
    }


def reads(runs: int) -> dict[str, Figure]:
    """Beside skopeo, whose figures stand in Linux's column."""
    found = read.rates(WORK / "read", runs)
    return {
        "read.archive": pair("MB/s", found.reads, found.copies),
        "read.archive.plain_copy": pair("MB/s", found.reads, found.plain_copies),
        "read.layout": pair("MB/s", found.packed_reads, found.copies),
        "read_memory": alone("MB", [max(found.peaks_mb)]),
    }


def small_servers() -> dict[str, Figure]:
    """The smallest servers of this field: what is linked for them, and the whole image."""
    found: dict[str, Figure] = {}
    for fixture in ("http-memory", "dns-udp"):
        bundle = WORK / fixture
        command = convert_command(fixture, bundle)
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        image = bundle / "unikernel.elf"
        found[f"small.{fixture}.kernel"] = alone("bytes", [without_archive(image)])
        found[f"small.{fixture}.image"] = alone("bytes", [float(image.stat().st_size)])
    return found


def kernel_bytes() -> float:
    return without_archive(prepare("nginx").husk.kernel)


def without_archive(image: Path) -> float:
    """The file without the root archive: code, tables, symbols and headers all count."""
    with image.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".rootfs")
        if section is None:
            raise ValueError(f"{image} has no root archive")
        return float(image.stat().st_size - section["sh_size"])


def pair(unit: str, husk: list[float], linux: list[float]) -> Figure:
    ours, theirs = statistics.median(husk), statistics.median(linux)
    return {
        "unit": unit,
        "husk": round(ours, 1),
        "linux": round(theirs, 1),
        "ratio": round(ours / theirs, 3),
        "runs": len(husk),
    }


def alone(unit: str, husk: list[float]) -> Figure:
    value = round(statistics.median(husk), 2)
    return {"unit": unit, "husk": value, "linux": None, "ratio": None, "runs": len(husk)}


def console(one: Guest) -> Path:
    return WORK / f"{one.name}.console"


def machine() -> str:
    """The processor, its count, and the QEMU that emulates the guest's."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _lines("/proc/cpuinfo")
            if "model name" in line
        ),
        "unknown processor",
    )
    count = sum(line.startswith("processor") for line in _lines("/proc/cpuinfo"))
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    return f"{model}, {count} processors, {version.stdout.splitlines()[0]}, TCG"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


if __name__ == "__main__":
    main()
