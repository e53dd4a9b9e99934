"""Archives, layouts and directories: which image is meant, and that all of them are one."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from dock2uk.errors import OtherPlatformError, SourceError
from dock2uk.ingest import SourceOptions, location, read_image
from dock2uk.ingest.limits import DEFAULT, Limits
from dock2uk.ingest.location import Location
from dock2uk.ingest.platform import parse_platform
from dock2uk.model import Image, Origin
from dock2uk.progress import Silent
from tests.images import digest, docker_archive, file, layer, oci_layout, tar_of

ONE, TWO = layer(file("one", b"1")), layer(file("two", b"2"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def read(reference: str, limits: Limits = DEFAULT) -> Image:
    return read_image(reference, Silent(), SourceOptions(limits=limits))


def names(image: Image) -> set[str]:
    return {node.path for node in image.tree} - {"/"}


def test_a_file_has_a_name_and_no_repository(tmp_path: Path) -> None:
    tags = ["reg.example:5000/team/site:1", "other"]
    archive = docker_archive(tmp_path / "web.tar", [ONE], tags=tags)
    assert read(f"docker-archive:{archive}").origin == Origin("site")
    assert read(f"docker-archive:{archive}:other").origin == Origin("other")
    for tags in ([], ["Not A Name"]):
        archive = docker_archive(tmp_path / "web.tar", [ONE], tags=tags)
        assert read(f"docker-archive:{archive}").origin == Origin("web.tar")
    layout = oci_layout(tmp_path / "layout", [ONE])
    [entry] = json.loads((layout / "index.json").read_text())["manifests"]
    assert read(f"oci:{layout}").origin == Origin("layout", "", (entry["digest"],))


def archive_of_two(path: Path) -> Path:
    """Two images in one archive, the second under two names."""
    first = docker_archive(path.with_name("1.tar"), [ONE], tags=["app:1"])
    second = docker_archive(path.with_name("2.tar"), [TWO], tags=["app:2", "docker.io/library/b"])
    entries, manifest = [], []
    for number, source in enumerate((first, second)):
        with tarfile.open(source) as tar:
            contents = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
        (image,) = json.loads(contents.pop("manifest.json"))
        image["Layers"] = [f"{number}-{name}" for name in image["Layers"]]
        manifest.append(image)
        for name, data in contents.items():
            entries.append(file(f"{number}-{name}" if name.endswith(".tar") else name, data))
    path.write_bytes(layer(*entries, file("manifest.json", json.dumps(manifest).encode())))
    return path


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (":app:1", "/one"), (":app:2", "/two"), (":docker.io/library/app:1", "/one"),
        (":b", "/two"), (":b:latest", "/two"), (":@0", "/one"), (":@1", "/two"),
    ],
)  # fmt: skip
def test_one_of_several_is_named_or_counted(tmp_path: Path, reference: str, found: str) -> None:
    path = archive_of_two(tmp_path / "both.tar")
    assert names(read(f"docker-archive:{path}{reference}")) == {found}


@pytest.mark.parametrize("reference", ["", ":app", ":app:3", ":@2", ":@x", f"@{digest(ONE)}"])
def test_a_choice_that_is_none_lists_what_there_is(tmp_path: Path, reference: str) -> None:
    path = archive_of_two(tmp_path / "both.tar")
    with pytest.raises(SourceError) as caught:
        read(f"docker-archive:{path}{reference}")
    assert caught.value.hint is not None


def two_images(path: Path) -> tuple[Path, list[str]]:
    """A layout of two images, `a` and `b`; their manifests' digests."""
    oci_layout(path, [ONE])
    other = oci_layout(path.with_name("other"), [TWO])
    shutil.copytree(other / "blobs", path / "blobs", dirs_exist_ok=True)
    manifests = []
    for where, name in ((path, "a"), (other, "b")):
        (one,) = json.loads((where / "index.json").read_text())["manifests"]
        manifests.append({**one, "annotations": {"org.opencontainers.image.ref.name": name}})
    (path / "index.json").write_text(json.dumps({"manifests": manifests}))
    return path, [one["digest"] for one in manifests]


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_one_of_a_layout_is_named_counted_or_given_by_digest(tmp_path: Path, kind: str) -> None:
    path, digests = two_images(tmp_path / "layout")
    if kind == "oci-archive":
        path = tar_of(path, tmp_path / "layout.tar")
    for reference, found in (
        (":a", "/one"), (":b", "/two"), (":@0", "/one"), (":@1", "/two"),
        (f"@{digests[1]}", "/two"), (f"@{digests[0]}", "/one"),
    ):  # fmt: skip
        assert names(read(f"{kind}:{path}{reference}")) == {found}
    for reference in ("", ":c", ":@2", f"@{digest(b'')}"):
        with pytest.raises(SourceError) as caught:
            read(f"{kind}:{path}{reference}")
        assert "@0" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a.tar", Location(Path("a.tar"))),
        ("a.tar:b:c", Location(Path("a.tar"), reference="b:c")),
        ("a.tar:@12", Location(Path("a.tar"), index=12)),
        ("/d@" + digest(b""), Location(Path("/d"), digest=digest(b""))),
        ("d:host:5000/x@" + digest(b""), Location(Path("d:host:5000/x"), digest=digest(b""))),
    ],
)
def test_locations(text: str, meant: Location) -> None:
    assert location.parse(text) == meant


