"""Hostile images, converted by the command itself with little memory: status 1, one clear message,
and nothing but the cache and the output directory was written to."""

from __future__ import annotations

import gzip
import io
import os
import re
import resource
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from backports import zstd

from tests.images import Entry, docker_archive, file, layer, oci_layout, tar_of

MEMORY_BYTES = 256 << 20  # resident; the command itself takes some 60 MiB
ADDRESSES_BYTES = 3 << 30
_TIMEOUT_S = 240
ONE = layer(file("one"))


@dataclass(frozen=True)
class Ended:
    status: int
    message: str
    peak_bytes: int


CONVERT = """
import atexit, os, pathlib, sys
from dock2uk.cli import main
own = pathlib.Path("/proc/self/status")  # proc_pid_status(5); getrusage(2) counts the parent's too
atexit.register(lambda: pathlib.Path(os.environ["PEAK"]).write_text(own.read_text()))
sys.argv[1:1] = ["convert"]
main()
"""


def convert(source: str, tmp_path: Path, *options: str) -> Ended:
    """`dock2uk convert`, in a process that may have little memory."""
    words = [sys.executable, "-c", CONVERT, source, "-o", str(tmp_path / "out"), "--no-verify"]
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PEAK": str(tmp_path / "peak")}
    done = subprocess.run(
        [*words, *options],
        env={**os.environ, **places},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        cwd=tmp_path / "empty", timeout=_TIMEOUT_S, preexec_fn=limit,
    )  # fmt: skip
    peak_kib = re.search(r"VmHWM:\s+(\d+) kB", (tmp_path / "peak").read_text())
    assert peak_kib is not None
    return Ended(done.returncode, done.stdout, int(peak_kib[1]) << 10)


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_BYTES, ADDRESSES_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_TIMEOUT_S, _TIMEOUT_S))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path


def numbered(count: int) -> Iterator[bytes]:
    """Headers of so many empty files, each of another name."""
    info = tarfile.TarInfo("f0000000")
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[148:156] = b" " * 8
    fixed = sum(header) - sum(header[1:8])
    for number in range(count):
        name = b"%07d" % number
        header[1:8] = name
        header[148:156] = b"%06o\0 " % (fixed + sum(name))
        yield bytes(header)


def gzip_of(parts: Iterator[bytes], times: int) -> bytes:
    """One member of the parts, and the same again: a file much larger than what made it."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    member = b"".join([*map(compressor.compress, parts), compressor.flush()])
    return member * times


def layout(tmp_path: Path, blob: bytes) -> str:
    """A layout whose one layer is this blob, whatever it would expand to."""
    return f"oci:{oci_layout(tmp_path / 'oci', [ONE], lambda _: blob)}"


def millions_of_entries(tmp_path: Path) -> str:
    return layout(tmp_path, gzip_of(numbered(200_000), 50))


def large_names(tmp_path: Path) -> str:
    """Few entries, each holding as much as a header may."""
    value = "x" * (3 << 20)
    one = layer(*(Entry(f"f{n}", pax={"SCHILY.xattr.user.a": value}) for n in range(100)))
    return layout(tmp_path, gzip.compress(one, 1))


def zeros(compress: Callable[[bytes], bytes]) -> Callable[[Path], str]:
    """Four GiB of zeros in a file's content, from some MiB."""

    def made(tmp_path: Path) -> str:
        info = tarfile.TarInfo("zeros")
        info.size = 4 << 30
        member = compress(bytes(64 << 20))
        return layout(tmp_path, compress(info.tobuf(tarfile.GNU_FORMAT)) + member * 64)

    return made


def packed_zeros(tmp_path: Path) -> str:
    path = tmp_path / "packed.tar.gz"
    path.write_bytes(gzip.compress(bytes(64 << 20), 9) * 64)
    return f"docker-archive:{path}"


def deep(tmp_path: Path) -> str:
    return f"docker-archive:{docker_archive(tmp_path / 'i.tar', [layer(file('d/' * 5000))])}"


def tar_in_tar(tmp_path: Path) -> str:
    """A member with two sizes: who believes the smaller one finds no header after it."""
    outer = layer(Entry("cover", b"?" * 1024, pax={"size": "512"}), file("behind"))
    return f"docker-archive:{docker_archive(tmp_path / 'i.tar', [outer])}"


def linked_blobs(tmp_path: Path) -> str:
    made = oci_layout(tmp_path / "oci", [ONE])
    for blob in (made / "blobs/sha256").iterdir():
        blob.unlink()
        blob.symlink_to("/etc/passwd")
    return f"oci-archive:{tar_of(made, tmp_path / 'linked.tar')}"


def many_members(tmp_path: Path) -> str:
    path = tmp_path / "many.tar"
    path.write_bytes(b"".join(numbered(100_000)))
    return f"docker-archive:{path}"


def endless_documents(tmp_path: Path) -> str:
    """A manifest of 64 MiB, which is mostly one word."""
    document = b'["' + b"a" * (64 << 20) + b'"]'
    path = tmp_path / "i.tar"
    path.write_bytes(layer(file("manifest.json", document)))
    return f"docker-archive:{path}"


HOSTILE = {
    "large attributes": (large_names, ("sha256:", "names and attributes")),
    "a bomb of gzip": (zeros(gzip.compress), ("sha256:", "bomb", "--limit expansion")),
    "a bomb of zstd": (zeros(zstd.compress), ("sha256:", "bomb", "--limit expansion")),
    "a packed bomb": (packed_zeros, ("packed.tar.gz", "bomb", "--limit expansion")),
    "a path 5,000 deep": (deep, ("sha256:", "d/d/d", "too deep")),
    "a tar in a tar": (tar_in_tar, ("sha256:", "cover", "neither a header")),
    "symlinked blobs": (linked_blobs, ("linked.tar", "missing")),
    "many members": (many_members, ("many.tar", "more than")),
    "an endless document": (endless_documents, ("i.tar", "manifest.json", "larger than")),
}


@pytest.mark.parametrize(("make", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_image_costs_little_and_is_named(
    place: Path, make: Callable[[Path], str], said: tuple[str, ...]
) -> None:
    source = make(place)
    before = sorted(place.rglob("*"))
    ended = convert(source, place)
    assert ended.status == 1, ended.message
    assert all(word in ended.message for word in said), ended.message
    assert "Traceback" not in ended.message
    assert ended.peak_bytes < MEMORY_BYTES
    written = [path for path in place.rglob("*") if path not in before and path.is_file()]
    assert [path for path in written if path.name not in ("peak", "lock")] == []


def test_ten_million_entries_are_not_all_read(place: Path) -> None:
    """The limit is lowered, so that the test does not read a million of them."""
    ended = convert(millions_of_entries(place), place, "--limit", "entries=150k")
    assert ended.status == 1
    assert "more than 153600 entries" in ended.message
    assert ended.peak_bytes < MEMORY_BYTES


def test_limits_can_be_raised_for_an_honest_image(place: Path) -> None:
    """It then fails for having no program, which is read later."""
    large = layer(file("zeros", bytes(32 << 20)))
    source = f"oci:{oci_layout(place / 'oci', [large])}"
    assert "--limit expansion" in convert(source, place).message
    ended = convert(source, place, "--limit", "expansion=2000")
    assert "nothing says what it runs" in ended.message, ended.message


def test_the_entries_of_the_hostile_image_are_distinct() -> None:
    data = b"".join(numbered(300))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == [f"f{number:07}" for number in range(300)]
