"""Pulls from an honest registry: what is asked for, what is kept, what is gone on with."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from dock2uk.errors import ImageNotFoundError, SourceError
from dock2uk.ingest import SourceOptions, cache, daemon, read_image
from dock2uk.ingest.options import Pull
from dock2uk.ingest.platform import parse_platform
from dock2uk.ingest.registry.transport import Transport
from dock2uk.model import Image, Origin
from dock2uk.progress import Silent
from tests import registries
from tests.images import config_of, digest, file, layer
from tests.registries import CONFIG, DOCKER, INDEX, LAYER, MANIFEST, Registry, Reply, Request

LAYERS = [layer(file("a", b"first")), layer(file("b", b"second" * 1000))]


def pull(registry: Registry, name: str = "app", options: SourceOptions | None = None) -> Image:
    return read_image(f"docker://{registry.address}/{name}", Silent(), options or SourceOptions())


def blob_path(name: str, one: bytes) -> str:
    return f"/v2/{name}/blobs/{digest(gzip.compress(one, mtime=0))}"


def test_an_image_is_what_was_pushed(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    image = pull(registry)
    assert image.digest == digest(config_of(LAYERS, Cmd=["/x"]))
    assert [one.diff_id for one in image.layers] == [digest(one) for one in LAYERS]
    found = {node.path: node.content.read() for node in image.tree if node.content}
    assert found == {"/a": b"first", "/b": b"second" * 1000}


def test_an_image_is_known_by_its_manifest_and_the_index_that_led_to_it(registry: Registry) -> None:
    manifest = registry.put_image("team/app", LAYERS, tag="alone")
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest | platform]}
    led = registry.put_manifest("team/app", index, tag="latest", media_type=INDEX)
    both = (manifest["digest"], led["digest"])
    repository = f"{registry.address}/team/app"
    assert pull(registry, "team/app:alone").origin == Origin("app", repository, both[:1])
    assert pull(registry, "team/app").origin == Origin("app", repository, both)
    again = pull(registry, "team/app", SourceOptions(pull=Pull.NEVER))
    assert again.origin == Origin("app", repository, both)


def test_every_request_says_who_asks_and_what_for(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    pull(registry)
    (request,) = registry.asked("/manifests/")
    assert {INDEX, MANIFEST, f"{DOCKER}.distribution.manifest.v2+json"} <= {
        *request.headers["accept"].split(", ")
    }
    for request in registry.requests:
        assert request.headers["user-agent"].startswith("dock2uk/")
        assert request.headers["accept-encoding"] == "identity"
        assert "authorization" not in request.headers


def test_what_is_in_the_cache_is_not_fetched_again(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    pull(registry)
    first = len(registry.asked("/blobs/"))
    pull(registry)
    assert len(registry.asked("/blobs/")) == first == 3
    assert len(registry.asked("/manifests/")) == 2  # what a tag means has to be asked each time


def test_an_unpacked_layer_is_not_fetched_though_its_blob_is_gone(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    pull(registry)
    for one in LAYERS:
        cache.path("blobs", digest(gzip.compress(one, mtime=0))).unlink()
    pull(registry)
    assert len(registry.asked("/blobs/")) == 3


def test_by_its_digest_nothing_is_asked_the_second_time(registry: Registry) -> None:
    version = registry.put_image("app", LAYERS)["digest"]
    pull(registry, f"app@{version}")
    before = len(registry.requests)
    pull(registry, f"app@{version}")
    assert len(registry.requests) == before


def test_a_layer_that_comes_twice_is_fetched_once(registry: Registry) -> None:
    registry.put_image("app", [LAYERS[0], LAYERS[1], LAYERS[0]])
    assert len(pull(registry).layers) == 3
    assert len(registry.asked(blob_path("app", LAYERS[0]))) == 1


def test_docker_s_media_types_are_read_too(registry: Registry) -> None:
    config = registry.put_blob("app", config_of(LAYERS[:1]), f"{DOCKER}.container.image.v1+json")
    stored = gzip.compress(LAYERS[0], mtime=0)
    entry = registry.put_blob("app", stored, f"{DOCKER}.image.rootfs.diff.tar.gzip")
    kind = f"{DOCKER}.distribution.manifest.v2+json"
    document = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [entry]}
    registry.put_manifest("app", document, "latest", kind)
    assert pull(registry).tree.get("/a") is not None


# ------------------------------------------------------------------ platforms


def put_index(registry: Registry, *platforms: str) -> dict[str, str]:
    """An index with an image for each; the images' digests by platform."""
    entries, ids = [], {}
    for text in platforms:
        layers = [layer(file("platform", text.encode()))]
        os, architecture, *variant = text.split("/")
        document = json.loads(config_of(layers))
        document |= {"os": os, "architecture": architecture}
        config = json.dumps(document).encode()
        platform = {"os": os, "architecture": architecture, "variant": "".join(variant)}
        descriptor = registry.put_image("app", layers, "", config)
        entries.append({**descriptor, "platform": platform})
        ids[text] = digest(config)
    registry.put_manifest("app", {"manifests": entries}, "latest", INDEX)
    return ids


