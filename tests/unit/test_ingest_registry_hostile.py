"""Registries that lie, break or stall: each is met with words, in bounded time, and nothing of
theirs is kept in the cache under a name it does not deserve.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dock2uk.errors import OtherPlatformError, SourceError
from dock2uk.ingest import SourceOptions, cache, limits, read_image
from dock2uk.ingest.platform import parse_platform
from dock2uk.ingest.registry import download, transport
from dock2uk.ingest.registry.endpoints import Endpoint
from dock2uk.ingest.registry.session import Session
from dock2uk.ingest.registry.transport import Transport
from dock2uk.model import Image
from dock2uk.progress import Silent
from tests import registries
from tests.images import config_of, digest, file, layer
from tests.registries import (
    CONFIG,
    DOCKER,
    INDEX,
    LAYER,
    MANIFEST,
    OCI,
    Registry,
    Reply,
    Request,
)

LAYERS = [layer(file("a", b"first" * 1000))]
STORED = gzip.compress(LAYERS[0], mtime=0)
LAYER_PATH = f"/v2/app/blobs/{digest(STORED)}"
MANIFEST_PATH = "/v2/app/manifests/latest"


def pull(registry: Registry, options: SourceOptions | None = None, name: str = "app") -> Image:
    return read_image(f"docker://{registry.address}/{name}", Silent(), options or SourceOptions())


def refused(registry: Registry, words: str, options: SourceOptions | None = None) -> SourceError:
    """The error of a pull that must fail; nothing false is left in the cache."""
    with pytest.raises(SourceError, match=words) as caught:
        pull(registry, options)
    for kind in ("blobs", "layers"):
        for path in (cache.directory() / kind).glob("*"):
            assert digest(path.read_bytes()) == path.name.replace("-", ":"), path
    return caught.value


def serve(registry: Registry, document: Any, media_type: str = MANIFEST) -> None:
    """This document as the image's manifest."""
    registry.put_manifest("app", document, "latest", media_type)


def descriptors(registry: Registry) -> dict[str, Any]:
    """The honest image's manifest, to be changed."""
    return {
        "schemaVersion": 2,
        "config": registry.put_blob("app", config_of(LAYERS, Cmd=["/x"]), CONFIG),
        "layers": [registry.put_blob("app", STORED, LAYER)],
    }


# ------------------------------------------------------------------ documents


def test_a_manifest_that_is_also_an_index_is_refused(registry: Registry) -> None:
    serve(registry, {**descriptors(registry), "manifests": []})
    refused(registry, "both `layers` and `manifests`")


@pytest.mark.parametrize(
    "stated",
    ["../../../../etc/passwd", "sha256:../x", "sha512:" + "0" * 128, "", None, 5, "latest"],
)
def test_a_digest_that_is_a_path_is_refused(registry: Registry, stated: object) -> None:
    honest = descriptors(registry)
    for part in ("layers", "config"):
        changed = json.loads(json.dumps(honest))
        entry = changed["layers"][0] if part == "layers" else changed["config"]
        entry["digest"] = stated
        serve(registry, changed)
        refused(registry, "is not a sha256 digest")
    serve(registry, {"manifests": [{"digest": stated, "size": 1, "mediaType": MANIFEST}]}, INDEX)
    refused(registry, "is not a sha256 digest")


@pytest.mark.parametrize("size", [None, -1, "5", 1.5, True])
def test_a_size_that_is_none_is_refused(registry: Registry, size: object) -> None:
    document = descriptors(registry)
    document["layers"][0]["size"] = size
    serve(registry, document)
    refused(registry, "claims the size")


