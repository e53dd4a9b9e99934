"""Images that lie: each gives a clear error that names the layer and the entry, and writes nothing
outside the cache.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError, LayerError, SourceError
from dock2uk.ingest import SourceOptions, limits, read_image
from dock2uk.progress import Silent
from tests.images import (
    Entry,
    digest,
    directory,
    docker_archive,
    file,
    hard_link,
    layer,
    oci_layout,
    symlink,
)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def everything_in(directory: Path) -> set[Path]:
    return {path for path in directory.rglob("*") if "cache" not in path.parts}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (file("../../escape"), "climbs out"),
        (file("/a/../../escape"), "climbs out"),
        (hard_link("inside", "../../etc/passwd"), "climbs out"),
        (hard_link("here", "nowhere"), "which is not there"),
        (hard_link("here", "d"), "which is not there"),
        (Entry("sda", type=tarfile.BLKTYPE, device=(8, 0)), "device node (8:0)"),
        (Entry("dev/mem", type=tarfile.CHRTYPE, device=(1, 1)), "device node (1:1)"),
        (Entry("odd", type=b"Z"), "type"),
        (file("/".join("d" for _ in range(limits.DEPTH + 1))), "too deep"),
        (file("n" * 256), "255 bytes"),
        (file("."), "root is not a directory"),
        (hard_link("./", "fine"), "root is not a directory"),
        (symlink("/", "d"), "root is not a directory"),
        (file(".wh."), "whiteout that names no file"),
        (file("d/.wh..."), "whiteout that names no file"),
        (symlink("s", "a/" * 5000), "symlink(2)"),
        (symlink("s", ""), "symlink(2)"),
        (Entry("u", uid=-1), "owner -1:0"),
        (Entry("u", gid=1 << 40), "owner 0:1099511627776"),
        (Entry("dev/null", type=tarfile.CHRTYPE, device=(1, 1)), "device node (1:1)"),
        (Entry("d/fine", type=tarfile.CHRTYPE), "device node (0:0)"),
        (Entry("u", pax={"mtime": "inf"}), "infinity"),
        (Entry("u", pax={"path": "a\0b"}), "NUL"),
    ],
)
def test_a_hostile_entry_is_named_with_its_layer(
    tmp_path: Path, entry: Entry, problem: str
) -> None:
    layers = [layer(directory("d"), file("fine")), layer(entry)]
    path = docker_archive(tmp_path / "i.tar", layers)
    before = everything_in(tmp_path)
    with pytest.raises(LayerError) as caught:
        read_image(f"docker-archive:{path}", Silent())
    assert caught.value.layer == digest(layers[1])
    assert problem in caught.value.problem or problem in str(caught.value)
    assert entry.pax.get("path", entry.name.rstrip("/") or "/").startswith(
        caught.value.entry[:64].rstrip("/") or "/"
    )
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_negative_size_ends_the_reading(tmp_path: Path, kind: bytes) -> None:
    """tarfile would go back to where it was, for ever."""
    header = tarfile.TarInfo("backwards")
    header.type, header.size = kind, -512
    one = header.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    with pytest.raises(LayerError):
        read_image(f"docker-archive:{docker_archive(tmp_path / 'i.tar', [one])}", Silent())
    (tmp_path / "itself.tar").write_bytes(one)
    with pytest.raises(SourceError, match="not an archive of an image"):
        read_image(f"docker-archive:{tmp_path}/itself.tar", Silent())


def test_headers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADER_BYTES", 1 << 16)
    path = docker_archive(tmp_path / "i.tar", [layer(Entry("a", pax={"comment": "x" * (1 << 17)}))])
    with pytest.raises(LayerError, match="headers of more than"):
        read_image(f"docker-archive:{path}", Silent())


def under(**raised: int) -> SourceOptions:
    return SourceOptions(limits=limits.Limits(**raised))


def test_the_holes_of_a_sparse_file_are_bounded(tmp_path: Path) -> None:
    options = under(sparse_bytes=1 << 20)
    pax = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 40)}
    path = docker_archive(tmp_path / "i.tar", [layer(Entry("holes", b"x", pax=pax))])
    with pytest.raises(LayerError, match="claims to be") as caught:
        read_image(f"docker-archive:{path}", Silent(), options)
    assert "--limit sparse-bytes=N" in str(caught.value.hint)
    pax = {"GNU.sparse.map": "0,9,5,1", "GNU.sparse.size": "10"}
    path = docker_archive(tmp_path / "i.tar", [layer(Entry("holes", b"x" * 10, pax=pax))])
    with pytest.raises(LayerError, match="overlap"):
        read_image(f"docker-archive:{path}", Silent())


def test_links_cannot_make_a_path_longer_than_a_path(tmp_path: Path) -> None:
    deep = "/".join("d" * 200 for _ in range(15))
    layers = [layer(directory(deep), symlink("l", deep), directory(f"l/{deep}"))]
    with pytest.raises(LayerError, match="too long"):
        read_image(f"docker-archive:{docker_archive(tmp_path / 'i.tar', layers)}", Silent())


def test_deep_paths_cost_no_recursion(tmp_path: Path) -> None:
    deep = "/".join("d" for _ in range(limits.DEPTH - 1))
    path = docker_archive(tmp_path / "i.tar", [layer(file(f"{deep}/f"))])
    assert read_image(f"docker-archive:{path}", Silent()).tree.get(f"/{deep}/f") is not None


def test_made_parents_count_as_entries(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [layer(file("/".join("d" * 200)))])
    with pytest.raises(LayerError, match="more than 100 entries"):
        read_image(f"docker-archive:{path}", Silent(), under(entries=100))


def test_symlinks_that_leave_the_tree_are_only_names(tmp_path: Path) -> None:
    """An absolute link is legal; what is written through it stays inside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    one = layer(symlink("link", str(outside)), symlink("up", "../../.."), file("link/file"))
    image = read_image(f"docker-archive:{docker_archive(tmp_path / 'i.tar', [one])}", Silent())
    assert list(outside.iterdir()) == []
    assert image.tree.get("/link/file") is not None


