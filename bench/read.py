"""Reading a docker-archive beside skopeo's copies of it, of the image that pulls are measured with.

Ours checks every digest and makes the tree of files. `skopeo copy docker-archive:… oci:…` checks
the same digests and compresses the layers; its copy into `dir:…` leaves them as they are. Every run
begins with nothing in the cache, in a process of its own.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from . import measure, pull

_READ = (
    "import sys; from dock2uk.ingest import read_image; from dock2uk.progress import Silent\n"
    "read_image(sys.argv[1], Silent())"
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Megabytes of the archive a second, run by run, and our peaks of memory in MB."""

    reads: list[float]
    copies: list[float]  # into oci:
    plain_copies: list[float]  # into dir:
    packed_reads: list[float]  # of the layout with gzip's layers, by the same measure
    peaks_mb: list[float]


def rates(work: Path, runs: int) -> Rates:
    """Each measured in turns with the others."""
    work.mkdir(parents=True, exist_ok=True)
    layout, archive = work / "layout", work / "image.tar"
    pull.make_layout(layout)
    archive.unlink(missing_ok=True)
    _skopeo(f"oci:{layout}", f"docker-archive:{archive}:bench:latest")
    size_mb = archive.stat().st_size / 1e6
    found = Rates([], [], [], [], [])
    for _ in range(runs):
        for source, values in (
            (f"docker-archive:{archive}", found.reads),
            (f"oci:{layout}", found.packed_reads),
        ):
            took_s, peak_mb = measure.read_s(work / "cache", _READ, source)
            values.append(size_mb / took_s)
            found.peaks_mb.append(peak_mb)
        for kind, values in (("oci", found.copies), ("dir", found.plain_copies)):
            shutil.rmtree(work / "copy", ignore_errors=True)
            values.append(size_mb / _skopeo(f"docker-archive:{archive}", f"{kind}:{work}/copy"))
    return found


def _skopeo(source: str, target: str) -> float:
    return measure.convert_s(["skopeo", "copy", "--quiet", source, target])