def test_of_an_index_the_platform_s_image_is_taken(registry: Registry) -> None:
    ids = put_index(registry, "linux/arm64/v8", "linux/amd64", "linux/arm/v6", "windows/amd64")
    assert pull(registry).digest == ids["linux/amd64"]
    for wanted, taken in (("linux/arm64", "linux/arm64/v8"), ("linux/arm/v7", "linux/arm/v6")):
        options = SourceOptions(platform=parse_platform(wanted))
        assert pull(registry, options=options).digest == ids[taken]


def test_what_is_beside_an_image_is_passed_over(registry: Registry) -> None:
    """BuildKit puts attestations into the index, for the platform unknown/unknown."""
    image = registry.put_image("app", LAYERS, "")
    beside = registry.put_manifest("app", {"layers": []})
    unknown = {"os": "unknown", "architecture": "unknown"}
    entries = [{**beside, "platform": unknown}, image]
    registry.put_manifest("app", {"manifests": entries}, "latest", INDEX)
    assert pull(registry).tree.get("/a") is not None


def test_indexes_may_be_in_indexes(registry: Registry) -> None:
    image = registry.put_image("app", LAYERS, "")
    platform = {"os": "linux", "architecture": "amd64"}
    inner = registry.put_manifest(
        "app", {"manifests": [{**image, "platform": platform}]}, "", INDEX
    )
    registry.put_manifest("app", {"manifests": [inner]}, "latest", INDEX)
    assert pull(registry).tree.get("/a") is not None


# ------------------------------------------------------------------ which source


