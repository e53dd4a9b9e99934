"""Dockerfiles, built by the builders there are: docker's two, and buildah."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dock2uk.ingest import SourceOptions
from dock2uk.ingest.options import BuildOptions
from dock2uk.model import Image
from tests.leftovers import left
from tests.sources.conftest import needs_docker, needs_root, read, run, tree

BASE = "dock2uk-test/base:1"
DOCKERFILE = """\
ARG BASE=dock2uk-test/base:1
FROM ${BASE} AS first
COPY one /one
FROM scratch AS unused
COPY two /unused
FROM first
ARG WHO=nobody
ENV NAME=$WHO
COPY two /etc/two
EXPOSE 8080
USER 12:34
ENTRYPOINT ["/one", "two"]
CMD ["three"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    place = tmp_path / "context"
    place.mkdir()
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / "one").write_text("1")
    (place / "two").write_text("2")
    (place / "ignored").write_text("3")
    (place / ".dockerignore").write_text("ignored\n")
    return place


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The context of an image that no registry is asked for."""
    place = tmp_path / "base"
    (place / "etc").mkdir(parents=True)
    (place / "etc/base").write_text("b")
    (place / "Dockerfile").write_text("FROM scratch\nCOPY etc /etc\n")
    return place


@pytest.fixture
def docker_base(base: Path) -> Iterator[str]:
    run("docker", "build", "--quiet", "--tag", BASE, base)
    yield BASE
    run("docker", "rmi", "--force", BASE)


@contextmanager
def built(reference: str, its: SourceOptions) -> Iterator[Image]:
    """An image that docker's daemon made, which is gone afterwards."""
    image = read(reference, its)
    yield image
    run("docker", "rmi", "--force", image.digest)


def options(*arguments: str, target: str | None = None) -> SourceOptions:
    return SourceOptions(build=BuildOptions(None, arguments, target))


def check(image: Image) -> None:
    assert {n.path for n in image.tree} == {"/", "/etc", "/etc/base", "/etc/two", "/one"}
    assert image.config.entrypoint == ("/one", "two")
    assert image.config.cmd == ("three",)
    assert image.config.user == "12:34"
    assert image.config.exposed_ports == ("8080/tcp",)
    assert "NAME=me" in image.config.env
    assert image.dockerfile is not None
    lines = {one.rule: one.line for one in image.dockerfile.findings}
    assert lines | {"entrypoint": 12, "cmd": 13, "user": 11, "expose": 10} == lines
    assert lines["final-stage"] == 6


@needs_docker
def test_docker_builds_it(context: Path, docker_base: str) -> None:
    with built(str(context), options("WHO=me")) as image:
        check(image)
        again = read(f"{context}/Dockerfile", options("WHO=me"))
        assert again.digest == image.digest  # its layers were found again


@needs_docker
def test_a_stage_can_be_the_target(context: Path, docker_base: str) -> None:
    with built(str(context), options(target="first")) as image:
        assert {n.path for n in image.tree} == {"/", "/etc", "/etc/base", "/one"}
        assert image.dockerfile is not None
        assert image.dockerfile.final_stage == 0


@needs_docker
def test_buildkit_builds_it_where_the_command_has_it(
    context: Path, docker_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's command has it built in; one with buildx is not packaged there."""
    monkeypatch.setenv("PATH", f"/usr/bin:{os.environ['PATH']}")
    if int(run("docker", "--version").split()[2].partition(".")[0]) > 22:
        pytest.skip("Debian's docker is not installed")
    said: list[str] = []
    image = read_with(said, str(context))
    check(image)
    assert any("exporting to image" in line for line in said), said
    run("docker", "rmi", "--force", image.digest)


def read_with(said: list[str], reference: str) -> Image:
    from dock2uk.ingest import read_image
    from dock2uk.progress import Silent

    class Heard(Silent):
        def say(self, line: str) -> None:
            said.append(line)

    return read_image(reference, Heard(), options("WHO=me"))


@needs_root
@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_buildah_builds_it(
    context: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    use_own_store(tmp_path, monkeypatch)
    run("buildah", "build", "--quiet", "--tag", f"localhost/{BASE}", base)
    hide(tmp_path, monkeypatch, {"buildah", "podman"} - {builder})
    image = read(str(context), options("WHO=me", f"BASE=localhost/{BASE}"))
    check(image)
    assert tree(image) == tree(read(str(context), options("WHO=me", f"BASE=localhost/{BASE}")))


def use_own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """buildah's store under the test's directory, and no docker (containers-storage.conf(5))."""
    store = tmp_path / "store"
    store.mkdir(exist_ok=True)
    text = f'[storage]\ndriver = "vfs"\ngraphroot = "{store}/root"\nrunroot = "{store}/run"\n'
    (store / "storage.conf").write_text(text)
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(store / "storage.conf"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")


READ = """
import json, sys
from dock2uk.ingest import SourceOptions, read_image
from dock2uk.progress import Silent
class Told(Silent):
    def say(self, line):
        print(line, flush=True)
read_image(sys.argv[1], Told())
"""


def interrupted(context: Path) -> int:
    """The status of a conversion that is sent SIGINT once its RUN has begun."""
    command = [sys.executable, "-c", READ, str(context)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        assert one.stdout is not None
        timer = threading.Timer(120, one.kill)
        timer.start()
        for line in one.stdout:
            if line.strip().endswith("has begun"):
                one.send_signal(signal.SIGINT)
                break
        one.stdout.read()
        status = one.wait()
        timer.cancel()
    return status


def slow(context: Path, name: str) -> str:
    """A Dockerfile whose RUN takes longer than a test; the command line it runs."""
    seconds = f"{300 + os.getpid() % 1000}.{len(name)}"
    text = f"FROM {name}\nRUN echo it has begun; sleep {seconds}\n"
    (context / "Dockerfile").write_text(text)
    return f"sleep {seconds}"


def is_running(command: str) -> bool:
    wanted = command.replace(" ", "\0").encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().rstrip(b"\0") == wanted:
                return True
        except OSError:
            continue
    return False


def within_patience(is_so: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + 30
    while not is_so():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.2)
    return True


def ends(command: str) -> bool:
    return within_patience(lambda: not is_running(command))


@needs_docker
def test_interrupted_docker_s_build_leaves_nothing(context: Path) -> None:
    command = slow(context, "nginx:latest")
    before = containers()
    assert interrupted(context) != 0
    assert ends(command)
    assert not left(containers, before)


def containers() -> set[str]:
    return set(run("docker", "ps", "--all", "--quiet").split())


@needs_root
@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_interrupted_buildah_s_build_leaves_nothing(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    use_own_store(tmp_path, monkeypatch)
    layout = Path(__file__).resolve().parents[2] / "build/fixtures/nginx"
    pulled = run("buildah", "pull", "--quiet", f"oci:{layout}")
    command = slow(context, pulled)
    hide(tmp_path, monkeypatch, {"buildah", "podman"} - {builder})
    assert interrupted(context) != 0
    monkeypatch.undo()
    use_own_store(tmp_path, monkeypatch)
    assert ends(command)
    assert json.loads(run("buildah", "containers", "--json") or "null") in (None, [])
    assert [*(tmp_path / "cache").glob("dock2uk/images/*")] == []


def hide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: set[str]) -> None:
    """A PATH on which everything is but these."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for place in reversed(os.environ["PATH"].split(":")):
        for program in Path(place).glob("*"):
            if program.name not in names:
                (programs / program.name).unlink(missing_ok=True)
                (programs / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