def test_a_truncated_layer_names_the_entry_it_ends_in(tmp_path: Path) -> None:
    whole = layer(file("first"), file("second", b"y" * 5000))
    path = docker_archive(tmp_path / "i.tar", [whole[:4096]])
    with pytest.raises(LayerError, match=r"second.*truncated"):
        read_image(f"docker-archive:{path}", Silent())


def test_a_layer_that_is_not_its_diff_id_is_refused(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [layer(file("a", b"good"))])
    path.write_bytes(path.read_bytes().replace(b"good", b"evil"))
    with pytest.raises(LayerError, match="has the digest"):
        read_image(f"docker-archive:{path}", Silent())


def test_a_blob_that_is_not_its_digest_is_refused(tmp_path: Path) -> None:
    path = oci_layout(tmp_path / "oci", [layer(file("a"))])
    index = json.loads((path / "index.json").read_text())
    blob = path / "blobs" / index["manifests"][0]["digest"].replace(":", "/")
    blob.write_bytes(blob.read_bytes().replace(b"schemaVersion", b"schemaversion"))
    with pytest.raises(SourceError, match="does not match its digest"):
        read_image(f"oci:{path}", Silent())


def test_a_layer_blob_that_is_not_its_digest_is_refused(tmp_path: Path) -> None:
    """Even where what it expands to would be right: nothing unchecked reaches a decompressor."""
    path = oci_layout(tmp_path / "oci", [layer(file("a"))])
    (blob,) = [b for b in (path / "blobs/sha256").iterdir() if b.read_bytes()[:2] == b"\x1f\x8b"]
    data = bytearray(blob.read_bytes())
    data[4] ^= 1  # a bit of the time, which the content does not depend on
    blob.write_bytes(data)
    with pytest.raises(SourceError, match="layer blob"):
        read_image(f"oci:{path}", Silent())


def test_a_lying_image_does_not_spoil_the_cache_for_an_honest_one(tmp_path: Path) -> None:
    honest, evil = layer(file("a", b"good")), layer(file("a", b"evil"))
    path = oci_layout(tmp_path / "honest", [honest])
    lying = oci_layout(tmp_path / "lying", [evil], claimed=[honest])
    with pytest.raises(LayerError, match="has the digest"):
        read_image(f"oci:{lying}", Silent())
    node = read_image(f"oci:{path}", Silent()).tree.get("/a")
    assert node is not None
    assert node.content is not None
    assert node.content.read() == b"good"