class NoDaemon:
    """The daemon of a machine that has none, or not this image."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, *_: object) -> None:
        self.asked += 1
        raise ImageNotFoundError("the Docker daemon has no such image", hint="start it")


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> NoDaemon:
    absent = NoDaemon()
    monkeypatch.setattr(daemon, "open_image", absent)
    return absent


def test_a_bare_name_is_the_registry_s_where_the_daemon_has_it_not(
    registry: Registry, no_daemon: NoDaemon
) -> None:
    registry.put_image("app", LAYERS)
    name = f"{registry.address}/app:latest"
    assert read_image(name, Silent()).reference == name
    assert no_daemon.asked == 1


def test_always_asks_no_daemon(registry: Registry, no_daemon: NoDaemon) -> None:
    registry.put_image("app", LAYERS)
    read_image(f"{registry.address}/app", Silent(), SourceOptions(pull=Pull.ALWAYS))
    assert no_daemon.asked == 0


def test_never_asks_no_registry(registry: Registry, no_daemon: NoDaemon) -> None:
    registry.put_image("app", LAYERS)
    name, never = f"{registry.address}/app", SourceOptions(pull=Pull.NEVER)
    with pytest.raises(SourceError, match="not in the cache") as caught:
        read_image(name, Silent(), never)
    assert "--pull never" in str(caught.value.hint)
    pulled = read_image(name, Silent())
    before = len(registry.requests)
    again = read_image(name, Silent(), never)
    assert (again.digest, len(again.tree)) == (pulled.digest, len(pulled.tree))
    assert len(registry.requests) == before
    other = SourceOptions(pull=Pull.NEVER, platform=parse_platform("linux/arm64"))
    with pytest.raises(SourceError, match="linux/arm64 is not in the cache"):
        read_image(name, Silent(), other)


def test_both_say_why_they_have_it_not(registry: Registry, no_daemon: NoDaemon) -> None:
    with pytest.raises(SourceError) as caught:
        read_image(f"{registry.address}/app", Silent())
    assert "has no app:latest" in caught.value.message
    assert "daemon has no such image" in caught.value.message
    assert "start it" in str(caught.value.hint)


def test_an_image_id_is_asked_of_the_daemon_alone(no_daemon: NoDaemon) -> None:
    with pytest.raises(ImageNotFoundError, match="daemon"):
        read_image("sha256:" + "0" * 64, Silent())
    assert no_daemon.asked == 1


def test_a_tag_that_is_near_is_offered(registry: Registry) -> None:
    registry.put_image("app", LAYERS, "1.27")
    tags = json.dumps({"name": "app", "tags": ["1.26", "1.27", "nightly"]}).encode()
    registry.serve("/v2/app/tags/list", tags, "application/json")
    with pytest.raises(ImageNotFoundError) as caught:
        pull(registry, "app:1.72")
    assert "1.27" in str(caught.value.hint)


# ------------------------------------------------------------------ mirrors


def test_a_mirror_comes_first_and_the_registry_after_it(registry: Registry) -> None:
    with registries.registry() as mirror:
        mirror.put_image("proxy/app", LAYERS, "mirrored")
        registry.put_image("app", LAYERS, "latest")
        given = (f"{registry.address}={mirror.address}/proxy",)
        options = SourceOptions(mirrors=given)
        pull(registry, "app:mirrored", options)
        assert not registry.requests
        pull(registry, "app:latest", options)
        assert mirror.asked("/v2/proxy/app/manifests/latest")
        with pytest.raises(SourceError, match="before it, its mirrors"):
            pull(registry, "app:none", options)


def test_registries_conf_names_mirrors_and_moves_names(
    registry: Registry, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = own_places / "registries.conf"
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    conf.write_text(
        f"""
        [[registry]]
        prefix = "example.com/team"
        location = "{registry.address}/moved"
        [[registry.mirror]]
        location = "{registry.address}/mirror"
        [[registry]]
        prefix = "*.example.org"
        location = "{registry.address}"
        [[registry]]
        location = "example.com"
        blocked = true
        """
    )
    registry.put_image("mirror/a", LAYERS)
    registry.put_image("moved/b", LAYERS)
    registry.put_image("deep/c", LAYERS)
    for name in ("example.com/team/a", "example.com/team/b", "some.example.org/deep/c"):
        read_image(f"docker://{name}", Silent())
    with pytest.raises(SourceError, match="blocked"):
        read_image("docker://example.com/other", Silent())


# ------------------------------------------------------------------ proxies


def test_a_proxy_is_asked_where_one_is_named(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads nowhere: only the proxy can know it."""
    registry.put_image("app", LAYERS)
    for path, act in list(registry.acts.items()):
        registry.acts[f"http://registry.invalid{path}"] = act
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", f"http://{registry.address}")
    options = SourceOptions(insecure_registries=("registry.invalid",))
    read_image("docker://registry.invalid/app", Silent(), options)
    assert all(one.path.startswith("http://registry.invalid/v2/app/") for one in registry.requests)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://x"])
