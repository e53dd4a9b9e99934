"""The root archive, with cpio(1) as the oracle."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from dock2uk.errors import Dock2ukError
from dock2uk.link import cpio
from dock2uk.model import Node, NodeType
from tests.nodes import directory, file, node, symlink

PAGE_BYTES = 4096
PAGE_AND_A_BIT = b"page" * 1024 + b"and a bit"

NODES = (
    directory("/"),
    directory("/etc"),
    file("/etc/empty"),
    file("/etc/text", b"text\n", 0o640, uid=33, gid=44, mtime=1_234_567_890),
    directory("/usr"),
    directory("/usr/bin"),
    file("/usr/bin/first", PAGE_AND_A_BIT, 0o4755, inode=7),
    file("/usr/bin/second", PAGE_AND_A_BIT, 0o4755, inode=7),
    symlink("/usr/bin/link", "first"),
    directory("/usr-local"),
    node("/null", NodeType.CHARACTER_DEVICE, 0o666, device=(1, 3)),
    node("/queue", NodeType.FIFO, 0o600),
    file("/Grüße .txt", b"x"),
)


def archive_of(nodes: tuple[Node, ...]) -> bytes:
    output = io.BytesIO()
    size_bytes = cpio.write(nodes, output)
    assert size_bytes == len(output.getvalue())
    return output.getvalue()


def cpio_command(*options: str, archive: bytes, cwd: Path) -> str:
    done = subprocess.run(
        ["cpio", "--quiet", *options], input=archive, cwd=cwd, capture_output=True, check=True
    )
    return done.stdout.decode()


def test_cpio_lists_what_was_written(tmp_path: Path) -> None:
    listing = cpio_command("-itvn", archive=archive_of(NODES), cwd=tmp_path).splitlines()
    text = next(line for line in listing if line.endswith("etc/text"))
    assert text.split()[:5] == ["-rw-r-----", "1", "33", "44", "5"]
    assert any(line.startswith("crw-rw-rw-") and "1,   3" in line for line in listing)
    assert any(line.startswith("prw-------") and line.endswith("queue") for line in listing)
    assert any(line.startswith("lrwxrwxrwx") and "link -> first" in line for line in listing)
    assert len(listing) == len(NODES)


def test_cpio_extracts_the_same_files(tmp_path: Path) -> None:
    without_devices = tuple(n for n in NODES if n.type is not NodeType.CHARACTER_DEVICE)
    cpio_command("-idm", "--no-preserve-owner", archive=archive_of(without_devices), cwd=tmp_path)
    for expected in without_devices[1:]:  # the directory to extract to was there before
        path = tmp_path / expected.path.lstrip("/")
        assert path.is_symlink() or path.stat().st_mode & 0o777 == expected.mode & 0o777
        if expected.content is not None:
            assert path.read_bytes() == expected.content.read()
            assert int(path.stat().st_mtime) == expected.mtime
    first, second = tmp_path / "usr/bin/first", tmp_path / "usr/bin/second"
    assert first.stat().st_ino == second.stat().st_ino
    assert first.stat().st_nlink == 2


def test_the_data_of_every_file_begins_at_a_page() -> None:
    archive = archive_of(NODES)
    for data in (b"text\n", PAGE_AND_A_BIT):
        assert archive.find(data) % PAGE_BYTES == 0
        assert archive.count(data) == 1


def test_the_order_given_does_not_matter() -> None:
    assert archive_of(NODES) == archive_of(NODES[::-1])


def test_parents_come_before_children_and_siblings_stay_together(tmp_path: Path) -> None:
    names = cpio_command("-it", archive=archive_of(NODES), cwd=tmp_path).splitlines()
    assert names[0] == "."
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/first")
    assert names.index("usr/bin/second") < names.index("usr-local")


def test_times_are_clamped_to_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = file("/old", mtime=10), file("/new", mtime=1000)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "500")
    archive = archive_of((old, new))
    assert archive == archive_of((old, file("/new", mtime=500)))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(Dock2ukError, match="SOURCE_DATE_EPOCH"):
        archive_of((old,))


def test_a_value_beyond_32_bits_is_an_error_that_names_the_file() -> None:
    with pytest.raises(Dock2ukError, match="big"):
        archive_of((file("/big", uid=1 << 32),))


def test_content_that_is_not_as_long_as_promised_is_an_error() -> None:
    class Liar:
        size = 5

        def read(self) -> bytes:
            return b"1"

        def open(self) -> io.BytesIO:
            return io.BytesIO(b"1")

    liar = node("/liar", NodeType.FILE, 0o644, content=Liar())
    with pytest.raises(Dock2ukError, match="/liar: 1 bytes where 5"):
        archive_of((liar,))
