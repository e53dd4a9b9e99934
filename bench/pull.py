"""Pulls from docker-registry on loopback beside skopeo's, of an image of 260 MB and 10,000 files.

`pull` is what `skopeo copy docker://… oci:…` does too: fetch every part and check its digest.
`pull_and_read` also unpacks the layers, checks their diff_ids and makes the tree of files, which
skopeo does not. Every run begins with nothing in the cache, in a process of its own.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from . import measure, registry

LAYERS, FILES, FILE_BYTES = 4, 10_000, 26_000  # half of each file is noise, half repeats itself
_OCI = "application/vnd.oci.image"
_BEGIN = "import sys; from dock2uk.ingest import *; from dock2uk.progress import Silent\n"
_PULL = f"{_BEGIN}from dock2uk.ingest import registry\n"
_PULL += "registry.open_image(sys.argv[1], Silent(), SourceOptions())"
_READ = f"{_BEGIN}read_image('docker://' + sys.argv[1], Silent())"


@dataclass(frozen=True, slots=True)
class Rates:
    """Megabytes of compressed layers a second, run by run, and our peaks of memory in MB."""

    pulls: list[float]
    reads: list[float]
    skopeo: list[float]
    peaks_mb: list[float]


def rates(work: Path, runs: int) -> Rates:
    """Each measured in turns with the others."""
    work.mkdir(parents=True, exist_ok=True)
    layout = work / "layout"
    stored_mb = make_layout(layout) / 1e6
    found = Rates([], [], [], [])
    shutil.rmtree(work / "data", ignore_errors=True)
    with registry.running(work) as address:
        name = f"{address}/bench:latest"
        push = ["skopeo", "copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false"]
        subprocess.run([*push, f"oci:{layout}", f"docker://{name}"], check=True)
        for _ in range(runs):
            for script, values in ((_PULL, found.pulls), (_READ, found.reads)):
                took_s, peak_mb = measure.read_s(work / "cache", script, name)
                values.append(stored_mb / took_s)
                found.peaks_mb.append(peak_mb)
            found.skopeo.append(stored_mb / _skopeo_s(work / "copy", name))
    measure.say(f"  pull {_shown(found.pulls)}, with reading {_shown(found.reads)}")
    measure.say(f"  skopeo {_shown(found.skopeo)}")
    return found


def _shown(values: list[float]) -> str:
    return " ".join(f"{value:.0f}" for value in values)


def _skopeo_s(copy: Path, name: str) -> float:
    shutil.rmtree(copy, ignore_errors=True)
    command = ["skopeo", "copy", "--quiet", "--src-tls-verify=false"]
    return measure.convert_s([*command, f"docker://{name}", f"oci:{copy}"])


def make_layout(layout: Path) -> int:
    """The same image every time; the bytes of its compressed layers."""
    shutil.rmtree(layout, ignore_errors=True)
    noise = random.Random(1)
    plain = [_tar(noise, number) for number in range(LAYERS)]
    layers = [
        _put(layout, gzip.compress(one, 6, mtime=0), f"{_OCI}.layer.v1.tar+gzip") for one in plain
    ]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/none"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(one) for one in plain]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _put(layout, json.dumps(config).encode(), f"{_OCI}.config.v1+json"),
        "layers": layers,
    }
    entry = _put(layout, json.dumps(manifest).encode(), f"{_OCI}.manifest.v1+json")
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return sum(int(str(one["size"])) for one in layers)


def _tar(noise: random.Random, number: int) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for index in range(FILES // LAYERS):
            half = noise.randbytes(FILE_BYTES // 2)
            data = half + b"what repeats itself ".ljust(20) * (FILE_BYTES // 40)
            header = tarfile.TarInfo(f"usr/share/{number}/{index // 100}/file-{index}")
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return output.getvalue()


def _put(layout: Path, data: bytes, media_type: str) -> dict[str, object]:
    path = layout / "blobs" / _digest(data).replace(":", "/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
