"""What the bench computes, apart from measuring."""

from __future__ import annotations

from pathlib import Path

from bench import initramfs, report
from dock2uk.link import cpio
from tests.nodes import directory, file


def test_the_linux_guest_gets_the_archive_with_its_names_cut_to_length(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with archive.open("wb") as output:
        cpio.write([directory("/"), directory("/etc"), file("/etc/a", b"alpha")], output)
    entries = {entry.name: entry for entry in initramfs.read(archive.read_bytes())}
    assert entries[b"etc/a"].data == b"alpha"
    guest = initramfs.Guest(_init(tmp_path), (), "/etc/a", ("a", "b"))
    initramfs.build(archive.read_bytes(), guest, tmp_path / "initramfs")
    made = {entry.name: entry for entry in initramfs.read((tmp_path / "initramfs").read_bytes())}
    assert made[b"etc/a"].data == b"alpha"
    assert made[b"etc/a"].fields[11] == len("etc/a\0")
    assert made[b"bench/command"].data == b"/etc/a\na\nb\n"
    assert made[b"init"].data == b"#!"


def _init(directory: Path) -> Path:
    path = directory / "init"
    path.write_bytes(b"#!")
    return path


def test_a_target_is_met_or_missed_on_the_right_side() -> None:
    met = report.TARGETS["boot.nginx"].is_met({"ratio": 0.10})
    missed = report.TARGETS["boot.nginx"].is_met({"ratio": 0.101})
    fast = report.TARGETS["requests.nginx"].is_met({"ratio": 2.2})
    slow = report.TARGETS["requests.nginx"].is_met({"ratio": 2.1})
    assert (met, missed, fast, slow) == (True, False, True, False)


def test_the_table_replaces_only_what_is_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    figure = {"unit": "MB", "husk": 20, "linux": 87, "ratio": 0.23, "runs": 1}
    document = {"date": "2026-11-23", "machine": "here", "figures": {"min_memory.nginx": figure}}
    report.write_table(document, page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| min_memory.nginx | MB | 20 | 87 | 0.23 | 1 | at most 24 | yes |" in text