def test_a_proxy_that_cannot_be_used_is_said(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(SourceError, match="proxy") as caught:
        pull(registry)
    assert "HTTPS_PROXY" in str(caught.value.hint)


# ------------------------------------------------------------------ going on


def test_a_download_that_breaks_is_gone_on_with(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    path = blob_path("app", LAYERS[1])
    whole, stored = registry.acts[path], gzip.compress(LAYERS[1], mtime=0)
    breaks = iter([True, True, False])

    def breaking(request: Request) -> Reply:
        answer = whole(request)
        assert isinstance(answer, Reply)
        if not next(breaks):
            return answer
        return Reply(answer.status, answer.body[:20], answer.headers, len(answer.body))

    registry.acts[path] = breaking
    pull(registry)
    ranges = [request.headers.get("range") for request in registry.asked(path)]
    assert ranges == [None, "bytes=20-", "bytes=40-"]
    assert cache.path("blobs", digest(stored)).read_bytes() == stored


def leave_partial(one: bytes, data: bytes) -> Path:
    """What a pull that was killed leaves."""
    target = cache.path("blobs", digest(gzip.compress(one, mtime=0)))
    partial = cache.directory() / "partial" / target.name
    partial.parent.mkdir(parents=True)
    partial.write_bytes(data)
    return partial


def test_what_a_killed_pull_left_is_gone_on_with(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    stored = gzip.compress(LAYERS[1], mtime=0)
    partial = leave_partial(LAYERS[1], stored[:30])
    pull(registry)
    (request,) = registry.asked(blob_path("app", LAYERS[1]))
    assert request.headers["range"] == "bytes=30-"
    assert not partial.exists()


@pytest.mark.parametrize("left", [b"x" * 30, b"x" * 100_000], ids=["damaged", "too long"])
def test_what_is_no_beginning_of_it_is_fetched_anew(registry: Registry, left: bytes) -> None:
    registry.put_image("app", LAYERS)
    leave_partial(LAYERS[1], left)
    pull(registry)
    assert registry.asked(blob_path("app", LAYERS[1]))[-1].headers.get("range") is None


def test_a_server_without_ranges_gives_all_again(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    stored = gzip.compress(LAYERS[1], mtime=0)
    registry.acts[blob_path("app", LAYERS[1])] = lambda _: Reply(200, stored)
    leave_partial(LAYERS[1], stored[:30])
    assert pull(registry).tree.get("/b") is not None


STORED = gzip.compress(LAYERS[0], mtime=0)


def damage_blob(registry: Registry, damaged: bytes) -> None:
    registry.put_image("app", LAYERS)
    pull(registry)
    cache.path("layers", digest(LAYERS[0])).unlink()
    cache.path("blobs", digest(STORED)).write_bytes(damaged)


def test_a_blob_that_the_disk_cut_is_fetched_again(registry: Registry) -> None:
    damage_blob(registry, STORED[:20])
    assert pull(registry).tree.get("/a") is not None


@pytest.mark.parametrize(
    "damaged",
    [
        bytes(len(STORED)),
        STORED[:20] + bytes(len(STORED) - 20),
        gzip.compress(LAYERS[1], mtime=0).ljust(len(STORED), b"\0")[: len(STORED)],
    ],
    ids=["zeros", "zeros at the end", "of another layer"],
)
def test_a_blob_that_the_disk_damaged_is_seen_when_it_is_unpacked(
    registry: Registry, damaged: bytes
) -> None:
    damage_blob(registry, damaged)
    with pytest.raises(SourceError) as caught:
        pull(registry)
    assert "try again" in str(caught.value.hint)
    assert pull(registry).tree.get("/a") is not None


def test_a_configuration_that_the_disk_damaged_is_fetched_again(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    image = pull(registry)
    cache.path("blobs", image.digest).write_bytes(b"{}")
    assert pull(registry).digest == image.digest


def test_what_has_come_is_read_at_once(registry: Registry) -> None:
    body = os.urandom(4 << 20)
    registry.put_image("app", [layer(file("large", body))])
    path = blob_path("app", layer(file("large", body)))
    with Transport(frozenset()).open("GET", f"http://{registry.address}{path}") as response:
        time.sleep(0.5)  # more comes than httpcore reads by itself
        assert max(map(len, response.iter_raw())) > 1 << 16


def test_progress_is_told_for_each_layer(registry: Registry) -> None:
    class Told(Silent):
        def __init__(self) -> None:
            self.parts: dict[str, tuple[int, int | None]] = {}

        def part(self, name: str, done_bytes: int, total_bytes: int | None) -> None:
            self.parts[name] = (done_bytes, total_bytes)

    registry.put_image("app", LAYERS)
    told = Told()
    read_image(f"docker://{registry.address}/app", told)
    sizes = [len(gzip.compress(one, mtime=0)) for one in LAYERS]
    assert told.parts == {
        f"layer {number} of 2": (size, size) for number, size in enumerate(sizes, start=1)
    }


def test_the_media_type_of_layers_is_checked_by_what_they_are(registry: Registry) -> None:
    """A plain tar under gzip's media type is read for what it is, as others do."""
    entry = registry.put_blob("app", LAYERS[0], LAYER)
    config = registry.put_blob("app", config_of(LAYERS[:1]), CONFIG)
    registry.put_manifest("app", {"config": config, "layers": [entry]}, "latest")
    assert pull(registry).tree.get("/a") is not None
