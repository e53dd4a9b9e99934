"""The cache under interruption and company: killed pulls, two at once, and what is taken away."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dock2uk.cli import app
from dock2uk.errors import Dock2ukError, SourceError
from dock2uk.ingest import cache, cache_contents, read_image
from dock2uk.progress import Silent
from dock2uk.source_options import seconds
from tests.images import digest, file, layer
from tests.registries import Act, Registry, Reply, Request

LAYERS = [layer(file(name, random.Random(name).randbytes(1 << 20))) for name in ("a", "b", "c")]
PULL = "import sys; from dock2uk.ingest import *; from dock2uk.progress import Silent\n"
PULL += "print(read_image(sys.argv[1], Silent()).digest)"


def start_pull(registry: Registry) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PULL, f"docker://{registry.address}/app"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )


def finished(pull: subprocess.Popen[str]) -> str:
    output, errors = pull.communicate(timeout=60)
    assert pull.returncode == 0, errors
    return output.strip()


def slow_layers(registry: Registry, begun: threading.Event, piece_s: float) -> None:
    """Layers come piece by piece, with time to be killed between."""
    for one in LAYERS:
        path = f"/v2/app/blobs/{digest(gzip.compress(one, mtime=0))}"
        whole = registry.acts[path]

        def act(request: Request, whole: Act = whole) -> Reply:
            answer = whole(request)
            assert isinstance(answer, Reply)
            begun.set()
            return replace(answer, piece_s=piece_s)

        registry.acts[path] = act


def everything_is_whole() -> bool:
    return all(
        digest(path.read_bytes()) == path.name.replace("-", ":")
        for kind in ("blobs", "layers")
        for path in (cache.directory() / kind).glob("sha256-*")
    )


def test_a_pull_that_is_killed_anywhere_is_gone_on_with(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    begun = threading.Event()
    slow_layers(registry, begun, 0.02)
    for delay_s in (0.0, 0.02, 0.04, 0.08):
        begun.clear()
        pull = start_pull(registry)
        assert begun.wait(30)
        time.sleep(delay_s)
        pull.kill()
        pull.communicate()
        assert everything_is_whole()
    image = read_image(f"docker://{registry.address}/app", Silent())
    ranges = [one.headers["range"] for one in registry.requests if "range" in one.headers]
    assert ranges, "nothing was gone on with"
    assert everything_is_whole()
    assert image.layers[0].diff_id == digest(LAYERS[0])


def test_a_pull_that_is_killed_while_it_unpacks_is_redone(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    for _ in range(5):
        pull = start_pull(registry)
        layers = cache.directory() / "layers"
        while pull.poll() is None and not any(layers.glob(f"{cache.TEMPORARY}*")):
            time.sleep(0.001)
        pull.kill()
        pull.communicate()
        assert everything_is_whole()
        for path in layers.glob("sha256-*"):
            path.unlink()
    read_image(f"docker://{registry.address}/app", Silent())
    assert everything_is_whole()


def test_two_processes_fetch_each_layer_once(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    slow_layers(registry, threading.Event(), 0.005)
    pulls = [start_pull(registry) for _ in range(3)]
    assert len({finished(pull) for pull in pulls}) == 1
    for one in LAYERS:
        assert len(registry.asked(digest(gzip.compress(one, mtime=0)))) == 1
    assert everything_is_whole()
    assert not list((cache.directory() / "partial").iterdir())


def test_whoever_waits_goes_on_when_the_other_is_killed(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    begun = threading.Event()
    slow_layers(registry, begun, 0.05)
    first = start_pull(registry)
    assert begun.wait(30)
    second = start_pull(registry)
    time.sleep(0.7)
    first.kill()
    first.communicate()
    assert finished(second)
    assert [one for one in registry.requests if "range" in one.headers]


def test_an_interrupted_pull_ends_at_once(registry: Registry) -> None:
    """Also while the registry is silent: no thread is waited for."""
    registry.put_image("app", LAYERS)
    begun = threading.Event()
    slow_layers(registry, begun, 20)
    pull = start_pull(registry)
    assert begun.wait(30)
    time.sleep(0.2)
    began_s = time.monotonic()
    pull.send_signal(2)
    pull.communicate(timeout=10)
    assert time.monotonic() - began_s < 5


def test_another_s_download_that_stands_still_is_said(
    own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_STANDSTILL_S", 0.2)
    target = cache.path("blobs", digest(b"x"))
    told: list[bool] = []
    with cache.continuing(target, lambda: None) as ours:
        assert ours is not None
        waiting = cache.continuing(target, lambda: told.append(True))
        with pytest.raises(SourceError, match="no headway"):
            waiting.__enter__()
    assert told == [True]
    assert target.exists()


# ------------------------------------------------------------------ ls and prune


@pytest.fixture
def filled(own_places: Path) -> dict[str, Path]:
    """Files of several ages, in days."""
    ages = {"blobs": 40, "layers": 8, "images": 0, "partial": 0}
    made = {}
    for kind, days in ages.items():
        path = cache.path(kind, digest(kind.encode()))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(5000))
        os.utime(path, (time.time() - days * 86400 - 60,) * 2)
        made[kind] = path
    made["left"] = made["blobs"].with_name(f"{cache.TEMPORARY}x")
    made["left"].mkdir()
    (made["left"] / "part").write_bytes(bytes(5000))
    made["foreign"] = made["blobs"].parent.parent / "notes.txt"
    made["foreign"].touch()
    return made


def left(filled: dict[str, Path]) -> set[str]:
    return {kind for kind, path in filled.items() if path.exists()}


def cli(*words: str) -> str:
    done = CliRunner().invoke(app, ["cache", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_what_interruptions_left_and_nobody_needs_is_removed(filled: dict[str, Path]) -> None:
    cli("prune")
    assert left(filled) == {"layers", "images", "foreign"}
    cli("prune", "--older-than", "7d")
    assert left(filled) == {"images", "foreign"}
    cli("prune", "--all")
    assert left(filled) == {"foreign"}


def test_the_list_says_what_and_how_large(filled: dict[str, Path]) -> None:
    document = json.loads(cli("ls", "--json"))
    kinds = {entry["kind"]: entry for entry in document["entries"] if entry["digest"]}
    assert set(kinds) == {"blobs", "layers", "images", "partial"}
    assert kinds["blobs"]["unused_s"] > 40 * 86400
    assert kinds["partial"]["what"] == "a download that was interrupted"
    assert document["size_bytes"] == sum(e["size_bytes"] for e in document["entries"]) >= 4 * 4096
    shown = cli("ls")
    assert "40 d" in shown
    assert str(cache.directory()) in shown


def test_what_is_removed_is_said(filled: dict[str, Path]) -> None:
    document = json.loads(cli("prune", "--json", "--older-than", "7d"))
    assert {entry["kind"] for entry in document["entries"]} == {"blobs", "layers", "partial"}
    assert "removed 1 files" in cli("prune", "--all")


def test_parts_of_an_image_are_listed_by_its_name(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    finished(start_pull(registry))
    listed = json.loads(cli("ls", "--json"))["entries"]
    said = {entry["what"] for entry in listed}
    shown = cli("ls")
    assert all(entry["what"] in shown and entry["digest"][:19] in shown for entry in listed)
    name = f"{registry.address}/app:latest (linux/amd64)"
    assert {f"layer 3 of {name}", f"manifest of {name}", f"configuration of {name}"} <= said


def test_use_makes_young_again(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    finished(start_pull(registry))
    old = time.time() - 100 * 86400
    for entry in cache_contents.entries():
        os.utime(entry.path, (old, old))
    finished(start_pull(registry))
    removed = {Path(one["path"]) for one in json.loads(cli("prune", "--json"))["entries"]}
    kept = {cache.path("layers", digest(one)) for one in LAYERS}
    assert all(path.exists() for path in kept)
    assert not kept & removed
    assert removed  # the compressed layers, which nobody has asked for


def test_nothing_is_removed_from_under_a_reader(filled: dict[str, Path]) -> None:
    holder = "import sys; from dock2uk.ingest import cache; cache.hold(); print(1, flush=True); "
    command = [sys.executable, "-c", holder + "sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        with pytest.raises(SourceError, match="in use") as caught:
            cache_contents.prune(0)
        assert caught.value.hint
        assert "blobs" in left(filled)
        reader.communicate(b"")
    cache_contents.prune(0)
    assert left(filled) == {"foreign"}


def test_the_cache_is_its_user_s_alone(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    read_image(f"docker://{registry.address}/app", Silent())
    assert cache.directory().stat().st_mode & 0o077 == 0


def test_whatever_is_kept_is_listed() -> None:
    """Each folder that a source names is one that `cache ls` knows."""
    sources = Path(cache_contents.__file__).parent
    text = "".join(path.read_text() for path in sources.rglob("*.py"))
    named = set(re.findall(r'cache\.(?:path|find)\("(\w+)"', text))
    assert {"blobs", "layers", "images", "archives"} <= named
    assert named <= set(cache_contents._KINDS)


def test_an_empty_cache_is_listed_and_pruned(own_places: Path) -> None:
    assert json.loads(cli("ls", "--json"))["entries"] == []
    assert "removed 0 files" in cli("prune")


def test_times_are_numbers_with_a_unit() -> None:
    assert [seconds(text) for text in ("0s", "90m", "2h", "7d", "1w")] == [
        0, 5400, 7200, 7 * 86400, 7 * 86400,
    ]  # fmt: skip
    for wrong in ("", "7", "d", "-1d", "1y", "1.5h", "7 d"):
        with pytest.raises(Dock2ukError) as caught:
            seconds(wrong)
        assert caught.value.hint