@pytest.mark.parametrize(
    "document",
    [
        {}, {"layers": 5, "config": {}}, {"layers": [5], "config": {}}, {"layers": []},
        {"layers": [], "config": []}, {"manifests": 5}, {"manifests": [None]}, {"manifests": []},
        [], 5, b"", b"{", b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(registry: Registry, document: object) -> None:
    serve(registry, document)
    refused(registry, "app")


def test_schema_1_is_refused_with_the_way_out(registry: Registry) -> None:
    for kind in ("v1+json", "v1+prettyjws"):
        document = {"schemaVersion": 1, "fsLayers": [], "history": []}
        serve(registry, document, f"{DOCKER}.distribution.manifest.{kind}")
        assert "skopeo copy" in str(refused(registry, "schema 1").hint)


def test_a_media_type_that_says_otherwise_is_refused(registry: Registry) -> None:
    serve(registry, descriptors(registry), INDEX)
    refused(registry, "should be an index")
    serve(registry, {"manifests": [], "mediaType": MANIFEST}, INDEX)
    refused(registry, "should be a manifest")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"config": "application/vnd.cncf.helm.config.v1+json"}, "a Helm chart"),
        ({"layer": "application/vnd.dev.cosign.simplesigning.v1+json"}, "a cosign signature"),
        ({"layer": "application/vnd.in-toto+json"}, "an attestation"),
        ({"config": f"{DOCKER}.plugin.v1+json"}, "a Docker plugin"),
        ({"config": "application/vnd.wasm.config.v0+json"}, "a WebAssembly module"),
        ({"artifact": "application/spdx+json"}, "a bill of materials"),
        ({"config": f"{OCI[:-6]}.empty.v1+json", "artifact": "x/y"}, "an artifact of the type"),
        ({"layer": "application/x-tar"}, "an artifact of the type 'application/x-tar'"),
        ({"config": ""}, "something without media types"),
    ],
)
def test_what_is_no_image_is_said_to_be_what_it_is(
    registry: Registry, changes: dict[str, str], what: str
) -> None:
    document = descriptors(registry)
    if "config" in changes:
        document["config"]["mediaType"] = changes["config"]
    if "layer" in changes:
        document["layers"][0]["mediaType"] = changes["layer"]
    if "artifact" in changes:
        document["artifactType"] = changes["artifact"]
        document["config"]["mediaType"] = "application/vnd.oci.empty.v1+json"
    serve(registry, document)
    refused(registry, f"is {what}.*, not a container image")


def test_layers_that_the_registry_does_not_have_are_refused(registry: Registry) -> None:
    document = descriptors(registry)
    document["layers"][0] |= {
        "mediaType": f"{DOCKER}.image.rootfs.foreign.diff.tar.gzip",
        "urls": ["https://mcr.example/blob"],
    }
    serve(registry, document)
    refused(registry, r"not distributed by the registry, but by https://mcr\.example/blob")
    document["layers"][0]["mediaType"] = f"{OCI}.layer.v1.tar+gzip+encrypted"
    serve(registry, document)
    refused(registry, "is encrypted")


def test_an_empty_image_is_refused(registry: Registry) -> None:
    registry.put_image("app", [])
    refused(registry, "empty image")


# ------------------------------------------------------------------ platforms


def test_no_manifest_for_the_platform_says_which_there_are(registry: Registry) -> None:
    image = registry.put_image("app", LAYERS, "")
    entries = [
        {**image, "platform": {"os": "linux", "architecture": name}} for name in ("s390x", "arm64")
    ]
    serve(registry, {"manifests": entries}, INDEX)
    problem = refused(registry, "no image for linux/amd64; it has linux/arm64, linux/s390x")
    assert isinstance(problem, OtherPlatformError)
    assert "--platform" in str(problem.hint)


def test_images_of_windows_are_refused(registry: Registry) -> None:
    image = registry.put_image("app", LAYERS, "")
    windows = {"os": "windows", "architecture": "amd64", "os.version": "10.0"}
    serve(registry, {"manifests": [{**image, "platform": windows}]}, INDEX)
    assert isinstance(refused(registry, "for Windows only"), OtherPlatformError)
    config = json.loads(config_of(LAYERS)) | {"os": "windows"}
    registry.put_image("app", LAYERS, config=json.dumps(config).encode())
    refused(registry, "an image of Windows")
    wanted = SourceOptions(platform=parse_platform("windows/amd64"))
    problem = refused(registry, "an image of Windows", wanted)
    assert isinstance(problem, OtherPlatformError)