def test_a_digest_that_is_a_path_is_refused(tmp_path: Path) -> None:
    path = oci_layout(tmp_path / "oci", [layer(file("a"))])
    index = json.loads((path / "index.json").read_text())
    index["manifests"][0]["digest"] = "../../../etc/passwd"
    (path / "index.json").write_text(json.dumps(index))
    with pytest.raises(SourceError, match="not a sha256 digest"):
        read_image(f"oci:{path}", Silent())


def test_a_manifest_that_is_also_an_index_is_refused(tmp_path: Path) -> None:
    path = oci_layout(tmp_path / "oci", [layer(file("a"))])
    index = json.loads((path / "index.json").read_text())
    both = json.dumps({"layers": [], "manifests": []}).encode()
    (path / "blobs/sha256" / digest(both).removeprefix("sha256:")).write_bytes(both)
    index["manifests"] = [{"digest": digest(both), "size": len(both)}]
    (path / "index.json").write_text(json.dumps(index))
    with pytest.raises(SourceError, match="both"):
        read_image(f"oci:{path}", Silent())


@pytest.mark.parametrize("field", ["expansion", "layer_bytes"])
def test_a_decompression_bomb_is_stopped(tmp_path: Path, field: str) -> None:
    zeros = (file(f"zeros{number}", bytes(1 << 19)) for number in range(8))
    path = oci_layout(tmp_path / "oci", [layer(*zeros)])
    low, high = {"expansion": (10, 2000), "layer_bytes": (1 << 20, 8 << 20)}[field]
    with pytest.raises(SourceError, match="decompression bomb") as caught:
        read_image(f"oci:{path}", Silent(), under(**{field: low}))
    assert list((tmp_path / "cache/dock2uk/layers").iterdir()) == []
    assert f"--limit {field.replace('_', '-')}=N" in str(caught.value.hint)
    read_image(f"oci:{path}", Silent(), under(**{field: high}))


def test_limits_are_raised_by_name() -> None:
    assert limits.raised(()) == limits.DEFAULT
    given = limits.raised(["layer-bytes=100G", "entries=5", "entries=10m"])
    assert given == limits.Limits(layer_bytes=100 << 30, entries=10 << 20)
    for wrong in ("layer-byte=1", "entries", "entries=", "entries=0", "entries=-1", "entries=1x"):
        with pytest.raises(Dock2ukError) as caught:
            limits.raised([wrong])
        assert caught.value.hint, wrong


def test_too_many_entries_are_stopped(tmp_path: Path) -> None:
    many = layer(*(file(f"f{number}") for number in range(20)))
    path = docker_archive(tmp_path / "i.tar", [many])
    with pytest.raises(LayerError, match="more than 10 entries"):
        read_image(f"docker-archive:{path}", Silent(), under(entries=10))


@pytest.mark.parametrize(
    "data", [b"", b"not a tar", b"\x1f\x8bgarbage", gzip.compress(b"not a tar", mtime=0)]
)
def test_what_is_no_archive_is_said_plainly(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "i.tar"
    path.write_bytes(data)
    with pytest.raises(SourceError, match=r"i\.tar"):
        read_image(f"docker-archive:{path}", Silent())


def test_what_is_not_there_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        read_image(f"docker-archive:{tmp_path}/missing.tar", Silent())
    with pytest.raises(SourceError, match="not an OCI image layout"):
        read_image(f"oci:{tmp_path}", Silent())


def test_entries_that_only_some_readers_see_are_refused(tmp_path: Path) -> None:
    """tarfile stops at what is no header, and at one block of zeros; others go on."""
    first, second = layer(file("first")), layer(file("second"))
    begin = first[: 2 * tarfile.BLOCKSIZE]  # its header and content
    for hidden, problem in (
        (begin + b"?" * tarfile.BLOCKSIZE + second, "neither a header nor the end"),
        (begin + bytes(tarfile.BLOCKSIZE) + second, "lone block of zeros"),
    ):
        path = docker_archive(tmp_path / "i.tar", [hidden])
        with pytest.raises(LayerError, match=problem):
            read_image(f"docker-archive:{path}", Silent())


@pytest.mark.parametrize("end", [0, 1, 512, 1023, 1024])
def test_an_end_without_padding_is_an_end(tmp_path: Path, end: int) -> None:
    """GNU tar and Go's reader take a tar that stops after its last content."""
    whole = layer(file("only", b"x" * 100))
    path = docker_archive(tmp_path / "i.tar", [whole[: 512 + 100 + end]])
    assert read_image(f"docker-archive:{path}", Silent()).tree.get("/only") is not None
