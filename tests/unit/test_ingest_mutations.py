"""Images with bytes changed, lost and put in, at random but the same ones every time: an error of
ours or an image, never a surprise. The checksums of headers are made right again, so that more than
those is tried."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from dock2uk.errors import Dock2ukError
from dock2uk.ingest import read_image
from dock2uk.progress import Silent
from tests.images import Entry, docker_archive, file, hard_link, layer, oci_layout, tar_of
from tests.unit.test_ingest_daemon import LAYERS

ROUNDS = 250
BLOCK_BYTES = 512
PAX = layer(
    Entry("a", b"x", pax={"SCHILY.xattr.user.a": "1", "mtime": "1.5", "path": "long/" * 40 + "n"}),
    file("n" * 150),
    hard_link("b", "n" * 150),
    Entry("holes", b"x", pax={"GNU.sparse.map": "5,1", "GNU.sparse.size": "900"}),
)
BASES = (*LAYERS, PAX)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def changed(data: bytes, chance: random.Random) -> bytes:
    """A few places are other bytes, mostly such as numbers are made of, or gone, or there twice."""
    result = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        place = chance.randrange(len(result))
        size_bytes = chance.choice((1, 100, BLOCK_BYTES, 5000))
        match chance.choice("bbbbbbdi"):
            case "b":
                result[place] = chance.choice((0, 32, 48, 49, 55, 128, 255, chance.randrange(256)))
            case "d" if len(result) > size_bytes:
                del result[place : place + size_bytes]
            case _:
                result[place:place] = result[place : place + size_bytes]
    return bytes(result)


def with_checksums(data: bytes) -> bytes:
    result = bytearray(data)
    for begin in range(0, len(result) - BLOCK_BYTES + 1, BLOCK_BYTES):
        header = result[begin : begin + BLOCK_BYTES]
        if header[257:262] == b"ustar":  # tar(5)
            header[148:156] = b" " * 8
            result[begin + 148 : begin + 156] = b"%06o\0 " % sum(header)
    return bytes(result)


def a_layer(directory: Path, chance: random.Random) -> str:
    one = with_checksums(changed(chance.choice(BASES), chance))
    return f"docker-archive:{docker_archive(directory / 'i.tar', [one])}"


def a_compressed_layer(directory: Path, chance: random.Random) -> str:
    base = chance.choice(BASES)
    compress = chance.choice((gzip.compress, zstd.compress))
    blob = changed(compress(base), chance)
    return f"oci:{oci_layout(directory / 'oci', [base], lambda _: blob)}"


def an_archive(directory: Path, chance: random.Random) -> str:
    path = docker_archive(directory / "i.tar", LAYERS)
    path.write_bytes(with_checksums(changed(path.read_bytes(), chance)))
    return f"docker-archive:{path}"


def an_archived_layout(directory: Path, chance: random.Random) -> str:
    path = tar_of(oci_layout(directory / "oci", LAYERS), directory / "i.tar")
    path.write_bytes(with_checksums(changed(path.read_bytes(), chance)))
    return f"oci-archive:{path}"


@pytest.mark.parametrize(
    "make", [a_layer, a_compressed_layer, an_archive, an_archived_layout],
    ids=lambda make: make.__name__,
)  # fmt: skip
def test_what_was_changed_is_an_error_or_an_image(
    tmp_path: Path, make: Callable[[Path, random.Random], str]
) -> None:
    chance = random.Random(make.__name__)
    ends: Counter[bool] = Counter()
    for number in range(ROUNDS):
        directory = tmp_path / str(number)
        directory.mkdir()
        try:
            for node in read_image(make(directory, chance), Silent()).tree:
                assert node.content is None or len(node.content.read()) == node.size
        except Dock2ukError:
            ends[False] += 1
        else:
            ends[True] += 1
    assert ends[False] > ROUNDS / 10, "too little was changed to tell anything"