def test_a_bare_name_s_platform_is_told_whatever_the_daemon_says(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no")
    config = json.loads(config_of(LAYERS)) | {"os": "windows"}
    registry.put_image("app", LAYERS, config=json.dumps(config).encode())
    with pytest.raises(OtherPlatformError, match="an image of Windows"):
        read_image(f"{registry.address}/app", Silent())


def test_an_image_without_an_index_has_the_platform_it_says(registry: Registry) -> None:
    config = json.loads(config_of(LAYERS)) | {"architecture": "arm64"}
    registry.put_image("app", LAYERS, config=json.dumps(config).encode())
    problem = refused(registry, "is for linux/arm64, not linux/amd64")
    assert isinstance(problem, OtherPlatformError)
    assert "--platform linux/arm64" in str(problem.hint)
    wanted = SourceOptions(platform=parse_platform("linux/arm64"))
    assert pull(registry, wanted).config.architecture == "arm64"


def test_indexes_in_indexes_end(registry: Registry) -> None:
    entry = registry.put_image("app", LAYERS, "")
    for _ in range(10):
        entry = registry.put_manifest("app", {"manifests": [entry]}, "latest", INDEX)
    refused(registry, "nested more than")


# ------------------------------------------------------------------ bodies


def test_another_layer_than_was_promised_is_not_kept(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    registry.serve(LAYER_PATH, bytes(len(STORED)))
    refused(registry, "gave content with the digest")
    (partial,) = (cache.directory() / "partial").iterdir()
    assert partial.stat().st_size == 0


def test_another_manifest_than_its_digest_is_refused(registry: Registry) -> None:
    version = registry.put_image("app", LAYERS)["digest"]
    registry.serve(f"/v2/app/manifests/{version}", b"{}", MANIFEST)
    with pytest.raises(SourceError, match="gave a manifest with the digest"):
        pull(registry, name=f"app@{version}")


def test_a_layer_that_is_not_its_diff_id_is_refused(registry: Registry) -> None:
    registry.put_image("app", LAYERS, config=config_of([layer(file("other"))]))
    refused(registry, "its content has the digest")


def test_a_layer_that_is_always_cut_short_is_given_up(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = lambda _: Reply(200, STORED[:10], {}, len(STORED))
    refused(registry, f"{digest(STORED)}|cut short|closed|without|incomplete")
    assert len(registry.asked(LAYER_PATH)) == transport.PATIENCE.attempts


def test_a_layer_shorter_than_stated_is_given_up(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = lambda _: Reply(200, STORED[:10])
    refused(registry, f"cut short: 10 of {len(STORED)} bytes")


def test_a_body_that_says_it_is_too_long_is_not_read(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = lambda _: Reply(200, STORED, {}, 1 << 40)
    refused(registry, "is longer than the")
    assert len(registry.asked(LAYER_PATH)) == 1


def endless(_: Request) -> Iterator[bytes]:
    return itertools.repeat(b"x" * 4096)


def test_an_endless_layer_ends_at_its_size(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = endless
    refused(registry, "is longer than the")


def test_an_endless_manifest_ends(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "METADATA_BYTES", 1 << 20)
    registry.acts[MANIFEST_PATH] = endless
    refused(registry, "more than 1048576 bytes")


def drip(_: Request) -> Iterator[bytes]:
    for _ in range(1000):
        time.sleep(0.01)
        yield b" "


def test_a_manifest_that_drips_is_given_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_BODY_S", 0.1)
    registry.acts[MANIFEST_PATH] = drip
    refused(registry, "not answered in full")


def test_a_layer_that_drips_is_given_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_WINDOW_S", 0.1)
    monkeypatch.setattr(download, "_SLOWEST_BYTES_PER_S", 1 << 20)
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = drip
    refused(registry, "all but stopped")


def test_silence_is_given_up(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_: Request) -> Iterator[bytes]:
        time.sleep(2)
        yield b""

    monkeypatch.setattr(transport, "_SILENCE_S", 0.1)
    registry.acts[MANIFEST_PATH] = silent
    assert "try again later" in str(refused(registry, "tried 3 times").hint)


def test_a_layer_larger_than_the_limit_is_not_fetched(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    small = SourceOptions(limits=limits.Limits(layer_bytes=10))
    assert "--limit layer-bytes=N" in str(refused(registry, "bytes large", small).hint)
    assert not registry.asked("/blobs/")


def test_a_decompression_bomb_is_stopped_and_can_be_let_pass(registry: Registry) -> None:
    registry.put_image("app", [layer(file("zeros", bytes(4 << 20)))])
    small = SourceOptions(limits=limits.Limits(expansion=10))
    assert "--limit expansion=N" in str(refused(registry, "decompression bomb", small).hint)
    assert pull(registry).tree.get("/zeros") is not None


def test_a_range_that_was_not_asked_for_is_no_rest(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    partial = cache.directory() / "partial" / cache.path("blobs", digest(STORED)).name
    partial.parent.mkdir(parents=True)
    partial.write_bytes(STORED[:10])
    wrong = {"Content-Range": f"bytes 0-{len(STORED) - 1}/{len(STORED)}"}

    def act(request: Request) -> Reply:
        return Reply(206, STORED, wrong) if "range" in request.headers else Reply(200, STORED)

    registry.acts[LAYER_PATH] = act
    assert pull(registry).tree.get("/a") is not None


# ------------------------------------------------------------------ statuses


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401), "not for us to read"),
        (Reply(403, b'{"errors":[{"code":"DENIED"}]}'), "DENIED"),
        (Reply(404), "has no app:latest"),
        (Reply(400), "answers 400"),
        (Reply(200, b"<html>", {"Content-Type": "text/html; charset=utf-8"}), "web page"),
        (Reply(404, b"<html>", {"Content-Type": "text/html"}), "web page"),
        (Reply(204), "app"),
        (Reply(200, b"", {"Content-Encoding": "gzip"}), "app"),
    ],
)
def test_answers_that_end_it(registry: Registry, reply: Reply, words: str) -> None:
    registry.acts[MANIFEST_PATH] = lambda _: reply
    refused(registry, words)
    assert len(registry.asked("/manifests/")) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_answers_that_may_change_are_asked_for_again(registry: Registry, status: int) -> None:
    registry.put_image("app", LAYERS)
    for path in (MANIFEST_PATH, LAYER_PATH):
        honest, times = registry.acts[path], iter([1, 2])
        registry.acts[path] = (
            lambda request, honest=honest, times=times: (
                Reply(status) if next(times, None) else honest(request)
            )
        )  # fmt: skip
    assert pull(registry).tree.get("/a") is not None
    for path in (MANIFEST_PATH, LAYER_PATH):
        registry.acts[path] = lambda _: Reply(status, b"busy")
    refused(registry, f"({status}|too many requests).*tried 3 times")


def test_a_pause_that_is_asked_for_is_made(registry: Registry) -> None:
    registry.put_image("app", LAYERS)
    honest, replies = registry.acts[MANIFEST_PATH], iter([Reply(429, b"", {"Retry-After": "1"})])
    registry.acts[MANIFEST_PATH] = lambda request: next(replies, None) or honest(request)
    began_s = time.monotonic()
    pull(registry)
    assert time.monotonic() - began_s > 1


def test_a_pause_that_is_too_long_is_not_made(registry: Registry) -> None:
    registry.acts[MANIFEST_PATH] = lambda _: Reply(429, b"", {"Retry-After": "86400"})
    assert "asks to wait 86400 s" in str(refused(registry, "too many requests").hint)
    assert len(registry.asked("/manifests/")) == 1


def test_retry_after_is_seconds_or_a_date() -> None:
    assert transport.retry_after_s("120") == 120
    assert transport.retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert transport.retry_after_s("Wed, 21 Oct 2999 07:28:00 GMT") > 1e9
    for nonsense in ("", "-5", "soon", "²", "1e9"):
        assert transport.retry_after_s(nonsense) == 0


def test_nobody_there_is_said_soon(own_places: Path) -> None:
    with registries.registry() as served:
        gone = served.address
    with pytest.raises(SourceError, match=r"tried 2 times") as caught:
        read_image(f"docker://{gone}/app", Silent())
    assert "check the name" in str(caught.value.hint)


def test_what_a_server_says_is_shown_without_its_controls(registry: Registry) -> None:
    message = "\x1b[2J\r\nboo" + "x" * 100_000
    body = json.dumps({"errors": [{"code": "X", "message": message}]}).encode()
    registry.acts[MANIFEST_PATH] = lambda _: Reply(400, body)
    problem = refused(registry, "boo")
    assert problem.message.isprintable()
    assert len(problem.message) < 600


# ------------------------------------------------------------------ redirects


@pytest.fixture
def guarded(registry: Registry, own_places: Path) -> Registry:
    """A registry with a password, which we have."""
    registry.put_image("app", LAYERS)
    entry = {"auths": {registry.address: {"auth": "dXNlcjpwYXNz"}}}
    path = own_places / "home/.docker/config.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(entry))

    def guard(request: Request) -> Reply:
        if "authorization" in request.headers:
            return Reply()
        return Reply(401, b"", {"WWW-Authenticate": "Basic"})

    registry.guard = guard
    return registry


def test_a_redirect_to_another_host_carries_no_authorization(guarded: Registry) -> None:
    with registries.registry("localhost") as elsewhere:
        elsewhere.serve("/store/blob", STORED)
        target = f"http://{elsewhere.address}/store/blob?signature=x"
        guarded.acts[LAYER_PATH] = lambda _: Reply(307, b"", {"Location": target})
        pull(guarded)
        (request,) = elsewhere.requests
        assert "authorization" not in request.headers
        assert "cookie" not in request.headers


def test_a_redirect_within_the_registry_keeps_it(guarded: Registry) -> None:
    guarded.serve("/elsewhere", STORED)
    guarded.acts[LAYER_PATH] = lambda _: Reply(302, b"", {"Location": "/elsewhere"})
    pull(guarded)
    assert guarded.asked("/elsewhere")[0].headers["authorization"] == "Basic dXNlcjpwYXNz"


def test_what_a_redirect_leads_to_cannot_ask_for_a_password(guarded: Registry) -> None:
    """Storage refuses an address that has run out; the registry gives a new one."""
    with registries.registry("localhost") as elsewhere:
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{elsewhere.address}/token"'}
        replies = iter([Reply(401, b"", challenge), Reply(403)])
        elsewhere.acts["/blob"] = lambda _: next(replies, Reply(200, STORED))
        target = f"http://{elsewhere.address}/blob"
        guarded.acts[LAYER_PATH] = lambda _: Reply(307, b"", {"Location": target})
        pull(guarded)
        assert [request.path for request in elsewhere.requests] == ["/blob"] * 3
        assert not [one for one in elsewhere.requests if "authorization" in one.headers]


def test_a_redirect_from_tls_to_none_is_refused() -> None:
    verified = Session(Transport(frozenset()), Endpoint("example.com", "example.com", "app"))
    verified._scheme = "https"
    for target in ("http://example.com/x", "http://cdn.example.net/x"):
        response = httpx.Response(
            302, headers={"Location": target}, request=httpx.Request("GET", "https://example.com/")
        )
        with pytest.raises(SourceError, match="is not https"):
            verified._redirected(response)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://x/", "", "http:// /", "http://[", "gopher://x"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(registry: Registry, target: str) -> None:
    registry.put_image("app", LAYERS)
    registry.acts[LAYER_PATH] = lambda _: Reply(302, b"", {"Location": target})
    refused(registry, "redirects to")


def test_redirects_in_a_ring_end(registry: Registry) -> None:
    registry.acts[MANIFEST_PATH] = lambda _: Reply(302, b"", {"Location": MANIFEST_PATH})
    refused(registry, "redirects more than")
    assert len(registry.requests) <= 10
