"""Honest images: what the layers amount to, from every source."""

from __future__ import annotations

import gzip
import subprocess
import tarfile
from pathlib import Path

import pytest
from backports import zstd

from dock2uk.errors import SourceError
from dock2uk.ingest import read_image
from dock2uk.model import Image, NodeType
from dock2uk.progress import Silent
from tests.images import (
    Entry,
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


def read(tmp_path: Path, *layers: bytes) -> Image:
    path = docker_archive(tmp_path / "image.tar", layers)
    return read_image(f"docker-archive:{path}", Silent())


def paths(image: Image) -> list[str]:
    return [node.path for node in image.tree]


def text(image: Image, path: str) -> bytes:
    node = image.tree.resolve(path)
    assert node is not None
    assert node.content is not None
    return node.content.read()


def test_later_layers_replace_and_parents_are_made(tmp_path: Path) -> None:
    image = read(tmp_path, layer(file("a/b", b"old")), layer(file("a/b", b"new"), file("c")))
    assert paths(image) == ["/", "/a", "/a/b", "/c"]
    assert text(image, "/a/b") == b"new"
    assert [node.layer for node in image.tree if node.path in ("/a", "/a/b")] == [0, 1]


def test_whiteouts_hide_lower_layers_only(tmp_path: Path) -> None:
    lower = layer(file("d/gone"), file("d/kept"), file("whole/x"))
    upper = layer(file("d/.wh.gone"), file("d/.wh.mine"), file("d/mine"), file(".wh.whole"))
    assert paths(read(tmp_path, lower, upper)) == ["/", "/d", "/d/kept", "/d/mine"]


def test_an_opaque_whiteout_spares_its_own_layer_whatever_the_order(tmp_path: Path) -> None:
    lower = layer(file("d/old/deep"), file("d/older"))
    upper = layer(file("d/new"), file("d/.wh..wh..opq"), file("d/newer"))
    assert paths(read(tmp_path, lower, upper)) == ["/", "/d", "/d/new", "/d/newer"]


def test_a_directory_over_a_directory_changes_only_its_attributes(tmp_path: Path) -> None:
    image = read(tmp_path, layer(directory("d"), file("d/f")), layer(directory("d", 0o700)))
    node = image.tree.get("/d")
    assert node is not None
    assert node.mode == 0o700
    assert "/d/f" in paths(image)


def test_a_file_over_a_directory_removes_what_was_in_it(tmp_path: Path) -> None:
    assert paths(read(tmp_path, layer(file("d/f")), layer(file("d")))) == ["/", "/d"]


def test_hard_links_share_an_inode_across_layers(tmp_path: Path) -> None:
    image = read(tmp_path, layer(file("a", b"data")), layer(hard_link("b", "a")))
    first, second = image.tree.get("/a"), image.tree.get("/b")
    assert first is not None
    assert second is not None
    assert first.inode == second.inode
    assert text(image, "/b") == b"data"


def test_entries_below_a_symlink_go_where_it_leads(tmp_path: Path) -> None:
    lower = layer(directory("usr/lib"), symlink("lib", "usr/lib"))
    image = read(tmp_path, lower, layer(file("lib/so")))
    assert image.tree.get("/usr/lib/so") is not None
    link = image.tree.get("/lib")
    assert link is not None
    assert link.type is NodeType.SYMLINK


def test_links_resolve_inside_the_tree_and_loops_lead_nowhere(tmp_path: Path) -> None:
    image = read(
        tmp_path,
        layer(
            file("etc/real", b"1"),
            symlink("abs", "/etc/real"),
            symlink("up", "../../../etc/real"),
            symlink("loop", "loop"),
            symlink("out", "/does/not/exist"),
        ),
    )
    assert text(image, "/abs") == text(image, "/up") == b"1"
    assert image.tree.chain("/abs") == ("/abs", "/etc/real")
    assert image.tree.resolve("/loop") is None
    assert image.tree.resolve("/out") is None
    assert image.tree.resolve("real", cwd="/etc") is not None


def test_pax_records_carry_long_names_and_xattrs(tmp_path: Path) -> None:
    long_name = "/".join(["n" * 100] * 3)
    entry = Entry("cap", b"x", pax={"SCHILY.xattr.security.capability": "\x01\x02"})
    image = read(tmp_path, layer(file(long_name), entry))
    assert image.tree.get("/" + long_name) is not None
    node = image.tree.get("/cap")
    assert node is not None
    assert node.xattrs == {"security.capability": b"\x01\x02"}


@pytest.mark.parametrize(
    "form",
    [
        ["--format=gnu"],
        *(["--format=posix", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")),
    ],
)
def test_sparse_files_are_what_gnu_tar_put_in(tmp_path: Path, form: list[str]) -> None:
    sparse = tmp_path / "holes"
    with sparse.open("wb") as holes:
        for offset in range(0, 60 << 16, 2 << 16):  # more pieces than one GNU header has room for
            holes.seek(offset)
            holes.write(b"piece")
        holes.truncate(1 << 22)
    tar = tmp_path / "layer.tar"
    command = ["tar", "--sparse", *form, "-C", tmp_path, "-cf", tar, "holes"]
    subprocess.run(command, check=True)
    image = read(tmp_path, tar.read_bytes(), layer(file("after")))
    assert tar.stat().st_size < sparse.stat().st_size
    assert text(image, "/holes") == sparse.read_bytes()
    node = image.tree.get("/holes")
    assert node is not None
    assert node.content is not None
    with node.content.open() as ours, sparse.open("rb") as theirs:
        for place in (3 << 16, 0, (1 << 16) + 3, (1 << 22) - 7, 1 << 23):
            ours.seek(place)
            theirs.seek(place)
            assert ours.read(200_000) == theirs.read(200_000)


def test_of_a_path_that_comes_twice_the_last_counts(tmp_path: Path) -> None:
    image = read(tmp_path, layer(file("twice", b"first"), file("twice", b"second")))
    assert text(image, "/twice") == b"second"


def test_what_aufs_kept_for_itself_is_no_file(tmp_path: Path) -> None:
    assert paths(read(tmp_path, layer(file(".wh..wh.plnk/7.8"), file("a")))) == ["/", "/a"]


def test_names_that_are_not_unicode_are_kept(tmp_path: Path) -> None:
    image = read(tmp_path, layer(file("caf\udce9", b"1")))
    assert text(image, "/caf\udce9") == b"1"


def test_devices_a_runtime_brings_anyway_are_no_offence(tmp_path: Path) -> None:
    null = Entry("dev/null", type=tarfile.CHRTYPE, device=(1, 3))
    node = read(tmp_path, layer(null)).tree.get("/dev/null")
    assert node is not None
    assert node.device == (1, 3)


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstd.compress, bytes], ids=["gzip", "zstd", "plain"]
)
def test_layouts_hold_layers_in_any_compression(tmp_path: Path, compress: object) -> None:
    layers = [layer(file("a", b"1")), layer(file("b", b"2"))]
    path = oci_layout(tmp_path / "oci", layers, compress, Cmd=["/a"])  # type: ignore[arg-type]
    image = read_image(f"oci:{path}", Silent())
    assert (text(image, "/a"), text(image, "/b")) == (b"1", b"2")
    assert image.config.cmd == ("/a",)


def test_the_same_image_has_the_same_id_from_every_source(tmp_path: Path) -> None:
    layers = [layer(file("a"))]
    archive = docker_archive(tmp_path / "i.tar", layers, Cmd=["/a"])
    packed = tmp_path / "i.tar.gz"
    packed.write_bytes(gzip.compress(archive.read_bytes()))
    layout = oci_layout(tmp_path / "oci", layers, Cmd=["/a"])
    sources = (f"docker-archive:{archive}", f"docker-archive:{packed}", f"oci:{layout}")
    assert len({read_image(source, Silent()).digest for source in sources}) == 1


def test_an_archive_of_two_images_wants_a_name(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [layer(file("a"))])
    assert read_image(f"docker-archive:{path}:test:latest", Silent()).tree.get("/a") is not None
    with pytest.raises(SourceError, match="no such image"):
        read_image(f"docker-archive:{path}:other:1", Silent())


def test_the_tree_is_what_tar_extracts(tmp_path: Path) -> None:
    """GNU tar, layer over layer, is the oracle for everything but whiteouts."""
    lower = layer(directory("usr/bin"), symlink("bin", "usr/bin"), file("usr/bin/x", b"1", 0o4755))
    upper = layer(hard_link("usr/bin/y", "usr/bin/x"), file("usr/bin/z", b"2", 0o600))
    root = tmp_path / "root"
    root.mkdir()
    for number, one in enumerate((lower, upper)):
        tar = tmp_path / f"{number}.tar"
        tar.write_bytes(one)
        subprocess.run(["tar", "-xpf", tar, "-C", root], check=True)
    expected = {
        "/" + str(path.relative_to(root)): (path.lstat().st_mode & 0o7777, path.is_symlink())
        for path in root.rglob("*")
    }
    image = read(tmp_path, lower, upper)
    found = {
        node.path: (node.mode, node.type is NodeType.SYMLINK)
        for node in image.tree
        if node.path != "/"
    }
    assert found == expected
