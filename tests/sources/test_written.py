"""What skopeo, buildah and docker write is read as the same image, whatever the form."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from dock2uk.model import NodeType
from tests.images import Entry, docker_archive, file, layer
from tests.sources.conftest import Store, needs_docker, needs_root, read, run, tree

_FORMS = {
    "oci": "oci:{}/oci:tag",
    "oci-archive": "oci-archive:{}/oci.tar:tag",
    "dir": "dir:{}/dir",
    "docker-archive": "docker-archive:{}/again.tar:odd:1",
}
_MAGICS = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


def skopeo(*words: str | Path) -> str:
    return run("skopeo", "--insecure-policy", "copy", "--quiet", *words)


def magics(layout: Path) -> set[bytes]:
    """How the layers of a layout of one image begin."""

    def blob(entry: dict[str, str]) -> bytes:
        return (layout / "blobs" / entry["digest"].replace(":", "/")).read_bytes()

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    begins = [blob(one) for one in json.loads(blob(entry))["layers"]]
    return {magic for magic in _MAGICS.values() for one in begins if one.startswith(magic)}


@pytest.mark.parametrize("form", _FORMS)
def test_skopeo_s_forms_are_the_image_they_were_made_of(
    tmp_path: Path, archive: Path, form: str
) -> None:
    made = _FORMS[form].format(tmp_path)
    skopeo(f"docker-archive:{archive}", made)
    ours = read(made.removesuffix(":odd:1"))
    expected = read(f"docker-archive:{archive}")
    assert tree(ours) == tree(expected)
    assert ours.config == expected.config


@pytest.mark.parametrize("compression", _MAGICS)
def test_layers_that_skopeo_compressed_are_read(
    tmp_path: Path, archive: Path, compression: str
) -> None:
    skopeo("--dest-compress-format", compression, f"docker-archive:{archive}", f"oci:{tmp_path}/o")
    assert magics(tmp_path / "o") == {_MAGICS[compression]}
    for _ in range(2):  # expanded, and then from the cache
        assert tree(read(f"oci:{tmp_path}/o")) == tree(read(f"docker-archive:{archive}"))


@needs_root
def test_what_buildah_pushes_is_read(tmp_path: Path, plain_archive: Path, store: Store) -> None:
    store.buildah("pull", "--quiet", f"docker-archive:{plain_archive}")
    for place in ("oci", "oci-archive", "dir", "docker-archive"):
        made = f"{place}:{tmp_path}/{place}"
        store.buildah("push", "--quiet", "dock2uk-test/plain:1", made)
        assert tree(read(made)) == tree(read(f"docker-archive:{plain_archive}")), place
    packed = f"oci:{tmp_path}/zstd"
    store.buildah("push", "--quiet", "--compression-format", "zstd", "dock2uk-test/plain:1", packed)
    assert magics(tmp_path / "zstd") == {_MAGICS["zstd"]}
    assert tree(read(packed)) == tree(read(f"docker-archive:{plain_archive}"))


@needs_docker
def test_docker_s_own_archive_is_the_image_it_has(tmp_path: Path, plain_archive: Path) -> None:
    tag = "dock2uk-test/plain:1"
    run("docker", "load", "--quiet", "--input", plain_archive)
    saved = tmp_path / "saved.tar"
    try:
        run("docker", "save", "--output", saved, tag)
        of_daemon = read(f"docker-daemon:{tag}")
    finally:
        run("docker", "rmi", tag)
    packed = tmp_path / "saved.tar.gz"
    packed.write_bytes(gzip.compress(saved.read_bytes()))
    for reference in ("", f":{tag}", f":docker.io/{tag}", ":@0"):
        assert read(f"docker-archive:{saved}{reference}").digest == of_daemon.digest
    assert tree(read(f"docker-archive:{packed}")) == tree(of_daemon)
    skopeo(f"docker-archive:{saved}", f"oci:{tmp_path}/oci")
    assert tree(read(f"oci:{tmp_path}/oci")) == tree(of_daemon)


@needs_root
def test_what_docker_could_not_be_asked_podman_extracts_the_same(
    tmp_path: Path, store: Store
) -> None:
    """Links into earlier layers, entries below a symlink, opaque directories in any order, xattrs:
    the tree is what the files of a mounted container are."""
    layers = (
        layer(
            file("data/file", b"1"), file("opaque/old"), file("opaque/deep/old"),
            Entry("usr", type=b"5", mode=0o755), Entry("usr/lib", type=b"5", mode=0o755),
            Entry("capable", b"x", mode=0o755, pax={"SCHILY.xattr.user.note": "kept"}),
            file("n" * 200 + "/" + "m" * 180, b"long"),
        ),
        layer(
            Entry("data/linked", type=b"1", link="data/file"), file("opaque/new"),
            file("opaque/.wh..wh..opq"), file("opaque/newer"),
        ),
    )  # fmt: skip
    archive = docker_archive(tmp_path / "odd.tar", layers, tags=("localhost/odd:1",))
    store.podman("load", "--quiet", "--input", archive)
    mounted = Path(store.podman("image", "mount", "localhost/odd:1"))
    image = read(f"docker-archive:{archive}")
    ours = {node.path: node for node in image.tree if node.path != "/"}
    theirs = {"/" + str(path.relative_to(mounted)): path for path in mounted.rglob("*")}
    assert set(ours) == set(theirs)
    for path, node in ours.items():
        status = theirs[path].lstat()
        assert node.mode == status.st_mode & 0o7777, path
        if node.type is NodeType.FILE:
            assert node.content is not None
            assert node.content.read() == theirs[path].read_bytes()
    linked = ours["/data/linked"].inode == ours["/data/file"].inode
    assert linked
    assert ours["/capable"].xattrs == {"user.note": b"kept"}
    with suppress(OSError):  # where the store's file system has no such attributes
        assert os.getxattr(theirs["/capable"], "user.note") == b"kept"
    store.podman("image", "unmount", "localhost/odd:1")