def test_a_file_whose_name_has_a_colon_is_that_file(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "a:b.tar", [ONE])
    assert names(read(f"docker-archive:{path}")) == {"/one"}


def skopeo_directory(layout: Path, path: Path) -> Path:
    """What `skopeo copy oci:… dir:…` makes of a layout of one image."""
    path.mkdir()
    (one,) = json.loads((layout / "index.json").read_text())["manifests"]
    for blob in (layout / "blobs/sha256").iterdir():
        is_manifest = blob.name == one["digest"].removeprefix("sha256:")
        shutil.copy(blob, path / ("manifest.json" if is_manifest else blob.name))
    return path


def test_all_places_give_the_same_image(tmp_path: Path) -> None:
    layout = oci_layout(tmp_path / "oci", [ONE, TWO], Cmd=["/a"])
    archive = docker_archive(tmp_path / "i.tar", [ONE, TWO], Cmd=["/a"])
    sources = [
        f"oci:{layout}",
        f"oci-archive:{tar_of(layout, tmp_path / 'oci.tar')}",
        f"docker-archive:{tmp_path / 'oci.tar'}",
        f"dir:{skopeo_directory(layout, tmp_path / 'dir')}",
        f"docker-archive:{archive}",
    ]
    for name, compress in COMPRESSIONS.items():
        packed = tmp_path / f"{name}.tar"
        packed.write_bytes(compress(archive.read_bytes()))
        sources.append(f"docker-archive:{packed}")
        packed = tmp_path / f"oci-{name}.tar"
        packed.write_bytes(compress((tmp_path / "oci.tar").read_bytes()))
        sources.append(f"oci-archive:{packed}")
    images = [read(source) for source in sources]
    assert len({image.digest for image in images}) == 1
    assert {tuple(sorted(names(image))) for image in images} == {("/one", "/two")}


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "zstd": zstd.compress, "bzip2": bz2.compress, "xz": lzma.compress,
}  # fmt: skip


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_a_compressed_archive_that_is_cut_short_is_said(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(docker_archive(tmp_path / "i.tar", [ONE]).read_bytes())
    path = tmp_path / "packed.tar"
    for size_bytes in (len(packed) // 2, len(packed) - 3):
        path.write_bytes(packed[:size_bytes])
        with pytest.raises(SourceError, match=r"packed\.tar cannot be decompressed"):
            read(f"docker-archive:{path}")
    assert [*(tmp_path / "cache").rglob("*sha256*")] == []


def test_members_of_gzip_follow_each_other_and_zeros_them(tmp_path: Path) -> None:
    """gzip(1): concatenated members are one file, zeros after them are ignored."""
    whole = docker_archive(tmp_path / "i.tar", [ONE]).read_bytes()
    parts = [gzip.compress(whole[begin : begin + 999]) for begin in range(0, len(whole), 999)]
    path = tmp_path / "parts.tar.gz"
    path.write_bytes(b"".join(parts) + bytes(700_000))
    assert names(read(f"docker-archive:{path}")) == {"/one"}
    path.write_bytes(b"".join(parts) + b"garbage")
    with pytest.raises(SourceError, match="cannot be decompressed"):
        read(f"docker-archive:{path}")


class Watched(Silent):
    """Progress that remembers each step, and how far it came."""

    def __init__(self) -> None:
        self.steps: dict[str, list[tuple[int, int | None]]] = {}

    def step(self, description: str) -> None:
        self.steps[description] = []

    def advance(self, done_bytes: int, total_bytes: int | None) -> None:
        [*self.steps.values()][-1].append((done_bytes, total_bytes))


@pytest.mark.parametrize("compress", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_each_layer_tells_how_far_it_is_read(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    layers = [layer(file(name, os.urandom(3 << 20))) for name in "ab"]
    watched = Watched()
    read_image(f"oci:{oci_layout(tmp_path / 'oci', layers, compress)}", watched)
    assert [*watched.steps] == ["reading layer 1 of 2", "reading layer 2 of 2"]
    for told in watched.steps.values():
        done = [done_bytes for done_bytes, _ in told]
        assert done == sorted(done)
        assert {total_bytes for _, total_bytes in told} == {done[-1]}  # it comes to its end
        assert len(done) >= 3


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    """`docker save IMAGE | dock2uk convert docker-archive:/dev/stdin`."""
    data = docker_archive(tmp_path / "i.tar", [ONE]).read_bytes()
    for content in (data, gzip.compress(data)):
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        assert names(read(f"docker-archive:{pipe}")) == {"/one"}
        writer.join(10)
        pipe.unlink()
    left = [path.name for path in (tmp_path / "cache/dock2uk").glob("*/*")]
    assert all(name.startswith("sha256-") for name in left), left


def test_a_pipe_is_bounded(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb", buffering=0) as output:
            for _ in range(64):
                try:
                    output.write(bytes(1 << 20))
                except BrokenPipeError:
                    return

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(SourceError, match="gives more than") as caught:
        read(f"docker-archive:{pipe}", Limits(layer_bytes=8 << 20))
    writer.join(10)
    assert "layer-bytes" in (caught.value.hint or "")
    assert [*(tmp_path / "cache/dock2uk").glob("*/*")] == []


def platforms(path: Path, names: list[str], annotated: str = "") -> Path:
    """A layout of images for several platforms, beside each other in its index."""
    manifests = []
    for number, name in enumerate(names):
        one = oci_layout(path.with_name(f"{path.name}{number}"), [layer(file(name[-5:], b"x"))])
        (entry,) = json.loads((one / "index.json").read_text())["manifests"]
        operating_system, _, architecture = name.partition("/")
        entry["platform"] = {"os": operating_system, "architecture": architecture}
        if annotated:
            entry["annotations"] = {"org.opencontainers.image.ref.name": annotated}
        manifests.append(entry)
        shutil.copytree(one / "blobs", path / "blobs", dirs_exist_ok=True)
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    return path


@pytest.mark.parametrize("reference", ["", "tag"])
def test_of_several_platforms_the_wanted_one_is_read(tmp_path: Path, reference: str) -> None:
    names_of = ["linux/arm64", "unknown/unknown", "linux/amd64"]
    path = platforms(tmp_path / "many", names_of, reference)
    source = f"oci:{path}" + (f":{reference}" if reference else "")
    assert names(read(source)) == {"/amd64"}
    arm = SourceOptions(platform=parse_platform("linux/arm64"))
    assert names(read_image(source, Silent(), arm)) == {"/arm64"}
    with pytest.raises(SourceError) as caught:
        read_image(source, Silent(), SourceOptions(platform=parse_platform("linux/s390x")))
    assert isinstance(caught.value, OtherPlatformError)
    assert caught.value.hint == "it has: linux/amd64, linux/arm64"


# ------------------------------------------------------------------ hostile ones


def archive_with(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A layout's tar whose members are changed before they are written."""
    layout = oci_layout(tmp_path / "oci", [ONE])
    members: dict[str, Any] = {
        str(path.relative_to(layout)): path.read_bytes()
        for path in layout.rglob("*")
        if path.is_file()
    }
    change(members)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes):
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
    path = tmp_path / "hostile.tar"
    path.write_bytes(output.getvalue())
    return path


def test_a_symlink_in_an_archive_leads_to_no_file_of_this_machine(tmp_path: Path) -> None:
    def change(members: dict[str, Any]) -> None:
        for name in members:
            if name.startswith("blobs/"):
                members[name] = "/etc/passwd"

    with pytest.raises(SourceError, match="missing"):
        read(f"oci-archive:{archive_with(tmp_path, change)}")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    def change(members: dict[str, Any]) -> None:
        members["index.json"] = "loop"
        members["loop"] = "index.json"

    with pytest.raises(SourceError, match="not an OCI image layout"):
        read(f"oci-archive:{archive_with(tmp_path, change)}")


@pytest.mark.parametrize("link", ["blobs", "blobs/sha256", "index.json"])
def test_a_layout_whose_parts_are_symlinks_is_refused(tmp_path: Path, link: str) -> None:
    layout = oci_layout(tmp_path / "oci", [ONE])
    (layout / link).rename(tmp_path / "elsewhere")
    (layout / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match=r"link|not an OCI image layout"):
        read(f"oci:{layout}")


def test_a_header_of_an_archive_is_bounded(tmp_path: Path) -> None:
    info = tarfile.TarInfo("a")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    path = tmp_path / "i.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with pytest.raises(SourceError, match="a header of"):
        read(f"docker-archive:{path}")


def test_an_archive_that_is_cut_short_is_said(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [layer(file("a", b"x" * 9000))])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(SourceError, match="cut short"):
        read(f"docker-archive:{path}")


def spoil(layout: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a layout's manifest, digests being right."""
    index = json.loads((layout / "index.json").read_text())
    (one,) = index["manifests"]
    manifest = json.loads((layout / "blobs" / one["digest"].replace(":", "/")).read_text())
    change(manifest)
    data = json.dumps(manifest).encode()
    (layout / "blobs" / digest(data).replace(":", "/")).write_bytes(data)
    one.update(digest=digest(data), size=len(data))
    (layout / "index.json").write_text(json.dumps(index))


FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.update(schemaVersion=1), "schema 1"),
        (lambda m: m["config"].update(mediaType="application/vnd.cncf.helm.x"), "Helm chart"),
        (lambda m: m["layers"][0].update(mediaType=FOREIGN), "images of Windows"),
        (lambda m: m["layers"][0].update(mediaType="tar+encrypted"), "encrypted"),
        (lambda m: m["layers"][0].update(digest="sha256:../../etc/passwd"), "not a sha256 digest"),
        (lambda m: m["layers"][0].update(size=5), "bytes long, not 5"),
        (lambda m: m.update(layers=[]), "lists 1 layers, the image has 0"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused_with_what_it_is(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], problem: str
) -> None:
    layout = oci_layout(tmp_path / "oci", [ONE])
    spoil(layout, change)
    with pytest.raises(SourceError, match=problem):
        read(f"oci:{layout}")


def test_an_empty_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="empty image"):
        read(f"docker-archive:{docker_archive(tmp_path / 'i.tar', [])}")


def test_an_image_of_another_system_is_refused(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", [ONE])
    with tarfile.open(path) as tar:
        contents = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
    (name,) = [name for name in contents if name.endswith(".json") and name != "manifest.json"]
    config = contents.pop(name).replace(b'"linux"', b'"windows"')
    renamed = digest(config).removeprefix("sha256:") + ".json"
    contents["manifest.json"] = contents["manifest.json"].replace(name.encode(), renamed.encode())
    path.write_bytes(layer(*(file(n, d) for n, d in {**contents, renamed: config}.items())))
    with pytest.raises(SourceError, match="image of Windows"):
        read(f"docker-archive:{path}")
