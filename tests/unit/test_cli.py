"""The command line: what goes to which stream, and with which status it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.images import directory, docker_archive, file, layer


def dock2uk(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), "DOCKER_HOST": "unix:///no"}
    command = [sys.executable, "-m", "dock2uk", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def shell_image(tmp_path: Path) -> str:
    one = layer(directory("bin"), file("bin/sh", b"\x7fELF" + bytes(60), 0o755))
    return f"docker-archive:{docker_archive(tmp_path / 'i.tar', [one], Cmd=['/bin/sh'])}"


def test_without_arguments_it_shows_its_help(tmp_path: Path) -> None:
    done = dock2uk(cwd=tmp_path)
    assert "convert" in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["convert", "run", "inspect", "explain", "doctor"])
def test_every_command_has_help_with_an_example_or_a_sentence(tmp_path: Path, command: str) -> None:
    done = dock2uk(command, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_the_version_is_told(tmp_path: Path) -> None:
    assert dock2uk("--version", cwd=tmp_path).stdout.startswith("dock2uk ")


def test_an_error_is_one_line_with_a_hint_and_status_1(tmp_path: Path) -> None:
    done = dock2uk("convert", "docker-archive:missing.tar", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "missing.tar" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_is_no_report_is_told_before_the_image_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{}")
    done = dock2uk("convert", "missing.tar", "-o", "out", "--vulns", "report.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "report.json is a report neither of grype nor of trivy" in done.stderr


def test_a_missing_daemon_is_said_with_what_to_do(tmp_path: Path) -> None:
    done = dock2uk("convert", "nginx:latest", "-o", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "docker-archive:" in done.stderr


def test_an_unsupported_workload_is_status_3_with_reasons(tmp_path: Path, shell_image: str) -> None:
    done = dock2uk("convert", shell_image, "-o", "out", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "not supported" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("convrt",), "No such command 'convrt'", "dock2uk --help"),
        (("convert", "--bogus"), "No such option: --bogus", "dock2uk convert --help"),
        ((), "no command is given", "dock2uk --help"),
    ],
)
def test_a_misused_command_is_no_verdict(
    tmp_path: Path, words: tuple[str, ...], said: str, hint: str
) -> None:
    done = dock2uk(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert f"error: {said}" in done.stderr
    assert done.stderr.endswith(f" {hint}\n")
    told = json.loads(dock2uk("convert", "--bogus", "--json", cwd=tmp_path).stdout)
    assert told["error"]["status"] == 1


def test_with_json_errors_are_one_document_on_stdout(tmp_path: Path, shell_image: str) -> None:
    done = dock2uk("convert", shell_image, "-o", "out", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["error"]["status"] == done.returncode == 3
    assert document["error"]["reasons"]


def test_somebody_elses_directory_is_not_replaced(tmp_path: Path, shell_image: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("years of work")
    done = dock2uk("convert", shell_image, "-o", "mine", cwd=tmp_path)
    assert done.returncode == 1
    assert (mine / "thesis.tex").exists()


def test_doctor_tells_json_of_the_same_findings(tmp_path: Path) -> None:
    findings = json.loads(dock2uk("doctor", "--json", cwd=tmp_path).stdout)
    assert all({"name", "is_ok", "is_required", "value", "remedy"} == set(f) for f in findings)
    assert any("qemu" in finding["name"].lower() for finding in findings)


def test_inspecting_what_is_no_bundle_says_so(tmp_path: Path) -> None:
    done = dock2uk("inspect", ".", cwd=tmp_path)
    assert done.returncode == 1
    assert "no bundle" in done.stderr


_OBJECTS = [
    "tool",
    "source",
    "runtime",
    "entrypoint",
    "interfaces",
    "files",
    "artifact",
    "comparison",
]
_LISTS = ["metrics", "losses", "notes", "packages", "secrets", "scenarios"]
_EMPTY_REPORT = {
    "version": 1, "vulnerabilities": None, "verification": None,
    **{name: {} for name in _OBJECTS}, **{name: [] for name in _LISTS},
}  # fmt: skip


def bundle_in(directory: Path) -> Path:
    """The least that `inspect` takes for a bundle; its image is not as the manifest says."""
    entry = {"name": "unikernel.elf", "size": 1, "sha256": "0" * 64}
    document = {"version": 1, "image": "unikernel.elf", "memory_mb": 64, "machines": ["pc"]}
    document |= {"ports": [], "command": "qemu", "files": [entry]}
    directory.mkdir()
    (directory / "bundle.json").write_text(json.dumps(document))
    (directory / "report.json").write_text(json.dumps(_EMPTY_REPORT))
    return directory


def test_an_altered_bundle_is_still_one_json_document(tmp_path: Path) -> None:
    bundle_in(tmp_path / "b.uk")
    done = dock2uk("inspect", "b.uk", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["altered"] == ["unikernel.elf"]


@pytest.mark.parametrize("output", [".", ".."])
def test_the_directory_one_is_in_is_not_replaced(
    tmp_path: Path, shell_image: str, output: str
) -> None:
    here = tmp_path / "empty/here"
    here.mkdir(parents=True)
    done = dock2uk("convert", shell_image, "-o", output, cwd=here)
    assert done.returncode == 1
    assert "where you are" in done.stderr


def test_what_cannot_be_written_is_one_line(tmp_path: Path, shell_image: str) -> None:
    (tmp_path / "file").write_text("no directory")
    done = dock2uk("convert", shell_image, "-o", "file/out", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing(tmp_path: Path, number: int, status: int) -> None:
    """In the middle: the image comes from a daemon that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        environment = {**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        command = [sys.executable, "-m", "dock2uk", "convert", "a:b", "-o", "out"]
        running = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
        listener.settimeout(30)
        with listener.accept()[0]:
            running.send_signal(number)
            _, errors = running.communicate(timeout=30)
    assert running.returncode == status
    assert b"Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
